//! What is handed over, held against the truth. It knows no source.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::Seen;
use super::Promise;
use super::engine::{FakeEngine, Row, State, error};
use super::truth::Failure;
use super::world::{FUZZ, World};
use crate::run::{RunKey, RunStatus};

impl<F: FakeEngine> World<F> {
    /// Whether a failure has to be told: it happened after the first contact.
    fn is_news(&self, since: u64, ended: Timestamp) -> bool {
        self.contact.is_some_and(|(at, moment)| since > moment && ended >= at + FUZZ)
    }

    /// The failed runs that the engine has and that have to be told, with their ends.
    pub(super) fn news(&self) -> Vec<(u32, u32, Timestamp)> {
        let has = |failure: &&Failure| failure.until.is_none() && self.is_news(failure.since, failure.ended);
        self.truth.failures.iter().filter(has).map(|failure| (failure.number, failure.attempt, failure.ended)).collect()
    }

    fn is_old(&self, since: u64, ended: Timestamp) -> bool {
        self.first.is_some_and(|(at, moment)| since < moment && ended < at - FUZZ)
    }

    /// A poll ended well: what the engine had all the time is known now.
    pub(super) fn end_good_poll(&mut self) {
        let (at, begin) = self.began;
        let lost: Vec<String> = self
            .truth
            .failures
            .iter()
            .filter(|failure| failure.since < begin && failure.until.is_none())
            .filter(|failure| failure.ended + F::KIND.settle <= at)
            .filter(|failure| self.is_news(failure.since, failure.ended))
            .filter(|failure| !self.ledger.told.contains_key(&(failure.number, failure.attempt)))
            .map(|failure| format!("run {} failed at {} (attempt {})", failure.number, failure.ended, failure.attempt))
            .collect();
        for what in lost {
            self.broken(Promise::NoneLost, format!("{what}, and a good poll did not tell it"));
        }
    }

    /// Holds a run that is handed over against the truth.
    pub(super) fn judge(&mut self, seen: &Seen) {
        let run = &seen.run;
        self.note(|| {
            let history = if seen.history { ", history" } else { "" };
            format!("  told: {} attempt {:?} {}{history}", run.id, run.attempt, run.status.as_str())
        });
        let Some(number) = self.ids.get(&run.id).copied() else {
            return self.broken(Promise::OnlyTruth, format!("run {} never was", run.id));
        };
        let had = self.truth.had.get(&number).cloned().unwrap_or_default();
        let same = |row: &&Row| {
            row.state.status() == run.status
                && run.attempt.is_none_or(|attempt| attempt == row.attempt)
                && (run.status != RunStatus::Failed || close(run.completed_at, row.ended))
        };
        let Some(row) = had.iter().rev().find(same).cloned() else {
            let what = format!("run {number} never was {:?} at attempt {:?}: {had:?}", run.status, run.attempt);
            return self.broken(Promise::OnlyTruth, what);
        };
        if row.state != State::Failed {
            return;
        }
        let said = serde_json::to_string(run).unwrap();
        let right = error(number, row.attempt);
        if let Some(at) = said.find("boom-")
            && !said[at..].starts_with(&format!("{right}\""))
            && !said[at..].starts_with(&format!("{right} "))
        {
            let what = format!("run {number} attempt {} says the error of another: {said}", row.attempt);
            return self.broken(Promise::OnlyTruth, what);
        }
        let of = |failure: &&Failure| (failure.number, failure.attempt) == (number, row.attempt);
        let Some(failure) = self.truth.failures.iter().find(of).cloned() else { return };
        if seen.history {
            if self.is_news(failure.since, failure.ended) {
                let what =
                    format!("run {number} attempt {} failed at {} and goes for history", row.attempt, failure.ended);
                self.broken(Promise::NoneLost, what);
            }
            return;
        }
        // Whoever knows the end of a run is not told of it again.
        let known = self.ledger.known.get(&run.key());
        let is_known = known.is_some_and(|known| known.status.is_final() && known.attempt == run.attempt);
        if self.is_old(failure.since, failure.ended) && !is_known {
            let what = format!("run {number} failed at {}, before the first contact", failure.ended);
            self.broken(Promise::NoHistory, what);
        }
        *self.ledger.told.entry((number, row.attempt)).or_default() += 1;
    }

    /// A run that the engine has is not to be forgotten.
    pub(super) fn judge_forgotten(&mut self, key: &RunKey) {
        self.note(|| format!("  forgotten: {}", key.run));
        let has = self.ids.get(&key.run).is_some_and(|number| self.truth.rows.contains_key(number));
        if has {
            self.broken(Promise::OnlyTruth, format!("run {} is forgotten, and the engine has it", key.run));
        }
    }

    /// After quiet: what is known of each run is the truth.
    pub(super) fn judge_known(&mut self) {
        let known: BTreeMap<u32, (Option<u32>, RunStatus)> = self
            .ledger
            .known
            .iter()
            .filter_map(|(key, known)| Some((*self.ids.get(&key.run)?, (known.attempt, known.status))))
            .collect();
        let mut wrong = Vec::new();
        for row in self.truth.rows.values() {
            let status = row.state.status();
            let (number, at) = (row.number, row.attempt);
            // After a storm a source may ask only of some failures whether they were run again; what fails again is told all the same.
            let ended_well = row.state != State::Failed && status.is_final();
            match known.get(&number) {
                Some((_, was)) if self.plan.burst && *was == RunStatus::Failed && ended_well => {}
                Some((attempt, was)) if *was != status || attempt.is_some_and(|attempt| attempt != at) => {
                    wrong.push(format!(
                        "run {number} is {status:?} at attempt {at}, and known as {was:?} at {attempt:?}"
                    ));
                }
                None if status == RunStatus::Running && F::KIND.shows_open => {
                    wrong.push(format!("run {number} is open, and not known"));
                }
                _ => {}
            }
        }
        for (number, (_, status)) in known {
            if !status.is_final() && !self.truth.rows.contains_key(&number) {
                wrong.push(format!("run {number} is gone, and still known as {status:?}"));
            }
        }
        for what in wrong {
            self.broken(Promise::Truth, what);
        }
    }
}

/// To the second: engines cut fractions.
fn close(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.duration_since(other).abs() <= SignedDuration::from_secs(1),
        _ => true,
    }
}
