//! What to say, to whom, when: rules, holds, attempts, deliveries. Pure: `now` is an argument, nothing is read and
//! nothing is sent. It knows `run` and `triage`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod attempt;
mod backoff;
mod board;
mod compare;
mod daily;
mod decide;
mod failing;
mod hearers;
mod hold;
mod incident;
mod input;
mod known;
mod notification;
mod outcome;
mod policy;
mod reason;
mod refusal;
mod replay;
mod rhythm;
pub mod rule;
mod schedule;
mod silence;
mod step;
mod tell;
#[cfg(test)]
pub(crate) mod testing;

pub use backoff::{Patience, next_attempt};
pub use board::{
    Board, Changed, Coming, CommandError, Desk, ErrorMemory, Failed, Heard, Made, Pending, Raised, Stored, Stumble,
    Waiting, Workflow,
};
pub use compare::{ChangedFailure, ComparedRules, MessageRule, Messages, Replayed, compare};
pub use daily::{DailyNote, Fate, due_day};
pub use decide::{Context, MOST_REPLAYED};
pub use failing::Failing;
pub use hearers::{About, Hearer};
pub use incident::{
    Acknowledged, Concern, Ear, Ears, Incident, IncidentId, IncidentNote, LastSuccess, Level, MOST_LINES, MOST_REFS,
    MOST_TALLIES, Novelty, Number, Packed, Point, Proof, ProviderNote, Resolution, RunRef, State, Summary, SummaryLine,
    Tallies, What, Withheld,
};
pub use input::Input;
pub use known::{Failure, Hold, HoldState, Known, Membership};
pub use notification::{Delivery, Kind, Notification, NotificationId, OwnTrouble, OwnerNote, Subject};
pub use outcome::{Attempted, Next, Outcome, Verdict, after_attempt};
pub use policy::{
    Audience, Budget, Expectation, Expected, Inhibition, Manner, OWNER, Owner, Policy, ProviderGate, Tenancy,
};
pub use reason::{Line, Reason};
pub use replay::{Alarm, Event, Replay, Said};
pub use rule::{
    After, Condition, Escalate, Field, MOST_OUTCOMES, Matcher, MatcherError, Pattern, PatternError, Rhythm,
    RhythmOverride, Rule, RuleSet, Severity, StatusPattern,
};
pub use schedule::{Schedule, Window};
pub use silence::Silence;
pub use step::{Changes, Told};
pub use tell::{raise, whom, whom_all};
