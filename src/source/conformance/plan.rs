//! What kind of world a seed plays. It knows no source.

use jiff::SignedDuration;

use super::chance::Chance;
use super::engine::FakeEngine;

/// What kind of world it is.
#[derive(Debug, Clone)]
pub(in crate::source) struct Plan {
    pub(super) seed: u64,
    /// What our clock is ahead of the engine's.
    pub(super) ahead: SignedDuration,
    /// In so many of a hundred polls the wire fails.
    pub(super) faults: u64,
    /// Between two requests, in so many of a hundred cases, something happens.
    pub(super) restless: u64,
    /// Before so many of a hundred polls the process starts anew.
    pub(super) restarts: u64,
    /// In so many of a hundred polls the ledger refuses now and then.
    pub(super) refusals: u64,
    /// Times have whole seconds, and the engine's order leaves equal ones open.
    pub(super) ties: bool,
    /// The most milliseconds after which the engine shows what it wrote down.
    pub(super) lag: i64,
    /// Both clocks are put forward and back.
    pub(super) steps: bool,
    /// Many runs fail at once.
    pub(super) burst: bool,
    /// Finished runs at the first contact.
    pub(super) history: u32,
    pub(super) polls: u64,
}

impl Plan {
    /// The plan of a seed.
    pub(super) fn of<F: FakeEngine>(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let burst = chance.percent(8);
        let page = F::KIND.page;
        let history = if chance.percent(8) { page + page / 3 } else { u32::try_from(chance.below(8)).unwrap() };
        let skew = [0, 0, 1, -1, 120, -120, 37, -75];
        Self {
            seed,
            ahead: SignedDuration::from_secs(chance.one_of(&skew)),
            faults: chance.one_of(&[0, 15, 50]),
            restless: chance.one_of(&[0, 0, 10, 40]),
            restarts: chance.one_of(&[0, 10, 30]),
            refusals: chance.one_of(&[0, 0, 20]),
            ties: chance.percent(25),
            lag: chance.one_of(&[0, 0, 2_000, 20_000, 60_000]),
            steps: chance.percent(20),
            burst,
            history,
            polls: if burst { 12 } else { 15 + chance.below(25) },
        }
    }

    /// A world in which nothing goes wrong.
    pub(super) fn calm() -> Self {
        Self {
            seed: 0,
            ahead: SignedDuration::ZERO,
            faults: 0,
            restless: 0,
            restarts: 0,
            refusals: 0,
            ties: false,
            lag: 0,
            steps: false,
            burst: false,
            history: 0,
            polls: 0,
        }
    }

    /// The same world, with nothing that goes wrong in it.
    pub(super) fn honest(self) -> Self {
        Self { faults: 0, restless: 0, restarts: 0, refusals: 0, steps: false, ..self }
    }

    /// Some things happen.
    pub(super) fn with_failures(self) -> Self {
        Self { polls: 20, history: 5, ..self }
    }
}
