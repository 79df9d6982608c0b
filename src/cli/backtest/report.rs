//! A backtest in words.

use std::fmt::Write;

use jiff::Timestamp;

use super::{Baseline, Report};
use crate::engine::{ChangedFailure, MessageRule};
use crate::triage::redact::clean;

/// The most failures of one kind that are named.
const MOST: usize = 50;

pub(super) fn text(report: &Report) -> String {
    let Report { comparison, .. } = report;
    let mut text = format!(
        "{} failures between {} and {}, from {} inputs of the journal",
        comparison.failures,
        time(report.since),
        time(report.until),
        report.inputs
    );
    if report.journal_from > report.since {
        let _ = write!(text, "\nthe journal begins only {}: what was before is not known", time(report.journal_from));
    }
    if report.unreadable > 0 {
        let _ = write!(text, "\n{} inputs can't be read, and are missing in both", report.unreadable);
    }
    if report.classes_differ {
        text.push_str("\n[classes] differ: failures are taken with the classes that they had then");
    }
    exactness(&mut text, &report.baseline);
    messages(&mut text, report);
    let unsaid =
        |changed: &ChangedFailure| format!("was told {} to {}", moment(changed.before), list(changed.told.iter()));
    let moved = |changed: &ChangedFailure, word: &str| {
        format!("told {} instead of {}: {word}", moment(changed.after), moment(changed.before))
    };
    section(&mut text, "NOT TOLD ANY MORE", &comparison.lost, &unsaid);
    section(&mut text, "told later", &comparison.later, &|changed| {
        moved(changed, &format!("{} later", apart(changed)))
    });
    section(&mut text, "told earlier", &comparison.sooner, &|changed| {
        moved(changed, &format!("{} earlier", apart(changed)))
    });
    section(&mut text, "told newly", &comparison.new, &|changed| {
        format!("would be told {} to {}", moment(changed.after), list(changed.tells.iter()))
    });
    section(&mut text, "not told yet at the end: still held or withheld", &comparison.pending, &unsaid);
    let lists = [&comparison.lost, &comparison.later, &comparison.sooner, &comparison.new, &comparison.pending];
    if lists.iter().all(|list| list.is_empty()) {
        text.push_str("\n\nevery failure is told as before, and at the same time");
    }
    text
}

fn exactness(text: &mut String, baseline: &Baseline) {
    if baseline.exact {
        let _ =
            write!(text, "\nthe rules in force, replayed, say exactly what was said: {} notifications", baseline.said);
        return;
    }
    let _ = write!(
        text,
        "\nthe rules in force, replayed, do not say exactly what was said: of {} notifications {} are not replayed, and {} were \
         not said. Other rules were in force then, or firstred was not running when something was due",
        baseline.said, baseline.not_replayed, baseline.not_said
    );
}

fn messages(text: &mut String, report: &Report) {
    text.push_str("\n\nmessages                                              before    after");
    for row in &report.comparison.messages {
        let rule = match &row.rule {
            MessageRule::Named(name) => format!("rule {}", clean(name)),
            MessageRule::Defaults => "the defaults".to_owned(),
            MessageRule::Summaries => "summaries".to_owned(),
            MessageRule::Service => "trouble of a service".to_owned(),
        };
        let what = format!("{}, {rule}", clean(&row.receiver));
        let _ = write!(text, "\n  {what:<48} {:>8} {:>8}", row.before, row.after);
    }
    if report.comparison.messages.is_empty() {
        text.push_str("\n  none");
    }
}

fn section(text: &mut String, title: &str, failures: &[ChangedFailure], words: &dyn Fn(&ChangedFailure) -> String) {
    if failures.is_empty() {
        return;
    }
    let _ = write!(text, "\n\n{title}: {}", failures.len());
    for changed in failures.iter().take(MOST) {
        let _ = write!(text, "\n  {}  {}", time(changed.failed_at), clean(&changed.workflow));
        if !changed.run.workspace.is_empty() {
            let _ = write!(text, " in {}", clean(&changed.run.workspace));
        }
        let _ = write!(text, ", run {}", clean(&changed.run.run));
        if changed.failure > 1 {
            let _ = write!(text, " (failure {})", changed.failure);
        }
        let place = changed.step.iter().chain(&changed.code).map(|part| clean(part).into_owned());
        let place: Vec<String> = place.collect();
        if !place.is_empty() {
            let _ = write!(text, ", {}", place.join(": "));
        }
        let _ = write!(text, "\n    {}", words(changed));
    }
    if failures.len() > MOST {
        let _ = write!(text, "\n  and {} more; --format json names all of them", failures.len() - MOST);
    }
}

fn apart(changed: &ChangedFailure) -> String {
    let apart = changed.before.zip(changed.after).map(|(before, after)| after.duration_since(before).abs().as_secs());
    humantime::format_duration(std::time::Duration::from_secs(apart.unwrap_or(0).unsigned_abs())).to_string()
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| clean(name).into_owned()).collect::<Vec<_>>().join(", ")
}

fn moment(at: Option<Timestamp>) -> String {
    at.map(time).unwrap_or_default()
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
