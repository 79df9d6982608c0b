//! The board: every problem that goes on, and what each receiver has heard of it. Failures join an incident or open one; runs that pass
//! prove one over; time reminds and ends. Pure: it holds memory, reads no clock and does no I/O; what changed is written down by the
//! ledger in the same transaction, and read back at the next start.

mod attend;
mod coming;
mod command;
mod compose;
mod desk;
mod end;
mod expect;
mod gates;
mod going;
mod group;
mod heed;
mod inhibit;
mod join;
mod list;
mod memory;
mod missed;
mod parked;
mod places;
mod prove;
mod release;
mod repeat;
mod review;
mod service;
mod shown;
mod subject;
mod tick;
mod watch;
mod workflow;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use coming::Coming;
pub use command::{CommandError, Made};
pub use desk::Desk;
pub(in crate::engine) use group::owned_by;
pub use join::{Failed, Heard, Raised};
pub use list::{Pending, Waiting};
pub use memory::{Changed, Stored};
pub use tick::Stumble;
pub use workflow::{ErrorMemory, Workflow};

use super::incident::{Incident, Number};
use super::{Policy, Silence, Told};

/// Every problem that goes on.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Boxed: each is taken out while it is gone round.
    incidents: BTreeMap<Number, Box<Incident>>,
    next: Number,
    by_key: BTreeMap<String, Number>,
    /// By workspace and workflow: the incidents that a run of it may prove over.
    by_workflow: BTreeMap<String, places::Places>,
    /// By receiver, workspace, service, class and status: the incidents that may be one trouble of the service.
    by_service: BTreeMap<String, BTreeSet<Number>>,
    /// By inhibition and the values that must be equal: the open incidents above.
    inhibitors: BTreeMap<(usize, Vec<Option<String>>), BTreeSet<Number>>,
    /// Those that were looked at for it.
    risen: BTreeSet<Number>,
    deadlines: BTreeSet<(Timestamp, Number)>,
    deadline_of: BTreeMap<Number, Timestamp>,
    workflows: BTreeMap<String, Workflow>,
    errors: BTreeMap<String, ErrorMemory>,
    /// Silences that were made by command.
    silences: BTreeMap<String, Silence>,
    /// Silences of the configuration that ended early, by [`Silence::key`], and when.
    ended_early: BTreeMap<String, Timestamp>,
    desks: BTreeMap<String, Desk>,
    /// The runs that are open. Not stored here: the ledger has them.
    going: going::Runs,
    /// What is expected, and when to look whether it happened.
    watch: watch::Watch,
    changed: Changed,
    /// What a tick is working on.
    at_work: Option<tick::Stumble>,
}

/// What an operation works with: now, the rules in force, and where to put what is to be said.
pub(in crate::engine) struct Round<'a> {
    pub(in crate::engine) now: Timestamp,
    pub(in crate::engine) policy: &'a Policy,
    pub(in crate::engine) told: Vec<Told>,
    /// Incidents to go round once what is being done is done.
    later: Vec<Number>,
}

impl<'a> Round<'a> {
    pub(in crate::engine) fn new(now: Timestamp, policy: &'a Policy) -> Self {
        Self { now, policy, told: Vec::new(), later: Vec::new() }
    }
}

impl Board {
    /// An incident by its number.
    #[must_use]
    pub fn incident(&self, number: Number) -> Option<&Incident> {
        self.incidents.get(&number).map(Box::as_ref)
    }

    /// Every incident that goes on, or ended lately.
    pub fn incidents(&self) -> impl Iterator<Item = (Number, &Incident)> {
        self.incidents.iter().map(|(number, incident)| (*number, incident.as_ref()))
    }

    /// When time has to be asked again.
    #[must_use]
    pub fn next_deadline(&self, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
        let first = self.deadlines.first().map(|(at, _)| *at);
        let desks = self.desks.iter().filter_map(|(receiver, desk)| {
            let ends = |(cause, cohort)| self.ends_waiting(now, receiver, cause, cohort, policy);
            desk.cohorts().filter_map(ends).min()
        });
        first.into_iter().chain(self.watch.next()).chain(desks).min()
    }

    /// Goes round the incidents that what was just done concerns.
    fn settle(&mut self, round: &mut Round<'_>) {
        while let Some(number) = round.later.pop() {
            self.attend(round, number, None);
        }
    }

    fn set_deadline(&mut self, number: Number, at: Option<Timestamp>) {
        let old = match at {
            Some(at) => self.deadline_of.insert(number, at),
            None => self.deadline_of.remove(&number),
        };
        if old == at {
            return;
        }
        if let Some(old) = old {
            self.deadlines.remove(&(old, number));
        }
        if let Some(at) = at {
            self.deadlines.insert((at, number));
        }
    }
}

/// One key of several parts.
fn joined(parts: &[&str]) -> String {
    parts.join("\0")
}
