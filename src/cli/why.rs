//! `firstred why`: what was seen, decided, held and sent about a run, and why not.

use std::fmt::Write;
use std::path::Path;

use super::runs::stories;
use super::words::{Of, outcome, time, words};
use super::{Failure, Format, output};
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
        let _ = write!(text, "\n  {}  {}", time(line.at), words(&line.reason, line.at, Of::Run));
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
