//! The message that all receivers share: what is said of a notification, in which order, how short. Pure, and neutral: it
//! knows no channel, escapes nothing, and every text in it is clean (see [`text`]) but untrusted.

mod facts;
mod headline;
pub(crate) mod link;
pub(crate) mod plain;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod verdict;
pub(crate) mod when;

use jiff::Timestamp;

use crate::engine::{Kind, Notification, OwnTrouble, Severity, Subject, Summary};
use crate::run::{StepError, UNKNOWN_ERROR};
use crate::triage::{Card, Cause};

pub(crate) use facts::{Fact, Value};
pub(crate) use verdict::Verdict;

/// How long the texts of a message may be, in code points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// The sentence of the error.
    pub(crate) message: usize,
    /// What the error says more.
    pub(crate) detail: usize,
}

impl Budget {
    /// What a message takes where its channel does not need less (facts/receivers.md 5.2).
    pub(crate) const FULL: Self = Self { message: 600, detail: 1_500 };

    /// A share of the full budget.
    pub(crate) fn percent(share: usize) -> Self {
        Self { message: Self::FULL.message * share / 100, detail: Self::FULL.detail * share / 100 }
    }
}

/// Everything that a message says, in the order in which it says it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The state as a sign.
    pub(crate) emoji: &'static str,
    /// The state as a word: `FAILED`.
    pub(crate) state: &'static str,
    /// The whole message in at most 120 characters: lock screen, fallback.
    pub(crate) headline: String,
    /// The headline without sign and verdict, which stays the same while the problem does: for subjects.
    pub(crate) subject: String,
    /// What and how it stands: `billing-sync failed`.
    pub(crate) title: String,
    /// The failed step and its place: `charge-card`, `4 of 7`.
    pub(crate) step: Option<(String, Option<String>)>,
    /// What stands where a step would: `before any step ran`, `no failing step recorded`.
    pub(crate) instead: Option<&'static str>,
    /// The code of the error, unless it says nothing.
    pub(crate) code: Option<String>,
    /// The status of the service that the step called.
    pub(crate) status: Option<u16>,
    /// Whether another try helps.
    pub(crate) verdict: Option<Verdict>,
    /// The class and what decided it.
    pub(crate) class: Option<String>,
    /// What the error says.
    pub(crate) said: Option<String>,
    /// What the error says more.
    pub(crate) detail: Option<String>,
    /// When, how long, which attempt, where.
    pub(crate) facts: Vec<Fact>,
    /// How far the run came and what did not run.
    pub(crate) progress: Option<String>,
    /// The one next action.
    pub(crate) advice: Option<String>,
    /// The label and the address of each link, the most important one first. Checked.
    pub(crate) links: Vec<(&'static str, String)>,
    /// Why this is told: the rule, the severity.
    pub(crate) footer: String,
}

impl Message {
    /// What is said of `notification`.
    pub(crate) fn new(notification: &Notification, budget: Budget) -> Self {
        let mut message = match &notification.subject {
            Subject::Run(card) => Self::of_run(notification, card, budget),
            Subject::Own(trouble) => Self::of_trouble(notification, trouble, budget),
            Subject::Summary(summary) => Self::of_summary(notification, summary, budget),
        };
        if let Some(runbook) = notification.runbook.as_deref().and_then(link::checked) {
            message.links.push(("Runbook", runbook));
        }
        message
    }

    fn of_run(notification: &Notification, card: &Card, budget: Budget) -> Self {
        let now = notification.decided_at;
        let (emoji, state, happened) = match notification.kind {
            Kind::StillRetrying => ("🟠", "STILL RETRYING", "is still retrying"),
            Kind::Vanished => ("🟠", "VANISHED", "vanished while it was retrying"),
            Kind::Test => ("🔔", "TEST", "failed (this is a test)"),
            Kind::Resolved => ("✅", "RESOLVED", "recovered"),
            _ => ("🔴", "FAILED", "failed"),
        };
        let error = card.cause.error();
        let workflow = named(card.run.workflow.title());
        let (headline, subject) = headline::of_run(notification.kind, card, now);
        let step = match &card.cause {
            Cause::Step { title, .. } => Some((text::middle_cut(&named(title), 100), facts::position(card))),
            Cause::Run { .. } | Cause::Nothing => None,
        };
        let instead = match &card.cause {
            Cause::Run { before_any_step: true, .. } => Some("before any step ran"),
            Cause::Nothing => Some("no failing step recorded"),
            Cause::Step { .. } | Cause::Run { .. } => None,
        };
        let urls = [("Open run", card.run.url.as_deref()), ("Open step", step_url(&card.cause))];
        Self {
            emoji,
            state,
            headline,
            subject,
            title: text::end_cut(&format!("{} {happened}", text::middle_cut(&workflow, 160)), 200),
            step,
            instead,
            code: error.and_then(code),
            status: error.and_then(|error| error.provider_status),
            verdict: verdict::of(card, now),
            class: verdict::class(card),
            said: error.map(|error| text::long_cut(&text::block(&error.message), budget.message)).filter(filled),
            detail: detail(card, budget),
            facts: facts::of_run(card, now),
            progress: facts::progress(card),
            advice: Some(text::end_cut(&text::line(&card.advice), 300)).filter(filled),
            links: urls.into_iter().filter_map(|(label, url)| Some((label, link::checked(url?)?))).collect(),
            footer: footer(notification, &card.source),
        }
    }

    fn of_summary(notification: &Notification, summary: &Summary, budget: Budget) -> Self {
        let trouble = OwnTrouble {
            what: String::new(),
            summary: format!("{} failures", summary.failures),
            detail: None,
            advice: String::new(),
            since: summary.since,
        };
        Self::of_trouble(notification, &trouble, budget)
    }

    fn of_trouble(notification: &Notification, trouble: &OwnTrouble, budget: Budget) -> Self {
        let test = notification.kind == Kind::Test;
        let what = text::middle_cut(&named(&trouble.what), 100);
        let summary = text::line(&trouble.summary);
        let subject = if test { format!("test: {summary}") } else { format!("trouble with {what}: {summary}") };
        Self {
            emoji: if test { "🔔" } else { "⚠️" },
            state: if test { "TEST" } else { "TROUBLE" },
            headline: text::end_cut(
                &format!("{} firstred {subject}", if test { "🔔" } else { "⚠️" }),
                headline::LONGEST,
            ),
            subject: text::end_cut(&subject, headline::LONGEST),
            title: if test { "firstred test".to_owned() } else { format!("firstred has trouble with {what}") },
            step: None,
            instead: None,
            code: None,
            status: None,
            verdict: None,
            class: None,
            said: Some(text::long_cut(&text::block(&trouble.summary), budget.message)).filter(filled),
            detail: trouble
                .detail
                .as_deref()
                .map(|detail| text::middle_long_cut(&text::block(detail), budget.detail))
                .filter(filled),
            facts: vec![Fact { label: "Since", value: Value::Time(trouble.since) }],
            progress: None,
            advice: Some(text::end_cut(&text::line(&trouble.advice), 300)).filter(filled),
            links: Vec::new(),
            footer: footer(notification, ""),
        }
    }
}

/// A name to show; a name without any visible character is said to be none.
fn named(name: &str) -> String {
    let name = text::line(text::head(name, 4_000));
    if name.is_empty() { "(no name)".to_owned() } else { name }
}

/// The code, unless it is missing in disguise and there is a sentence to say instead.
fn code(error: &StepError) -> Option<String> {
    let code = text::line(text::head(&error.code, 1_000));
    // "X failed: Failed" is how Prefect's states are named where no exception is.
    let empty_word = code == UNKNOWN_ERROR || code.eq_ignore_ascii_case("failed");
    let says_nothing = code.is_empty() || (empty_word && !error.message.trim().is_empty());
    (!says_nothing).then(|| text::end_cut(&code, 200))
}

/// The detail, followed by the run's own error where that says something else.
fn detail(card: &Card, budget: Budget) -> Option<String> {
    let own = card.cause.error().and_then(|error| error.detail.as_deref()).unwrap_or_default();
    let mut detail = text::block(own);
    if let Cause::Step { error: Some(_), run_error: Some(run), .. } = &card.cause {
        let says = text::block(&[run.code.as_str(), run.message.as_str()].join(": "));
        let gap = if detail.is_empty() { "" } else { "\n\n" };
        detail = format!("{detail}{gap}The run says: {}", text::long_cut(&says, 400));
    }
    Some(text::middle_long_cut(&detail, budget.detail)).filter(filled)
}

fn step_url(cause: &Cause) -> Option<&str> {
    match cause {
        Cause::Step { url, .. } => url.as_deref(),
        Cause::Run { .. } | Cause::Nothing => None,
    }
}

fn footer(notification: &Notification, source: &str) -> String {
    let mut parts = vec!["firstred".to_owned()];
    if !source.is_empty() {
        parts.push(format!("source {}", text::end_cut(&text::line(source), 60)));
    }
    if let Some(rule) = &notification.rule {
        parts.push(format!("rule \"{}\"", text::end_cut(&text::line(rule), 60)));
    }
    if notification.severity != Severity::Error {
        parts.push(format!("severity {}", notification.severity.as_str()));
    }
    parts.join(", ")
}

#[expect(clippy::ptr_arg, reason = "Option<String>::filter gives &String")]
fn filled(text: &String) -> bool {
    !text.trim().is_empty()
}

/// When the failure happened, as far as the engine says.
pub(crate) fn failed_at(card: &Card) -> Option<Timestamp> {
    match &card.cause {
        Cause::Step { failed_at: Some(at), .. } => Some(*at),
        _ => card.run.completed_at,
    }
}
