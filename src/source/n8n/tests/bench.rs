//! A server, a ledger and a watcher between them, for the tests of polling.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::checkpoint::Checkpoint;
use super::super::mail::Mail;
use super::super::poll::Watcher;
use super::fake::{Fake, World};
use super::settings;
use crate::config::N8nSource;
use crate::run::{Run, RunKey, RunStatus};
use crate::source::{Batch, Intake, NotTaken, OpenRun, PollError, Polled, Poller, Seen};

#[derive(Debug, Clone, Default)]
pub(super) struct Taken(pub(super) Arc<Mutex<Ledger>>);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    checkpoint: Option<String>,
    pub(super) seen: Vec<Seen>,
    pub(super) open: Vec<OpenRun>,
    pub(super) forgotten: Vec<RunKey>,
    /// So many batches are refused.
    pub(super) refuse: usize,
}

impl Intake for Taken {
    async fn take(&self, _: &str, batch: Batch) -> Result<(), NotTaken> {
        let mut own = self.0.lock().unwrap();
        if own.refuse > 0 {
            own.refuse -= 1;
            return Err(NotTaken { reason: "full".to_owned() });
        }
        for seen in &batch.runs {
            let key = seen.run.key();
            own.open.retain(|open| open.key != key);
            if !seen.run.status.is_final() {
                own.open.push(OpenRun { key, status: seen.run.status, started_at: seen.run.started_at });
            }
        }
        own.open.retain(|open| !batch.forgotten.contains(&open.key));
        own.forgotten.extend(batch.forgotten);
        own.seen.extend(batch.runs);
        own.checkpoint = batch.checkpoint.or_else(|| own.checkpoint.take());
        Ok(())
    }

    async fn checkpoint(&self, _: &str) -> Result<Option<String>, NotTaken> {
        Ok(self.0.lock().unwrap().checkpoint.clone())
    }

    async fn open_runs(&self, _: &str) -> Result<Vec<OpenRun>, NotTaken> {
        Ok(self.0.lock().unwrap().open.clone())
    }
}

/// A server, a ledger and a watcher between them. Time is the engine's, in seconds since it was set up.
pub(super) struct Bench {
    pub(super) fake: Fake,
    pub(super) taken: Taken,
    pub(super) watcher: Watcher<Fake>,
    pub(super) mail: Mail,
    settings: N8nSource,
}

pub(super) const START: &str = "2026-11-22T12:00:00Z";

pub(super) fn at(second: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// A run that stands so; it started 3 seconds before.
pub(super) fn run(id: u64, status: &str, second: i64) -> Value {
    let ended = !matches!(status, "new" | "running");
    let failed = matches!(status, "error" | "crashed");
    let error = json!({"name": "NodeOperationError", "message": format!("boom {id}"), "timestamp": at(second).as_millisecond()});
    let mut entry = json!({
        "startTime": at(second - 1).as_millisecond(), "executionTime": 1000, "executionIndex": 0,
        "executionStatus": if failed { "error" } else { "success" },
    });
    if failed {
        entry["error"] = error;
    }
    json!({
        "id": id.to_string(), "status": status, "mode": "webhook", "retryOf": null, "workflowId": "wf",
        "startedAt": (status != "new").then(|| at(second - 3).to_string()),
        "stoppedAt": ended.then(|| at(second).to_string()), "waitTill": null,
        "workflowData": {"name": "Lead sync", "nodes": [{"id": "n1", "name": "Call", "type": "n8n-nodes-base.httpRequest"}]},
        "data": {"resultData": {"runData": if ended { json!({"Call": [entry]}) } else { json!({}) }}},
    })
}

impl Bench {
    pub(super) fn new(runs: Vec<Value>) -> Self {
        Self::with(runs, settings())
    }

    pub(super) fn with(runs: Vec<Value>, settings: N8nSource) -> Self {
        let fake = Fake::default();
        fake.with(|world| *world = World { date: Some(at(0)), ..World::default() });
        let mail = Mail::default();
        let watcher = Watcher::new("prod".into(), fake.clone(), &settings, mail.clone()).unwrap();
        let bench = Self { fake, taken: Taken::default(), watcher, mail, settings };
        for run in runs {
            bench.set(run);
        }
        bench
    }

    pub(super) async fn poll(&mut self, second: i64) -> Result<Polled, PollError> {
        self.fake.with(|world| {
            world.date = Some(at(second));
            world.asked.clear();
        });
        // Our clock is an hour ahead: nothing may depend on it.
        self.watcher.poll(&self.taken, at(second + 3600)).await
    }

    /// What was handed over since the last time.
    pub(super) fn runs(&self) -> Vec<Run> {
        std::mem::take(&mut self.taken.0.lock().unwrap().seen).into_iter().map(|seen| seen.run).collect()
    }

    /// The same in short: id, status, and whether it is history.
    pub(super) fn news(&self) -> Vec<(String, RunStatus, bool)> {
        let seen = std::mem::take(&mut self.taken.0.lock().unwrap().seen);
        seen.into_iter().map(|seen| (seen.run.id, seen.run.status, seen.history)).collect()
    }

    pub(super) fn mark(&self) -> Checkpoint {
        Checkpoint::read(self.taken.0.lock().unwrap().checkpoint.as_deref()).unwrap()
    }

    pub(super) fn set(&self, run: Value) {
        let id = run["id"].as_str().unwrap().parse().unwrap();
        self.fake.with(|world| world.runs.insert(id, run));
    }

    pub(super) fn delete(&self, id: u64) {
        self.fake.with(|world| world.runs.remove(&id));
    }

    pub(super) fn restart(&mut self) {
        self.mail = Mail::default();
        self.watcher = Watcher::new("prod".into(), self.fake.clone(), &self.settings, self.mail.clone()).unwrap();
    }
}
