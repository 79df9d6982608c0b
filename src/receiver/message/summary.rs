//! Several problems in one message: a sentence with exact counts, a line for each of the largest, and the counts by name. It knows
//! no channel.

use jiff::Timestamp;

use super::headline::{LONGEST, fitting};
use super::line::{Line, short};
use super::list::{List, item};
use super::text::{counted, grouped};
use super::{Budget, Message, state, text, when, withheld};
use crate::engine::{Notification, Summary, Tallies, Withheld};

/// What is said of `summary`.
pub(super) fn message(notification: &Notification, summary: &Summary, budget: Budget) -> Message {
    let now = notification.decided_at;
    let (emoji, ..) = state::of(notification);
    let what = what(summary);
    let period = period(summary);
    let most = summary.codes.top.first().map(|(code, count)| format!(". Most: {} ×{}", short(code), wide(*count)));
    let most = most.filter(|_| summary.codes.top.len() > 1 || summary.codes.more_names > 0).unwrap_or_default();
    let over = if summary.resolved > 0 && summary.resolved >= summary.incidents { ", all over" } else { "" };
    let subject = format!("{what} {period}");
    Message {
        headline: fitting(vec![
            format!("{emoji} {what} {period}{over}{most}"),
            format!("{emoji} {what} {period}{over}"),
            format!("{emoji} {what}"),
        ]),
        subject: text::end_cut(&subject, LONGEST),
        title: format!("{what} {period}"),
        lead: vec![problems(summary, now), why(&summary.cause, now)],
        list: list(summary, budget),
        context: tallies(summary),
        ..Message::empty(notification)
    }
}

/// `14 runs of 3 workflows failed`
fn what(summary: &Summary) -> String {
    if summary.failures == 0 {
        return format!("{}, no failed run", counted(summary.incidents, "problem", "problems"));
    }
    let workflows =
        u32::try_from(summary.workflows.top.len()).unwrap_or(u32::MAX).saturating_add(summary.workflows.more_names);
    let runs = many(summary.runs, "run", "runs");
    let of = if workflows > 1 { format!(" of {}", counted(workflows, "workflow", "workflows")) } else { String::new() };
    format!("{runs}{of} failed")
}

/// `in 10 min`
fn period(summary: &Summary) -> String {
    format!("in {}", when::rough(summary.until.duration_since(summary.since)))
}

/// `3 problems between 22:00 UTC and 07:00 UTC; 2 of them are over.`
fn problems(summary: &Summary, now: Timestamp) -> Line {
    let line = Line::default().strong(counted(summary.incidents, "problem", "problems"));
    // A run can fail more than once.
    let line = match summary.failures {
        attempts if attempts > summary.runs => {
            line.text(format!(" and {}", many(attempts, "failed attempt", "failed attempts")))
        }
        _ => line,
    };
    let line = line.text(" between ");
    let line = line.time(summary.since, now).text(" and ").time(summary.until, now);
    line.text(match (summary.resolved, summary.incidents) {
        (0, 1) => "; it is not over.".to_owned(),
        (0, _) => "; no problem is over.".to_owned(),
        (1, 1) => "; it is over.".to_owned(),
        (over, all) if over >= all => "; all problems are over.".to_owned(),
        (1, _) => "; 1 problem is over.".to_owned(),
        (over, _) => format!("; {} problems are over.", grouped(over as usize)),
    })
}

/// Why they come in one message.
fn why(cause: &Withheld, now: Timestamp) -> Line {
    let line = Line::default();
    match cause {
        Withheld::Budget { messages, within } => {
            let messages = counted(*messages, "message", "messages");
            let within = crate::triage::exact(*within);
            line.text(format!(
                "A storm: this receiver takes {messages} in {within}, and this is the rest, counted exactly."
            ))
        }
        Withheld::Quiet { schedule, until } => line
            .text("The quiet hours ")
            .code(schedule)
            .text(" went until ")
            .time(*until, now)
            .text("; this is what they held back."),
        Withheld::Silence { id, until } => {
            line.text("Silence ").code(id).text(" went until ").time(*until, now).text("; this is what it held back.")
        }
        Withheld::Inhibited { inhibition, by } => {
            line.text("Held back by ").code(inhibition).text(" while incident ").code(by.as_str()).text(" was open.")
        }
        Withheld::Condition { .. } | Withheld::Provider { .. } | Withheld::Rhythm { .. } => {
            line.text("Told only now: ").then(withheld::reason(cause, now)).text(".")
        }
    }
}

/// The largest problems, and what the rest comes to.
fn list(summary: &Summary, budget: Budget) -> Option<List> {
    if summary.lines.is_empty() {
        return None;
    }
    let shown = &summary.lines[..summary.lines.len().min(budget.items)];
    let left = summary.incidents.saturating_sub(u32::try_from(shown.len()).unwrap_or(u32::MAX));
    let failures = summary.failures.saturating_sub(shown.iter().map(|line| u64::from(line.failures)).sum());
    let more = (left > 0).then(|| {
        format!("+ {}, {}", counted(left, "more problem", "more problems"), many(failures, "failure", "failures"))
    });
    Some(List { title: "Problems".to_owned(), items: shown.iter().map(item).collect(), more })
}

/// `By workflow: billing-sync 9, crm-export 4, and 2 more with 3`, where there is more than one.
fn tallies(summary: &Summary) -> Vec<Line> {
    let all = [("workflow", &summary.workflows), ("code", &summary.codes), ("provider", &summary.providers)];
    all.into_iter().filter_map(|(by, tallies)| tally(by, tallies)).collect()
}

fn tally(by: &str, tallies: &Tallies) -> Option<Line> {
    const MOST: usize = 5;
    let single = tallies.top.len() < 2 && tallies.more_names == 0;
    if tallies.top.is_empty() || (single && by != "provider") {
        return None;
    }
    let names: Vec<String> = tallies
        .top
        .iter()
        .take(MOST)
        .map(|(name, count)| format!("{} {}", text::middle_cut(&short(name), 48), wide(*count)))
        .collect();
    let rest = tallies.top.iter().skip(MOST);
    let (rest_names, rest_count) = rest.fold((0_u32, 0_u64), |(names, sum), (_, count)| (names + 1, sum + count));
    let (names_left, count_left) = (tallies.more_names + rest_names, tallies.more_count + rest_count);
    let more = if names_left > 0 {
        format!(", and {} more with {}", grouped(names_left as usize), wide(count_left))
    } else {
        String::new()
    };
    Some(Line::default().text(format!("By {by}: {}{more}", names.join(", "))))
}

fn many(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", wide(number), if number == 1 { one } else { many })
}

fn wide(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}
