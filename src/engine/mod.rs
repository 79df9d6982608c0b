//! What to say, to whom, when: rules, holds, attempts, deliveries. Pure: `now` is an argument, nothing is read and
//! nothing is sent. It knows `run` and `triage`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod attempt;
mod backoff;
mod decide;
mod failing;
mod hearers;
mod hold;
mod incident;
mod known;
mod notification;
mod outcome;
mod policy;
mod reason;
pub mod rule;
mod schedule;
mod silence;
#[cfg(test)]
mod simulation;
mod tell;
#[cfg(test)]
pub(crate) mod testing;

pub use backoff::{Patience, next_attempt};
pub use decide::{Changes, Context, Told, decide, forget};
pub use failing::Failing;
pub use hearers::{About, Hearer};
pub use hold::hold_ended;
pub use incident::{
    Acknowledged, IncidentId, IncidentNote, LastSuccess, MOST_LINES, MOST_REFS, MOST_TALLIES, Novelty, Proof,
    ProviderNote, Resolution, RunRef, Summary, SummaryLine, Tallies, Withheld,
};
pub use known::{Failure, Hold, HoldState, Known};
pub use notification::{Delivery, Kind, Notification, NotificationId, OwnTrouble, OwnerNote, Subject};
pub use outcome::{Attempted, Next, Outcome, Verdict, after_attempt};
pub use policy::{Audience, Budget, Expectation, Expected, Inhibition, OWNER, Owner, Policy, ProviderGate, Tenancy};
pub use reason::{Line, Reason};
pub use rule::{
    After, Condition, Escalate, Field, MOST_OUTCOMES, Matcher, MatcherError, Pattern, PatternError, Rhythm,
    RhythmOverride, Rule, RuleSet, Severity, StatusPattern,
};
pub use schedule::{Schedule, Window};
pub use silence::Silence;
pub use tell::{whom, whom_all};
