//! The jq filter, by itself and in a source.

use super::*;
use crate::source::filter::{Filter, FilterError, check_filter};

async fn ran(code: &str, json: &str) -> Result<Vec<String>, FilterError> {
    let filter = Filter::compile(code).unwrap();
    let outputs = filter.run(Arc::new(json.as_bytes().to_vec()), Duration::from_secs(10)).await?;
    Ok(outputs.into_iter().map(|output| String::from_utf8(output).unwrap()).collect())
}

#[tokio::test]
async fn a_foreign_api_is_mapped_to_native_runs() {
    let engine = Engine::new(|_| ok(r#"{"executions":[]}"#)).await;
    let filter = r".executions[]? | {id: (.exec_no | tostring), workflow: {name: .flow}, status: (.state | ascii_downcase),
        updatedAt: (.ended_ms / 1000 | todate)}";
    let (mut http, book) = (
        Http::new("prod", HttpSource { filter: Some(filter.to_owned()), ..engine.settings() }).unwrap(),
        Book::default(),
    );
    http.poll(&book, at(NOW)).await.unwrap();
    let ended = minutes(1).as_millisecond();
    engine.now(move |_| {
        ok(format!(r#"{{"executions":[{{"exec_no":7,"flow":"sync","state":"FAILED","ended_ms":{ended}}}]}}"#))
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!7 failed"]);
}

#[tokio::test]
async fn streams_values_and_errors_come_through() {
    assert_eq!(ran(".[]", "[1,\"a\\u0000\",{\"b\":null}]").await.unwrap(), ["1", "\"a\\u0000\"", "{\"b\":null}"]);
    let error = ran(".a | error", r#"{"a":"no"}"#).await.unwrap_err();
    assert_eq!(error.to_string(), "the jq filter failed: \"no\"");
    assert!(matches!(ran(".", "<html>").await, Err(FilterError::NotJson(_))));
}

#[test]
fn a_mistake_is_named_with_its_place() {
    for (code, expected) in [
        (".runs[", "line 1, column 7"),
        (".runs\n  | nosuch", "no filter `nosuch/0` at line 2, column 5"),
        ("$x", "no variable `$x` at line 1, column 1"),
        ("\"\\q\"", "line 1"),
        ("", "expected term"),
    ] {
        let error = check_filter(code).unwrap_err();
        assert!(error.contains(expected), "{code}: {error}");
    }
    assert_eq!(check_filter(".data[] | select(.finished) | {id, status}"), Ok(()));
}

#[test]
fn a_filter_reads_no_environment_and_ends_no_process() {
    for code in ["env", "$ENV.HOME", "halt", "halt_error", "input", "\"x\" | stderr", r#"include "x"; ."#] {
        assert!(check_filter(code).is_err(), "{code}");
    }
}

#[tokio::test]
async fn a_filter_without_end_is_cut_off() {
    assert_eq!(ran("repeat(.)", "1").await, Err(FilterError::TooMuch));
    // Ends only after the deadline, so that the test leaves no busy thread behind.
    let filter = Filter::compile("last(range(3000000))").unwrap();
    let json = || Arc::new(b"1".to_vec());
    let deadline = Duration::from_millis(20);
    assert_eq!(filter.run(json(), deadline).await, Err(FilterError::Endless(deadline)));
    assert_eq!(filter.run(json(), deadline).await, Err(FilterError::Busy), "no second thread is spent on it");
}

#[tokio::test]
async fn text_that_is_nested_without_end_does_not_end_the_process() {
    let deep = "[".repeat(200_000);
    assert!(matches!(ran(".", &deep).await, Err(FilterError::NotJson(_))));
    let error = ran("fromjson", &format!("\"{deep}\"")).await.unwrap_err();
    assert!(matches!(error, FilterError::Run(_)), "{error}");
    assert_eq!(ran("fromjson", r#""{\"a\":1}""#).await.unwrap(), ["{\"a\":1}"]);
}
