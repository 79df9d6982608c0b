//! What a problem's life leads to, told as stories: who is told what, and when. Time is in seconds from a fixed start.

mod joining;
mod keeping;
mod people;
mod proving;
mod reloading;
mod repeating;
mod services;
mod storms;
mod waiting;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Board;
use crate::engine::rule::Matcher;
use crate::engine::testing::{card, policy, rule};
use crate::engine::{Context, IncidentNote, Kind, Known, Policy, Stored, Subject, Summary, Told};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Card, Observation, Passed, Standing};

/// One thing that was said: when, what, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    at: i64,
    kind: Kind,
    to: String,
    notification: crate::engine::Notification,
}

/// A board, its runs, and what was said.
struct Bed {
    policy: Policy,
    board: Board,
    runs: BTreeMap<String, Known>,
    second: i64,
    said: Vec<Said>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).expect("a time")
}

fn observation(workflow: &str, run: &str, status: RunStatus) -> Observation {
    let standing = match status {
        RunStatus::Failed => Standing::Failed,
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        _ => Standing::Open,
    };
    Observation {
        key: RunKey { workspace: "acme".to_owned(), workflow: workflow.to_owned(), run: run.to_owned() },
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
        passed: Passed::default(),
        parked: None,
        card: None,
    }
}

impl Bed {
    fn new() -> Self {
        Self::under(policy(vec![rule("all", Matcher::default())]))
    }

    fn under(policy: Policy) -> Self {
        let mut board = Board::default();
        board.adopt(at(0), &policy);
        Self { policy, board, runs: BTreeMap::new(), second: 0, said: Vec::new() }
    }

    /// Lets time pass, and does what becomes due at the very second.
    fn until(&mut self, second: i64) -> &mut Self {
        while let Some(next) =
            self.board.next_deadline(at(self.second), &self.policy).filter(|next| *next <= at(second))
        {
            self.second = (next.as_second() - at(0).as_second()).max(self.second);
            let told = self.board.tick(at(self.second), &self.policy);
            let again = self.board.next_deadline(at(self.second), &self.policy);
            assert!(!told.is_empty() || again != Some(next) || next < at(self.second), "the board asks for ever");
            self.hear(told);
        }
        self.second = second;
        self
    }

    fn see(&mut self, mut seen: Observation) -> &mut Self {
        // What happens, happens now, unless the test says otherwise.
        let end = matches!(seen.status, RunStatus::Failed | RunStatus::Completed);
        seen.started_at = seen.started_at.or(Some(at(self.second - 1)));
        seen.completed_at = seen.completed_at.or(end.then_some(at(self.second)));
        seen.updated_at = seen.updated_at.or(Some(at(self.second)));
        let run = format!("{} {}", seen.key.workflow, seen.key.run);
        let known = self.runs.remove(&run);
        let mut replayed = Vec::new();
        let mut next = seen.replay_of.clone();
        while let Some(run) = next.take() {
            let key = RunKey { run, ..seen.key.clone() };
            if let Some(known) = self.runs.get(&format!("{} {}", key.workflow, key.run)) {
                next.clone_from(&known.replay_of);
                replayed.push((key, known.clone()));
            }
        }
        let context = Context { replayed, ..Context::default() };
        let changes = self.board.observe(at(self.second), known, seen, context, &self.policy);
        self.runs.insert(run, changes.known);
        for (key, known) in changes.also {
            self.runs.insert(format!("{} {}", key.workflow, key.run), known);
        }
        self.hear(changes.told);
        self
    }

    fn hear(&mut self, told: Vec<Told>) {
        for told in told {
            for receiver in told.receivers {
                let notification = told.notification.clone();
                self.said.push(Said { at: self.second, kind: notification.kind, to: receiver, notification });
            }
        }
    }

    /// A run fails at a step with a code.
    fn fail(&mut self, workflow: &str, run: &str, step: &str, code: &str) -> &mut Self {
        self.fail_with(run, card(workflow, step, code))
    }

    fn fail_with(&mut self, run: &str, mut card: Card) -> &mut Self {
        run.clone_into(&mut card.run.id);
        let workflow = card.run.workflow.key().to_owned();
        let workspace = card.run.workspace.clone();
        let mut seen = observation(&workflow, run, RunStatus::Failed);
        seen.key.workspace = workspace;
        self.see(Observation { card: Some(Box::new(card)), ..seen })
    }

    /// A run of `billing` fails at `charge`.
    fn bill(&mut self, run: &str) -> &mut Self {
        self.fail("billing", run, "charge", "TIMEOUT")
    }

    fn complete(&mut self, workflow: &str, run: &str) -> &mut Self {
        self.see(observation(workflow, run, RunStatus::Completed))
    }

    /// What was said since this was last asked, as `second kind receiver`.
    fn said(&mut self) -> Vec<String> {
        self.said.drain(..).map(|said| format!("{} {} {}", said.at, said.kind.as_str(), said.to)).collect()
    }

    /// The newest thing that was said of an incident.
    fn note(&self) -> IncidentNote {
        let last = self.said.last().expect("something was said");
        last.notification.incident.as_deref().expect("of an incident").clone()
    }

    fn summary(&self) -> Summary {
        match &self.said.last().expect("something was said").notification.subject {
            Subject::Summary(summary) => summary.as_ref().clone(),
            other => panic!("no summary: {other:?}"),
        }
    }

    /// Goes through what the ledger keeps, as a restart does.
    fn restart(&mut self) -> &mut Self {
        let changed = self.board.take_changed();
        drop(changed);
        let round_trip = |incident: &crate::engine::Incident| {
            serde_json::from_str(&serde_json::to_string(incident).expect("JSON")).expect("an incident")
        };
        let stored = Stored {
            incidents: self.board.incidents().map(|(number, incident)| (number, round_trip(incident))).collect(),
            last_number: 0,
            workflows: self.board.workflows.clone().into_iter().collect(),
            errors: self.board.errors.clone().into_iter().collect(),
            desks: self
                .board
                .desks
                .iter()
                .map(|(name, desk)| {
                    let text = serde_json::to_string(desk).expect("JSON");
                    (name.clone(), serde_json::from_str(&text).expect("a desk"))
                })
                .collect(),
            silences: self.board.silences.values().cloned().collect(),
            ended_early: self.board.ended_early.clone().into_iter().collect(),
            expected_since: Vec::new(),
        };
        self.board = Board::restore(stored);
        self.board.adopt(at(self.second), &self.policy);
        self
    }
}
