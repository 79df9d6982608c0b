//! A GitHub, a ledger and a watcher between them, for the tests of polling.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::checkpoint::{Checkpoint, Mark};
use super::super::poll::Watcher;
use super::fake::Fake;
use super::{REPOSITORY, settings};
use crate::config::GitHubSource;
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
}

impl Taken {
    pub(super) fn keep(&self, run: &Run) {
        let mut own = self.0.lock().unwrap();
        let key = run.key();
        own.open.retain(|open| open.key != key);
        if !run.status.is_final() {
            own.open.push(OpenRun { key, status: run.status, started_at: run.started_at });
        }
    }
}

impl Intake for Taken {
    async fn take(&self, _: &str, batch: Batch) -> Result<(), NotTaken> {
        for seen in &batch.runs {
            self.keep(&seen.run);
        }
        let mut own = self.0.lock().unwrap();
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

/// A GitHub, a ledger and a watcher between them. Time is GitHub's, in seconds since it was set up.
pub(super) struct Bench {
    pub(super) fake: Fake,
    pub(super) taken: Taken,
    pub(super) watcher: Watcher<Fake>,
    settings: GitHubSource,
}

pub(super) const START: &str = "2026-11-22T12:00:00Z";

pub(super) fn at(second: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// A run as the API shows it, in its attempt `attempt`, created and last changed then.
pub(super) fn run(id: u64, attempt: u64, status: &str, end: Option<&str>, created: i64, changed: i64) -> Value {
    json!({
        "id": id, "name": "CI", "path": ".github/workflows/ci.yml", "run_number": id, "run_attempt": attempt,
        "event": "push", "status": status, "conclusion": end, "head_branch": "main",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
        "html_url": format!("https://github.com/{REPOSITORY}/actions/runs/{id}"),
        "created_at": at(created), "run_started_at": at(created), "updated_at": at(changed),
    })
}

pub(super) fn failed(id: u64, created: i64, changed: i64) -> Value {
    run(id, 1, "completed", Some("failure"), created, changed)
}

/// A job of which the second step ended so.
pub(super) fn job(id: u64, run: u64, name: &str, end: &str, began: i64, ended: i64) -> Value {
    let step = |number: u64, name: &str, end: &str, began: i64, ended: i64| {
        json!({"number": number, "name": name, "status": "completed", "conclusion": end,
               "started_at": at(began), "completed_at": at(ended)})
    };
    json!({
        "id": id, "run_id": run, "run_attempt": 1, "name": name, "status": "completed", "conclusion": end,
        "started_at": at(began), "completed_at": at(ended),
        "html_url": format!("https://github.com/{REPOSITORY}/actions/runs/{run}/job/{id}"),
        "check_run_url": format!("https://api.github.com/repos/{REPOSITORY}/check-runs/{id}"),
        "steps": [step(1, "Set up job", "success", began, began + 1), step(2, "Run tests", end, began + 1, ended)],
    })
}

pub(super) fn note(message: &str) -> Value {
    json!({"path": ".github", "start_line": 1, "end_line": 1, "annotation_level": "failure", "title": "",
           "message": message, "raw_details": ""})
}

impl Bench {
    pub(super) fn new(runs: Vec<Value>) -> Self {
        Self::with(runs, settings())
    }

    pub(super) fn with(runs: Vec<Value>, settings: GitHubSource) -> Self {
        let fake = Fake::default();
        fake.with(|world| world.date = Some(at(0)));
        let watcher = Self::watcher(&fake, &settings);
        let bench = Self { fake, taken: Taken::default(), watcher, settings };
        for row in runs {
            bench.set(row);
        }
        bench
    }

    fn watcher(fake: &Fake, settings: &GitHubSource) -> Watcher<Fake> {
        let token = settings.token.clone().unwrap();
        Watcher::new("ci".into(), fake.clone(), &token, settings).unwrap()
    }

    pub(super) async fn poll(&mut self, second: i64) -> Result<Polled, PollError> {
        self.fake.with(|world| {
            world.date = Some(at(second));
            world.asked.clear();
        });
        // Our clock is an hour ahead: nothing may depend on it.
        self.watcher.poll(&self.taken, at(second + 3600)).await
    }

    /// What was handed over since the last time: number, attempt, status, and whether it is history.
    pub(super) fn news(&self) -> Vec<(u64, u32, RunStatus, bool)> {
        let seen = std::mem::take(&mut self.taken.0.lock().unwrap().seen);
        let row = |seen: Seen| (seen.run.id.parse().unwrap(), seen.run.attempt.unwrap(), seen.run.status, seen.history);
        seen.into_iter().map(row).collect()
    }

    /// The runs that were handed over since the last time.
    pub(super) fn runs(&self) -> Vec<Run> {
        let seen = std::mem::take(&mut self.taken.0.lock().unwrap().seen);
        seen.into_iter().map(|seen| seen.run).collect()
    }

    pub(super) fn mark(&self) -> Mark {
        let stored = self.taken.0.lock().unwrap().checkpoint.clone();
        Checkpoint::read(stored.as_deref()).unwrap().repositories.remove(REPOSITORY).unwrap()
    }

    /// Puts a run, with a failed job if it failed.
    pub(super) fn set(&self, row: Value) {
        self.set_in(REPOSITORY, row);
    }

    pub(super) fn set_in(&self, repository: &str, row: Value) {
        let (id, attempt) = (row["id"].as_u64().unwrap(), row["run_attempt"].as_u64().unwrap());
        self.fake.with(|world| {
            if row["conclusion"] == "failure" {
                let ended: Timestamp = row["updated_at"].as_str().unwrap().parse().unwrap();
                let ended = ended.duration_since(at(0)).as_secs();
                let job = job(id * 10 + attempt, id, "test", "failure", ended - 10, ended);
                world.jobs.insert((id, attempt), vec![job]);
                world.notes.insert(id * 10 + attempt, vec![note("Process completed with exit code 1.")]);
            }
            world.runs.insert((repository.to_owned(), id), row);
        });
    }

    pub(super) fn restart(&mut self) {
        self.watcher = Self::watcher(&self.fake, &self.settings);
    }
}
