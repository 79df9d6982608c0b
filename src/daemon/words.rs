//! Reasons in plain words, for somebody who was woken by one of them: what was decided, why, and until when.

mod ends;

use jiff::{SignedDuration, Timestamp};

use crate::engine::{IncidentId, Kind, Outcome, Reason};
use crate::triage::redact::clean;

pub(crate) use ends::{condition, proof, withheld};

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// A run's: its incident is named.
    Run,
    /// An incident's.
    Incident,
}

/// A decision of this time in words.
pub(crate) fn words(reason: &Reason, at: Timestamp, of: Of) -> String {
    match reason {
        Reason::Told { .. } | Reason::Withheld { .. } | Reason::SummedUp { .. } => said(reason, at, of),
        Reason::Resolved { proof: by } => format!("over: {}", proof(by, at)),
        Reason::NotEnough { condition: wanted, have } => {
            format!(
                "nobody was told: over before the rule spoke, which it does {}; it came to {have}",
                condition(*wanted)
            )
        }
        Reason::Reopened => "failed again soon after it was over".to_owned(),
        Reason::Acknowledged { by } => {
            format!("acknowledged by {}: no reminders and no escalation any more", clean(by))
        }
        Reason::Escalated { receivers } => format!("nobody acknowledged for too long: {} is told", list(receivers)),
        Reason::ReceiverGone { receiver, instead } if instead.is_empty() => {
            format!(
                "receiver {} left the configuration; nothing was left to tell, or nobody to tell it",
                clean(receiver)
            )
        }
        Reason::ReceiverGone { receiver, instead } => {
            let (receiver, instead) = (clean(receiver), list(instead));
            format!("receiver {receiver} left the configuration before it was told; told instead: {instead}")
        }
        Reason::Missed { due, read_at: Some(read_at) } => {
            format!("was due at {}, and a look at {} did not show it", moment(*due, at), moment(*read_at, at))
        }
        Reason::Missed { due, read_at: None } => format!("was due at {}", moment(*due, at)),
        Reason::Repeated { by } => format!("run {} repeated it and completed", clean(by)),
        Reason::NoRule | Reason::NobodyToTell { .. } | Reason::NobodyMaySee { .. } => nobody(reason),
        // Named one by one, so that the compiler asks for the words of a new one.
        Reason::Superseded { .. }
        | Reason::History
        | Reason::Held { .. }
        | Reason::Recovered
        | Reason::CompletedAfterFailure
        | Reason::RunsAgain { .. }
        | Reason::RetriedAs { .. }
        | Reason::Cancelled
        | Reason::ParentTells { .. }
        | Reason::ParentDone { .. }
        | Reason::Forgotten { .. } => of_the_run(reason, at),
    }
}

/// Who was told, or is to be.
fn said(reason: &Reason, at: Timestamp, of: Of) -> String {
    match reason {
        Reason::Told { kind, failure, rules, receivers, incident } => {
            let by = if rules.is_empty() { "the defaults".to_owned() } else { format!("rule {}", list(rules)) };
            let which = match of {
                Of::Run if *failure > 1 => format!(" (failure {failure} of this run)"),
                Of::Incident if *failure > 1 => format!(" (after {failure} failures)"),
                _ => String::new(),
            };
            let joins = joins(incident.as_ref().filter(|_| of == Of::Run));
            format!("told {} {}{which}, by {by}{joins}", list(receivers), told(*kind))
        }
        Reason::Withheld { incident, kind, receivers, why, .. } => {
            let what = if *kind == Kind::Failed { String::new() } else { format!(" {}", told(*kind)) };
            let joins = joins(Some(incident).filter(|_| of == Of::Run));
            format!("not told now to {}{what}: {}{joins}", list(receivers), withheld(why, at))
        }
        Reason::SummedUp { receiver, notification, why } => {
            let (receiver, id) = (clean(receiver), notification.as_str());
            format!("told to {receiver} in summary {id}; it had waited: {}", withheld(why, at))
        }
        _ => String::new(),
    }
}

fn joins(incident: Option<&IncidentId>) -> String {
    incident.map_or_else(String::new, |incident| format!("; incident {}", incident.as_str()))
}

/// What was said, after "told".
fn told(kind: Kind) -> &'static str {
    match kind {
        Kind::Failed => "that it failed",
        Kind::StillRetrying => "that it is still retrying",
        Kind::Vanished => "that it vanished while it was retrying",
        Kind::Trouble => "of firstred's own trouble",
        Kind::Test => "as a test",
        Kind::Missed => "that it did not happen",
        Kind::ProviderTrouble => "that one service fails several workflows",
        Kind::Updated => "that it failed again, with the counts",
        Kind::StillOpen => "that it is still open",
        Kind::Reopened => "that it is back",
        Kind::Escalated => "that nobody acknowledged it",
        Kind::Acknowledged => "that somebody acknowledged it",
        Kind::Resolved => "that it is over",
        Kind::Summary => "together with others",
        Kind::Daily => "with the line of the day",
    }
}

fn nobody(reason: &Reason) -> String {
    match reason {
        Reason::NobodyToTell { rules } => format!("told nobody: rule {} notifies nobody", list(rules)),
        Reason::NobodyMaySee { receivers } => format!("told nobody: {} may not see this workspace", list(receivers)),
        _ => "told nobody: no rule matches and there is no [defaults] notify".to_owned(),
    }
}

/// What only a run goes through.
fn of_the_run(reason: &Reason, at: Timestamp) -> String {
    match reason {
        Reason::Superseded { attempt } => {
            let which = attempt.map_or("an attempt".to_owned(), |attempt| format!("attempt {attempt}"));
            format!("{which} failed, reported after something newer was known: not told")
        }
        Reason::History => "had failed before firstred first looked at this source: not told".to_owned(),
        Reason::Held { until, rule } => {
            let by = rule.as_ref().map_or("the default".to_owned(), |rule| format!("rule {}", clean(rule)));
            format!("held until {} at the latest by {by}: a retry may still repair it", moment(*until, at))
        }
        Reason::Recovered => "recovered on a retry while it was held: never told".to_owned(),
        Reason::CompletedAfterFailure => "completed after it had failed".to_owned(),
        Reason::RunsAgain { attempt: Some(attempt) } => format!("runs again under the same id, attempt {attempt}"),
        Reason::RunsAgain { attempt: None } => "runs again under the same id".to_owned(),
        Reason::RetriedAs { by } => {
            format!("failed, and the engine started run {} in its place: that one has the word", clean(by))
        }
        Reason::Cancelled => "cancelled: a decision, not a failure; not told".to_owned(),
        Reason::ParentTells { parent, until } => {
            let (parent, until) = (clean(parent), moment(*until, at));
            format!(
                "failed inside run {parent}, which is open and expected to tell; told by itself if it has not by {until}"
            )
        }
        Reason::ParentDone { parent } => {
            format!("run {} ended and had its own word, or tolerated this failure: not told", clean(parent))
        }
        Reason::Forgotten { last } => {
            format!("forgotten by the engine while it was {}: how it ended cannot be known", last.as_str())
        }
        _ => String::new(),
    }
}

/// What came of an attempt to deliver.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { receipt, plain: false, .. } => format!("delivered: {}", clean(receipt)),
        Outcome::Delivered { receipt, plain: true, .. } => {
            format!("delivered as the plain message: {}", clean(receipt))
        }
        Outcome::Refused { permanent: true, reason, .. } => format!("refused for good: {}", clean(reason)),
        Outcome::Refused { reason, .. } => format!("failed, to be tried again: {}", clean(reason)),
        Outcome::Unknown { reason } => format!("unknown, may have arrived: {}", clean(reason)),
    }
}

/// Names in a row: `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| clean(name).into_owned()).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A time, to the second.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time as it is said at another: without the day where that is the same, without seconds where there are none.
pub(crate) fn moment(at: Timestamp, said: Timestamp) -> String {
    let day = if at.strftime("%F").to_string() == said.strftime("%F").to_string() { "" } else { "%Y-%m-%d " };
    let clock = if at.as_second() % 60 == 0 { "%H:%M" } else { "%H:%M:%S" };
    at.strftime(&format!("{day}{clock} UTC")).to_string()
}

/// A length of time, as the configuration writes it.
pub(crate) fn span(time: SignedDuration) -> String {
    let whole = std::time::Duration::from_secs(time.as_secs().unsigned_abs());
    humantime::format_duration(whole).to_string()
}

/// How long ago, to the largest unit or two.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    let rounded = match seconds {
        0..120 => seconds,
        120..7_200 => seconds / 60 * 60,
        7_200..172_800 => seconds / 600 * 600,
        _ => seconds / 86_400 * 86_400,
    };
    let days = rounded / 86_400;
    if rounded >= 172_800 { format!("{days} days") } else { span(SignedDuration::from_secs(rounded)) }
}

/// A number and its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests;
