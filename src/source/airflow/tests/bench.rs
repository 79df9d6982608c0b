//! A server, a ledger and a watcher between them, for the tests of polling.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::checkpoint::Checkpoint;
use super::super::poll::Watcher;
use super::fake::{Fake, World};
use super::settings;
use crate::run::{Run, RunKey, RunStatus};
use crate::source::{Batch, Intake, NotTaken, OpenRun, PollError, Polled, Poller, Seen};

#[derive(Debug, Clone, Default)]
pub(super) struct Taken(pub(super) Arc<Mutex<Ledger>>);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    checkpoint: Option<String>,
    pub(super) seen: Vec<Seen>,
    open: Vec<OpenRun>,
    pub(super) forgotten: Vec<RunKey>,
    /// How many checkpoints were written.
    pub(super) writes: usize,
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
        own.writes += usize::from(batch.checkpoint.is_some());
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

pub(super) fn at(second: i64) -> Timestamp {
    "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

pub(super) fn id(number: u32) -> String {
    format!("manual__2026-11-22T12:00:00+00:00_{number}")
}

/// A run of the DAG `lead_sync` that began five seconds before.
pub(super) fn run(number: u32, state: &str, second: i64) -> Value {
    let ended = matches!(state, "failed" | "success").then(|| at(second));
    json!({
        "dag_id": "lead_sync", "dag_run_id": id(number), "state": state, "run_type": "scheduled",
        "start_date": at(second - 5), "end_date": ended, "updated_at": at(second),
    })
}

pub(super) fn task(number: u32, task: &str, state: &str, tries: i64, second: i64) -> Value {
    json!({
        "dag_id": "lead_sync", "dag_run_id": id(number), "task_id": task, "map_index": -1, "state": state,
        "try_number": tries, "max_tries": 2, "start_date": at(second - 2), "end_date": at(second), "operator": "HttpOperator",
    })
}

/// What the log of Airflow 3 says of a task that raised this.
pub(super) fn log(class: &str, text: &str, second: i64) -> String {
    let detail = json!([{"exc_type": class, "exc_value": text, "exceptions": []}]);
    json!({"content": [
        {"event": "::group::Log message source details"},
        {"timestamp": at(second), "event": "Task failed with exception", "logger": "task", "level": "error", "error_detail": detail},
    ]})
    .to_string()
}

impl Bench {
    pub(super) fn new(version: &str, runs: Vec<Value>) -> Self {
        let fake = Fake::default();
        fake.with(|world| {
            *world = World { version: version.to_owned(), runs, date: Some(at(0)), ..World::default() };
            let tasks = [("call_api", vec!["load"]), ("load", vec![])];
            let task = |(id, after): (&str, Vec<&str>)| {
                json!({
                    "task_id": id, "downstream_task_ids": after, "owner": "growth", "trigger_rule": "all_success",
                    "retry_delay": {"days": 0, "seconds": 30, "microseconds": 0}, "retry_exponential_backoff": 0.0,
                })
            };
            world.tasks.insert("lead_sync".into(), tasks.map(task).to_vec());
            world.details.insert("lead_sync".into(), json!({"tags": [{"name": "crm"}], "owners": ["growth"]}));
        });
        let watcher = Watcher::new("prod".into(), fake.clone(), settings());
        Self { fake, taken: Taken::default(), watcher }
    }

    pub(super) async fn poll(&mut self, second: i64) -> Result<Polled, PollError> {
        self.fake.with(|world| world.date = Some(at(second)));
        // Our clock is an hour ahead: nothing may depend on it.
        self.watcher.poll(&self.taken, at(second + 3600)).await
    }

    /// The first contact, over an engine in which nothing goes on.
    pub(super) async fn started(version: &str) -> Self {
        let mut bench = Self::new(version, Vec::new());
        bench.poll(0).await.unwrap();
        bench.news();
        bench
    }

    /// What was handed over since the last time.
    pub(super) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.taken.0.lock().unwrap().seen)
    }

    /// The runs handed over since the last time.
    pub(super) fn runs(&self) -> Vec<Run> {
        self.seen().into_iter().map(|seen| seen.run).collect()
    }

    /// What was handed over since the last time: id, status, and whether it is history.
    pub(super) fn news(&self) -> Vec<(String, RunStatus, bool)> {
        self.seen().into_iter().map(|seen| (seen.run.id, seen.run.status, seen.history)).collect()
    }

    pub(super) fn mark(&self) -> Checkpoint {
        Checkpoint::read(self.taken.0.lock().unwrap().checkpoint.as_deref()).unwrap()
    }

    pub(super) fn set(&self, number: u32, row: Value) {
        self.fake.with(|world| {
            world.runs.retain(|run| run["dag_run_id"] != id(number).as_str());
            world.runs.push(row);
        });
    }

    /// A failed run, whose first task failed with this.
    pub(super) fn fail(&self, number: u32, second: i64, class: &str, text: &str) {
        self.set(number, run(number, "failed", second));
        self.put_task(number, "call_api", "failed", 1, second);
        self.put_task(number, "load", "upstream_failed", 0, second);
        self.log(number, "call_api", 1, log(class, text, second));
    }

    pub(super) fn put_task(&self, number: u32, name: &str, state: &str, tries: i64, second: i64) {
        self.fake.with(|world| {
            world.instances.retain(|task| task["dag_run_id"] != id(number).as_str() || task["task_id"] != name);
            world.instances.push(task(number, name, state, tries, second));
        });
    }

    pub(super) fn log(&self, number: u32, name: &str, tries: i64, log: String) {
        self.fake.with(|world| world.logs.insert(format!("lead_sync/{}/{name}/{tries}", id(number)), log));
    }

    pub(super) fn break_all(&self, part: &str, status: u16) {
        self.fake.with(|world| world.broken = vec![(part.into(), status, "<html>https://x/?key=s</html>".into())]);
    }

    pub(super) fn restart(&mut self) {
        self.watcher = Watcher::new("prod".into(), self.fake.clone(), settings());
    }
}
