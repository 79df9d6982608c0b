//! Native runs as an engine would report them, at times around now.

use firstred::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A time `seconds` from now (negative: ago), as JSON has it.
pub(crate) fn at(seconds: i64) -> String {
    stamp(clock::now() + SignedDuration::from_secs(seconds))
}

fn stamp(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// A run of `workflow` that failed at its second step of three.
pub(crate) fn failed(id: &str, workflow: &str) -> Value {
    json!({
        "id": id,
        "attempt": 1,
        "workflow": {"id": workflow, "name": workflow},
        "status": "failed",
        "trigger": "schedule",
        "url": format!("https://flows.example.com/runs/{id}"),
        "startedAt": at(-9), "completedAt": at(-1), "updatedAt": at(-1),
        "progress": {"completed": 1, "total": 3},
        "steps": [
            {"number": 1, "id": "n1", "title": "Fetch rows", "kind": "http.request", "status": "completed",
             "startedAt": at(-9), "completedAt": at(-6)},
            failed_step(),
            {"number": 3, "id": "n3", "title": "Tell sales", "kind": "slack.message", "status": "skipped"},
        ],
    })
}

/// The step that fails in [`failed`].
pub(crate) fn failed_step() -> Value {
    json!({
        "number": 2, "id": "n2", "title": "Create contact", "kind": "http.request", "status": "failed", "attempt": 1,
        "startedAt": at(-6), "completedAt": at(-1),
        "error": {
            "code": "AUTH_MISSING",
            "message": "No connection is attached to this action node.",
            "providerStatus": 401,
            "retryable": false,
            "detail": "Action node 'Create contact' resolved no active connection.",
        },
    })
}

/// A failed run whose error is `error`.
pub(crate) fn failed_with(id: &str, workflow: &str, error: Value) -> Value {
    let mut run = failed(id, workflow);
    run["steps"][1]["error"] = error;
    run
}

/// A failed run with one top-level field set.
pub(crate) fn with(mut run: Value, field: &str, value: impl Into<Value>) -> Value {
    run[field] = value.into();
    run
}

/// The run `id`, not failed, in `status`.
pub(crate) fn in_status(id: &str, workflow: &str, status: &str) -> Value {
    let mut run = json!({
        "id": id,
        "attempt": 1,
        "workflow": {"id": workflow, "name": workflow},
        "status": status,
        "startedAt": at(-9), "updatedAt": at(0),
        "steps": [],
    });
    if matches!(status, "completed" | "cancelled") {
        run["completedAt"] = at(0).into();
    }
    run
}

/// The run `id` while its second step waits for another try.
pub(crate) fn retrying(id: &str, workflow: &str, attempt: u32, of: u32, next_in: i64) -> Value {
    let mut run = in_status(id, workflow, "running");
    let mut step = failed_step();
    step["status"] = "retrying".into();
    step["attempt"] = attempt.into();
    step["maxAttempts"] = of.into();
    step["retryAt"] = at(next_in).into();
    step["error"] =
        json!({"code": "HTTP_503", "message": "Service unavailable", "providerStatus": 503, "retryable": true});
    run["steps"] = json!([step]);
    run
}
