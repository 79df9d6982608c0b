//! `firstred why`: what was seen, decided, held and sent about a run, and why not.

use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;

use super::runs::stories;
use super::{Failure, Format, output};
use crate::engine::{Kind, Outcome, Reason};
use crate::ledger::{DeliveryState, Story};
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, run: &str, format: Format) -> Result<(), Failure> {
    let stories = stories(config, run)?;
    match format {
        Format::Json => output::say_json(&stories)?,
        Format::Text if stories.is_empty() => {
            output::say(&format!(
                "the ledger knows no run {}: it was never seen, or is older than the retention",
                clean(run)
            ));
        }
        Format::Text => stories.iter().for_each(|story| output::say(&tell(story))),
    }
    if stories.is_empty() { Err(Failure::No) } else { Ok(()) }
}

fn tell(story: &Story) -> String {
    let known = &story.known;
    let mut text = format!("run {} of {}", clean(&story.key.run), clean(&story.key.workflow));
    // Engines key workflows by ids; people know them by name.
    if let Some(name) = story.card().and_then(|card| card.run.workflow.name.as_deref())
        && name != story.key.workflow
    {
        let _ = write!(text, " ({})", clean(name));
    }
    if !story.key.workspace.is_empty() {
        let _ = write!(text, " in workspace {}", clean(&story.key.workspace));
    }
    let _ = write!(
        text,
        "\n  seen      {} since {}, by source {}",
        known.status.as_str(),
        time(known.since),
        clean(&known.source)
    );
    for line in &known.lines {
        let _ = write!(text, "\n  {}  {}", time(line.at), words(&line.reason));
        if let Some(source) = &line.source {
            let _ = write!(text, " (seen by {})", clean(source));
        }
    }
    if known.lines.is_empty() {
        text.push_str("\n  nothing was decided: it has not failed, or not for good");
    }
    if let Some(until) = known.hold_until() {
        let _ = write!(text, "\n  held until {} at the latest", time(until));
    }
    for delivery in &story.deliveries {
        let state = match delivery.state {
            DeliveryState::Waiting => "on its way",
            DeliveryState::Done => "arrived",
            DeliveryState::GivenUp => "given up",
        };
        let said = story.notifications.iter().find(|said| said.id == delivery.notification);
        let what = said.map_or("", |said| said.kind.as_str());
        let _ = write!(text, "\n  \"{what}\" to {}: {state}", clean(&delivery.receiver));
        if !delivery.address.is_empty() {
            let _ = write!(text, " ({})", clean(&delivery.address));
        }
        if let Some(next) = delivery.next_at {
            let _ = write!(text, ", next attempt {}", time(next));
        }
        for attempt in &delivery.attempts {
            let _ = write!(text, "\n    {}  {}", time(attempt.at), outcome(&attempt.outcome));
        }
    }
    text
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A reason in words.
pub(super) fn words(reason: &Reason) -> String {
    let list = |names: &[String]| names.iter().map(|name| clean(name).into_owned()).collect::<Vec<_>>().join(", ");
    match reason {
        Reason::Told { kind, failure, rules, receivers, .. } => {
            let by = if rules.is_empty() { "by the defaults".to_owned() } else { format!("by rule {}", list(rules)) };
            let what = match kind {
                Kind::StillRetrying => "told that it is still retrying",
                Kind::Vanished => "told that it vanished while it was retrying",
                _ => "told that it failed",
            };
            let which = if *failure > 1 { format!(" (failure {failure} of this run)") } else { String::new() };
            format!("{what}{which}: {}, {by}", list(receivers))
        }
        Reason::Withheld { receivers, why, .. } => format!("not told to {} now: {why:?}", list(receivers)),
        Reason::SummedUp { receiver, .. } => format!("told to {} in a summary", clean(receiver)),
        Reason::Resolved { proof } => format!("over: {proof:?}"),
        Reason::NotEnough { have, .. } => format!("told nobody: the rule's condition was not met ({have})"),
        Reason::Missed { due, read_at: Some(read_at) } => {
            format!("was due at {}, and a look at {} did not show it", time(*due), time(*read_at))
        }
        Reason::Missed { due, read_at: None } => format!("was due at {}", time(*due)),
        Reason::Repeated { by } => format!("run {} repeated it and completed", clean(by)),
        Reason::Reopened => "failed again soon after it was over".to_owned(),
        Reason::Acknowledged { by } => format!("acknowledged by {}", clean(by)),
        Reason::Escalated { receivers } => format!("nobody acknowledged: {} is told", list(receivers)),
        Reason::ReceiverGone { receiver, instead } => {
            format!("{} left the configuration; told instead: {}", clean(receiver), list(instead))
        }
        Reason::NoRule => "told nobody: no rule matches and there is no [defaults] notify".to_owned(),
        Reason::NobodyToTell { rules } => format!("told nobody: rule {} notifies nobody", list(rules)),
        Reason::NobodyMaySee { receivers } => {
            format!("told nobody: {} may not see this workspace", list(receivers))
        }
        Reason::Superseded { attempt } => {
            let which = attempt.map_or("an attempt".to_owned(), |attempt| format!("attempt {attempt}"));
            format!("{which} failed, reported after something newer was known: not told")
        }
        Reason::History => "had failed before firstred first looked at this source: not told".to_owned(),
        Reason::Held { until, rule } => {
            let by = rule.as_ref().map_or("the default".to_owned(), |rule| format!("rule {}", clean(rule)));
            format!("held until {} at the latest by {by}: a retry may still repair it", time(*until))
        }
        Reason::Recovered => "recovered on a retry while it was held: never told".to_owned(),
        Reason::CompletedAfterFailure => "completed after it had failed".to_owned(),
        Reason::RunsAgain { attempt: Some(attempt) } => format!("runs again under the same id, attempt {attempt}"),
        Reason::RunsAgain { attempt: None } => "runs again under the same id".to_owned(),
        Reason::Cancelled => "cancelled: a decision, not a failure; not told".to_owned(),
        Reason::ParentTells { parent, until } => {
            let (parent, until) = (clean(parent), time(*until));
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
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { receipt, plain: false } => format!("delivered: {}", clean(receipt)),
        Outcome::Delivered { receipt, plain: true } => format!("delivered as the plain message: {}", clean(receipt)),
        Outcome::Refused { permanent: true, reason, .. } => format!("refused for good: {}", clean(reason)),
        Outcome::Refused { reason, .. } => format!("failed, to be tried again: {}", clean(reason)),
        Outcome::Unknown { reason } => format!("unknown, may have arrived: {}", clean(reason)),
    }
}
