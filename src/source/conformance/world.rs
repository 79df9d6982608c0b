//! One made-up world: the truth, the fake engine that shows it, both clocks, what goes wrong, the modelled ledger, and which promises were
//! broken. It knows no source.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::super::Seen;
use super::book::Ledger;
use super::chance::Chance;
use super::engine::{FakeEngine, State, error};
use super::faulty::Fault;
use super::truth::{Change, Truth};
use super::{Plan, Promise};
use crate::run::{RunKey, RunStatus};

/// Around the first contact nobody can say what came first: `Date` has whole seconds.
const FUZZ: SignedDuration = SignedDuration::from_secs(2);

/// A world that the wire, the ledger and the play have in common.
pub(super) struct Shared<F: FakeEngine>(Arc<Mutex<World<F>>>);

impl<F: FakeEngine> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: FakeEngine> Shared<F> {
    pub(super) fn new(world: World<F>) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(super) fn with<R>(&self, with: impl FnOnce(&mut World<F>) -> R) -> R {
        with(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// What goes wrong during one poll.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trouble {
    /// With which request it begins, from 0, what it is, and how many requests it lasts.
    pub(super) wire: Option<(u64, Fault, u64)>,
    /// In so many of a hundred cases the ledger refuses.
    pub(super) refusing: u64,
    /// In so many of a hundred cases something happens before a request.
    pub(super) restless: u64,
}

pub(super) struct World<F: FakeEngine> {
    pub(super) fake: F,
    pub(super) truth: Truth,
    pub(super) ledger: Ledger,
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    /// The engine's clock.
    pub(super) clock: Timestamp,
    /// What our clock is ahead of it.
    pub(super) ahead: SignedDuration,
    pub(super) trouble: Trouble,
    /// Requests since the begin of the poll.
    pub(super) requests: u64,
    /// Something went wrong since the begin of the poll.
    pub(super) hindered: bool,
    /// The first poll began: the engine's clock, and the moment.
    pub(super) first: Option<(Timestamp, u64)>,
    /// The begin of the poll that was going on when a checkpoint was first committed.
    contact: Option<(Timestamp, u64)>,
    began: (Timestamp, u64),
    ids: BTreeMap<String, u32>,
    pub(super) violations: Vec<(Promise, String)>,
    pub(super) trace: Option<Vec<String>>,
}

impl<F: FakeEngine> World<F> {
    pub(super) fn new(plan: Plan, traced: bool) -> Self {
        let clock: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let fake = F::new();
        fake.set_clock(clock);
        Self {
            fake,
            truth: Truth::default(),
            ledger: Ledger::default(),
            chance: Chance::new(plan.seed ^ 0x5EED),
            ahead: plan.ahead,
            plan,
            clock,
            trouble: Trouble::default(),
            requests: 0,
            hindered: false,
            first: None,
            contact: None,
            began: (clock, 0),
            ids: BTreeMap::new(),
            violations: Vec::new(),
            trace: traced.then(Vec::new),
        }
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let clock = self.clock;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", clock.strftime("%d %H:%M:%S%.3f"), line()));
        }
    }

    pub(super) fn broken(&mut self, promise: Promise, what: String) {
        self.note(|| format!("BROKEN {promise:?}: {what}"));
        self.violations.push((promise, what));
    }

    /// Our clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock + self.ahead
    }

    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.clock += time;
        self.fake.set_clock(self.clock);
    }

    pub(super) fn apply(&mut self, change: &Change) {
        self.truth.apply(change);
        match change {
            Change::Put(row) => {
                self.ids.insert(F::id(row.number), row.number);
                self.fake.put(row);
                self.note(|| {
                    format!("  run {} attempt {} is {:?}, changed {}", row.number, row.attempt, row.state, row.changed)
                });
            }
            Change::Delete(number) => {
                self.fake.delete(*number);
                self.note(|| format!("  run {number} is deleted"));
            }
        }
    }

    /// The time that the engine writes down for something that happens now.
    pub(super) fn stamp(&mut self) -> Timestamp {
        let late = if self.plan.lag > 0 && self.chance.percent(50) { self.chance.span(self.plan.lag) } else { 0 };
        let at = self.clock - SignedDuration::from_millis(late);
        // What becomes visible after the first contact ended after it too, or nobody could say what is history.
        let at = if self.first.is_some_and(|(first, _)| at < first + FUZZ) { self.clock } else { at };
        if self.plan.ties { Timestamp::from_second(at.as_second()).unwrap() } else { at }
    }

    pub(super) fn happen(&mut self) {
        let at = self.stamp();
        for change in self.truth.happen(&mut self.chance, &F::KIND, at) {
            self.apply(&change);
        }
    }

    /// A request goes out: what goes wrong with it. Before it, the world may have gone on.
    pub(super) fn request(&mut self, line: &str) -> Option<Fault> {
        let number = self.requests;
        self.requests += 1;
        let calm = self.trouble.restless == 0;
        let passes = if calm { 5 } else { self.chance.span(1_500) };
        self.pass(SignedDuration::from_millis(passes));
        if self.chance.percent(self.trouble.restless) {
            self.hindered = true;
            self.happen();
        }
        if self.plan.ties {
            self.fake.shuffle(self.chance.next());
        }
        let fault = self
            .trouble
            .wire
            .filter(|(from, _, lasts)| (*from..from.saturating_add(*lasts)).contains(&number))
            .map(|(_, fault, _)| fault);
        self.hindered |= fault.is_some();
        self.note(|| format!("  request {number} {fault:?}: {}", line.chars().take(200).collect::<String>()));
        fault
    }

    pub(super) fn refuses(&mut self) -> bool {
        let refuses = self.chance.percent(self.trouble.refusing);
        self.hindered |= refuses;
        if refuses {
            self.note(|| "  the ledger refuses".to_owned());
        }
        refuses
    }

    pub(super) fn commits_all_the_same(&mut self) -> bool {
        self.chance.percent(30)
    }

    pub(super) fn begin_poll(&mut self, trouble: Trouble) {
        self.trouble = trouble;
        (self.requests, self.hindered) = (0, false);
        self.began = (self.clock, self.truth.tick());
        self.first.get_or_insert(self.began);
        self.note(|| format!("poll {trouble:?}"));
    }

    /// A checkpoint was committed.
    pub(super) fn contact(&mut self) {
        self.contact.get_or_insert(self.began);
    }

    /// Whether a failure has to be told: it happened after the first contact.
    fn is_news(&self, since: u64, ended: Timestamp) -> bool {
        self.contact.is_some_and(|(at, moment)| since > moment && ended >= at + FUZZ)
    }

    /// The failed runs that the engine has and that have to be told, with their ends.
    pub(super) fn news(&self) -> Vec<(u32, u32, Timestamp)> {
        let has = |failure: &&super::truth::Failure| {
            failure.until.is_none() && self.is_news(failure.since, failure.ended)
        };
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
        let same = |row: &&super::Row| {
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
        let of = |failure: &&super::truth::Failure| (failure.number, failure.attempt) == (number, row.attempt);
        let Some(failure) = self.truth.failures.iter().find(of).cloned() else { return };
        if seen.history {
            if self.is_news(failure.since, failure.ended) {
                let what = format!("run {number} attempt {} failed at {} and goes for history", row.attempt, failure.ended);
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
            match known.get(&row.number) {
                Some((attempt, knows)) => {
                    if *knows != status || attempt.is_some_and(|attempt| attempt != row.attempt) {
                        wrong.push(format!("run {} is {status:?} at attempt {}, and known as {knows:?} at {attempt:?}", row.number, row.attempt));
                    }
                }
                None if status == RunStatus::Running && F::KIND.shows_open => {
                    wrong.push(format!("run {} is open, and not known", row.number));
                }
                None => {}
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
