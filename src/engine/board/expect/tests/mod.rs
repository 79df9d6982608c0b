//! What is expected, told as stories: runs are seen, time passes, sources are read.

mod connections;
mod existence;
mod incidents;
mod runs;
mod success;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::engine::board::Stored;
use crate::engine::incident::{Incident, Proof, What};
use crate::engine::rule::Matcher;
use crate::engine::testing::{audience, policy};
use crate::engine::{Audience, Context, Kind, Policy, Severity, Silence, Subject as Said, Tenancy, Told};
use crate::run::RunStatus;
use crate::triage::{Card, Class, Missed, Parked, Passed, Standing};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_342_441 + minute * 60).unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn patterns(texts: &[&str]) -> Vec<crate::engine::Pattern> {
    texts.iter().map(|text| crate::engine::Pattern::parse(text).unwrap()).collect()
}

fn expectation(name: &str, workflow: &str, expected: Expected) -> Expectation {
    Expectation {
        name: name.to_owned(),
        when: Matcher { workflow: patterns(&[workflow]), ..Matcher::default() },
        expected,
        severity: Severity::Warning,
        notify: vec!["oncall".to_owned()],
        runbook: Some("https://wiki.example.com/missed".to_owned()),
    }
}

fn daily(workflow: &str) -> Expectation {
    expectation("daily", workflow, Expected::Success { every: minutes(25 * HOUR) })
}

fn seen(run: &str, status: RunStatus) -> Observation {
    let standing = match status {
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        _ => Standing::Open,
    };
    Observation {
        key: RunKey { workspace: "acme".to_owned(), workflow: "billing".to_owned(), run: run.to_owned() },
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
        url: Some(format!("https://engine.example.com/{run}")),
        passed: Passed::default(),
        parked: None,
        card: None,
    }
}

/// A run that is paused until `provider` is authorized again.
fn parked(run: &str, provider: &str) -> Observation {
    let parked =
        Parked { class: Class::Authorization, code: "TOKEN_REVOKED".to_owned(), provider: Some(provider.to_owned()) };
    Observation { parked: Some(Box::new(parked)), ..seen(run, RunStatus::Paused) }
}

struct Story {
    board: Board,
    policy: Policy,
    known: BTreeMap<RunKey, Known>,
    now: Timestamp,
    told: Vec<Told>,
}

/// `events` is pushed to, `prod` is polled.
fn story(expectations: Vec<Expectation>) -> Story {
    let mut policy = policy(Vec::new());
    policy.rhythm.remind = None;
    policy.sources.insert("events".to_owned(), Tenancy::default());
    policy.sources.insert("prod".to_owned(), Tenancy { polled: true, ..Tenancy::default() });
    policy.expectations = expectations;
    let mut board = Board::default();
    board.adopt(at(0), &policy);
    Story { board, policy, known: BTreeMap::new(), now: at(0), told: Vec::new() }
}

impl Story {
    /// Time passes until this minute.
    fn until(&mut self, minute: i64) -> &mut Self {
        let until = at(minute);
        for _ in 0..1_000 {
            match self.board.next_deadline(self.now, &self.policy) {
                Some(next) if next <= until => {
                    self.now = self.now.max(next);
                    let told = self.board.tick(self.now, &self.policy);
                    self.told.extend(told);
                }
                _ => {
                    self.now = until;
                    return self;
                }
            }
        }
        panic!("there is always something due");
    }

    fn see(&mut self, seen: Observation) -> &mut Self {
        let known = self.known.remove(&seen.key);
        let key = seen.key.clone();
        let changes = self.board.observe(self.now, known, seen, Context::default(), &self.policy);
        self.known.insert(key, changes.known);
        self.told.extend(changes.told);
        self
    }

    fn run(&mut self, run: &str, status: RunStatus) -> &mut Self {
        self.see(seen(run, status))
    }

    /// `prod` sees it.
    fn polled(&mut self, run: &str, status: RunStatus) -> &mut Self {
        self.see(Observation { source: "prod".to_owned(), ..seen(run, status) })
    }

    /// `prod` was read; the read began at this minute.
    fn read(&mut self, minute: i64) -> &mut Self {
        self.board.read_at("prod", at(minute));
        let now = (self.now.as_second() - at(0).as_second()) / 60;
        self.until(now)
    }

    /// Other rules, or a start: nothing lives but what is stored.
    fn restart(&mut self) -> &mut Self {
        let stored = Stored {
            incidents: self
                .board
                .incidents
                .iter()
                .map(|(number, incident)| (*number, incident.as_ref().clone()))
                .collect(),
            last_number: self.board.next,
            workflows: self.board.workflows.clone().into_iter().collect(),
            expected_since: self.board.watch.since.clone().into_iter().collect(),
            ..Stored::default()
        };
        self.board = Board::restore(stored);
        for (key, known) in self.known.iter().filter(|(_, known)| known.is_open()) {
            self.board.note_going(key, known, None);
        }
        self.adopt()
    }

    fn adopt(&mut self) -> &mut Self {
        self.board.adopt(self.now, &self.policy);
        let now = (self.now.as_second() - at(0).as_second()) / 60;
        self.until(now)
    }

    fn forget(&mut self, run: &str) -> &mut Self {
        let key = seen(run, RunStatus::Running).key;
        let known = self.known.remove(&key).unwrap();
        let changes = self.board.forget_run(self.now, &key, known, &self.policy);
        self.told.extend(changes.told);
        self
    }

    /// What was said since this was last asked.
    fn said(&mut self) -> Vec<Kind> {
        std::mem::take(&mut self.told).iter().map(|told| told.notification.kind).collect()
    }

    fn cards(&self) -> Vec<Card> {
        let card = |told: &Told| match &told.notification.subject {
            Said::Run(card) => Some(card.as_ref().clone()),
            _ => None,
        };
        self.told.iter().filter_map(card).collect()
    }

    fn missed(&self) -> Vec<Missed> {
        self.cards().into_iter().filter_map(|card| card.missed).collect()
    }

    fn incident(&self) -> &Incident {
        self.board.incidents.values().next().unwrap()
    }

    fn proof(&self) -> Option<Proof> {
        self.incident().resolution.clone().map(|resolution| resolution.proof)
    }
}
