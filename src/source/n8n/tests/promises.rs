//! What every polled source promises, held against the stand-in for n8n.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::mail::Mail;
use super::super::poll::Watcher;
use super::fake::{Fake, World};
use super::settings;
use crate::source::conformance::{FakeEngine, Faulty, Kind, Reruns, Row, State, conformance};

conformance!(n8n, Fake);

impl FakeEngine for Fake {
    type Watcher = Watcher<Faulty<Self>>;
    const KIND: Kind = Kind {
        reruns: Reruns::NewRun,
        shows_open: true,
        forgets: true,
        page: 250,
        settle: SignedDuration::ZERO,
        clock_step: SignedDuration::from_hours(2),
        requests: 6,
        open: (450, 7),
    };

    fn new() -> Self {
        Self::default()
    }

    fn put(&self, row: &Row) {
        self.with(|world| world.put(row));
    }

    fn delete(&self, number: u32) {
        self.with(|world| world.runs.remove(&execution(number)));
    }

    fn set_clock(&self, now: Timestamp) {
        self.with(|world| world.date = Some(now));
    }

    /// Ids leave nothing equal.
    fn shuffle(&self, _seed: u64) {}

    fn id(number: u32) -> String {
        execution(number).to_string()
    }

    fn watcher(transport: Faulty<Self>) -> Self::Watcher {
        Watcher::new("prod".into(), transport, &settings(), Mail::default()).unwrap()
    }
}

fn execution(number: u32) -> u64 {
    u64::from(number) + 1
}

impl World {
    fn put(&mut self, row: &Row) {
        let status = match row.state {
            State::Running => "running",
            State::Failed => "error",
            State::Completed => "success",
            State::Cancelled => "canceled",
        };
        let error = (row.state == State::Failed).then(|| json!({"name": "NodeOperationError", "message": row.error()}));
        let entry = json!([{
            "startTime": row.started.as_millisecond(), "executionTime": 1, "executionIndex": 0,
            "executionStatus": if error.is_some() { "error" } else { "success" }, "error": error,
        }]);
        let run_data = if row.ended.is_some() { json!({"Call": entry}) } else { json!({}) };
        let id = execution(row.number);
        self.runs.insert(id, json!({
            "id": id.to_string(), "status": status, "mode": "webhook", "workflowId": "wf",
            "retryOf": row.replays.map(|number| execution(number).to_string()),
            "startedAt": row.started.to_string(), "stoppedAt": row.ended.map(|at| at.to_string()), "waitTill": null,
            "workflowData": {"name": "Lead sync", "nodes": [{"id": "n1", "name": "Call", "type": "n8n-nodes-base.httpRequest"}]},
            "data": {"resultData": {"runData": run_data}},
        }));
    }
}
