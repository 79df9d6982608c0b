//! What happened and what to do: cause, class, advice, fingerprint, redaction. Pure: a run goes in, an observation
//! with a triage card comes out. This room knows the words of `run` and nothing else: no clock, no I/O, no rules.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod advice;
mod build;
mod card;
mod cause;
mod class;
mod codes;
mod fingerprint;
mod link;
mod mask;
mod missed;
mod observe;
mod parked;
mod passed;
mod provider;
pub mod redact;
mod text;

pub use card::{Card, Cause, Consequences, Missed, RetryLevel, Retrying, RunFacts};
pub use class::{Class, ClassReason, Classes};
pub use fingerprint::Fingerprint;
pub(crate) use fingerprint::without_index;
pub(crate) use missed::exact;
pub use missed::{MissedRun, missed_card};
pub use observe::{Observation, Standing, observe};
pub use parked::Parked;
pub use passed::Passed;
