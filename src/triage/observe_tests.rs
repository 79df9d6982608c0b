//! Tests of the door into the room: standings, and whole cards.

use proptest::prelude::*;

use super::*;
use crate::triage::{Cause, Class, RetryLevel};

#[expect(clippy::needless_pass_by_value, reason = "reads better with `json!` at the call")]
fn run(json: serde_json::Value) -> Run {
    let mut run = serde_json::json!({"id": "r1", "workflow": {"id": "w", "name": "Lead sync"}, "status": "failed"});
    run.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
    serde_json::from_value(run).unwrap()
}

fn seen(json: serde_json::Value) -> Observation {
    observe("prod", run(json), &Classes::default())
}

#[test]
fn a_failed_step_makes_a_whole_card() {
    let observed = seen(serde_json::json!({
        "workspace": "acme", "labels": {"owner": "growth"}, "url": "https://x.example/runs/1?tab=a b",
        "completedAt": "2026-11-22T02:07:09Z", "steps": [
            {"number": 2, "title": "Fetch", "status": "completed"},
            {"number": 3, "title": "Create contact", "kind": "http.request", "status": "failed", "attempt": 1, "maxAttempts": 3,
             "completedAt": "2026-11-22T02:07:08Z", "error": {"code": "AUTH_MISSING", "providerStatus": 401, "retryable": false,
             "message": "No connection.\r\npassword=hunter22 \u{1b}[31mred\u{1b}[0m"}},
            {"number": 4, "title": "Notify", "status": "skipped"}]}));
    assert_eq!(observed.standing, Standing::Failed);
    insta::assert_json_snapshot!(observed.card.unwrap(), @r#"
    {
      "source": "prod",
      "run": {
        "id": "r1",
        "workspace": "acme",
        "workflow": {
          "id": "w",
          "name": "Lead sync"
        },
        "url": "https://x.example/runs/1?tab=a%20b",
        "completedAt": "2026-11-22T02:07:09Z",
        "labels": {
          "owner": "growth"
        }
      },
      "cause": {
        "at": "step",
        "number": 3,
        "title": "Create contact",
        "kind": "http.request",
        "attempt": 1,
        "maxAttempts": 3,
        "failedAt": "2026-11-22T02:07:08Z",
        "error": {
          "code": "AUTH_MISSING",
          "message": "No connection.\npassword=[REDACTED:kv-strong-eq] red",
          "providerStatus": 401,
          "retryable": false
        }
      },
      "class": "authorization",
      "decidedBy": {
        "by": "providerStatus",
        "status": 401
      },
      "advice": "Renew the connection of `Create contact`, then run it again.",
      "fingerprint": "v1:c1c57be4906d4e59fbb77fda8fd82a59",
      "progress": {
        "completed": 1,
        "total": 3
      },
      "consequences": {
        "tolerated": 0,
        "skipped": 1,
        "later": 0
      },
      "redacted": 1
    }
    "#);
}

#[test]
fn standings_follow_the_status_and_what_the_engine_announces() {
    let failed = serde_json::json!([{"title": "a", "status": "failed", "completedAt": "2026-11-22T02:00:00Z"}]);
    let later = "2026-11-22T02:10:00Z";
    let ended = "2026-11-22T02:05:00Z";
    for (json, standing) in [
        (serde_json::json!({"status": "completed", "steps": failed}), Standing::Completed),
        (serde_json::json!({"status": "cancelled", "steps": failed}), Standing::Cancelled),
        (serde_json::json!({"status": "paused", "steps": [{"status": "retrying"}]}), Standing::Open),
        (serde_json::json!({"status": "running", "steps": failed}), Standing::Open),
        (serde_json::json!({"status": "running", "steps": [{"status": "retrying"}]}), Standing::Retrying),
        (
            serde_json::json!({"status": "running", "steps": [{"status": "retrying", "tolerated": true}]}),
            Standing::Open,
        ),
        (
            serde_json::json!({"status": "running", "steps": [{"status": "failed", "attempt": 1, "maxAttempts": 2}]}),
            Standing::Retrying,
        ),
        (
            serde_json::json!({"status": "running", "steps": [{"status": "failed", "attempt": 2, "maxAttempts": 2, "retryAt": later}]}),
            Standing::Open,
        ),
        (serde_json::json!({"status": "pending", "retryAt": later}), Standing::Retrying),
        (serde_json::json!({"status": "running", "retryAt": ended, "startedAt": ended}), Standing::Open),
        (serde_json::json!({"steps": failed}), Standing::Failed),
        (serde_json::json!({"steps": failed, "retryAt": later}), Standing::Retrying),
        (serde_json::json!({"steps": failed, "retryAt": later, "completedAt": ended}), Standing::Retrying),
        (serde_json::json!({"steps": failed, "retryAt": ended, "completedAt": later}), Standing::Failed),
        (serde_json::json!({"steps": failed, "retryAt": later, "attempt": 3, "maxAttempts": 3}), Standing::Failed),
        (serde_json::json!({"steps": failed, "retryAt": later, "retriedAs": "r2"}), Standing::Cancelled),
        (serde_json::json!({"steps": failed, "retriedAs": "r1"}), Standing::Failed),
        (serde_json::json!({"status": "running", "retriedAs": "r2"}), Standing::Open),
        (
            serde_json::json!({"completedAt": ended, "steps": [{"status": "failed", "retryAt": later, "attempt": 1}]}),
            Standing::Retrying,
        ),
        (
            serde_json::json!({"completedAt": ended, "steps": [{"status": "failed", "attempt": 1, "maxAttempts": 3}]}),
            Standing::Failed,
        ),
    ] {
        let observed = seen(json.clone());
        assert_eq!(observed.standing, standing, "{json}");
        let told = matches!(standing, Standing::Failed | Standing::Retrying);
        assert_eq!(observed.card.is_some(), told, "{json}");
        assert_eq!(observed.card.is_some_and(|card| card.retrying.is_some()), standing == Standing::Retrying, "{json}");
    }
}

#[test]
fn a_run_that_says_nothing_has_a_card_that_says_so() {
    let card = seen(serde_json::json!({})).card.unwrap();
    assert_eq!((&card.cause, card.class, card.progress), (&Cause::Nothing, Class::Unknown, None));
}

#[test]
fn a_run_that_is_run_again_says_so_before_its_step() {
    let card = seen(serde_json::json!({"retryAt": "2026-11-22T02:10:00Z", "attempt": 1, "maxAttempts": 3,
        "steps": [{"title": "a", "status": "failed", "attempt": 2, "maxAttempts": 2}]}));
    let retrying = card.card.unwrap().retrying.unwrap();
    assert_eq!((retrying.level, retrying.attempt, retrying.of), (RetryLevel::Run, Some(1), Some(3)));
}

#[test]
fn no_nul_reaches_the_ledger() {
    let observed =
        seen(serde_json::json!({"id": "a\0b", "workspace": "w\0", "error": {"message": "x\0y", "code": "E\0"}}));
    let all = format!("{observed:?}");
    assert!(!all.contains("\\0") && all.contains('\u{FFFD}'), "{all}");
}

#[test]
#[ignore = "prints times; run it in release"]
#[expect(clippy::print_stdout, clippy::disallowed_types, reason = "a measurement")]
fn times_of_triage() {
    let steps: Vec<_> = (0..200)
        .map(|n| serde_json::json!({"number": n, "title": format!("step {n}"), "status": if n == 150 { "failed" } else { "completed" },
            "completedAt": "2026-11-22T02:07:08Z", "error": (n == 150).then(|| serde_json::json!({"code": "HTTP_ERROR", "providerStatus": 503,
            "message": "Server error '503 Service Unavailable' for url 'https://api.example.com/v1/contacts?page=2'",
            "detail": "Traceback (most recent call last):\n  File \"/app/flow.py\", line 88, in load\n    raise_for_status()\n".repeat(4)}))}))
        .collect();
    for (name, status) in
        [("failed, 200 steps", "failed"), ("completed, 200 steps", "completed"), ("running, 200 steps", "running")]
    {
        let run = run(
            serde_json::json!({"status": status, "steps": steps, "labels": {"owner": "growth", "env": "prod"}, "url": "https://x.example/r/1"}),
        );
        let classes = Classes::default();
        std::hint::black_box(observe("prod", run.clone(), &classes));
        let copies: Vec<_> = std::iter::repeat_n(run, 200).collect();
        let start = std::time::Instant::now();
        let all: Vec<_> = copies.into_iter().map(|run| observe("prod", run, &classes)).collect();
        println!("{name}: {:?} each (with dropping the run)", start.elapsed() / 200);
        drop(all);
    }
}

proptest! {
    #[test]
    fn observing_never_panics_and_keeps_the_limits(
        texts in prop::collection::vec("(\\PC|\\n|\0|\u{1b}|password=|://|é){0,40}", 8), repeat in 1_usize..400,
        status in prop::sample::select(&["failed", "running", "waiting"][..]),
        step in prop::sample::select(&["failed", "retrying", "skipped"][..]),
    ) {
        let [title, code, message, detail, name, url, label, kind] = <[String; 8]>::try_from(texts).unwrap();
        let observed = seen(serde_json::json!({
            "status": status, "url": format!("https://x.example/{url}"), "labels": {label.clone(): label.repeat(repeat)},
            "workflow": {"id": "w", "name": name}, "steps": [{"title": title.repeat(repeat), "kind": kind, "status": step, "error":
                {"code": code.repeat(repeat), "message": message.repeat(repeat), "detail": detail.repeat(repeat)}}]}));
        if let Some(card) = observed.card {
            let count = |text: &str| text.chars().count();
            prop_assert!(count(&card.advice) <= 125);
            prop_assert!(card.cause.step_title().is_none_or(|title| count(title) <= 200));
            if let Some(error) = card.cause.error() {
                prop_assert!(count(&error.code) <= 100 && count(&error.message) <= 4000);
                prop_assert!(error.detail.as_deref().is_none_or(|detail| count(detail) <= 8000));
            }
            prop_assert!(card.run.url.is_none_or(|url| url.len() <= 2000));
        }
    }
}
