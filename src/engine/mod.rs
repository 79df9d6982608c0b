//! What to say, to whom, when: rules, holds, attempts, deliveries. Pure: `now` is an argument, nothing is read and
//! nothing is sent. It knows `run` and `triage`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod backoff;
mod decide;
mod known;
mod notification;
mod outcome;
mod policy;
mod reason;
pub mod rule;

pub use backoff::{Schedule, next_attempt};
pub use decide::{Changes, Context, Told, decide, forget, hold_ended};
pub use known::{Failure, Hold, Known};
pub use notification::{Delivery, Kind, Notification, NotificationId, OwnTrouble, Subject};
pub use outcome::{Attempted, Next, Outcome, Verdict, after_attempt};
pub use policy::{Audience, Policy, Tenancy};
pub use reason::{Line, Reason};
pub use rule::{Matcher, Pattern, PatternError, Rule, RuleSet, Severity, StatusPattern};
