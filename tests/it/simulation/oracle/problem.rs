//! A problem as the oracle knows it: what failed, and what each receiver was told of it.

use std::collections::{BTreeMap, BTreeSet};

use firstred::engine::{Incident, Level, Number, Proof, Severity, State, What, Withheld};

use super::super::ledger::Turn;
use super::super::spec::{Cond, Fault, Name, RuleSpec};

/// A failure, or a retry that took too long.
#[derive(Clone, Debug)]
pub(super) struct Fail {
    pub(super) run: usize,
    pub(super) report: usize,
    pub(super) at: i64,
    pub(super) started: i64,
    pub(super) fault: Fault,
    pub(super) level: Level,
}

/// What a receiver was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Ear {
    pub(super) knows: bool,
    pub(super) told_over: bool,
    pub(super) level: Level,
    pub(super) last_at: Option<i64>,
    pub(super) failures: usize,
    pub(super) runs: usize,
    pub(super) reminders: u32,
    pub(super) ever: bool,
    pub(super) escalate: bool,
    /// Something stands there that shows the problem as going on.
    pub(super) stands: bool,
    /// And that somebody acknowledged it.
    pub(super) acked: bool,
    /// The newest reason that was given for not telling.
    pub(super) withheld: Option<Withheld>,
    pub(super) under: Option<Number>,
    /// Since when nothing stands in the way of what is due.
    pub(super) free_since: Option<i64>,
}

pub(super) struct Problem {
    pub(super) id: String,
    pub(super) space: Name,
    pub(super) rule: Option<Name>,
    pub(super) severity: Severity,
    pub(super) condition: Option<Cond>,
    pub(super) opened_at: i64,
    pub(super) state: State,
    pub(super) resolved_at: Option<i64>,
    pub(super) gave_up: bool,
    pub(super) left: bool,
    pub(super) acked: bool,
    pub(super) escalated: bool,
    /// It came, or came back, in what is being looked at.
    pub(super) fresh: bool,
    pub(super) reopened: u32,
    pub(super) fails: Vec<Fail>,
    pub(super) opening: Option<Fault>,
    pub(super) members: Vec<Number>,
    pub(super) provider: bool,
    /// The counts of a service's trouble do not grow after its end.
    pub(super) final_count: Option<(usize, usize)>,
    pub(super) ears: BTreeMap<String, Ear>,
    /// It waits for something above it.
    pub(super) below: bool,
}

impl Problem {
    pub(super) fn new(now: i64, space: Name, rule: Option<&RuleSpec>, incident: &Incident) -> Self {
        let (provider, condition) = match &incident.what {
            What::Failure { class, .. } => (false, rule.and_then(|rule| rule.condition(*class))),
            _ => (true, None),
        };
        Self {
            id: incident.id.as_str().to_owned(),
            space,
            rule: rule.map(|rule| rule.name),
            severity: rule.map_or(Severity::Error, |rule| rule.severity),
            condition,
            opened_at: now,
            state: State::Open,
            resolved_at: None,
            gave_up: false,
            left: false,
            acked: false,
            escalated: false,
            fresh: true,
            reopened: 0,
            fails: Vec::new(),
            opening: None,
            members: Vec::new(),
            provider,
            final_count: None,
            ears: BTreeMap::new(),
            below: false,
        }
    }

    pub(super) fn is_going_on(&self) -> bool {
        self.resolved_at.is_none() && !self.left
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open && !self.left
    }

    pub(super) fn level(&self) -> Level {
        if self.provider { Level::Failed } else { self.fails.iter().map(|fail| fail.level).max().unwrap_or_default() }
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = &Fail> {
        self.fails.iter().filter(|fail| fail.level == Level::Failed)
    }

    /// Failures, and runs that failed.
    pub(super) fn own_count(&self) -> (usize, usize) {
        let runs: BTreeSet<usize> = self.failures().map(|fail| fail.run).collect();
        (self.failures().count(), runs.len())
    }

    pub(super) fn last_fail(&self) -> Option<i64> {
        self.fails.iter().map(|fail| fail.at).max()
    }

    /// Whether a failure may have pushed it from the board.
    pub(super) fn replaced(&self, now: i64, reopen_within: i64) -> bool {
        self.resolved_at.is_some_and(|end| now > end + reopen_within)
    }

    /// Takes over what the engine wrote down; what of it is true was looked at before.
    pub(super) fn take(&mut self, now: i64, turn: &Turn) {
        let row = &turn.now;
        if row.state == State::Resolved {
            let gave_up = self.state == State::Gathering
                || matches!(&row.resolution, Some(end) if turn.left && matches!(end.proof, Proof::Quiet { .. }) && row.condition.is_some());
            self.gave_up |= gave_up && row.condition.is_some();
            self.resolved_at.get_or_insert(now);
        } else if self.resolved_at.take().is_some() {
            self.reopened += 1;
            self.escalated = false;
            self.acked = false;
            self.fresh = true;
            self.final_count = None;
        }
        // What opened in the same breath was above nothing when the others spoke.
        self.fresh |= self.state == State::Gathering && row.state == State::Open;
        self.state = row.state;
        self.left |= turn.left;
        self.below = row.ears.values().any(|ear| matches!(ear.withheld, Some(Withheld::Inhibited { .. })));
        if let What::Provider { members, .. } = &row.what {
            self.members.clone_from(members);
        }
        for (receiver, ear) in &row.ears {
            let known = self.ears.entry(receiver.clone()).or_default();
            known.under = ear.under.or(known.under);
        }
    }
}
