//! Expectations come into force: what is about what, what was never seen, and since when it is waited for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Board;
use super::going::Going;
use super::subject::{Named, Subject, named};
use crate::engine::{Expectation, Expected, Policy};
use crate::run::RunKey;

impl Board {
    /// Puts the expectations of other rules in force.
    pub(super) fn adopt_expectations(&mut self, now: Timestamp, policy: &Policy) {
        self.watch.clear();
        if policy.expectations.is_empty() && self.watch.since.is_empty() {
            return;
        }
        let mut seen: BTreeSet<(usize, Named)> = BTreeSet::new();
        let names: Vec<Vec<Named>> = policy.expectations.iter().map(|expectation| named(expectation, policy)).collect();
        for (key, workflow) in &self.workflows {
            let Some((workspace, id)) = key.split_once('\0') else {
                continue;
            };
            let name = workflow.name.as_deref();
            self.watch.heed(policy, [workspace, id], &workflow.source, name);
            for index in self.watch.about(workspace, id).to_vec() {
                let Some(expectation) = policy.expectations.get(index) else {
                    continue;
                };
                if let Expected::Success { .. } = expectation.expected {
                    self.watch.set_due(&Subject::workflow(workspace, id), Some(now));
                    let all = names.get(index).into_iter().flatten();
                    let found = all.filter(|named| is_named(expectation, named, [workspace, id], name));
                    seen.extend(found.map(|named| (index, named.clone())));
                }
            }
        }
        self.adopt_unseen(now, policy, &seen);
        let runs: Vec<(RunKey, Going)> = self.going.iter().map(|(key, going)| (key.clone(), going.clone())).collect();
        for (key, going) in runs {
            let parts = [key.workspace.as_str(), key.workflow.as_str()];
            // What is known of the workflow says more than one of its runs.
            if !self.watch.heeds(parts) {
                self.watch.heed(policy, parts, &going.source, going.name.as_deref());
            }
            if self.watch.about(parts[0], parts[1]).is_empty() {
                continue;
            }
            self.watch.set_due(&Subject::run(&key), Some(now));
            if let Some(connection) = self.park(policy, &key, &going) {
                self.watch.set_due(&connection, Some(now));
            }
        }
    }

    /// Lets go of what is about workflows that are about to be forgotten.
    pub(super) fn forget_expectations(&mut self, before: Timestamp) {
        let gone: Vec<(String, String)> = self
            .workflows()
            .filter(|(_, _, workflow)| workflow.last_at < before)
            .map(|(workspace, key, _)| (workspace.to_owned(), key.to_owned()))
            .collect();
        for (workspace, key) in gone {
            self.watch.forget(&workspace, &key);
            for number in self.watch.missed(&Subject::workflow(&workspace, &key)) {
                let at = self.incidents.get(&number).map(|incident| incident.last_at);
                self.set_deadline(number, at);
            }
        }
    }

    fn adopt_unseen(&mut self, now: Timestamp, policy: &Policy, seen: &BTreeSet<(usize, Named)>) {
        let mut kept = BTreeMap::new();
        for (index, expectation) in policy.expectations.iter().enumerate() {
            for named in named(expectation, policy) {
                if seen.contains(&(index, named.clone())) {
                    continue;
                }
                let key = named.key(&expectation.name);
                let since = self.watch.since.remove(&key);
                if since.is_none() {
                    self.changed.expected_since.insert(key.clone());
                }
                kept.insert(key, since.unwrap_or(now));
                self.watch.set_due(&Subject::unseen(&named), Some(now));
                self.watch.unseen.entry(named).or_default().insert(index);
            }
        }
        let gone = std::mem::replace(&mut self.watch.since, kept);
        self.changed.expected_since.extend(gone.into_keys());
    }
}

/// Whether a workflow is the one that an expectation names.
pub(super) fn is_named(
    expectation: &Expectation,
    named: &Named,
    [workspace, workflow]: [&str; 2],
    name: Option<&str>,
) -> bool {
    (named.workflow == workflow || Some(named.workflow.as_str()) == name)
        && (expectation.when.workspace.is_empty() || named.workspace == workspace)
}
