//! The state machine of one run: what is known, what is seen now, what follows.

use jiff::Timestamp;

use super::{Known, Notification, Policy};
use crate::run::RunKey;
use crate::triage::Observation;

/// What the ledger knows besides the run's own memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// It ended before firstred first looked at this source.
    pub history: bool,
    /// The run that started it is known and has not ended.
    pub parent_open: bool,
}

/// What follows from an observation: committed together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The run's new memory.
    pub known: Known,
    /// What is to be said, and to whom. Each pair of notification and receiver becomes one delivery, once.
    pub told: Vec<Told>,
    /// Nothing in the memory changed: nothing needs to be written.
    pub unchanged: bool,
}

/// One thing to say and the receivers to say it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What to say.
    pub notification: Notification,
    /// Whom to. Never empty, no repeats.
    pub receivers: Vec<String>,
}

/// Decides what follows from `observation`.
#[must_use]
pub fn decide(
    now: Timestamp,
    known: Option<Known>,
    observation: Observation,
    context: Context,
    policy: &Policy,
) -> Changes {
    let _ = (now, known, observation, context, policy);
    unimplemented!("written next")
}

/// Decides what follows when a hold's deadline has passed.
#[must_use]
pub fn hold_ended(now: Timestamp, key: &RunKey, known: Known, policy: &Policy) -> Changes {
    let _ = (now, key, known, policy);
    unimplemented!("written next")
}

/// Decides what follows when the engine has forgotten a run that was open.
#[must_use]
pub fn forget(now: Timestamp, known: Known) -> Changes {
    let _ = (now, known);
    unimplemented!("written next")
}
