//! What to say, to whom, when: rules, holds, attempts, deliveries. Pure: `now` is an argument, nothing is read and
//! nothing is sent. It knows `run` and `triage`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod attempt;
mod backoff;
mod decide;
mod failing;
mod hearers;
mod hold;
mod known;
mod notification;
mod outcome;
mod policy;
mod reason;
pub mod rule;
#[cfg(test)]
mod simulation;
mod tell;
#[cfg(test)]
pub(crate) mod testing;

pub use backoff::{Schedule, next_attempt};
pub use decide::{Changes, Context, Told, decide, forget};
pub use failing::Failing;
pub use hearers::{About, Hearer};
pub use hold::hold_ended;
pub use known::{Failure, Hold, HoldState, Known};
pub use notification::{Delivery, Kind, Notification, NotificationId, OwnTrouble, Subject};
pub use outcome::{Attempted, Next, Outcome, Verdict, after_attempt};
pub use policy::{Audience, Policy, Tenancy};
pub use reason::{Line, Reason};
pub use rule::{Matcher, Pattern, PatternError, Rule, RuleSet, Severity, StatusPattern};
pub use tell::whom;
