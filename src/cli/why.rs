//! `firstred why`: what was seen, decided, held and sent about a run, and why not, in order; its incidents included.

use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;

use super::incidents::{ends, title};
use super::timeline::Timeline;
use super::words::time;
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::daemon::questions::{Questions, RunStory};
use crate::ledger::DeliveryStory;
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, run: &str, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let now = clock::now();
    let stories = Questions::open(&config.ledger.path, &config.policy, now)?.why(run)?;
    match format {
        Format::Json => output::say_json(&stories)?,
        Format::Text if stories.is_empty() => {
            output::say(&format!(
                "the ledger knows no run {}: it was never seen, or is older than the retention",
                clean(run)
            ));
        }
        Format::Text => stories.iter().for_each(|story| output::say(&tell(story, now))),
    }
    if stories.is_empty() { Err(Failure::No) } else { Ok(()) }
}

fn tell(run: &RunStory, now: Timestamp) -> String {
    let RunStory { story, incidents } = run;
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
    let mut timeline = Timeline::default();
    timeline.run(&known.lines);
    let nothing = timeline.is_empty();
    for incident in incidents {
        timeline.incident(&incident.lines, Some(incident.incident.id.as_str()), &known.lines);
        // What was said of an incident because of this run is the run's as well.
        let is_new = |told: &&DeliveryStory| !story.deliveries.iter().any(|own| own.id == told.id);
        let told: Vec<DeliveryStory> = incident.deliveries.iter().filter(is_new).cloned().collect();
        timeline.deliveries(&told, &incident.notifications);
    }
    timeline.deliveries(&story.deliveries, &story.notifications);
    text.push_str(&timeline.render());
    if nothing {
        text.push_str("\n  nothing was decided: it has not failed, or not for good");
    }
    if let Some(until) = known.hold_until() {
        let _ = write!(text, "\n  held until {} at the latest", time(until));
    }
    for incident in incidents {
        let incident = &incident.incident;
        let _ = write!(text, "\n  incident {}: {}{}", incident.id.as_str(), title(incident), ends(incident, now));
    }
    text
}
