//! A server, a ledger and a watcher between them, for the tests of polling.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::checkpoint::Checkpoint;
use super::super::poll::Watcher;
use super::fake::{Fake, World};
use super::settings;
use crate::run::{Run, RunKey, RunStatus};
use crate::source::{Batch, Intake, NotTaken, OpenRun, PollError, Polled, Seen};
use crate::triage::{Classes, Standing, observe};

#[derive(Debug, Clone, Default)]
pub(super) struct Taken(pub(super) Arc<Mutex<Ledger>>);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    checkpoint: Option<String>,
    pub(super) seen: Vec<Seen>,
    pub(super) open: BTreeMap<RunKey, OpenRun>,
    pub(super) forgotten: Vec<RunKey>,
    /// Nothing is taken.
    pub(super) full: bool,
}

impl Intake for Taken {
    async fn take(&self, _: &str, batch: Batch) -> Result<(), NotTaken> {
        let mut own = self.0.lock().unwrap();
        if own.full {
            return Err(NotTaken { reason: "the disk is full".into() });
        }
        for seen in &batch.runs {
            let key = seen.run.key();
            own.open.remove(&key);
            let standing = observe("", seen.run.clone(), &Classes::default()).standing;
            if matches!(standing, Standing::Open | Standing::Retrying) {
                let (status, started_at) = (seen.run.status, seen.run.started_at);
                own.open.insert(key.clone(), OpenRun { key, status, started_at });
            }
        }
        own.open.retain(|key, _| !batch.forgotten.contains(key));
        own.forgotten.extend(batch.forgotten);
        own.seen.extend(batch.runs);
        own.checkpoint = batch.checkpoint.or_else(|| own.checkpoint.take());
        Ok(())
    }

    async fn checkpoint(&self, _: &str) -> Result<Option<String>, NotTaken> {
        Ok(self.0.lock().unwrap().checkpoint.clone())
    }

    async fn open_runs(&self, _: &str) -> Result<Vec<OpenRun>, NotTaken> {
        Ok(self.0.lock().unwrap().open.values().take(5_000).cloned().collect())
    }
}

/// A server, a ledger and a watcher between them. Time is the engine's, in seconds since it was set up.
pub(super) struct Bench {
    pub(super) fake: Fake,
    pub(super) taken: Taken,
    pub(super) watcher: Watcher<Fake>,
}

pub(super) fn at(second: i64) -> Timestamp {
    "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

pub(super) fn unix(second: i64) -> f64 {
    at(second).as_duration().as_secs_f64()
}

pub(super) fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

/// A run as of its last change.
pub(super) fn run(number: u32, status: &str, changed: i64) -> Value {
    let ended = matches!(status, "SUCCESS" | "FAILURE" | "CANCELED");
    let started = ended || status == "STARTED";
    let tags = if status == "FAILURE" { vec![("dagster/will_retry", "false")] } else { Vec::new() };
    tagged(
        json!({
            "runId": id(number), "status": status, "jobName": "sync", "parentRunId": null, "rootRunId": null,
            "startTime": started.then(|| unix(changed.min(0))), "endTime": ended.then(|| unix(changed)),
            "updateTime": unix(changed), "tags": [],
            "repositoryOrigin": {"repositoryName": "__repository__", "repositoryLocationName": "lab"},
        }),
        &tags,
    )
}

/// A run with these tags instead.
pub(super) fn tagged(mut run: Value, tags: &[(&str, &str)]) -> Value {
    run["tags"] = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    run
}

impl Bench {
    pub(super) fn new(runs: Vec<Value>) -> Self {
        let fake = Fake::default();
        fake.with(|world| {
            *world =
                World { date: Some(at(0)), locations: Some(Vec::new()), daemons: Some(Vec::new()), ..World::default() };
        });
        let bench = Self { watcher: watcher(&fake), fake, taken: Taken::default() };
        bench.create(runs);
        bench
    }

    pub(super) async fn poll(&mut self, second: i64) -> Result<Polled, PollError> {
        self.fake.with(|world| {
            world.date = Some(at(second));
            world.asked.clear();
        });
        // Our clock is an hour ahead: nothing may depend on it.
        self.watcher.round(&self.taken, at(second + 3600)).await
    }

    /// What was handed over since the last time.
    pub(super) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.taken.0.lock().unwrap().seen)
    }

    /// The same in short: id, status, and whether it is history.
    pub(super) fn news(&self) -> Vec<(String, RunStatus, bool)> {
        self.seen().into_iter().map(|seen| (seen.run.id, seen.run.status, seen.history)).collect()
    }

    /// The last thing that was handed over, and where it stands.
    pub(super) fn last(&self) -> (Run, Standing) {
        let run = self.seen().pop().expect("something was handed over").run;
        let standing = observe("", run.clone(), &Classes::default()).standing;
        (run, standing)
    }

    pub(super) fn mark(&self) -> Checkpoint {
        Checkpoint::read(self.taken.0.lock().unwrap().checkpoint.as_deref()).unwrap()
    }

    /// Runs that were not there before, the newest last.
    pub(super) fn create(&self, rows: impl IntoIterator<Item = Value>) {
        for row in rows {
            self.inside(&row);
            self.fake.with(|world| world.runs.push(row));
        }
    }

    /// The run as it stands now. One that is new is the newest.
    pub(super) fn set(&self, row: Value) {
        self.inside(&row);
        self.fake.with(|world| match world.runs.iter_mut().find(|run| run["runId"] == row["runId"]) {
            Some(old) => *old = row,
            None => world.runs.push(row),
        });
    }

    fn inside(&self, row: &Value) {
        self.fake.with(|world| {
            let id = row["runId"].as_str().unwrap().to_owned();
            let detail = json!({"__typename": "Run", "runId": id, "stepStats": [], "executionPlan": null});
            world.details.entry(id.clone()).or_insert(detail);
            let events = world.events.entry(id.clone()).or_default();
            if row["status"] == "FAILURE" && events.is_empty() {
                let error = json!({"className": "ValueError", "message": "ValueError: no rows\n", "errorChain": []});
                events.push(json!({"__typename": "RunFailureEvent", "message": "failed", "error": error}));
            }
        });
    }

    pub(super) fn event(&self, number: u32, event: Value) {
        self.fake.with(|world| world.events.entry(id(number)).or_default().push(event));
    }

    pub(super) fn restart(&mut self) {
        self.watcher = watcher(&self.fake);
    }
}

fn watcher(fake: &Fake) -> Watcher<Fake> {
    Watcher::new("prod".into(), fake.clone(), &settings()).unwrap()
}
