//! The first start announces no history, and every start no clock.

use super::*;

fn fresh(settings: HttpSource) -> (Http, Book) {
    (Http::new("prod", settings).unwrap(), Book::default())
}

#[tokio::test]
async fn what_ended_before_the_first_start_is_history_and_what_runs_is_not() {
    let engine = Engine::new(|_| {
        ok(list(&[
            run("a", "failed", minutes(-1)),
            run("b", "running", minutes(-1)),
            run("c", "completed", minutes(-90)),
        ]))
    })
    .await;
    let (mut http, book) = fresh(engine.settings());
    http.poll(&book, at(NOW)).await.unwrap();
    assert_eq!(book.read(), ["-a failed", "!b running", "-c completed"]);
    engine.now(|_| ok(list(&[run("b", "failed", minutes(1)), run("d", "failed", minutes(-30))])));
    poll(&mut http, &book).await.unwrap();
    assert_eq!(
        book.read(),
        ["!b failed", "!d failed"],
        "what is listed late is news, unless it is older than the baseline by far"
    );
    engine.now(|_| ok(list(&[run("z", "failed", minutes(-60 * 24 - 1))])));
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["-z failed"]);
}

#[tokio::test]
async fn as_much_of_the_past_is_announced_as_was_asked_for() {
    let engine = Engine::new(|_| ok(list(&[run("a", "failed", minutes(-50)), run("b", "failed", minutes(-70))]))).await;
    let mut settings = engine.settings();
    settings.polling.history = Duration::from_hours(1);
    let (mut http, book) = fresh(settings);
    http.poll(&book, at(NOW)).await.unwrap();
    assert_eq!(book.read(), ["!a failed", "-b failed"]);
}

#[tokio::test]
async fn an_engine_whose_clock_is_an_hour_off_is_read_by_its_own_clock() {
    for (skew, dated) in [(-60, true), (60, true), (-60, false), (60, false)] {
        // Either the whole machine is off, or only what stamps the runs.
        let date = if dated { minutes(skew) } else { at(NOW) };
        let answer = move |runs: &[String]| ok(list(runs)).with("date", http_date(date));
        let engine = Engine::new(move |_| answer(&[run("before", "failed", minutes(skew - 1))])).await;
        let (mut http, book) = fresh(engine.settings());
        http.poll(&book, at(NOW)).await.unwrap();
        assert_eq!(book.read(), ["-before failed"], "{skew} {dated}");
        for minute in 1..=3 {
            let id = format!("n{minute}");
            engine.now(move |_| answer(&[run(&id, "failed", minutes(skew + minute))]));
            http.poll(&book, minutes(minute)).await.unwrap();
            assert_eq!(book.read(), [format!("!n{minute} failed")], "{skew} {dated}");
        }
        let watermark = book.checkpoint().watermark.unwrap();
        assert!(watermark <= date.max(minutes(skew + 3)), "{skew} {dated}: {watermark}");
    }
}

#[tokio::test]
async fn what_fails_while_the_engine_could_not_be_read_yet_is_news() {
    let engine = Engine::new(|_| status(503, "")).await;
    let (mut http, book) = fresh(engine.settings());
    http.poll(&book, at(NOW)).await.unwrap_err();
    engine.now(|_| {
        ok(list(&[run("before", "failed", minutes(-5)), run("since", "failed", minutes(20))]))
            .with("date", http_date(minutes(30)))
    });
    // A restart in between changes nothing.
    let mut http = Http::new("prod", engine.settings()).unwrap();
    http.poll(&book, minutes(30)).await.unwrap();
    assert_eq!(book.read(), ["-before failed", "!since failed"]);
}

#[tokio::test]
async fn an_empty_first_answer_does_not_turn_all_of_the_past_into_news() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = fresh(engine.settings());
    http.poll(&book, at(NOW)).await.unwrap();
    engine.now(|_| ok(list(&[run("past", "failed", minutes(-60 * 24 - 1)), run("new", "failed", minutes(1))])));
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["-past failed", "!new failed"]);
}

#[tokio::test]
async fn a_mark_in_the_year_9999_hides_nothing() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    engine.now(|_| ok(list(&[run("bogus", "failed", at("9999-01-01T00:00:00Z"))])));
    poll(&mut http, &book).await.unwrap();
    assert!(book.checkpoint().watermark.unwrap() <= at(NOW));
}

fn millis(offset: i64) -> Timestamp {
    at(NOW) + jiff::SignedDuration::from_millis(offset)
}

#[tokio::test]
async fn what_fails_between_our_start_and_the_first_answer_is_news_to_the_millisecond() {
    for date in [Some(0), None] {
        let engine = Engine::new(move |_| {
            let runs = list(&[
                run("before", "failed", millis(299)),
                run("after", "failed", millis(301)),
                // An engine that cuts fractions: it may have been after our start.
                run("cut", "failed", millis(0)),
                run("old", "failed", millis(-1000)),
            ]);
            let mut reply = ok(runs);
            reply.headers.retain(|_| date.is_some());
            reply
        })
        .await;
        let (http, book) = fresh(engine.settings());
        let mut http = http.set_up_at(millis(300));
        http.poll(&book, millis(700)).await.unwrap();
        assert_eq!(book.read(), ["-before failed", "!after failed", "!cut failed", "-old failed"], "{date:?}");
    }
}

#[tokio::test]
async fn what_fails_before_the_first_answer_of_an_engine_an_hour_off_is_news() {
    for hour in [-60, 60] {
        let engine = Engine::new(move |_| {
            ok(list(&[
                run("after", "failed", minutes(hour) + (millis(400) - at(NOW))),
                run("old", "failed", minutes(hour - 1)),
            ]))
            .with("date", http_date(minutes(hour)))
        })
        .await;
        let (http, book) = fresh(engine.settings());
        let mut http = http.set_up_at(millis(300));
        http.poll(&book, millis(700)).await.unwrap();
        assert_eq!(book.read(), ["!after failed", "-old failed"], "{hour}");
    }
}

#[tokio::test]
async fn after_an_empty_first_list_no_clock_makes_history_of_a_failure() {
    for (skew, date) in [(0, true), (0, false), (-60, true), (-60, false), (60, true), (60, false)] {
        let dated = move |runs: &[String]| {
            let mut reply = ok(list(runs));
            reply.headers.retain(|_| date);
            reply
        };
        let engine = Engine::new(move |_| dated(&[])).await;
        let (mut http, book) = fresh(engine.settings());
        http.poll(&book, at(NOW)).await.unwrap();
        engine.now(move |_| dated(&[run("new", "failed", minutes(skew))]));
        http.poll(&book, millis(1000)).await.unwrap();
        assert_eq!(book.read(), ["!new failed"], "{skew} {date}");
    }
}

#[tokio::test]
async fn behind_a_list_that_was_cut_short_lies_history() {
    let engine =
        Engine::new(|_| ok(list(&[run("a", "failed", minutes(-2))])).with("link", r#"</runs?p=2>; rel="next""#)).await;
    let settings = HttpSource { pagination: Pagination::Link, max_pages: 1, ..engine.settings() };
    let (mut http, book) = fresh(settings);
    http.poll(&book, at(NOW)).await.unwrap();
    assert_eq!(book.read(), ["-a failed"]);
    engine.now(|_| ok(list(&[run("b", "failed", minutes(1)), run("deeper", "failed", minutes(-3))])));
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!b failed", "-deeper failed"]);
}
