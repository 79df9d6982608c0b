//! The facts below the error: when, how long, which attempt, where, how far. It knows a card and no channel.

use jiff::Timestamp;

use super::card::failed_at;
use super::{text, when};
use crate::run::Progress;
use crate::triage::{Card, Cause};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What it is: `Run`, `Attempt`.
    pub(crate) label: &'static str,
    /// What it says.
    pub(crate) value: Value,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text that explains itself: `prod`.
    Text(String),
    /// A text that needs its label: `2 of 3`.
    Labelled(String),
    /// Something to copy: an id.
    Id(String),
    /// A moment, which a channel may show in the reader's own time zone.
    Time(Timestamp),
}

/// The facts of a run. Each is bounded, so that all of them stay within the 600 of the budget.
pub(super) fn of_run(card: &Card, now: Timestamp) -> Vec<Fact> {
    let run = &card.run;
    let mut facts = Vec::new();
    let mut say = |label, value| facts.push(Fact { label, value });
    let short =
        |text: &str, max| Some(text::end_cut(&text::line(text::head(text, 1_000)), max)).filter(|t| !t.is_empty());

    match (failed_at(card), &card.missed) {
        (_, Some(_)) => {}
        (Some(at), None) => say("Failed", Value::Time(at)),
        (None, None) => say("Seen", Value::Time(now)),
    }
    // A run that is still retrying has not ended, whenever its step failed.
    let ended = run.completed_at.or_else(|| failed_at(card).filter(|_| card.retrying.is_none()));
    if let (Some(start), Some(end)) = (run.started_at, ended)
        && end >= start
    {
        say("Ran", Value::Labelled(when::span(end.duration_since(start))));
    }
    if let Cause::Step { attempt, max_attempts, .. } = &card.cause
        && let Some(text) = attempt_of(*attempt, *max_attempts)
    {
        say("Attempt", Value::Labelled(text));
    }
    if let Some(text) = attempt_of(run.attempt, run.max_attempts) {
        say("Run attempt", Value::Labelled(text));
    }
    if let Some(at) = card.retrying.as_ref().and_then(|retrying| retrying.next_at) {
        say("Next try", Value::Time(at));
    }
    let environment = ["env", "environment"].iter().find_map(|key| run.labels.get(*key));
    if let Some(text) = environment.and_then(|text| short(text, 40)) {
        say("Environment", Value::Text(text));
    }
    if let Some(text) = short(&run.workspace, 60) {
        say("Workspace", Value::Labelled(text));
    }
    if let Some(text) = run.trigger.as_deref().and_then(|text| short(text, 40)) {
        say("Trigger", Value::Labelled(text));
    }
    if let Some(text) = labels(card) {
        say("Labels", Value::Labelled(text));
    }
    if let Some(text) = run.replay_of.as_deref().and_then(|text| short(text, 80)) {
        say("Repeats", Value::Id(text));
    }
    if let Some(text) = short(&run.id, 80) {
        say("Run", Value::Id(text));
    }
    facts
}

/// `3 of 5`; nothing for a first try that is the only one.
fn attempt_of(attempt: Option<u32>, max: Option<u32>) -> Option<String> {
    match (attempt?, max) {
        (1, None | Some(0 | 1)) => None,
        (attempt, Some(max)) if max >= attempt => Some(format!("{attempt} of {max}")),
        (attempt, _) => Some(attempt.to_string()),
    }
}

/// `owner=growth, team=data`: the first ones, the environment excepted.
fn labels(card: &Card) -> Option<String> {
    const MOST: usize = 160;
    let others = card.run.labels.iter().filter(|(key, _)| !matches!(key.as_str(), "env" | "environment"));
    let all: Vec<String> = others
        .map(|(key, value)| format!("{}={}", text::head(key, 200), text::head(value, 200)))
        .map(|label| text::end_cut(&text::line(&label), 80))
        .collect();
    (!all.is_empty()).then(|| text::end_cut(&all.join(", "), MOST))
}

/// `4 of 7`: the failed step's place in the run.
pub(super) fn position(card: &Card) -> Option<String> {
    let Cause::Step { number: Some(number), .. } = &card.cause else { return None };
    Some(match card.progress.and_then(|progress| progress.total).filter(|total| total >= number) {
        Some(total) => format!("{number} of {total}"),
        None => format!("step {number}"),
    })
}

/// `2 of 7 steps completed; 4 steps did not run because of it, 1 tolerated failure`
pub(super) fn progress(card: &Card) -> Option<String> {
    let completed = card.progress.map(|Progress { completed, total }| match total {
        Some(total) => {
            format!("{} of {} completed", text::grouped(completed as usize), text::counted(total, "step", "steps"))
        }
        None if completed == 0 => "no step completed".to_owned(),
        None => format!("{} completed", text::counted(completed, "step", "steps")),
    });
    let told = |count, one, many| (count > 0).then(|| text::counted(count, one, many));
    let followed: Vec<String> = [
        told(card.consequences.skipped, "step did not run because of it", "steps did not run because of it"),
        told(card.consequences.later, "later failure", "later failures"),
        told(card.consequences.tolerated, "tolerated failure", "tolerated failures"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let followed = Some(followed.join(", ")).filter(|text| !text.is_empty());
    let parts: Vec<String> = [completed, followed].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
