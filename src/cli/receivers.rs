//! `firstred receivers`: when each receiver last took something, what waits for it, what it refuses, and what is set.

use std::fmt::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::words::{ago, count, list, span, time};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::daemon::questions::Questions;
use crate::daemon::views::ReceiverView;
use crate::triage::redact::clean;

/// The words that are shown of what a receiver refuses; the rest is counted.
const WORDS: usize = 3;

pub(super) fn run(config: &Path, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let now = clock::now();
    let receivers = Questions::open(&config.ledger.path, &config.policy, now)?.receivers()?;
    match format {
        Format::Json => output::say_json(&receivers)?,
        Format::Text if receivers.is_empty() => output::say("there is no receiver"),
        Format::Text => output::say(&text(&receivers, now)),
    }
    Ok(())
}

fn text(receivers: &[ReceiverView], now: Timestamp) -> String {
    let head = ["RECEIVER", "KIND", "STATE", "LAST GOOD", "WAITING", "OLDEST", "REFUSALS"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(receivers.iter().map(|one| row(one, now))).collect();
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
        for note in index.checked_sub(1).and_then(|index| receivers.get(index)).into_iter().flat_map(notes) {
            let _ = writeln!(text, "    {note}");
        }
    }
    text.trim_end().to_owned()
}

fn row(one: &ReceiverView, now: Timestamp) -> [String; 7] {
    let none = || "-".to_owned();
    let since = |at: Option<Timestamp>| at.map_or_else(none, |at| ago(at, now));
    let state = match (one.ok, one.failing_since.is_some()) {
        (true, true) => "failing",
        (true, false) => "well",
        (false, true) => "unreachable",
        (false, false) => "refuses",
    };
    let last = one.last_good.map_or_else(|| "never".to_owned(), |at| format!("{} ago", ago(at, now)));
    [
        clean(&one.receiver).into_owned(),
        one.kind.to_owned(),
        state.to_owned(),
        last,
        one.waiting.to_string(),
        since(one.oldest_waiting),
        refusals(one),
    ]
}

/// `no_service 3, connect 1, 2 more`
fn refusals(one: &ReceiverView) -> String {
    if one.refusals.is_empty() {
        return "-".to_owned();
    }
    let shown = one.refusals.iter().take(WORDS).map(|refusal| format!("{} {}", clean(&refusal.word), refusal.count));
    let more: u64 = one.refusals.iter().skip(WORDS).map(|refusal| refusal.count).sum();
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

/// What no column holds: since when it fails, what is open, what is set.
fn notes(one: &ReceiverView) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(since) = one.failing_since {
        notes.push(format!("does not answer as it should since {}", time(since)));
    }
    if one.refused > 0 {
        notes.push(format!(
            "refused {} for good since it last took one",
            count(u64::from(one.refused), "delivery", "deliveries")
        ));
    }
    for trouble in &one.troubles {
        notes.push(format!("open trouble since {}: {}", time(trouble.since), clean(&trouble.summary)));
    }
    if one.last_good.is_none() && one.ok {
        notes.push(format!("never took anything: try `firstred test-receiver {}`", clean(&one.receiver)));
    }
    notes.push(settings(one));
    notes
}

fn settings(one: &ReceiverView) -> String {
    let mut said = vec![
        match (one.can.edit, one.can.follow) {
            (true, _) => "edits its message as a problem goes on",
            (false, true) => "has one alert for a problem, acknowledged and closed with it",
            (false, false) => "posts a message for each thing, and can't edit it",
        }
        .to_owned(),
    ];
    if let Some(addresses) = one.addresses {
        said.push(count(u64::try_from(addresses).unwrap_or(u64::MAX), "address", "addresses"));
    }
    said.push(
        one.fallback.as_ref().map_or_else(|| "no fallback".to_owned(), |name| format!("fallback {}", clean(name))),
    );
    if let Some(quiet) = &one.quiet {
        said.push(format!("quiet hours {}", clean(quiet)));
    }
    if let Some(budget) = &one.budget {
        let within = span(SignedDuration::from_secs(budget.within_seconds));
        said.push(format!("at most {} in {within}", count(u64::from(budget.messages), "message", "messages")));
    }
    if let Some(workspaces) = &one.workspaces {
        said.push(format!("only {}", list(&workspaces.iter().cloned().collect::<Vec<_>>())));
    }
    said.join("; ")
}
