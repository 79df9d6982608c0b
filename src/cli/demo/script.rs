//! The script of the demo: what a made-up engine reports, second by second. Every kind of failure once, and what must stay quiet.

use std::time::Duration;

use serde_json::{Value, json};

/// The time of a second of the script, as text.
pub(super) type Clock<'a> = dyn Fn(i64) -> String + 'a;

/// One report of the engine.
pub(super) struct Scene {
    /// When it is reported.
    pub(super) at: Duration,
    /// What the viewer is told about it.
    pub(super) title: &'static str,
    /// The native run.
    pub(super) run: fn(&Clock<'_>) -> Value,
}

/// The scenes, in order.
pub(super) fn scenes() -> Vec<Scene> {
    let scene = |second, title, run| Scene { at: Duration::from_secs(second), title, run };
    vec![
        scene(1, "invoice-export completed", completed),
        scene(3, "lead-sync failed: its 3rd step was refused, two later rows turned red with it", unauthorized),
        scene(7, "lead-sync's failure is reported a second time, by a poll", unauthorized),
        scene(10, "payments-eu: a step failed and will be tried again", retrying_1),
        scene(13, "nightly-report failed before any step ran", before_any_step),
        scene(17, "payments-eu is still being retried", retrying_2),
        scene(22, "stock-feed: a step failed and will be tried again", blip),
        scene(25, "stock-feed recovered on the retry", blip_over),
        scene(28, "payments-eu gave up", exhausted),
        scene(33, "model-training was killed by its machine", out_of_memory),
        scene(38, "crm-import was cancelled by a person", cancelled),
        scene(41, "crm-import, started by hand, failed: a rule says that nobody is told", manual),
        scene(45, "customer-mail failed with a secret in its error", secret),
        scene(50, "legacy-job failed and its engine says nothing", silent),
        scene(54, "lead-sync is run again under the same id and fails again", unauthorized_again),
    ]
}

fn step(number: u32, title: &str, status: &str) -> Value {
    json!({ "number": number, "title": title, "status": status })
}

fn completed(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1001", "workflow": { "name": "invoice-export" }, "status": "completed",
        "startedAt": at(0), "completedAt": at(1), "updatedAt": at(1),
        "steps": [step(1, "Read invoices", "completed"), step(2, "Upload", "completed")],
    })
}

fn lead_sync(at: &Clock<'_>, attempt: u32, start: i64, end: i64) -> Value {
    json!({
        "id": "run-1002", "attempt": attempt, "workflow": { "id": "wf_42", "name": "lead-sync", "version": "14" },
        "status": "failed", "trigger": "schedule", "url": "https://flows.example.com/runs/run-1002",
        "startedAt": at(start), "completedAt": at(end), "updatedAt": at(end),
        "labels": { "env": "prod", "owner": "growth" },
        "steps": [
            step(1, "Fetch leads", "completed"),
            step(2, "Clean up", "completed"),
            { "number": 3, "title": "Create contact", "kind": "http.request", "status": "failed", "completedAt": at(end),
              "error": { "code": "AUTH_MISSING", "message": "No connection is attached to this action node.",
                         "providerStatus": 401, "retryable": false,
                         "detail": "Action node 'Create contact' resolved no active connection." } },
            step(4, "Score lead", "skipped"),
            step(5, "Assign owner", "skipped"),
            { "number": 6, "title": "Notify sales", "status": "failed", "completedAt": at(end + 1),
              "error": { "code": "UPSTREAM_FAILED", "message": "upstream failed" } },
            { "number": 7, "title": "Clean up cache", "status": "failed", "tolerated": true, "completedAt": at(start),
              "error": { "code": "CACHE_MISS", "message": "cache is cold" } },
        ],
    })
}

fn unauthorized(at: &Clock<'_>) -> Value {
    lead_sync(at, 1, 0, 2)
}

fn unauthorized_again(at: &Clock<'_>) -> Value {
    lead_sync(at, 2, 51, 53)
}

fn payment(at: &Clock<'_>, status: &str, step_status: &str, attempt: u32, retry_at: Option<&str>, now: i64) -> Value {
    let ended = (status == "failed").then(|| at(now));
    json!({
        "id": "run-1003", "workflow": { "name": "payments-eu" }, "status": status,
        "startedAt": at(8), "completedAt": ended, "updatedAt": at(now),
        "url": "https://flows.example.com/runs/run-1003",
        "steps": [
            step(1, "Load orders", "completed"),
            { "number": 2, "title": "Charge card", "kind": "stripe.charge", "status": step_status, "attempt": attempt,
              "maxAttempts": 4, "retryAt": retry_at, "completedAt": at(now),
              "error": { "code": "PROVIDER_TIMEOUT", "message": "Stripe did not answer within 10 s.",
                         "providerStatus": 504, "retryable": true } },
            step(3, "Send receipt", "pending"),
        ],
    })
}

fn retrying_1(at: &Clock<'_>) -> Value {
    payment(at, "running", "retrying", 1, Some(&at(16)), 9)
}

fn retrying_2(at: &Clock<'_>) -> Value {
    payment(at, "running", "retrying", 3, Some(&at(26)), 17)
}

fn exhausted(at: &Clock<'_>) -> Value {
    payment(at, "failed", "failed", 4, None, 28)
}

fn before_any_step(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1004", "workflow": { "name": "nightly-report" }, "status": "failed", "trigger": "schedule",
        "startedAt": at(12), "completedAt": at(13), "updatedAt": at(13), "steps": [],
        "error": { "code": "ParameterTypeError", "message": "Flow run received invalid parameters: n: Input should be a valid integer" },
    })
}

fn blip(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1005", "workflow": { "name": "stock-feed" }, "status": "running", "startedAt": at(20), "updatedAt": at(22),
        "steps": [{ "number": 1, "title": "Download feed", "status": "retrying", "attempt": 1, "maxAttempts": 3, "retryAt": at(24),
                    "error": { "code": "ECONNRESET", "message": "socket hang up" } }],
    })
}

fn blip_over(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1005", "workflow": { "name": "stock-feed" }, "status": "completed",
        "startedAt": at(20), "completedAt": at(25), "updatedAt": at(25),
        "steps": [{ "number": 1, "title": "Download feed", "status": "completed", "attempt": 2, "maxAttempts": 3 }],
    })
}

fn out_of_memory(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1006", "workflow": { "name": "model-training" }, "status": "failed",
        "startedAt": at(2), "completedAt": at(33), "updatedAt": at(33),
        "steps": [step(1, "Load data", "completed"), step(2, "Train", "cancelled")],
        "error": { "code": "OOMKilled", "message": "Process exited with status code: -9. Typically caused by exceeding memory limits." },
    })
}

fn cancelled(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1007", "workflow": { "name": "crm-import" }, "status": "cancelled",
        "startedAt": at(30), "completedAt": at(38), "updatedAt": at(38), "steps": [step(1, "Read file", "cancelled")],
    })
}

fn manual(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1008", "workflow": { "name": "crm-import" }, "status": "failed", "trigger": "manual",
        "startedAt": at(39), "completedAt": at(41), "updatedAt": at(41),
        "steps": [{ "number": 1, "title": "Read file", "status": "failed",
                    "error": { "code": "ENOENT", "message": "no such file: import.csv" } }],
    })
}

fn secret(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1009", "workflow": { "name": "customer-mail" }, "status": "failed",
        "startedAt": at(44), "completedAt": at(45), "updatedAt": at(45),
        "steps": [{ "number": 1, "title": "Open mailbox", "status": "failed", "completedAt": at(45),
                    "error": { "code": "LOGIN_FAILED", "providerStatus": 403,
                               "message": "login failed for imaps://robot:correct-horse-9@mail.example.com/inbox" } }],
    })
}

fn silent(at: &Clock<'_>) -> Value {
    json!({
        "id": "run-1010", "workflow": { "name": "legacy-job" }, "status": "failed",
        "startedAt": at(46), "completedAt": at(50), "updatedAt": at(50),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_over_within_a_minute() {
        let last = scenes().last().expect("a scene").at;
        assert!(last + super::super::LAST_WORDS < Duration::from_mins(1), "{last:?}");
        assert!(scenes().is_sorted_by_key(|scene| scene.at));
    }
}
