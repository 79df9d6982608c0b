//! Whether something that is expected is missing, when to look again, and what proves it over.

use jiff::{SignedDuration, Timestamp};

use super::going::{Doing, Going};
use super::missed::Found;
use super::subject::{Named, Subject, sources};
use super::watch::Look;
use super::{Board, Round, joined};
use crate::engine::incident::Concern;
use crate::engine::{Expectation, Expected};
use crate::triage::Missed;

impl Board {
    /// Looks whether something that is expected is missing, and when to look again.
    pub(super) fn review(&mut self, round: &mut Round<'_>, subject: &Subject) {
        let next = match &subject.concern {
            Concern::Workflow { workflow } => self.review_workflow(round, subject, workflow),
            Concern::Unseen { workflow } => {
                let named = Named { workspace: subject.workspace.clone(), workflow: workflow.clone() };
                self.review_unseen(round, subject, &named)
            }
            Concern::Run { workflow, .. } => self.review_run(round, subject, workflow),
            Concern::Connection { .. } => {
                self.review_connection(round, subject);
                None
            }
        };
        self.watch.set_due(subject, next);
    }

    fn review_workflow(&mut self, round: &mut Round<'_>, subject: &Subject, workflow: &str) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for index in self.watch.about(&subject.workspace, workflow).to_vec() {
            let expectation = round.policy.expectations.get(index)?;
            let Expected::Success { every } = expectation.expected else {
                continue;
            };
            let known = self.workflows.get(&joined(&[&subject.workspace, workflow]))?;
            let due = known.succeeds_by(every);
            if due > round.now {
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            let last = known.success.as_ref().map(|success| success.at);
            let (source, name) = (known.source.clone(), known.name.clone());
            if self.is_missed(subject, expectation) {
                continue;
            }
            let Some(read_at) = self.confirmed(round, &source, subject, due, None) else {
                continue;
            };
            let missed = Missed::Success { last, every };
            let found = Found { source: &source, name: name.as_deref(), workflow, run: None, due, read_at, missed };
            self.raise(round, expectation, subject, &found);
        }
        next
    }

    fn review_unseen(&mut self, round: &mut Round<'_>, subject: &Subject, named: &Named) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for index in self.watch.unseen.get(named).cloned().unwrap_or_default() {
            let expectation = round.policy.expectations.get(index)?;
            let Expected::Success { every } = expectation.expected else {
                continue;
            };
            let Some(since) = self.watch.since.get(&named.key(&expectation.name)).copied() else {
                continue;
            };
            let due = after(since, every);
            if due > round.now {
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            // It may come from any of them: all of them must have been looked at.
            let sources: Vec<String> = sources(expectation, round.policy).map(|(name, _)| name.clone()).collect();
            let looks = sources.iter().map(|source| self.confirmed(round, source, subject, due, None));
            let looks: Option<Vec<Option<Timestamp>>> = looks.collect();
            let (Some(looks), false) = (looks, sources.is_empty() || self.is_missed(subject, expectation)) else {
                continue;
            };
            let source = if sources.len() == 1 { sources.first().map_or("", String::as_str) } else { "" };
            let read_at = looks.into_iter().flatten().min();
            let missed = Missed::Start { since, every };
            let workflow = named.workflow.as_str();
            let found = Found { source, name: None, workflow, run: None, due, read_at, missed };
            self.raise(round, expectation, subject, &found);
        }
        next
    }

    fn review_run(&mut self, round: &mut Round<'_>, subject: &Subject, workflow: &str) -> Option<Timestamp> {
        let going = self.going.get(&subject.run_key()?)?.clone();
        let mut next: Option<Timestamp> = None;
        for index in self.watch.about(&subject.workspace, workflow).to_vec() {
            let expectation = round.policy.expectations.get(index)?;
            let Some((due, missed)) = self.run_is_due(expectation, subject, workflow, &going) else {
                continue;
            };
            if due > round.now {
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            if self.is_missed(subject, expectation) {
                continue;
            }
            let Some(read_at) = self.confirmed(round, &going.source, subject, due, going.seen_at) else {
                continue;
            };
            let (name, run) = (going.name.as_deref(), subject.run_key());
            let run = run.as_ref().map(|key| (key, &going));
            let found = Found { source: &going.source, name, workflow, run, due, read_at, missed };
            self.raise(round, expectation, subject, &found);
        }
        next
    }

    /// When a run has gone on, or waited, for too long; none where this expectation is not about what it does.
    fn run_is_due(
        &self,
        expectation: &Expectation,
        subject: &Subject,
        workflow: &str,
        going: &Going,
    ) -> Option<(Timestamp, Missed)> {
        match expectation.expected {
            Expected::Running { at_most, times_usual } => {
                let started = going.running_since()?;
                let usual = || self.workflows.get(&joined(&[&subject.workspace, workflow]))?.usual();
                let usual = times_usual.and_then(|times| Some((usual()?, times)));
                let relative = usual.and_then(|(usual, times)| {
                    SignedDuration::try_from_secs_f64(usual.as_secs_f64() * times).ok().map(|limit| (limit, usual))
                });
                let (at_most, usual) = match (at_most, relative) {
                    (Some(at_most), Some((limit, usual))) if limit < at_most => (limit, Some(usual)),
                    (Some(at_most), _) => (at_most, None),
                    (None, Some((limit, usual))) => (limit, Some(usual)),
                    (None, None) => return None,
                };
                Some((after(started, at_most), Missed::End { started, at_most, usual }))
            }
            Expected::Waiting { at_most } => {
                let since = going.waiting_since()?;
                let paused = going.doing == Doing::Pauses;
                Some((after(since, at_most), Missed::Progress { since, at_most, paused }))
            }
            Expected::Success { .. } | Expected::Reauthorization => None,
        }
    }

    /// The look that confirms it, where nothing is to be read: none within. It waits for one where there is none yet.
    #[expect(clippy::option_option, reason = "not confirmed, and nothing to confirm by, are two things")]
    fn confirmed(
        &mut self,
        round: &Round<'_>,
        source: &str,
        subject: &Subject,
        due: Timestamp,
        seen_at: Option<Timestamp>,
    ) -> Option<Option<Timestamp>> {
        match self.watch.look(round.policy, source, due, seen_at) {
            Look::Pushed => Some(None),
            Look::At(at) => Some(Some(at)),
            Look::Awaited => {
                self.watch.wait_for(source, subject);
                None
            }
        }
    }
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.saturating_add(time).unwrap_or(Timestamp::MAX)
}
