//! What is read, what is refused, and where the pointer points.

use proptest::prelude::*;

use super::*;
use crate::run::RunStatus;

const GOOD: &str = r#"{"id":"r1","workflow":{"id":"w"},"status":"failed"}"#;

fn run(json: &str) -> Run {
    read_run(json.as_bytes(), Limits::default()).unwrap()
}

fn refusal(json: &str) -> (String, String) {
    let error = read_run(json.as_bytes(), Limits::default()).unwrap_err();
    (error.pointer, error.message)
}

fn batch(json: impl AsRef<[u8]>) -> Vec<Result<Run, NativeError>> {
    read_batch(json.as_ref(), Limits::default()).unwrap()
}

fn with(field: &str) -> String {
    format!(r#"{{"id":"r","workflow":{{"id":"w"}},"status":"failed",{field}}}"#)
}

#[test]
fn the_run_of_the_design_is_read() {
    let run = run(r#"{
      "id": "0b7e3c1a", "attempt": 1, "replayOf": null, "parent": null,
      "workspace": "acme", "workflow": {"id": "wf_42", "name": "Lead sync", "version": "14"},
      "status": "failed", "trigger": "schedule", "url": "https://example.com/r/1",
      "startedAt": "2026-11-22T02:07:00Z", "completedAt": "2026-11-22T03:07:09+01:00", "updatedAt": null,
      "labels": {"owner": "growth", "env": "prod"}, "progress": {"completed": 2, "total": 7}, "error": null,
      "steps": [{"number": 3, "id": "n3", "title": "Create contact", "kind": "http.request", "status": "failed",
        "attempt": 1, "maxAttempts": 3, "retryAt": null, "tolerated": false,
        "error": {"code": "AUTH_MISSING", "message": "No connection", "providerStatus": 401, "retryable": null,
                  "detail": {"a": [1]}}}]}"#);
    assert_eq!(run.completed_at, "2026-11-22T02:07:09Z".parse().ok());
    assert_eq!(run.updated_at, None);
    let error = run.steps[0].error.as_ref().unwrap();
    assert_eq!((error.provider_status, error.retryable), (Some(401), None));
    assert_eq!(error.detail.as_deref(), Some(r#"{"a":[1]}"#));
}

#[test]
fn one_object_an_array_and_lines_are_the_same_to_the_reader() {
    for body in [GOOD.to_owned(), format!("\u{feff} {GOOD}\n"), format!("[{GOOD}]")] {
        assert_eq!(batch(&body), [Ok(run(GOOD))], "{body}");
    }
    for body in [
        format!("[{GOOD} , {GOOD}]"),
        format!("{GOOD}\n{GOOD}\n"),
        format!("{GOOD}\r\n\r\n{GOOD}"),
        format!("{GOOD} {GOOD}"),
    ] {
        assert_eq!(batch(&body), [Ok(run(GOOD)), Ok(run(GOOD))], "{body}");
    }
    assert_eq!(batch("[]"), []);
}

#[test]
fn a_bad_item_does_not_spoil_its_neighbours_and_its_pointer_counts_from_the_root() {
    let bad = r#"{"id":"r","workflow":{"id":"w"},"status":"failed","steps":[{"status":"Failed"}]}"#;
    for body in [format!("[{GOOD},{bad},{GOOD}]"), format!("{GOOD}\n{bad}\n{GOOD}")] {
        let items = batch(&body);
        assert_eq!((&items[0], &items[2]), (&Ok(run(GOOD)), &Ok(run(GOOD))));
        let error = items[1].clone().unwrap_err();
        assert_eq!((error.index, error.pointer.as_str()), (1, "/1/steps/0/status"));
        assert!(error.message.contains("unknown variant `Failed`, expected one of `pending`"), "{}", error.message);
    }
    let alone = batch(bad)[0].clone().unwrap_err();
    assert_eq!(alone.pointer, "/steps/0/status");
}

#[test]
fn a_broken_line_costs_only_itself() {
    let items = batch(format!("{GOOD}\n{{\"id\": oops}}\n{GOOD}\n{{\"id\""));
    let read: Vec<bool> = items.iter().map(Result::is_ok).collect();
    assert_eq!(read, [true, false, true, false]);
    let error = items[1].clone().unwrap_err();
    assert_eq!((error.index, error.pointer.as_str()), (1, "/1"));
    assert!(error.message.starts_with("not JSON: "), "{}", error.message);
}

#[test]
fn a_body_that_is_no_json_is_refused_as_a_whole() {
    for body in ["", " \n", "{", "{\n\"a\": oops,\n\"b\": 1}", "nope", &format!("[{GOOD},"), &format!("[{GOOD}] x")] {
        let error = read_batch(body.as_bytes(), Limits::default()).unwrap_err();
        assert_eq!((error.index, error.pointer.as_str()), (0, ""), "{body}");
    }
}

#[test]
fn the_pointer_names_what_is_wrong() {
    for (json, pointer, message) in [
        (r#"{"workflow":{"id":"w"},"status":"failed"}"#, "", "missing field `id`"),
        (r#"{"id":"r","workflow":{},"status":"failed"}"#, "/workflow", "a workflow needs an `id` or a `name`"),
        (r#"{"id":" ","workflow":{"id":"w"},"status":"failed"}"#, "/id", "must not be empty"),
        (r#"{"id":{},"workflow":{"id":"w"},"status":"failed"}"#, "/id", "invalid type: map, expected a text"),
        (&with(r#""steps":[{"status":"failed"},{}]"#), "/steps/1", "missing field `status`"),
        (&with(r#""steps":[7]"#), "/steps/0", "invalid type: integer `7`, expected a step: an object with `status`"),
        (&with(r#""labels":{"a/b~c":[]}"#), "/labels/a~1b~0c", "invalid type: sequence, expected a text"),
        (&with(r#""attempt":"1""#), "/attempt", "invalid type: string \"1\", expected a number"),
        (&with(r#""status":"completed""#), "", "duplicate field `status`"),
        (&with(r#""labels":{"a":1,"a":2}"#), "/labels", "duplicate label `a`"),
        ("42", "", "expected a run: an object with `id`, `workflow` and `status`"),
        (r#"["r",null,null]"#, "", "expected a run: an object with `id`, `workflow` and `status`"),
    ] {
        assert_eq!(refusal(json), (pointer.to_owned(), message.to_owned()), "{json}");
    }
    let (pointer, message) =
        refusal(&with(r#""steps":[{"status":"failed","error":{"detail":{"x":1},"providerStatus":"a"}}]"#));
    assert_eq!(pointer, "/steps/0/error/providerStatus", "{message}");
}

#[test]
fn times_are_rfc_3339_and_nothing_else() {
    for time in [r#""""#, "1731705121", r#""yesterday""#, r#""2026-11-22T02:07:00""#] {
        let (pointer, message) = refusal(&with(&format!(r#""startedAt":{time}"#)));
        assert_eq!(pointer, "/startedAt", "{time}");
        assert!(message.starts_with("expected an RFC 3339 time such as"), "{message}");
        assert!(!message.contains("at line"), "{message}");
    }
}

#[test]
fn odd_numbers_and_nulls_in_optional_fields_lose_no_run() {
    assert_eq!(run(&with(r#""attempt":0"#)).attempt, None);
    assert_eq!(run(&with(r#""attempt":2.0"#)).attempt, Some(2));
    for odd in ["1.5", "-1", "4294967296", "null"] {
        assert_eq!(run(&with(&format!(r#""attempt":{odd}"#))).attempt, None, "{odd}");
    }
    let read = run(&with(r#""labels":{"s":"x","n":7,"f":1.5,"b":true,"none":null},"steps":null,"other":{"a":[]}"#));
    let labels: Vec<(&str, &str)> = read.labels.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(labels, [("b", "true"), ("f", "1.5"), ("n", "7"), ("s", "x")]);
    assert!(run(&with(r#""labels":null"#)).labels.is_empty());
    assert_eq!(run(&with(r#""steps":[{"status":"failed","title":null}]"#)).steps[0].title, "");
}

#[test]
fn ids_may_be_numbers_hold_no_nul_and_are_not_endless() {
    let read = run(r#"{"id":42,"workflow":{"id":7},"workspace":"a\u0000b","status":"paused"}"#);
    assert_eq!((read.id.as_str(), read.workflow.key(), read.workspace.as_deref()), ("42", "7", Some("a\u{fffd}b")));
    assert_eq!(read.status, RunStatus::Paused);
    let long = "x".repeat(513);
    assert_eq!(refusal(&format!(r#"{{"id":"{long}","workflow":{{"id":"w"}},"status":"failed"}}"#)).0, "/id");
    assert_eq!(refusal(&format!(r#"{{"id":"r","workflow":{{"id":"{long}"}},"status":"failed"}}"#)).0, "/workflow/id");
    assert_eq!(refusal(&format!(r#"{{"id":"r","workflow":{{"name":"{long}"}},"status":"failed"}}"#)).0, "/workflow");
    run(&format!(r#"{{"id":"r","workflow":{{"id":"w","name":"{long}"}},"status":"failed"}}"#));
}

#[test]
fn limits_are_kept_for_each_item() {
    let limits = Limits { depth: 6, steps: 2, runs: 3 };
    let deep = with(&format!(r#""x":{}1{}"#, "[".repeat(100_000), "]".repeat(100_000)));
    let long = with(r#""steps":[{"status":"failed"},{"status":"failed"},{"status":"failed"}]"#);
    let items = read_batch(format!("[{deep},{GOOD},{long}]").as_bytes(), limits).unwrap();
    assert_eq!(items[0].as_ref().unwrap_err().message, "nested deeper than 6 levels");
    assert!(items[1].is_ok());
    assert_eq!(items[2].as_ref().unwrap_err().pointer, "/2/steps");
    for body in [format!("[{GOOD},{GOOD},{GOOD},{GOOD}]"), format!("{GOOD}\n").repeat(4)] {
        assert_eq!(read_batch(body.as_bytes(), limits).unwrap_err().message, "more than 3 runs in one body");
    }
    let many_objects = with(r#""steps":[],"labels":{},"x":[{},{},{},{}]"#);
    assert!(read_run(many_objects.as_bytes(), limits).is_ok(), "objects that are no steps do not count");
}

#[test]
fn bytes_that_are_no_utf_8_cost_only_their_item() {
    let mut body = format!("[{GOOD},").into_bytes();
    body.extend_from_slice(b"{\"id\":\"\xff\xfe\x80\",\"workflow\":{\"id\":\"w\"},\"status\":\"failed\"},");
    body.extend_from_slice(format!("{GOOD}]").as_bytes());
    let items = batch(&body);
    assert!(items[0].is_ok() && items[2].is_ok());
    let error = items[1].clone().unwrap_err();
    assert_eq!((error.pointer.as_str(), error.message.as_str()), ("/1", "not UTF-8"));
    assert!(read_run(b"\xff", Limits::default()).is_err());
}

#[test]
fn what_was_sent_is_quoted_in_part_only() {
    let (_, message) = refusal(&format!(r#"{{"id":"r","workflow":{{"id":"w"}},"status":"{}"}}"#, "é".repeat(5_000)));
    assert!(message.len() <= MESSAGE_CAP + '…'.len_utf8());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read_batch(&bytes, Limits::default()));
        drop(read_run(&bytes, Limits::default()));
    }

    #[test]
    fn arbitrary_json_like_text_never_panics(text in r#"[\[\]{}",:0-9a-z\\ \n]{0,80}"#) {
        drop(read_batch(text.as_bytes(), Limits { depth: 4, steps: 2, runs: 3 }));
    }

    #[test]
    fn good_items_survive_next_to_bad_ones(kinds in proptest::collection::vec(0..4_usize, 1..12), array in any::<bool>()) {
        let texts = [GOOD, "{}", "7", r#"{"id":"r","workflow":{"id":"w"},"status":"?"}"#];
        let parts: Vec<&str> = kinds.iter().map(|kind| texts[*kind]).collect();
        let body = if array { format!("[{}]", parts.join(",")) } else { parts.join("\n") };
        let read: Vec<bool> = batch(body).iter().map(Result::is_ok).collect();
        prop_assert_eq!(read, kinds.iter().map(|kind| *kind == 0).collect::<Vec<_>>());
    }
}
