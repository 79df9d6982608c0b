//! One made-up world: the truth, the fake engine that shows it, both clocks, what goes wrong, the modelled ledger, and which promises were
//! broken. It knows no source.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::book::Ledger;
use super::chance::Chance;
use super::engine::FakeEngine;
use super::faulty::Fault;
use super::truth::{Change, Truth};
use super::{Plan, Promise};

/// Around the first contact nobody can say what came first: `Date` has whole seconds.
pub(super) const FUZZ: SignedDuration = SignedDuration::from_secs(2);

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
    pub(super) contact: Option<(Timestamp, u64)>,
    pub(super) began: (Timestamp, u64),
    pub(super) ids: BTreeMap<String, u32>,
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
}
