//! What something waits for, and what proves that it is over.

use jiff::Timestamp;

use super::{moment, span};
use crate::engine::{Condition, Proof, RunRef, Withheld};
use crate::triage::redact::clean;

/// Why a receiver is not told now, and what ends that.
pub(crate) fn withheld(why: &Withheld, at: Timestamp) -> String {
    match why {
        Withheld::Condition { condition: wanted, have } => {
            format!("the rule speaks {}; so far {have}", condition(*wanted))
        }
        Withheld::Silence { id, until } => format!("silence {} until {}", clean(id), moment(*until, at)),
        Withheld::Inhibited { inhibition, by } => {
            let (by, inhibition) = (by.as_str(), clean(inhibition));
            format!("incident {by} is above it (inhibition `{inhibition}`); waits for its end")
        }
        Withheld::Quiet { schedule, until } => {
            format!("the receiver's quiet hours `{}` until {}", clean(schedule), moment(*until, at))
        }
        Withheld::Budget { messages, within } => {
            let within = span(*within);
            format!("the receiver's budget of {messages} messages in {within} is used up: a summary follows")
        }
        Withheld::Provider { incident, provider } => {
            let (incident, provider) = (incident.as_str(), clean(provider));
            format!("it is part of the trouble of {provider}, which is told as one: incident {incident}")
        }
        Withheld::Rhythm { until } => {
            format!("it was told already; the next update is not due before {}", moment(*until, at))
        }
    }
}

/// When a rule speaks.
pub(crate) fn condition(condition: Condition) -> String {
    match condition {
        Condition::Failures { failures, within } => format!("after {failures} failures within {}", span(within)),
        Condition::Consecutive { consecutive } => format!("after {consecutive} failed runs in a row"),
        Condition::Rate { rate, of_last } => {
            format!("when {} % of the workflow's last {of_last} runs failed", (rate * 1000.0).round() / 10.0)
        }
    }
}

/// What proves that it is over.
pub(crate) fn proof(proof: &Proof, at: Timestamp) -> String {
    let run = |run: &RunRef| format!("run {} of {}", clean(&run.id), clean(&run.workflow));
    match proof {
        Proof::LaterRun { run: later, step_seen: true } => {
            format!("{}, which started later, passed the step that failed ({})", run(later), moment(later.at, at))
        }
        Proof::LaterRun { run: later, step_seen: false } => {
            let (run, when) = (run(later), moment(later.at, at));
            format!("{run}, which started later, completed ({when}); the engine did not report the step itself")
        }
        Proof::SameRun { run: same } => {
            format!("{}, which had failed, completed after all ({})", run(same), moment(same.at, at))
        }
        Proof::Cancelled { run: retried } => {
            format!("{} was cancelled while it was retrying: nothing has failed", run(retried))
        }
        Proof::Happened => "what was expected has happened".to_owned(),
        Proof::Moot => "nobody expects it any more, or it can't happen any more".to_owned(),
        Proof::Members => "every workflow that the service failed is over it".to_owned(),
        Proof::Quiet { since } => {
            format!("nothing has failed since {}: that is all that is known", moment(*since, at))
        }
    }
}
