//! One receiver's desk: what it was sent lately, and the problems that wait to be told together. It knows numbers and times; what a
//! problem is, the board knows.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::engine::Budget;
use crate::engine::incident::{Number, Withheld};

/// A storm's first summary comes this long after it began, so that its counts say something.
const GATHER: SignedDuration = SignedDuration::from_secs(30);

/// What is remembered of one receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desk {
    /// When it was sent something, oldest first, as far back as its budget counts.
    #[serde(default)]
    sent: VecDeque<Timestamp>,
    /// What waits to be told together, by what it waits for.
    #[serde(default)]
    cohorts: Vec<(Cause, Cohort)>,
}

/// What a cohort waits for the end of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "cause", content = "of", rename_all = "camelCase")]
pub(super) enum Cause {
    /// A silence, by its id.
    Silence(String),
    /// An open incident above it.
    Inhibited(Number),
    /// Quiet hours.
    Quiet,
    /// The budget.
    Storm,
}

/// Problems that wait for the same end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cohort {
    /// Since when.
    pub(super) since: Timestamp,
    /// Why.
    pub(super) why: Withheld,
    /// Which.
    pub(super) members: BTreeSet<Number>,
    /// It is not looked at before: a bug was met.
    #[serde(skip)]
    not_before: Option<Timestamp>,
}

impl Cohort {
    /// A moment, or a later one if it may not be looked at before.
    pub(super) fn not_before(&self, at: Timestamp) -> Timestamp {
        self.not_before.map_or(at, |not_before| at.max(not_before))
    }
}

impl Desk {
    /// How many messages may be sent now; none where there is no limit.
    pub(super) fn room(&mut self, now: Timestamp, budget: Option<Budget>) -> Option<u32> {
        let budget = budget?;
        self.forget(now, budget);
        Some(budget.messages.saturating_sub(u32::try_from(self.sent.len()).unwrap_or(u32::MAX)))
    }

    /// A message is sent.
    pub(super) fn sent(&mut self, now: Timestamp, budget: Option<Budget>) {
        if let Some(budget) = budget {
            self.forget(now, budget);
            self.sent.push_back(now);
        } else {
            self.sent.clear();
        }
    }

    fn forget(&mut self, now: Timestamp, budget: Budget) {
        self.sent.retain(|at| counts(now, *at, budget));
    }

    /// When there is room for one message again.
    fn room_at(&self, now: Timestamp, budget: Budget) -> Timestamp {
        let recent = || self.sent.iter().filter(|at| counts(now, **at, budget));
        let full = recent().count() >= usize::try_from(budget.messages).unwrap_or(usize::MAX);
        let oldest = recent().next().filter(|_| full);
        oldest.map_or(now, |at| at.saturating_add(budget.within).unwrap_or(Timestamp::MAX))
    }

    /// Lets `number` wait.
    pub(super) fn wait(&mut self, now: Timestamp, cause: Cause, why: Withheld, number: Number) {
        if let Some((_, cohort)) = self.cohorts.iter_mut().find(|(other, _)| *other == cause) {
            cohort.members.insert(number);
            cohort.why = why;
        } else {
            self.cohorts.push((cause, Cohort { since: now, why, members: BTreeSet::from([number]), not_before: None }));
        }
    }

    /// What `number` waits for here.
    pub(super) fn waits_for(&self, number: Number) -> Option<&Cause> {
        self.cohorts.iter().find(|(_, cohort)| cohort.members.contains(&number)).map(|(cause, _)| cause)
    }

    /// `number` waits no longer.
    pub(super) fn leave(&mut self, number: Number) {
        for (_, cohort) in &mut self.cohorts {
            cohort.members.remove(&number);
        }
        self.cohorts.retain(|(_, cohort)| !cohort.members.is_empty());
    }

    /// Takes a cohort out.
    pub(super) fn take(&mut self, cause: &Cause) -> Option<Cohort> {
        let at = self.cohorts.iter().position(|(other, _)| other == cause)?;
        Some(self.cohorts.remove(at).1)
    }

    /// Does not look at a cohort before then.
    pub(super) fn put_off(&mut self, cause: &Cause, until: Timestamp) {
        if let Some((_, cohort)) = self.cohorts.iter_mut().find(|(other, _)| other == cause) {
            cohort.not_before = Some(until);
        }
    }

    /// The cohorts.
    pub(super) fn cohorts(&self) -> impl Iterator<Item = (&Cause, &Cohort)> {
        self.cohorts.iter().map(|(cause, cohort)| (cause, cohort))
    }

    /// Whether a storm is being collected.
    pub(super) fn storms(&self) -> bool {
        self.cohorts.iter().any(|(cause, _)| *cause == Cause::Storm)
    }

    /// When a storm is summed up.
    pub(super) fn storm_ends(&self, cohort: &Cohort, now: Timestamp, budget: Option<Budget>) -> Timestamp {
        // A clock that was set back must not put it off.
        let since = if cohort.since > now { Timestamp::MIN } else { cohort.since };
        let gathered = since.saturating_add(GATHER).unwrap_or(Timestamp::MAX);
        budget.map_or(now, |budget| self.room_at(now, budget).max(gathered))
    }
}

/// Whether what was sent then still counts. A clock that was set back must not lock the receiver up for longer than its budget does.
fn counts(now: Timestamp, at: Timestamp, budget: Budget) -> bool {
    at <= now && now.duration_since(at) < budget.within
}
