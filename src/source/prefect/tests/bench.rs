//! A server, a ledger and a watcher between them, for the tests of polling.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::checkpoint::Checkpoint;
use super::super::poll::Watcher;
use super::fake::{Fake, World};
use super::settings;
use crate::run::{RunKey, RunStatus};
use crate::source::{Batch, Intake, NotTaken, OpenRun, PollError, Polled, Seen};

#[derive(Debug, Clone, Default)]
pub(super) struct Taken(pub(super) Arc<Mutex<Ledger>>);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    checkpoint: Option<String>,
    pub(super) seen: Vec<Seen>,
    open: Vec<OpenRun>,
    pub(super) forgotten: Vec<RunKey>,
}

impl Intake for Taken {
    async fn take(&self, _: &str, batch: Batch) -> Result<(), NotTaken> {
        let mut own = self.0.lock().unwrap();
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
}

pub(super) const START: &str = "2026-11-22T12:00:00Z";

pub(super) fn at(second: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

pub(super) fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

pub(super) fn run(number: u32, count: u32, state_id: &str, kind: &str, name: &str, second: i64) -> Value {
    let end = matches!(kind, "FAILED" | "CRASHED" | "COMPLETED" | "CANCELLED").then(|| at(second).to_string());
    json!({
        "id": id(number), "flow_id": id(900), "run_count": count, "start_time": at(second), "end_time": end,
        "parent_task_run_id": null,
        "state": {"id": state_id, "type": kind, "name": name, "timestamp": at(second), "message": "returned Failed"},
    })
}

pub(super) fn failed(number: u32, second: i64) -> Value {
    run(number, 1, &format!("failed-{number}-{second}"), "FAILED", "Failed", second)
}

impl Bench {
    pub(super) fn new(runs: Vec<Value>) -> Self {
        let fake = Fake::default();
        fake.with(|world| {
            *world = World { runs, date: Some(at(0)), events: Some(Vec::new()), ..World::default() };
            world.flows = vec![json!({"id": id(900), "name": "Lead sync"})];
        });
        let watcher = Watcher::new("prod".into(), fake.clone(), settings()).unwrap();
        Self { fake, taken: Taken::default(), watcher }
    }

    pub(super) async fn poll(&mut self, second: i64) -> Result<Polled, PollError> {
        self.fake.with(|world| world.date = Some(at(second)));
        // Our clock is an hour ahead: nothing may depend on it.
        self.watcher.look(&self.taken, at(second + 3600)).await
    }

    /// What was handed over since the last time: id, status, and whether it is history.
    pub(super) fn news(&self) -> Vec<(String, RunStatus, bool)> {
        let seen = std::mem::take(&mut self.taken.0.lock().unwrap().seen);
        seen.into_iter().map(|seen| (seen.run.id, seen.run.status, seen.history)).collect()
    }

    pub(super) fn mark(&self) -> Checkpoint {
        Checkpoint::read(self.taken.0.lock().unwrap().checkpoint.as_deref()).unwrap()
    }

    pub(super) fn set(&self, number: u32, row: Value) {
        self.fake.with(|world| {
            world.runs.retain(|run| run["id"] != id(number).as_str());
            world.runs.push(row);
        });
    }

    pub(super) fn restart(&mut self) {
        self.watcher = Watcher::new("prod".into(), self.fake.clone(), settings()).unwrap();
    }
}
