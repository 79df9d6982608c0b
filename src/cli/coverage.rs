//! `firstred coverage`: which rule catches which workflow, what only the defaults or nothing catch, and what got old.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::words::{ago, list};
use super::{Failure, Format, output, setup, silence};
use crate::clock;
use crate::daemon::questions::Questions;
use crate::daemon::views::{Coverage, Covered, Old, Rest};
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let now = clock::now();
    let coverage = Questions::open(&config.ledger.path, &config.policy, now)?.coverage()?;
    match format {
        Format::Json => output::say_json(&coverage)?,
        Format::Text => output::say(&text(&coverage, now)),
    }
    if coverage.is_whole() { Ok(()) } else { Err(Failure::No) }
}

fn text(coverage: &Coverage, now: Timestamp) -> String {
    let mut text = String::new();
    let of = |rest: Rest| coverage.workflows.iter().filter(move |workflow| workflow.rest == rest);
    for (rest, title) in [
        (Rest::Nobody, "failures are told to nobody"),
        (Rest::Defaults, "only the defaults catch"),
        (Rest::Rule, "a rule catches"),
    ] {
        if of(rest).next().is_none() {
            continue;
        }
        let _ = writeln!(text, "{title}:");
        for workflow in of(rest) {
            let _ = writeln!(text, "  {}", line(workflow));
        }
    }
    if coverage.workflows.is_empty() {
        text.push_str("no workflow was seen yet\n");
    }
    text.push_str("receivers:\n");
    for receiver in &coverage.receivers {
        let name = clean(&receiver.receiver);
        let _ = match receiver.last_good {
            Some(at) if receiver.proven => writeln!(text, "  {name}: took something {} ago", ago(at, now)),
            Some(at) => {
                writeln!(text, "  {name}: took nothing for {}; try `firstred test-receiver {name}`", ago(at, now))
            }
            None => writeln!(text, "  {name}: never took anything; try `firstred test-receiver {name}`"),
        };
    }
    if !coverage.silences.is_empty() {
        text.push_str("silences to look at:\n");
        for old in &coverage.silences {
            let why = match old.why {
                Old::Over => "is over: take it out of the configuration",
                Old::Long => "goes on for more than a week",
            };
            let told = silence::text(&old.silence, now).replace('\n', "\n  ");
            let _ = writeln!(text, "  {told}\n      {why}");
        }
    }
    text.trim_end().to_owned()
}

fn line(workflow: &Covered) -> String {
    let mut text = clean(&workflow.workflow).into_owned();
    if !workflow.workspace.is_empty() {
        let _ = write!(text, " in workspace {}", clean(&workflow.workspace));
    }
    let _ = write!(text, " (source {})", clean(&workflow.source));
    match workflow.rest {
        Rest::Nobody if workflow.rules.is_empty() => text.push_str(": no rule, no [defaults] notify that may see it"),
        Rest::Nobody => {
            let _ = write!(text, ": rule {} tells nobody who may see it", list(&workflow.rules));
        }
        Rest::Defaults => {
            let _ = write!(text, ": {}", list(&workflow.receivers));
        }
        Rest::Rule => {
            let _ = write!(text, ": rule {} tells {}", list(&workflow.rules), list(&workflow.receivers));
        }
    }
    if !workflow.depends.is_empty() {
        let _ = write!(text, "; before that it depends on the failure: rule {}", list(&workflow.depends));
    }
    text
}
