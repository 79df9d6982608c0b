//! `[[expect]]`: what must happen though no run fails. Each expectation has a deadline; behind it nothing is said before a fresh look
//! confirmed it. A source that can't be read keeps it silent: that it can't be read is a trouble of firstred's own, and told as such.

use jiff::Timestamp;

use super::going::Kept;
use super::heed::is_named;
use super::subject::{Named, Subject, named};
use super::{Board, Round, joined};
use crate::engine::incident::Concern;
use crate::engine::{Expectation, Expected, Known};
use crate::run::RunKey;
use crate::triage::Observation;

impl Board {
    /// A source that is polled was read completely; `began`: when that read began. To be called for every complete read, also where it
    /// brought nothing: it is what an expectation waits for before it speaks. Answers whether anything waited; then
    /// [`Self::next_deadline`] is another one.
    pub fn read_at(&mut self, source: &str, began: Timestamp) -> bool {
        self.watch.read(source, began)
    }

    /// What is overdue and waits for a read of its source: the source, the expectations, the workspace, and what it is about.
    pub fn unread(&self) -> impl Iterator<Item = (&str, &str, &Concern)> {
        self.watch.unread().map(|(source, subject)| (source, subject.workspace.as_str(), &subject.concern))
    }

    /// Since when workflows that were never seen are waited for, by [`super::Changed::expected_since`].
    #[must_use]
    pub fn expected_since(&self, key: &str) -> Option<Timestamp> {
        self.watch.since.get(key).copied()
    }

    /// What an observation means for what is expected. `unchanged`: it said nothing new.
    pub(in crate::engine) fn expect(
        &mut self,
        round: &mut Round<'_>,
        seen: &Observation,
        known: &Known,
        unchanged: bool,
        completed: bool,
    ) {
        let kept = self.keep_going(round.now, &seen.key, known, Some(seen), unchanged);
        if round.policy.expectations.is_empty() {
            return;
        }
        if !unchanged {
            self.heed_workflow(round, seen);
        }
        if completed {
            let subject = Subject::workflow(&seen.key.workspace, &seen.key.workflow);
            let missed = self.watch.missed(&subject);
            // Until then a success only moves the deadline on: it is asked again when it is reached.
            let again = !missed.is_empty() || !self.watch.is_due(&subject);
            for number in missed {
                self.verify(round, number);
            }
            if again {
                self.review(round, &subject);
            }
            self.usual_is_known(round, &seen.key);
        }
        self.run_moved(round, &seen.key, kept);
        self.settle(round);
    }

    /// A run stands otherwise though nothing was seen of it.
    pub(in crate::engine) fn expect_without_news(&mut self, round: &mut Round<'_>, key: &RunKey, known: &Known) {
        let kept = self.keep_going(round.now, key, known, None, false);
        self.run_moved(round, key, kept);
        self.settle(round);
    }

    /// Looks up what is expected of a workflow that is new here, and begins to wait for it.
    fn heed_workflow(&mut self, round: &mut Round<'_>, seen: &Observation) {
        let parts = [seen.key.workspace.as_str(), seen.key.workflow.as_str()];
        let name = seen.workflow_name.as_deref();
        if !self.watch.heed(round.policy, parts, &seen.source, name) {
            return;
        }
        let about = self.watch.about(parts[0], parts[1]).to_vec();
        if !self.watch.unseen.is_empty() {
            self.was_seen(round, parts, name, &about);
        }
        let mut subjects = vec![Subject::workflow(parts[0], parts[1])];
        subjects.extend(self.going_of(parts[0], parts[1]).map(|(key, _)| Subject::run(key)));
        for subject in subjects {
            self.review(round, &subject);
        }
    }

    /// A workflow that is named and was never seen is seen now.
    fn was_seen(&mut self, round: &mut Round<'_>, parts: [&str; 2], name: Option<&str>, about: &[usize]) {
        for index in about {
            let Some(expectation) = round.policy.expectations.get(*index) else {
                continue;
            };
            for named in named(expectation, round.policy) {
                if !is_named(expectation, &named, parts, name) {
                    continue;
                }
                self.no_longer_unseen(*index, expectation, &named);
                for number in self.watch.missed(&Subject::unseen(&named)) {
                    self.verify(round, number);
                }
            }
        }
    }

    fn no_longer_unseen(&mut self, index: usize, expectation: &Expectation, named: &Named) {
        if let Some(waiting) = self.watch.unseen.get_mut(named) {
            waiting.remove(&index);
            if waiting.is_empty() {
                self.watch.unseen.remove(named);
            }
        }
        let key = named.key(&expectation.name);
        if self.watch.since.remove(&key).is_some() {
            self.changed.expected_since.insert(key);
        }
    }

    /// Now that enough runs have ended there is something usual: those that go on are measured by it.
    fn usual_is_known(&mut self, round: &mut Round<'_>, key: &RunKey) {
        let measured = |index: &usize| {
            let about = round.policy.expectations.get(*index);
            about.is_some_and(|about| matches!(about.expected, Expected::Running { times_usual: Some(_), .. }))
        };
        let about = self.watch.about(&key.workspace, &key.workflow);
        if !about.iter().any(measured) {
            return;
        }
        let workflow = self.workflows.get(&joined(&[&key.workspace, &key.workflow]));
        if !workflow.is_some_and(super::Workflow::is_usual_now) {
            return;
        }
        let runs: Vec<Subject> =
            self.going_of(&key.workspace, &key.workflow).map(|(key, _)| Subject::run(key)).collect();
        for subject in runs {
            self.review(round, &subject);
        }
    }

    /// A run began, went on, changed what it does, or ended.
    fn run_moved(&mut self, round: &mut Round<'_>, key: &RunKey, kept: Kept) {
        match kept {
            Kept::No => return,
            Kept::AsBefore => {
                let Some(source) = self.going.get(key).map(|going| going.source.as_str()) else {
                    return;
                };
                if self.watch.awaits(source) && self.watch.waits_for(source, &Subject::run(key)) {
                    self.review(round, &Subject::run(key));
                }
                return;
            }
            Kept::Changed(before) => self.repark(round, key, before.as_ref()),
            Kept::Ended(before) => self.repark(round, key, Some(&before)),
        }
        let subject = Subject::run(key);
        for number in self.watch.missed(&subject) {
            self.verify(round, number);
        }
        self.review(round, &subject);
    }
}

#[cfg(test)]
mod tests;
