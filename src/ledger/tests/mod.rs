//! Tests of the ledger against the real engine and a real file. A crash is a copy of the file and its log, taken while it is open.

mod board;
mod expecting;
mod faults;
mod flows;
mod handed_on;
mod honest;
mod journal;
mod opening;
mod outbox;
mod random;
mod sweeps;
mod troubles;
mod unknown;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::sync::watch;

use super::command::Work;
use super::*;
use crate::engine::testing::{self, card, policy};
use crate::engine::{Attempted, Delivery, Field, Kind, Matcher, Outcome, Rule};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Observation, RetryLevel, Retrying, Standing};

/// A ledger in a folder of its own, with what it takes to change its mind.
struct Bed {
    folder: TempDir,
    policy: watch::Sender<Arc<Policy>>,
    metrics: Metrics,
    ledger: Ledger,
    keeper: Option<Keeper>,
}

/// A rule under which each run is a problem of its own: what is tested here is what becomes of a message, not which there are.
fn rule(name: &str, when: Matcher) -> Rule {
    Rule { group_by: Some(vec![Field::Run]), ..testing::rule(name, when) }
}

/// One rule that tells `oncall` of everything.
fn simple() -> Policy {
    policy(vec![rule("all", Matcher::default())])
}

/// `oncall` is gone; the rule and the defaults name `data`.
fn without_oncall() -> Policy {
    let mut rule = rule("all", Matcher::default());
    rule.notify = vec!["data".to_owned()];
    let mut policy = policy(vec![rule]);
    policy.receivers.remove("oncall");
    policy
}

fn settings(folder: &Path) -> LedgerSettings {
    LedgerSettings { path: folder.join("firstred.db"), retention: Duration::from_hours(24) }
}

impl Bed {
    fn new() -> Self {
        Self::with(simple())
    }

    fn with(policy: Policy) -> Self {
        Self::at(TempDir::new().expect("a folder"), watch::Sender::new(Arc::new(policy)), 10_000)
    }

    fn at(folder: TempDir, policy: watch::Sender<Arc<Policy>>, queue: usize) -> Self {
        let metrics = Metrics::default();
        let (ledger, keeper) =
            Ledger::open(&settings(folder.path()), queue, policy.subscribe(), metrics.clone()).expect("it opens");
        Self { folder, policy, metrics, ledger, keeper: Some(keeper) }
    }

    fn path(&self) -> PathBuf {
        settings(self.folder.path()).path
    }

    /// What a process that is killed now leaves behind, opened by the next one.
    fn crash(self) -> Self {
        let folder = TempDir::new().expect("a folder");
        for name in ["firstred.db", "firstred.db-wal"] {
            std::fs::copy(self.folder.path().join(name), folder.path().join(name)).expect("a copy");
        }
        let policy = self.policy.clone();
        drop(self);
        Self::at(folder, policy, 10_000)
    }

    /// Closed in order and opened again.
    fn restart(mut self) -> Self {
        drop(self.keeper.take());
        Self::at(self.folder, self.policy, 10_000)
    }

    async fn see(&self, observations: Vec<Observation>) {
        self.ledger.observe(batch(observations)).await.expect("committed");
    }

    async fn due(&self, receiver: &str, at: i64) -> Vec<Delivery> {
        self.ledger.due(receiver, second(at), 100, &[]).await.expect("an answer").0
    }

    /// All that `receiver` is told, in order: each is due once the one before it arrived.
    async fn hear(&self, receiver: &str, at: i64) -> Vec<Delivery> {
        let mut told = Vec::new();
        loop {
            let due = self.due(receiver, at).await;
            if due.is_empty() {
                return told;
            }
            for delivery in due {
                self.record(&delivery, at, yes()).await;
                told.push(delivery);
            }
        }
    }

    async fn record(&self, delivery: &Delivery, at: i64, outcome: Outcome) {
        self.ledger.record(attempt(delivery, at, outcome)).await.expect("on record");
    }

    /// SQL on the writer's own connection.
    async fn sql(&self, sql: &str) {
        self.ledger.ask(Work::Sql(sql.to_owned()), None).await.expect("SQL");
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn key(run: &str) -> RunKey {
    RunKey { workspace: "acme".to_owned(), workflow: "sync".to_owned(), run: run.to_owned() }
}

fn seen(run: &str, status: RunStatus, standing: Standing) -> Observation {
    Observation {
        key: key(run),
        workflow_name: None,
        source: "events".to_owned(),
        attempt: None,
        status,
        standing,
        started_at: None,
        completed_at: None,
        updated_at: None,
        parent: None,
        replay_of: None,
        retried_as: None,
        version: None,
        url: None,
        passed: crate::triage::Passed::default(),
        parked: None,
        card: None,
    }
}

/// The same run, as a source sees it that goes by another of the workflow's two names.
fn as_workflow(observation: Observation, key: &str, name: Option<&str>) -> Observation {
    let mut seen = observation;
    key.clone_into(&mut seen.key.workflow);
    Observation { workflow_name: name.map(str::to_owned), ..seen }
}

fn failed(run: &str) -> Observation {
    let mut card = card("sync", "Create contact", "AUTH_MISSING");
    run.clone_into(&mut card.run.id);
    Observation { card: Some(Box::new(card)), ..seen(run, RunStatus::Failed, Standing::Failed) }
}

fn retrying(run: &str) -> Observation {
    let mut observation = failed(run);
    observation.status = RunStatus::Running;
    observation.standing = Standing::Retrying;
    if let Some(card) = &mut observation.card {
        let step = Some("Create contact".to_owned());
        card.retrying = Some(Retrying { level: RetryLevel::Step, step, attempt: Some(1), of: Some(3), next_at: None });
    }
    observation
}

fn batch(observations: Vec<Observation>) -> Observed {
    Observed {
        source: "events".to_owned(),
        polled: false,
        at: second(0),
        observations: observations.into_iter().map(|observation| (observation, false)).collect(),
        forgotten: Vec::new(),
        checkpoint: None,
    }
}

fn attempt(delivery: &Delivery, at: i64, outcome: Outcome) -> Attempted {
    Attempted {
        delivery: delivery.id,
        receiver: delivery.receiver.clone(),
        at: second(at),
        attempts: delivery.attempts + 1,
        created_at: delivery.created_at,
        outcome,
    }
}

fn yes() -> Outcome {
    Outcome::delivered("ok")
}

fn no() -> Outcome {
    Outcome::Refused { permanent: false, reason: "503".to_owned(), retry_after: None }
}

fn never() -> Outcome {
    Outcome::Refused { permanent: true, reason: "404".to_owned(), retry_after: None }
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}
