//! What is expected of what, and when to look whether it happened. The bookkeeping of expectations: it knows which of them are about a
//! workflow, their deadlines, and which source was read since; what is missed it does not know.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::joined;
use super::subject::{Named, Subject};
use crate::engine::incident::Number;
use crate::engine::{Expectation, Policy};
use crate::run::RunKey;

/// Of which expectations a workflow is one.
#[derive(Debug, Clone, Default)]
struct Heeded {
    source: String,
    name: Option<String>,
    expectations: Vec<usize>,
}

/// A look that was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing to read: the source is pushed to.
    Pushed,
    /// Confirmed by this look.
    At(Timestamp),
    /// Not yet.
    Awaited,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    heeded: BTreeMap<String, Heeded>,
    due: BTreeSet<(Timestamp, Subject)>,
    due_of: BTreeMap<Subject, Timestamp>,
    /// When the newest complete read of a polled source began.
    reads: BTreeMap<String, Timestamp>,
    /// By source: what waits for a read of it.
    unread: BTreeMap<String, BTreeSet<Subject>>,
    /// The open incidents of what is missed.
    missing: BTreeMap<Subject, BTreeSet<Number>>,
    /// By expectation and connection: the runs that are parked behind it, and since when.
    pub(super) parked: BTreeMap<(usize, Subject), BTreeMap<RunKey, Timestamp>>,
    /// Workflows that are named and were never seen, by expectation.
    pub(super) unseen: BTreeMap<Named, BTreeSet<usize>>,
    /// Since when an expectation waits for a workflow that was never seen. Stored.
    pub(super) since: BTreeMap<String, Timestamp>,
}

impl Watch {
    /// Looks up the expectations about a workflow: once, and again when its source or its name is another one. Answers whether it did.
    pub(super) fn heed(
        &mut self,
        policy: &Policy,
        [workspace, workflow]: [&str; 2],
        source: &str,
        name: Option<&str>,
    ) -> bool {
        let key = joined(&[workspace, workflow]);
        let known = |old: &Heeded| old.source == source && (name.is_none() || old.name.as_deref() == name);
        if self.heeded.get(&key).is_some_and(known) {
            return false;
        }
        let name = name.map(str::to_owned).or_else(|| self.heeded.remove(&key)?.name);
        let is_about = |index: &usize| {
            let about = policy.expectations.get(*index);
            about.is_some_and(|about| is_about(about, policy, [workspace, workflow], source, name.as_deref()))
        };
        let expectations = (0..policy.expectations.len()).filter(is_about).collect();
        self.heeded.insert(key, Heeded { source: source.to_owned(), name, expectations });
        true
    }

    /// Whether it was looked up what is about a workflow.
    pub(super) fn heeds(&self, parts: [&str; 2]) -> bool {
        self.heeded.contains_key(&joined(&parts))
    }

    /// The expectations about a workflow, as far as they were looked up.
    pub(super) fn about(&self, workspace: &str, workflow: &str) -> &[usize] {
        let heeded = self.heeded.get(&joined(&[workspace, workflow]));
        heeded.map_or(&[], |heeded| heeded.expectations.as_slice())
    }

    /// A workflow is no longer known.
    pub(super) fn forget(&mut self, workspace: &str, workflow: &str) {
        self.heeded.remove(&joined(&[workspace, workflow]));
        self.set_due(&Subject::workflow(workspace, workflow), None);
    }

    /// Begins anew under other rules; what was read, and since when something is waited for, stays.
    pub(super) fn clear(&mut self) {
        let (reads, since, missing) =
            (std::mem::take(&mut self.reads), std::mem::take(&mut self.since), std::mem::take(&mut self.missing));
        *self = Self { reads, missing, since, ..Self::default() };
    }

    pub(super) fn set_due(&mut self, subject: &Subject, at: Option<Timestamp>) {
        let old = match at {
            Some(at) => self.due_of.insert(subject.clone(), at),
            None => self.due_of.remove(subject),
        };
        if old == at {
            return;
        }
        if let Some(old) = old {
            self.due.remove(&(old, subject.clone()));
        }
        if let Some(at) = at {
            self.due.insert((at, subject.clone()));
        }
    }

    pub(super) fn is_due(&self, subject: &Subject) -> bool {
        self.due_of.contains_key(subject)
    }

    #[cfg(test)]
    pub(super) fn dues(&self) -> usize {
        self.due.len()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What is due, at most so many.
    pub(super) fn take_due(&mut self, now: Timestamp, most: usize) -> Vec<Subject> {
        let due: Vec<Subject> =
            self.due.iter().take_while(|(at, _)| *at <= now).take(most).map(|(_, subject)| subject.clone()).collect();
        for subject in &due {
            self.set_due(subject, None);
        }
        due
    }

    /// Whether a source was looked at since `at`. `seen_at`: when the very thing was last seen.
    pub(super) fn look(&self, policy: &Policy, source: &str, at: Timestamp, seen_at: Option<Timestamp>) -> Look {
        if !policy.sources.get(source).is_some_and(|source| source.polled) {
            return Look::Pushed;
        }
        let read = self.reads.get(source).copied();
        seen_at.max(read).filter(|look| *look >= at).map_or(Look::Awaited, Look::At)
    }

    /// Lets a subject wait for a read of its source.
    pub(super) fn wait_for(&mut self, source: &str, subject: &Subject) {
        if let Some(waiting) = self.unread.get_mut(source) {
            waiting.insert(subject.clone());
        } else {
            self.unread.insert(source.to_owned(), BTreeSet::from([subject.clone()]));
        }
    }

    /// Whether anything waits for a read of this source.
    pub(super) fn awaits(&self, source: &str) -> bool {
        self.unread.contains_key(source)
    }

    pub(super) fn waits_for(&self, source: &str, subject: &Subject) -> bool {
        self.unread.get(source).is_some_and(|waiting| waiting.contains(subject))
    }

    /// A source was read. Answers whether anything waited for it.
    pub(super) fn read(&mut self, source: &str, began: Timestamp) -> bool {
        let newest = self.reads.get(source).is_none_or(|before| *before < began);
        if newest {
            self.reads.insert(source.to_owned(), began);
        }
        let waiting = self.unread.remove(source).unwrap_or_default();
        for subject in &waiting {
            self.set_due(subject, Some(began));
        }
        !waiting.is_empty()
    }

    /// What waits for a read, by source.
    pub(super) fn unread(&self) -> impl Iterator<Item = (&str, &Subject)> {
        self.unread.iter().flat_map(|(source, waiting)| waiting.iter().map(|subject| (source.as_str(), subject)))
    }

    pub(super) fn miss(&mut self, subject: Subject, number: Number) {
        self.missing.entry(subject).or_default().insert(number);
    }

    pub(super) fn missed(&self, subject: &Subject) -> Vec<Number> {
        if self.missing.is_empty() {
            return Vec::new();
        }
        self.missing.get(subject).into_iter().flatten().copied().collect()
    }

    pub(super) fn over(&mut self, subject: &Subject, number: Number) {
        if let Some(numbers) = self.missing.get_mut(subject) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.missing.remove(subject);
            }
        }
    }
}

/// Whether an expectation is about a workflow. One whose source left the configuration is nobody's business: it can't be seen.
fn is_about(
    expectation: &Expectation,
    policy: &Policy,
    [workspace, workflow]: [&str; 2],
    source: &str,
    name: Option<&str>,
) -> bool {
    let when = &expectation.when;
    let fits = |patterns: &[crate::engine::Pattern], texts: [Option<&str>; 2]| {
        patterns.is_empty() || texts.iter().flatten().any(|text| patterns.iter().any(|pattern| pattern.matches(text)))
    };
    policy.sources.contains_key(source)
        && fits(&when.source, [Some(source), None])
        && fits(&when.workspace, [Some(workspace), None])
        && fits(&when.workflow, [Some(workflow), name])
}
