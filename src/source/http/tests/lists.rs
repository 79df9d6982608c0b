//! Every way in which a list goes on.

use super::*;

const CHANGED: i64 = 1;

fn ids(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| run(&format!("{prefix}{n}"), "failed", minutes(CHANGED))).collect()
}

fn wanted(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("!{prefix}{n} failed")).collect()
}

fn number_in(target: &str, param: &str) -> usize {
    let (_, query) = target.split_once('?').unwrap_or_default();
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{param}=")));
    pair.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn by_page(size: u32) -> Pagination {
    Pagination::Page { param: "page".to_owned(), first: 1, size: Some(("per_page".to_owned(), size)) }
}

#[tokio::test]
async fn links_are_followed_to_the_end_relative_ones_too() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: Pagination::Link, ..engine.settings() }).await;
    engine.now(|target| match target {
        "/runs" => ok(list(&ids("a", 0..2))).with("link", r#"</runs?p=2>; rel="next""#),
        _ => ok(list(&ids("b", 0..2))).with("link", r#"</runs>; rel="first""#),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), [wanted("a", 0..2), wanted("b", 0..2)].concat());
}

#[tokio::test]
async fn a_link_to_another_host_fails_the_poll_and_is_not_asked() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: Pagination::Link, ..engine.settings() }).await;
    engine.now(|_| ok(list(&ids("a", 0..1))).with("link", r#"<http://evil.example/>; rel="next""#));
    let error = poll(&mut http, &book).await.unwrap_err();
    assert!(error.reason.contains("another host") && !error.reason.contains("evil"), "{error}");
    assert_eq!(book.read(), wanted("a", 0..1));
}

#[tokio::test]
async fn a_cursor_is_sent_until_it_is_null() {
    let engine = Engine::new(|_| ok("[]")).await;
    let pagination = Pagination::Cursor { next: ".next?".to_owned(), param: "cursor".to_owned() };
    let (mut http, book) =
        settled(&engine, HttpSource { pagination, filter: Some(".runs? // .".to_owned()), ..engine.settings() }).await;
    engine.now(|target| match target {
        "/runs" => ok(format!(r#"{{"runs":{},"next":"a b"}}"#, list(&ids("a", 0..1)))),
        _ => ok(format!(r#"{{"runs":{},"next":null}}"#, list(&ids("b", 0..1)))),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!a0 failed", "!b0 failed"]);
    assert_eq!(engine.targets(), ["/runs", "/runs?cursor=a+b"]);
}

#[tokio::test]
async fn a_cursor_that_leads_in_a_circle_ends_the_poll_as_an_error() {
    let engine = Engine::new(|_| ok("[]")).await;
    let pagination = Pagination::Cursor { next: ".next?".to_owned(), param: "cursor".to_owned() };
    let (mut http, book) = settled(&engine, HttpSource { pagination, ..engine.settings() }).await;
    let before = book.checkpoint();
    let count = std::sync::atomic::AtomicUsize::new(0);
    engine.now(move |_| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ok(format!(r#"{{"runs":{},"next":"c{}"}}"#, list(&ids("a", n..n + 1)), n % 2))
    });
    let error = poll(&mut http, &book).await.unwrap_err();
    assert!(error.reason.contains("pages repeat"), "{error}");
    assert_eq!(engine.targets().len(), 3);
    assert_eq!(book.checkpoint(), before);
}

#[tokio::test]
async fn pages_are_counted_until_a_short_one() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(2), ..engine.settings() }).await;
    engine.now(|target| match number_in(target, "page") {
        1 => ok(list(&ids("a", 0..2))),
        2 => ok(list(&ids("b", 0..2))),
        _ => ok(list(&ids("c", 0..1))),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), [wanted("a", 0..2), wanted("b", 0..2), wanted("c", 0..1)].concat());
    assert_eq!(engine.targets().first().map(String::as_str), Some("/runs?page=1&per_page=2"));
}

#[tokio::test]
async fn a_filter_that_drops_rows_does_not_make_a_page_short() {
    let engine = Engine::new(|_| ok("[]")).await;
    let settings = HttpSource {
        pagination: Pagination::Offset { param: "offset".to_owned(), limit_param: "limit".to_owned(), limit: 2 },
        filter: Some(r#"[.[] | select(.status == "failed")]"#.to_owned()),
        ..engine.settings()
    };
    let (mut http, book) = settled(&engine, settings).await;
    engine.now(|target| match number_in(target, "offset") {
        0 => ok(list(&[run("x", "completed", minutes(1)), run("y", "completed", minutes(1))])),
        2 => ok(list(&[run("z", "completed", minutes(1)), run("a0", "failed", minutes(1))])),
        _ => ok("[]"),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!a0 failed"]);
    assert_eq!(engine.targets(), ["/runs?offset=0&limit=2", "/runs?offset=2&limit=2", "/runs?offset=4&limit=2"]);
}

#[tokio::test]
async fn an_engine_that_ignores_the_page_number_is_found_out() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(2), ..engine.settings() }).await;
    engine.now(|_| ok(list(&ids("a", 0..2))));
    let error = poll(&mut http, &book).await.unwrap_err();
    assert!(error.reason.contains("pages repeat"), "{error}");
    assert_eq!(book.read(), wanted("a", 0..2));
    assert_eq!(engine.targets().len(), 2);
}

#[tokio::test]
async fn a_second_page_that_always_fails_lets_the_first_through_and_holds_the_checkpoint() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(2), ..engine.settings() }).await;
    let before = book.checkpoint();
    engine.now(|target| match number_in(target, "page") {
        1 => ok(list(&ids("a", 0..2))),
        _ => status(500, "boom"),
    });
    for _ in 0..3 {
        let error = poll(&mut http, &book).await.unwrap_err();
        assert_eq!(error.to_string(), "asking for page 2 of the runs: answered 500: boom");
    }
    assert_eq!(book.read(), wanted("a", 0..2), "handed over once");
    assert_eq!(book.checkpoint(), before);
    engine.now(
        |target| if number_in(target, "page") == 1 { ok(list(&ids("a", 0..2))) } else { ok(list(&ids("b", 0..1))) },
    );
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), wanted("b", 0..1));
    assert_eq!(book.checkpoint().watermark, Some(at(NOW)), "never ahead of the engine's clock");
}

#[tokio::test]
async fn shuffled_pages_lose_nothing_and_repeat_nothing() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(3), ..engine.settings() }).await;
    engine.now(|target| match number_in(target, "page") {
        1 => ok(list(&[
            run("a2", "failed", minutes(1)),
            run("a0", "failed", minutes(-3)),
            run("a1", "failed", minutes(0)),
        ])),
        2 => ok(list(&[
            run("a1", "failed", minutes(0)),
            run("a3", "failed", minutes(-5)),
            run("a2", "failed", minutes(1)),
        ])),
        _ => ok("[]"),
    });
    poll(&mut http, &book).await.unwrap();
    let mut read = book.read();
    read.sort();
    assert_eq!(read, wanted("a", 0..4));
}

#[tokio::test]
async fn reading_stops_at_what_an_earlier_poll_has_read() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(2), ..engine.settings() }).await;
    engine.now(|target| match number_in(target, "page") {
        1 => ok(list(&ids("a", 0..2))),
        2 => ok(list(&[run("o1", "completed", minutes(-700)), run("o2", "completed", minutes(-701))])),
        _ => status(500, "must not be asked"),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(engine.targets().len(), 2);
}

#[tokio::test]
async fn a_late_finisher_is_found_however_deep_it_lies() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(1), ..engine.settings() }).await;
    book.open("slow", minutes(-900));
    // Listed by start, without a last change: only its start says how deep it lies.
    let by_start = |id: &str, status: &str, started: i64| {
        format!(r#"{{"id":"{id}","workflow":{{"id":"wf"}},"status":"{status}","startedAt":"{}"}}"#, minutes(started))
    };
    engine.now(move |target| match number_in(target, "page") {
        1 => ok(list(&[by_start("new", "completed", 1)])),
        2 => ok(list(&[by_start("old1", "completed", -800)])),
        3 => ok(list(&[by_start("slow", "failed", -900)])),
        4 => ok(list(&[by_start("older", "completed", -1000)])),
        _ => status(500, "must not be asked"),
    });
    poll(&mut http, &book).await.unwrap();
    assert!(book.read().contains(&"!slow failed".to_owned()));
}

#[tokio::test]
async fn more_new_runs_than_max_pages_are_said_and_the_watermark_stays() {
    let engine = Engine::new(|_| ok("[]")).await;
    let settings = HttpSource { pagination: by_page(1), max_pages: 3, ..engine.settings() };
    let (mut http, book) = settled(&engine, settings).await;
    let before = book.checkpoint();
    engine.now(|target| {
        let n = number_in(target, "page");
        ok(list(&ids("a", n..n + 1)))
    });
    let error = poll(&mut http, &book).await.unwrap_err();
    assert!(error.reason.contains("max_pages (3)"), "{error}");
    assert_eq!(book.read(), wanted("a", 1..4));
    assert_eq!(book.checkpoint(), before);
}

#[tokio::test]
async fn since_is_the_watermark_minus_the_overlap() {
    let engine = Engine::new(|_| ok("[]")).await;
    let url = format!("{}/runs?after={{since}}", engine.url).parse().unwrap();
    let (mut http, book) = settled(&engine, HttpSource { url, ..engine.settings() }).await;
    engine.now(|_| ok(list(&[run("a", "failed", minutes(-20))])));
    poll(&mut http, &book).await.unwrap();
    engine.heads();
    poll(&mut http, &book).await.unwrap();
    assert_eq!(engine.targets(), ["/runs?after=2026-11-22T01%3A30%3A00Z"]);
}

#[tokio::test]
async fn an_unchanged_list_is_a_success_without_a_body() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    engine.now(|_| ok(list(&ids("a", 0..1))).with("etag", "\"v1\""));
    poll(&mut http, &book).await.unwrap();
    book.read();
    engine.heads();
    engine.now(|_| status(304, ""));
    assert_eq!(poll(&mut http, &book).await, Ok(Polled::default()));
    let heads = engine.heads();
    assert!(heads[0].contains("if-none-match: \"v1\""), "{heads:?}");
    assert!(book.read().is_empty());
}

#[tokio::test]
async fn the_token_goes_with_every_request() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    poll(&mut http, &book).await.unwrap();
    let heads = engine.heads();
    assert!(heads[0].contains("authorization: Bearer tok-SECRET"), "{heads:?}");
}

#[tokio::test]
async fn a_list_whose_oldest_runs_come_first_is_read_to_its_end() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: by_page(2), ..engine.settings() }).await;
    engine.now(|target| match number_in(target, "page") {
        1 => ok(list(&[run("o1", "completed", minutes(-700)), run("o2", "completed", minutes(-690))])),
        _ => ok(list(&[run("new", "failed", minutes(1))])),
    });
    for _ in 0..2 {
        poll(&mut http, &book).await.unwrap();
    }
    assert!(book.read().contains(&"!new failed".to_owned()));
    engine.heads();
    engine.now(|target| match number_in(target, "page") {
        1 => ok(list(&[run("o1", "completed", minutes(-700)), run("o2", "completed", minutes(-690))])),
        2 => ok(list(&[run("new", "failed", minutes(1)), run("newer", "failed", minutes(2))])),
        _ => ok("[]"),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!newer failed"]);
}
