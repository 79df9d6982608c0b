//! Detail requests, and runs that were open when last seen.

use super::*;

fn with_step(id: &str, changed: Timestamp) -> String {
    let bare = run(id, "failed", changed);
    let steps = r#","steps":[{"title":"Create contact","status":"failed","error":{"code":"E"}}]}"#;
    format!("{}{steps}", &bare[..bare.len() - 1])
}

async fn engine_with_detail() -> (Engine, Http, Book) {
    let engine = Engine::new(|_| ok("[]")).await;
    let settings = HttpSource { detail: Some(engine.detail()), ..engine.settings() };
    let (http, book) = settled(&engine, settings).await;
    (engine, http, book)
}

#[tokio::test]
async fn a_failed_run_is_asked_for_once_and_handed_over_with_its_steps() {
    let (engine, mut http, book) = engine_with_detail().await;
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("a", "failed", minutes(1)), run("b", "completed", minutes(1))])),
        "/runs/a" => ok(with_step("a", minutes(1))),
        _ => status(500, "must not be asked"),
    });
    poll(&mut http, &book).await.unwrap();
    let batches = book.batches();
    let found = batches.iter().flat_map(|batch| &batch.runs).find(|seen| seen.run.id == "a").unwrap();
    assert_eq!(found.run.steps[0].title, "Create contact");
    engine.heads();
    poll(&mut http, &book).await.unwrap();
    assert_eq!(engine.targets(), ["/runs"]);
    assert!(book.read().is_empty());
}

#[tokio::test]
async fn history_is_not_asked_for() {
    let engine = Engine::new(|_| ok(list(&[run("a", "failed", minutes(-5))]))).await;
    let mut http = Http::new("prod", HttpSource { detail: Some(engine.detail()), ..engine.settings() }).unwrap();
    let book = Book::default();
    http.poll(&book, at(NOW)).await.unwrap();
    poll(&mut http, &book).await.unwrap();
    assert_eq!(engine.targets(), ["/runs", "/runs"]);
    assert_eq!(book.read(), ["-a failed"]);
}

#[tokio::test]
async fn a_run_whose_details_never_come_goes_out_as_the_list_has_it() {
    let (engine, mut http, book) = engine_with_detail().await;
    let before = book.checkpoint();
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("poison", "failed", minutes(1)), run("good", "failed", minutes(1))])),
        "/runs/good" => ok(with_step("good", minutes(1))),
        _ => status(500, "boom"),
    });
    for _ in 0..2 {
        let error = poll(&mut http, &book).await.unwrap_err();
        assert_eq!(error.to_string(), "asking for run poison: answered 500: boom");
        assert_eq!(book.checkpoint(), before);
    }
    assert_eq!(book.read(), ["!good failed"]);
    poll(&mut http, &book).await.unwrap_err();
    poll_later(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!poison failed"]);
}

#[tokio::test]
async fn a_detail_endpoint_that_is_down_is_not_hammered_and_holds_nothing_back_for_ever() {
    let (engine, mut http, book) = engine_with_detail().await;
    engine.now(|target| match target {
        "/runs" => ok(list(&(0..30).map(|n| run(&format!("r{n}"), "failed", minutes(1))).collect::<Vec<_>>())),
        _ => status(503, ""),
    });
    for _ in 0..2 {
        poll(&mut http, &book).await.unwrap_err();
        assert_eq!(engine.targets().len(), 4);
    }
    poll_later(&mut http, &book).await.unwrap();
    assert_eq!(book.read().len(), 30);
}

#[tokio::test]
async fn a_rate_limit_is_no_reason_to_tell_a_run_without_its_steps() {
    let (engine, mut http, book) = engine_with_detail().await;
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("a", "failed", minutes(1))])),
        _ => status(429, "").with("retry-after", "30"),
    });
    for _ in 0..5 {
        let error = poll_later(&mut http, &book).await.unwrap_err();
        assert_eq!(error.retry_after, Some(30));
    }
    assert!(book.read().is_empty());
}

#[tokio::test]
async fn a_good_end_goes_out_behind_the_failure_before_it_and_waits_for_it() {
    let (engine, mut http, book) = engine_with_detail().await;
    let page = || ok(list(&[run("repaired", "completed", minutes(1)), run("broken", "failed", minutes(0))]));
    engine.now(move |target| if target == "/runs" { page() } else { status(500, "boom") });
    poll(&mut http, &book).await.unwrap_err();
    assert!(book.read().is_empty(), "the end waits with the failure that it follows");
    engine.now(move |target| if target == "/runs" { page() } else { ok(with_step("broken", minutes(0))) });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!broken failed", "!repaired completed"]);
    poll(&mut http, &book).await.unwrap();
    assert!(book.read().is_empty());
}

#[tokio::test]
async fn an_open_run_that_can_not_be_read_does_not_keep_the_list_from_moving_on() {
    let (engine, mut http, book) = engine_with_detail().await;
    book.open("odd", minutes(-900));
    let before = book.checkpoint();
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("a", "completed", minutes(1))])),
        _ => status(403, "not yours"),
    });
    poll(&mut http, &book).await.unwrap_err();
    assert_ne!(book.checkpoint(), before);
    poll(&mut http, &book).await.unwrap_err();
    poll_later(&mut http, &book).await.unwrap();
    poll_later(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!a completed"]);
}

#[tokio::test]
async fn the_detail_of_another_run_is_not_believed_and_an_id_leads_nowhere_else() {
    let (engine, mut http, book) = engine_with_detail().await;
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("../x?y=1", "failed", minutes(1))])),
        _ => ok(with_step("other", minutes(1))),
    });
    let error = poll(&mut http, &book).await.unwrap_err();
    assert!(error.reason.contains("another run"), "{error}");
    assert_eq!(engine.targets(), ["/runs", "/runs/..%2Fx%3Fy%3D1"]);
}

#[tokio::test]
async fn an_open_run_that_the_list_does_not_show_is_asked_for_until_it_ends() {
    let (engine, mut http, book) = engine_with_detail().await;
    book.open("slow", minutes(-900));
    book.open("gone", minutes(-900));
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("b", "completed", minutes(1))])).with("etag", "\"v1\""),
        "/runs/slow" => ok(with_step("slow", minutes(1))),
        _ => status(404, ""),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!slow failed", "!b completed", "?gone"]);
    engine.heads();
    engine.now(|target| if target == "/runs" { status(304, "") } else { status(410, "") });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(engine.targets().len(), 3, "an unchanged list is no reason not to ask");
    assert_eq!(book.read(), ["?slow", "?gone"]);
}

#[tokio::test]
async fn without_a_detail_request_a_complete_list_that_does_not_show_it_forgets_a_run() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    book.open("gone", minutes(-2));
    book.open("pushed out", minutes(-900));
    engine.now(|_| ok("[]"));
    poll(&mut http, &book).await.unwrap();
    assert!(book.read().is_empty(), "an empty list proves nothing");
    engine.now(|_| ok(list(&[run("b", "completed", minutes(-3))])));
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!b completed", "?gone"]);
}

#[tokio::test]
async fn a_listed_run_is_not_forgotten_because_the_daemon_gave_it_a_workspace() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    book.open_in("acme", "long", minutes(-2));
    book.open_in("acme", "gone", minutes(-2));
    engine.now(|_| ok(list(&[run("long", "running", minutes(-2)), run("b", "completed", minutes(-3))])));
    poll(&mut http, &book).await.unwrap();
    let batches = book.batches();
    let forgotten: Vec<_> = batches.iter().flat_map(|batch| &batch.forgotten).collect();
    let [gone] = forgotten.as_slice() else { panic!("{forgotten:?}") };
    assert_eq!((gone.run.as_str(), gone.workspace.as_str()), ("gone", "acme"), "the key of the ledger comes back");
}

#[tokio::test]
async fn a_listed_run_in_a_workspace_of_the_daemon_is_not_asked_for_by_detail() {
    let (engine, mut http, book) = engine_with_detail().await;
    book.open_in("acme", "long", minutes(-2));
    engine.now(|target| match target {
        "/runs" => ok(list(&[run("long", "paused", minutes(-2))])),
        _ => status(404, "gone"),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!((engine.targets(), book.read()), (vec!["/runs".to_owned()], vec!["!long paused".to_owned()]));
}

/// How often an open run has to be missing from two pages whose runs ended at these minutes.
async fn polls_until_forgotten(first: i64, second: i64) -> usize {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, HttpSource { pagination: Pagination::Link, ..engine.settings() }).await;
    book.open("gone", minutes(-2));
    engine.now(move |target| match target {
        "/runs" => ok(list(&[run("b", "completed", minutes(first))])).with("link", "</runs?p=2>; rel=next"),
        _ => ok(list(&[run("c", "completed", minutes(second))])),
    });
    for polls in 1..10 {
        poll(&mut http, &book).await.unwrap();
        if book.read().contains(&"?gone".to_owned()) {
            return polls;
        }
    }
    panic!("never forgotten");
}

#[tokio::test]
async fn over_several_pages_a_run_has_to_be_missing_twice() {
    assert_eq!(polls_until_forgotten(1, 0).await, 2);
}

#[tokio::test]
async fn where_a_page_ends_amid_runs_of_one_time_a_run_has_to_be_missing_for_longer() {
    assert_eq!(polls_until_forgotten(1, 1).await, 4);
}

#[tokio::test]
async fn a_storm_is_asked_for_in_turns_and_the_checkpoint_waits_for_the_last() {
    let (engine, mut http, book) = engine_with_detail().await;
    let before = book.checkpoint();
    engine.now(|target| match target.strip_prefix("/runs/") {
        None => ok(list(&(0..250).map(|n| run(&format!("r{n}"), "failed", minutes(1))).collect::<Vec<_>>())),
        Some(id) => ok(with_step(id, minutes(1))),
    });
    assert_eq!(poll(&mut http, &book).await, Ok(Polled { runs: 200, more: true, ..Polled::default() }));
    assert_eq!(book.checkpoint(), before);
    assert_eq!(poll(&mut http, &book).await, Ok(Polled { runs: 50, more: false, ..Polled::default() }));
    assert_eq!(book.read().len(), 250);
    assert_ne!(book.checkpoint(), before);
}

#[tokio::test]
async fn details_in_a_foreign_shape_are_mapped_three_at_a_time() {
    let engine = Engine::new(|_| ok("[]")).await;
    let detail = Detail { filter: Some(".result".to_owned()), ..engine.detail() };
    let (mut http, book) = settled(&engine, HttpSource { detail: Some(detail), ..engine.settings() }).await;
    engine.now(|target| match target.strip_prefix("/runs/") {
        None => ok(list(&(0..7).map(|n| run(&format!("r{n}"), "failed", minutes(1))).collect::<Vec<_>>())),
        Some(id) => ok(format!("{{\"result\":{}}}", with_step(id, minutes(1)))),
    });
    assert_eq!(poll(&mut http, &book).await, Ok(Polled { runs: 7, more: false, ..Polled::default() }));
    assert!(book.batches().iter().flat_map(|batch| &batch.runs).all(|seen| !seen.run.steps.is_empty()));
}
