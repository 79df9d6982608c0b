//! `firstred backtest`: what other rules would have said of what happened. The ledger's journal goes through the rules in force and through
//! the new ones, and the two are compared. It reads the ledger and writes nothing.

mod report;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Failure, Format, output, setup};
use crate::clock;
use crate::engine::{ComparedRules, Input, NotificationId, Policy, Replay, Replayed, compare};
use crate::ledger::{LedgerError, Reader};

/// How many of the journal's rows are read at once.
const CHUNK: usize = 200;
/// How many notifications the report names where the replay and the ledger differ.
const MOST_NAMED: usize = 20;

/// What makes the answer a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// A failure that was told would be told to nobody any more.
    Lost,
}

/// What a backtest found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    since: Timestamp,
    until: Timestamp,
    /// Where the journal begins: what was before is not known.
    journal_from: Timestamp,
    inputs: u64,
    /// Inputs that can't be read any more, and are missing in both.
    unreadable: u64,
    baseline: Baseline,
    /// `[classes]` differ: what is stored was classified under those that were in force.
    classes_differ: bool,
    #[serde(flatten)]
    comparison: ComparedRules,
}

/// Whether the replay of the rules in force says what the ledger says was said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Baseline {
    exact: bool,
    /// How many notifications the ledger has.
    said: usize,
    /// How many of them the replay has not: other rules were in force, or firstred was not running when they were due.
    not_replayed: usize,
    /// How many the replay has and the ledger has not.
    not_said: usize,
    /// Some of them, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    named: Vec<String>,
}

pub(super) fn run(
    config: &Path,
    new: &Path,
    since: Duration,
    fail_on: Option<FailOn>,
    format: Format,
) -> Result<(), Failure> {
    let (config, new) = (setup::config(config)?, setup::config(new)?);
    let reader = Reader::open(&config.ledger.path)?;
    let until = clock::now();
    let span = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
    let since = until.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let classes_differ = config.classes != new.classes;
    let report = backtest(&reader, (&config.policy, &new.policy), since, until)?;
    let Some(report) = report.map(|report| Report { classes_differ, ..report }) else {
        return Err(Failure::CouldNotAsk(
            "the ledger has no journal yet: it is written while firstred runs, from this version on".to_owned(),
        ));
    };
    match format {
        Format::Json => output::say_json(&report)?,
        Format::Text => output::say(&report::text(&report)),
    }
    let lost = fail_on == Some(FailOn::Lost) && !report.comparison.lost.is_empty();
    if lost { Err(Failure::No) } else { Ok(()) }
}

/// Nothing where the journal is empty.
fn backtest(
    reader: &Reader,
    (old, new): (&Policy, &Policy),
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Report>, LedgerError> {
    // When the daemon looked has to be known before: a look stands in the journal behind what it was for.
    let (mut looks, mut from, mut inputs, mut unreadable) = (Vec::new(), None, 0, 0);
    each(reader, |input, missing| {
        unreadable += missing;
        let Some(input) = input else { return };
        inputs += 1;
        from.get_or_insert(input.at());
        if let Input::Looked { at } = input {
            looks.push(at);
        }
    })?;
    let Some(journal_from) = from else {
        return Ok(None);
    };
    looks.sort_unstable();
    let (mut before, mut after) = (Replay::new(old, &looks), Replay::new(new, &looks));
    let (mut said_before, mut said_after) = (Replayed::default(), Replayed::default());
    each(reader, |input, _| {
        let Some(input) = input else { return };
        said_before.take(before.put(input.clone()), since);
        said_after.take(after.put(input), since);
    })?;
    said_before.take(before.end(until), since);
    said_after.take(after.end(until), since);
    let waiting = after.waiting();
    let waits =
        |run: &_, incidents: &[_]| after.is_held(run) || incidents.iter().any(|number| waiting.contains(number));
    let comparison = compare(&said_before, &said_after, since, waits);
    let baseline = baseline(&reader.said(since)?, said_before.notifications());
    let report = Report { since, until, journal_from, inputs, unreadable, baseline, classes_differ: false, comparison };
    Ok(Some(report))
}

/// Goes through the journal; of each row, how many inputs can't be read comes once, without an input.
fn each(reader: &Reader, mut take: impl FnMut(Option<Input>, u64)) -> Result<(), LedgerError> {
    let mut after = 0;
    loop {
        let rows = reader.journal(Timestamp::MIN, after, CHUNK)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.id;
        for row in rows {
            take(None, row.unreadable);
            row.inputs.into_iter().for_each(|input| take(Some(input), 0));
        }
    }
}

fn baseline<'a>(said: &BTreeSet<String>, replayed: impl Iterator<Item = &'a NotificationId>) -> Baseline {
    let replayed: BTreeSet<String> = replayed.map(|id| id.as_str().to_owned()).collect();
    let not_replayed: Vec<&String> = said.difference(&replayed).collect();
    let not_said: Vec<&String> = replayed.difference(said).collect();
    let named = not_replayed.iter().chain(&not_said).take(MOST_NAMED).map(|id| (*id).clone()).collect();
    Baseline {
        exact: not_replayed.is_empty() && not_said.is_empty(),
        said: said.len(),
        not_replayed: not_replayed.len(),
        not_said: not_said.len(),
        named,
    }
}
