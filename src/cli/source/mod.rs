//! `firstred source`: whether a source works, before or beside a running daemon. It asks the engine what a poll would ask, hands nothing
//! over, and leaves the ledger alone.

mod pushed;
mod words;

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use super::explain::as_notification;
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::config::Config;
use crate::daemon::{admit, survey};
use crate::receiver::render_text;
use crate::source::{Count, Reached, Survey};
use crate::triage::redact::clean;
use crate::triage::{Card, observe};

/// What is asked of a source.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Ask the engine what polling asks, once: what can be reached, what that costs where it can't, its version and clock, how much
    /// failed lately, and the card of the run that failed last. For a source that is pushed to: what to send where. Exits 1 when
    /// something that polling needs can't be reached.
    Test {
        /// The source, as the configuration names it.
        name: String,
    },
}

pub(super) fn run(config: &Path, command: Command, format: Format) -> Result<(), Failure> {
    let Command::Test { name } = command;
    test(&setup::config(config)?, &name, format)
}

fn test(config: &Config, name: &str, format: Format) -> Result<(), Failure> {
    let Some(settings) = config.sources.get(name) else {
        let known: Vec<&str> = config.sources.keys().map(String::as_str).collect();
        return Err(Failure::CouldNotAsk(format!("there is no source `{name}`; there is: {}", known.join(", "))));
    };
    let now = clock::now();
    let survey = setup::runtime()?.block_on(survey(name, &settings.kind, now))?;
    let Some(survey) = survey else {
        return pushed::say(name, &settings.kind, &config.server, format);
    };
    let card = card(config, name, &survey);
    match format {
        Format::Text => output::say(&text(name, &survey, card.as_ref())),
        Format::Json => output::say_json(&json(name, &survey, card.as_ref()))?,
    }
    if survey.is_good() { Ok(()) } else { Err(Failure::No) }
}

/// The card of the run that failed last, as a message would show it: secrets are taken out.
fn card(config: &Config, name: &str, survey: &Survey) -> Option<Card> {
    let mut run = survey.sample.clone()?;
    let tenancy = config.policy.sources.get(name).cloned().unwrap_or_default();
    // A source that may not speak for the run's workspace: nothing of it is shown, as nothing of it would be told.
    admit(name, &tenancy, &mut run).ok()?;
    observe(name, run, &config.classes).card.map(|card| *card)
}

fn text(name: &str, survey: &Survey, card: Option<&Card>) -> String {
    let mut text = words::survey(name, survey);
    match (card, &survey.sample) {
        (Some(card), _) => {
            text.push_str("\n\nThe run that failed last, as it would be told:\n\n");
            text.push_str(&render_text(&as_notification(card), output::colour()));
        }
        (None, Some(_)) => {
            text.push_str("\n\nThe run that failed last is of a workspace that this source may not speak for.");
        }
        (None, None) if survey.is_good() => text.push_str("\n\nNo failed run was found: there is no card to show."),
        (None, None) => {}
    }
    text
}

fn json(name: &str, survey: &Survey, card: Option<&Card>) -> Value {
    let reached = |one: &Reached| {
        let obstacle = one.outcome.as_ref().err();
        json!({
            "what": one.what, "ok": one.outcome.is_ok(), "needed": one.needed, "found": one.outcome.as_ref().ok(),
            "why": obstacle.map(|obstacle| clean(&obstacle.why)), "costs": obstacle.map(|_| one.costs),
            "remedy": obstacle.map(|obstacle| &obstacle.remedy),
        })
    };
    let count = |one: &Count| json!({ "what": one.what, "runs": one.runs, "atLeast": one.at_least });
    json!({
        "source": name, "ok": survey.is_good(), "engine": survey.engine, "version": survey.version.as_deref().map(clean),
        "clockAheadSeconds": survey.ahead.map(|ahead| ahead.as_secs()), "requestsPerPoll": survey.requests,
        "rights": survey.rights, "reached": survey.reached.iter().map(reached).collect::<Vec<_>>(),
        "counts": survey.counts.iter().map(count).collect::<Vec<_>>(), "card": card,
    })
}
