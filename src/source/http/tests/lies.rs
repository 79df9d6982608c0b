//! An engine that answers nonsense: that is a failed poll, never "no runs".

use super::*;

async fn refused(reply: Reply) -> PollError {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    let before = book.checkpoint();
    engine.now(move |_| reply.clone());
    let error = poll(&mut http, &book).await.unwrap_err();
    assert_eq!(book.checkpoint(), before);
    assert!(book.read().is_empty());
    error
}

#[tokio::test]
async fn a_login_page_a_torn_answer_and_a_wrong_shape_are_no_lists_of_runs() {
    for body in
        ["<html>please log in</html>", "", "[{\"id\":", r#"{"results":[]}"#, "[1,2]", "\"ok\"", "[{\"id\":\"1\"}]"]
    {
        let error = refused(ok(body)).await;
        assert!(error.reason.contains("not the shape of a list of runs"), "{body}: {error}");
    }
    let error = refused(Reply { torn: true, ..ok("[]") }).await;
    assert!(error.reason.contains("connection lost"), "{error}");
}

#[tokio::test]
async fn a_hundred_thousand_brackets_end_nothing() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let error = refused(ok(deep)).await;
    assert!(error.reason.contains("not the shape"), "{error}");
}

#[tokio::test]
async fn a_huge_answer_is_an_error_and_is_not_read_to_its_end() {
    let error = refused(ok(format!("[{}]", " ".repeat(9 * 1024 * 1024)))).await;
    assert!(error.reason.contains("longer than 8 MiB"), "{error}");
}

#[tokio::test]
async fn what_the_engine_says_is_quoted_short_and_without_secrets_addresses_and_controls() {
    let body = format!("bad token tok-SECRET,\u{1b}[31m see https://x.example/?key=1 \u{202e}{}", "z".repeat(5_000));
    let error = refused(status(401, &body)).await;
    assert_eq!(error.doing, "asking for the list of runs");
    assert!(error.reason.starts_with("answered 401: bad token ***, [31m see (address) zzz"), "{error}");
    assert!(error.reason.chars().count() < 230, "{error}");
}

#[tokio::test]
async fn the_engine_says_how_long_to_wait() {
    let error = refused(status(429, "slow down").with("retry-after", "17")).await;
    assert_eq!(error.retry_after, Some(17));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_what_to_do() {
    let error = refused(status(302, "").with("location", "http://127.0.0.1:1/")).await;
    assert!(error.reason.contains("set the final address"), "{error}");
}

#[tokio::test]
async fn one_bad_item_does_not_spoil_the_others_and_is_counted() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (http, book) = settled(&engine, engine.settings()).await;
    let (metrics, _) = Metrics::new();
    let mut http = http.counting(metrics.clone());
    engine.now(|_| ok(format!("[{}, {{\"id\":7}}]", run("a", "failed", minutes(1)))));
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!a failed"]);
    let label = SourceLabel { source: "prod".to_owned() };
    assert_eq!(metrics.refused_runs.get_or_create(&label).get(), 1);
}

#[tokio::test]
async fn envelopes_ndjson_and_single_runs_are_native_too() {
    let one = || run("a", "failed", minutes(1));
    for body in [
        one(),
        format!("{{\"data\":[{}],\"total\":1}}", one()),
        format!("{{\"items\":[{}]}}", one()),
        format!("{}\n{}\n", one(), run("b", "running", minutes(1))),
    ] {
        let engine = Engine::new(|_| ok("[]")).await;
        let (mut http, book) = settled(&engine, engine.settings()).await;
        engine.now(move |_| ok(body.clone()));
        poll(&mut http, &book).await.unwrap();
        assert_eq!(book.read()[0], "!a failed");
    }
}

#[tokio::test]
async fn a_batch_that_was_not_committed_is_handed_over_again() {
    let engine = Engine::new(|_| ok("[]")).await;
    let (mut http, book) = settled(&engine, engine.settings()).await;
    engine.now(|_| ok(list(&[run("a", "failed", minutes(1))])));
    book.refuse(true);
    let error = poll(&mut http, &book).await.unwrap_err();
    assert_eq!(error.to_string(), "handing over runs: disk full");
    book.refuse(false);
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!a failed"]);
    poll(&mut http, &book).await.unwrap();
    assert!(book.read().is_empty(), "the same again is not handed over twice");
}
