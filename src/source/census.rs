//! The failed runs as an engine lists them, to hold against what the ledger knows: what polling missed shows in the count. It knows
//! no engine and no ledger.

use jiff::Timestamp;

use crate::run::{Run, RunKey, RunStatus};

/// What failed in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Census {
    /// The engine counts these.
    Counted(Tally),
    /// Its API can't say.
    Unsaid {
        /// Why, for a person.
        why: &'static str,
    },
}

/// Failed runs, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// They failed in that stretch, and after the first contact. A child that its parent waits for is not among them.
    pub failed: Vec<Counted>,
    /// The whole stretch was read: there are no others.
    pub whole: bool,
}

/// One failed attempt of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// Which run, as [`Run::key`](crate::run::Run::key) would say.
    pub key: RunKey,
    /// Which attempt, where [`Run::attempt`](crate::run::Run::attempt) would say it.
    pub attempt: Option<u32>,
    /// When it failed, by the engine's clock.
    pub ended: Option<Timestamp>,
}

impl Counted {
    /// This run, if it failed.
    #[must_use]
    pub fn of(run: &Run) -> Option<Self> {
        let failed = run.status == RunStatus::Failed;
        failed.then(|| Self { key: run.key(), attempt: run.attempt, ended: run.completed_at })
    }
}
