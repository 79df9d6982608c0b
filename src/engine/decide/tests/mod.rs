//! What a run's life leads to, told as stories: each `say` is an observation, in the order in which it comes.

mod any_order;
mod attempts;
mod holding;
mod late;
mod others;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::engine::hold::hold_ended;
use crate::engine::rule::{Matcher, Pattern};
use crate::engine::testing::{card, policy, rule};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Cause, RetryLevel, Retrying};

/// A run, what is known of it, and what was told.
struct Story {
    policy: Policy,
    known: Option<Known>,
    now: Timestamp,
    told: Vec<Kind>,
    parent: Option<Standing>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_342_441 + second).expect("a time")
}

fn key() -> RunKey {
    RunKey { workspace: "acme".to_owned(), workflow: "billing".to_owned(), run: "run-1".to_owned() }
}

fn seen(status: RunStatus) -> Observation {
    let standing = match status {
        RunStatus::Failed => Standing::Failed,
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        _ => Standing::Open,
    };
    Observation {
        key: key(),
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
        card: (standing == Standing::Failed).then(|| Box::new(card("billing", "charge", "TIMEOUT"))),
    }
}

fn retrying(attempt: u32) -> Observation {
    let mut card = card("billing", "charge", "TIMEOUT");
    card.retrying = Some(Retrying {
        level: RetryLevel::Step,
        step: Some("charge".to_owned()),
        attempt: Some(attempt),
        of: Some(10),
        next_at: None,
    });
    Observation { standing: Standing::Retrying, card: Some(Box::new(card)), ..seen(RunStatus::Running) }
}

fn failed_at(attempt: u32, second: i64) -> Observation {
    let end = Some(at(second));
    Observation { attempt: Some(attempt), completed_at: end, updated_at: end, ..seen(RunStatus::Failed) }
}

fn running_at(attempt: u32, second: i64) -> Observation {
    let start = Some(at(second));
    Observation { attempt: Some(attempt), started_at: start, updated_at: start, ..seen(RunStatus::Running) }
}

impl Story {
    fn new() -> Self {
        Self {
            policy: policy(vec![rule("all", Matcher::default())]),
            known: None,
            now: at(0),
            told: Vec::new(),
            parent: None,
        }
    }

    fn say(&mut self, observation: Observation) -> &mut Self {
        self.say_in(observation, &Context::default())
    }

    fn say_in(&mut self, mut observation: Observation, context: &Context) -> &mut Self {
        self.now = self.now.saturating_add(SignedDuration::from_secs(1)).expect("a time");
        let changes = decide(self.now, self.known.take(), &mut observation, context, &self.policy);
        self.take(changes)
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.saturating_add(SignedDuration::from_secs(seconds)).expect("a time");
        let known = self.known.take().expect("a run that was seen");
        let changes = hold_ended(self.now, &key(), known, self.parent, &self.policy);
        self.take(changes)
    }

    fn take(&mut self, changes: Decided) -> &mut Self {
        self.told.extend(changes.raised.iter().map(|raised| raised.kind));
        self.known = Some(changes.known);
        self
    }

    fn reasons(&self) -> Vec<&Reason> {
        self.known.iter().flat_map(|known| &known.lines).map(|line| &line.reason).collect()
    }
}
