//! Runs that are parked behind a connection which somebody must authorize again: one problem for each connection, with the number of
//! runs behind it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::going::Going;
use super::missed::Found;
use super::subject::Subject;
use super::watch::Look;
use super::{Board, Round};
use crate::engine::{Expected, Policy};
use crate::run::RunKey;
use crate::triage::Missed;

impl Board {
    /// A run is parked, or parked elsewhere, or goes on: whoever counts it counts anew. `before`: what was known of it.
    pub(super) fn repark(&mut self, round: &mut Round<'_>, key: &RunKey, before: Option<&Going>) {
        let subject =
            |going: &Going| going.connection().map(|concern| Subject { workspace: key.workspace.clone(), concern });
        let old = before.and_then(subject);
        let going = self.going.get(key).cloned();
        let new = going.as_ref().and_then(subject);
        if old == new {
            return;
        }
        if let Some(old) = &old {
            for index in reauthorizations(round.policy) {
                let group = (index, old.clone());
                if let Some(runs) = self.watch.parked.get_mut(&group) {
                    runs.remove(key);
                    if runs.is_empty() {
                        self.watch.parked.remove(&group);
                    }
                }
            }
        }
        if let Some(going) = &going {
            self.park(round.policy, key, going);
        }
        let touched: BTreeSet<Subject> = old.into_iter().chain(new).collect();
        for subject in touched {
            self.review_connection(round, &subject);
        }
    }

    /// Counts a run among those that are parked, where it is.
    pub(super) fn park(&mut self, policy: &Policy, key: &RunKey, going: &Going) -> Option<Subject> {
        let subject = Subject { workspace: key.workspace.clone(), concern: going.connection()? };
        let about = self.watch.about(&key.workspace, &key.workflow).to_vec();
        let mut counted = false;
        for index in reauthorizations(policy).filter(|index| about.contains(index)) {
            self.watch.parked.entry((index, subject.clone())).or_default().insert(key.clone(), going.since);
            counted = true;
        }
        counted.then_some(subject)
    }

    /// Says how many runs are parked behind a connection.
    pub(super) fn review_connection(&mut self, round: &mut Round<'_>, subject: &Subject) {
        for number in self.watch.missed(subject) {
            self.verify(round, number);
        }
        for index in reauthorizations(round.policy) {
            let Some(expectation) = round.policy.expectations.get(index) else {
                continue;
            };
            let Some(runs) = self.watch.parked.get(&(index, subject.clone())) else {
                continue;
            };
            let Some((since, key)) = runs.iter().map(|(key, since)| (*since, key.clone())).min() else {
                continue;
            };
            let parked = u32::try_from(runs.len()).unwrap_or(u32::MAX);
            let seen_at = runs.keys().filter_map(|key| self.going.get(key)?.seen_at).max();
            let Some(going) = self.going.get(&key).cloned() else {
                continue;
            };
            let missed = Missed::Authorization { parked, since };
            let (source, name) = (going.source.as_str(), going.name.as_deref());
            let run = Some((&key, &going));
            let mut found = Found { source, name, workflow: &key.workflow, run, due: since, read_at: None, missed };
            if self.recount(round, expectation, subject, &found) {
                continue;
            }
            // What the ledger remembers of before a start is not news: it is looked at once more.
            match self.watch.look(round.policy, source, Timestamp::MIN, seen_at) {
                Look::Awaited => self.watch.wait_for(source, subject),
                Look::Pushed => self.raise(round, expectation, subject, &found),
                Look::At(at) => {
                    found.read_at = Some(at);
                    self.raise(round, expectation, subject, &found);
                }
            }
        }
    }
}

/// The expectations that no connection waits to be authorized.
fn reauthorizations(policy: &Policy) -> impl Iterator<Item = usize> {
    let waits = |(index, expectation): (usize, &crate::engine::Expectation)| {
        (expectation.expected == Expected::Reauthorization).then_some(index)
    };
    policy.expectations.iter().enumerate().filter_map(waits)
}
