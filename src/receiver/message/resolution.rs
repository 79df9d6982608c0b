//! How an incident ended: what proves it, in honest words, how long it took, and what is left to do. It knows no channel.

use jiff::Timestamp;

use super::headline::fitting;
use super::incident::how_many;
use super::line::{Line, joined};
use super::list::List;
use super::text::counted;
use super::topic::Topic;
use super::{Budget, missed, when};
use crate::engine::{IncidentNote, Proof, Resolution, RunRef};
use crate::triage::{Card, Cause};

/// What is said of an incident that is over.
pub(super) struct Over {
    pub(super) title: String,
    pub(super) headline: String,
    pub(super) lead: Vec<Line>,
    /// The failed runs that were not run again.
    pub(super) list: Option<List>,
    pub(super) advice: Option<String>,
    /// The run that proves it.
    pub(super) url: Option<String>,
}

/// What is said of how `note` ended. None: nobody says how.
pub(super) fn over(note: &IncidentNote, card: &Card, topic: &Topic, now: Timestamp, budget: Budget) -> Over {
    let name = &topic.name;
    let Some(resolution) = &note.resolution else {
        let title = format!("{name} recovered");
        return Over {
            headline: fitting(vec![format!("✅ {title}")]),
            title,
            lead: Vec::new(),
            list: None,
            advice: None,
            url: None,
        };
    };
    let took = when::rough(resolution.at.duration_since(note.opened_at));
    let title = match &resolution.proof {
        Proof::Cancelled { .. } | Proof::Moot => format!("{name} is closed after {took}"),
        Proof::Quiet { since } => {
            format!("{name} has not failed for {}", when::rough(resolution.at.duration_since(*since)))
        }
        Proof::Happened => match card.missed.as_ref().map(|missed| missed::words(missed, now)) {
            Some(missed) => {
                let since = missed.since.unwrap_or(note.opened_at);
                format!("{name} {} after {}", missed.over, when::rough(resolution.at.duration_since(since)))
            }
            None => format!("{name} recovered after {took}"),
        },
        Proof::LaterRun { .. } | Proof::SameRun { .. } | Proof::Members => format!("{name} recovered after {took}"),
    };
    let short = proof_in_short(&resolution.proof, now);
    let headline = fitting(vec![format!("✅ {title}{short}"), format!("✅ {title}")]);
    let mut lead = vec![proof(&resolution.proof, card, now)];
    lead.extend(failed(note, resolution, now));
    Over {
        title,
        headline,
        lead,
        list: left(resolution, budget),
        advice: advice(resolution),
        url: match &resolution.proof {
            Proof::LaterRun { run, .. } | Proof::SameRun { run } | Proof::Cancelled { run } => run.url.clone(),
            Proof::Happened | Proof::Moot | Proof::Members | Proof::Quiet { .. } => None,
        },
    }
}

/// `: run_8f40aa succeeded at 10:32 UTC`
fn proof_in_short(proof: &Proof, now: Timestamp) -> String {
    match proof {
        Proof::LaterRun { run, step_seen } => {
            let did = if *step_seen { "passed the step" } else { "succeeded" };
            format!(": {} {did} at {}", super::line::short(&run.id), when::soon(run.at, now))
        }
        Proof::SameRun { run } => format!(": the failed run itself completed at {}", when::soon(run.at, now)),
        Proof::Cancelled { .. } => ": its run was cancelled".to_owned(),
        Proof::Members => ": every workflow is over it".to_owned(),
        Proof::Quiet { .. } => ": that is all firstred knows".to_owned(),
        Proof::Happened => String::new(),
        Proof::Moot => ": it is expected no longer".to_owned(),
    }
}

/// What proves it, in no stronger words than it does.
fn proof(proof: &Proof, card: &Card, now: Timestamp) -> Line {
    let line = Line::default;
    let run = |run: &RunRef| line().link(&run.id, run.url.as_deref());
    match (proof, &card.cause) {
        (Proof::LaterRun { run: later, step_seen: true }, Cause::Step { title, .. }) => {
            line().text("Run ").then(run(later)).text(" passed ").code(title).text(" at ").time(later.at, now).text(".")
        }
        (Proof::LaterRun { run: later, step_seen: true }, _) => {
            line().text("Run ").then(run(later)).text(" passed where it had failed, at ").time(later.at, now).text(".")
        }
        (Proof::LaterRun { run: later, step_seen: false }, cause) => {
            let said = line().text("Run ").then(run(later)).text(" completed at ").time(later.at, now);
            // Where no step had failed there is none to look for.
            let by_step = matches!(cause, Cause::Step { .. });
            said.text(if by_step { " (its steps were not reported)." } else { "." })
        }
        (Proof::SameRun { run: same }, _) => {
            line().text("The failed run itself, ").then(run(same)).text(", completed at ").time(same.at, now).text(".")
        }
        (Proof::Cancelled { run: cancelled }, _) => line()
            .text("Run ")
            .then(run(cancelled))
            .text(", which was still retrying, was cancelled at ")
            .time(cancelled.at, now)
            .text(": that is an end, not a recovery."),
        (Proof::Happened, _) => line().text("What was expected has happened."),
        (Proof::Moot, _) => {
            line().text("It is expected no longer, or what it was expected of is gone: that is an end, not a recovery.")
        }
        (Proof::Members, _) => line().text("Every workflow that it failed is over it."),
        (Proof::Quiet { since }, _) => {
            line().text("No failure since ").time(*since, now).text(": that is all firstred knows.")
        }
    }
}

/// `3 runs failed between 10:14 UTC and 10:21 UTC; each of them was run again.`
fn failed(note: &IncidentNote, resolution: &Resolution, now: Timestamp) -> Option<Line> {
    let last = note.last_failed_at.filter(|_| note.failures > 0)?;
    let line = Line::default().text(format!("{} failed ", how_many(note)));
    let line = if note.failures == 1 {
        line.text("at ").time(last, now)
    } else {
        line.text("between ").time(note.opened_at, now).text(" and ").time(last, now)
    };
    let all_again = resolution.not_again_count == 0 && matches!(resolution.proof, Proof::LaterRun { .. });
    let again = match note.runs {
        _ if !all_again => ".",
        1 => "; it was run again.",
        _ => "; each of them was run again.",
    };
    let mut parts = vec![line.text(again)];
    if let Some(by) = &note.acknowledged {
        parts.push(Line::default().text("Acknowledged by ").strong(super::line::short(&by.by)).text("."));
    }
    if note.reopened > 0 {
        parts.push(Line::default().text(format!("It was opened again {}.", counted(note.reopened, "time", "times"))));
    }
    Some(joined(parts, " "))
}

/// The failed runs that were not run again, by name.
fn left(resolution: &Resolution, budget: Budget) -> Option<List> {
    let count = resolution.not_again_count.max(u32::try_from(resolution.not_again.len()).unwrap_or(u32::MAX));
    if count == 0 {
        return None;
    }
    let title = format!("{} not run again", counted(count, "failed run was", "failed runs were"));
    let items: Vec<Line> = resolution
        .not_again
        .iter()
        .take(budget.items.saturating_mul(2))
        .map(|run| Line::default().link(&run.id, run.url.as_deref()))
        .collect();
    let more = count.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
    Some(List { title, items, more: (more > 0).then(|| format!("and {} more", super::text::grouped(more as usize))) })
}

fn advice(resolution: &Resolution) -> Option<String> {
    match resolution.not_again_count {
        0 => None,
        1 => Some("Run it again if what it does is still needed: nothing else will.".to_owned()),
        _ => Some("Run them again where what they do is still needed: nothing else will.".to_owned()),
    }
}
