//! What an on-call tool needs of a notification, whatever the tool: which alert it is about, what becomes of that alert, and the facts by
//! name. It knows no tool and escapes nothing.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::draft::Draft;
use super::message::{self, Budget, Fact, Message, plain, text};
use super::payload;
use crate::engine::{Delivery, Kind, Notification, Severity, Subject};

/// The longest name: a workflow, a step, an owner.
const NAME: usize = 200;

/// The longest list or sentence among the facts.
const LONGEST: usize = 1_000;

/// What becomes of the alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// It opens, or what is open goes on.
    Trigger,
    /// Somebody knows.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// One notification as an alert.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    /// What becomes of it.
    pub(crate) action: Action,
    /// Which alert: the same from an incident's opening to its end. At most 255 bytes.
    pub(crate) key: String,
    /// How much it matters now.
    pub(crate) severity: Severity,
    /// Everything in one line of at most 120 characters, without a sign in front: a phone reads it aloud.
    pub(crate) summary: String,
    /// The whole message as text.
    pub(crate) text: String,
    /// The facts, each under a name of small letters and `_`. Names are unique, texts clean.
    pub(crate) facts: Vec<(String, String)>,
    /// The label and the address of each link, the most important one first. Checked.
    pub(crate) links: Vec<(&'static str, String)>,
    /// The source of the run, or `firstred`.
    pub(crate) source: String,
    /// The workflow, or the service that fails several.
    pub(crate) workflow: Option<String>,
    /// The failed step.
    pub(crate) step: Option<String>,
    /// The code of the error.
    pub(crate) code: Option<String>,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Who acknowledged it.
    pub(crate) acknowledged_by: Option<String>,
}

impl Alert {
    /// The alert of `draft`, as long as `budget` allows.
    pub(crate) fn of(draft: &Draft<'_>, budget: Budget) -> Self {
        Self::with(draft.notification(), &draft.message(budget))
    }

    /// What goes out when the other can't: the key, the state, one line.
    pub(crate) fn plain(draft: &Draft<'_>) -> Self {
        let message = draft.plain(Budget::percent(0));
        let alert = Self::with(draft.notification(), &message);
        let parts = [Some(alert.summary.as_str()), ending(draft.notification()), Some(message.footer.as_str())];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
        Self { text, facts: Vec::new(), links: Vec::new(), ..alert }
    }

    fn with(notification: &Notification, message: &Message) -> Self {
        let note = notification.incident.as_deref();
        let provider = note.and_then(|note| note.provider.as_ref());
        let (source, workflow) = match &notification.subject {
            Subject::Run(card) => (name(&card.source), name(card.run.workflow.title())),
            Subject::Own(_) | Subject::Summary(_) | Subject::Daily(_) => (None, None),
        };
        let own_start = match &notification.subject {
            Subject::Own(trouble) => Some(trouble.since),
            Subject::Summary(summary) => Some(summary.since),
            Subject::Daily(note) => Some(note.since),
            Subject::Run(_) => None,
        };
        let since = note.map(|note| note.opened_at).or(own_start);
        Self {
            action: action(notification.kind),
            key: payload::dedup_key(notification),
            severity: severity(notification),
            summary: summary(message),
            text: whole(notification, message),
            facts: facts(notification, message),
            links: message.links.clone(),
            source: source.unwrap_or_else(|| "firstred".to_owned()),
            workflow: provider.and_then(|provider| name(&provider.provider)).or(workflow),
            step: message.place.as_ref().map(|place| text::middle_cut(&place.step, NAME)),
            code: message.code.clone(),
            since: since.unwrap_or(notification.decided_at).min(notification.decided_at),
            acknowledged_by: note.and_then(|note| note.acknowledged.as_ref()).and_then(|by| name(&by.by)),
        }
    }

    /// The facts as an object of texts.
    pub(crate) fn map(&self) -> Map<String, Value> {
        self.facts.iter().map(|(name, said)| (name.clone(), Value::String(said.clone()))).collect()
    }

    /// Where a person reads on.
    pub(crate) fn link(&self) -> Option<&str> {
        self.links.first().map(|(_, url)| url.as_str())
    }
}

/// Whether firstred never says that it is over: then a person closes it, and is told so.
pub(crate) fn is_left_open(notification: &Notification) -> bool {
    matches!(notification.kind, Kind::Trouble | Kind::Test | Kind::Summary | Kind::Daily)
}

/// Whether it is said of what was told before, so that a tool which only counts repeats has to be given the words beside.
pub(crate) fn is_retold(delivery: &Delivery) -> bool {
    matches!(delivery.notification.kind, Kind::Updated | Kind::StillOpen | Kind::Escalated)
}

fn action(kind: Kind) -> Action {
    match kind {
        Kind::Acknowledged => Action::Acknowledge,
        Kind::Resolved => Action::Resolve,
        Kind::Failed
        | Kind::StillRetrying
        | Kind::Vanished
        | Kind::Trouble
        | Kind::Test
        | Kind::Missed
        | Kind::ProviderTrouble
        | Kind::Updated
        | Kind::StillOpen
        | Kind::Reopened
        | Kind::Escalated
        | Kind::Summary
        | Kind::Daily => Action::Trigger,
    }
}

fn severity(notification: &Notification) -> Severity {
    match (notification.kind, &notification.subject) {
        (Kind::Escalated, _) => Severity::Critical,
        (Kind::Test | Kind::Daily, _) => Severity::Info,
        // All of it is over: worth knowing, and nobody is woken for it.
        (Kind::Summary, Subject::Summary(summary)) if summary.resolved >= summary.incidents => Severity::Info,
        _ => notification.severity,
    }
}

/// The headline without the sign that it begins with.
fn summary(message: &Message) -> String {
    let bare = message.headline.strip_prefix(message.emoji).unwrap_or(&message.headline).trim_start();
    if bare.is_empty() { message.title.clone() } else { bare.to_owned() }
}

/// What a person has to do about an alert that firstred does not close.
fn ending(notification: &Notification) -> Option<&'static str> {
    match notification.kind {
        Kind::Daily => Some("This is the line of the day. firstred does not close it: close it when you have read it."),
        Kind::Test => Some("This is a test. firstred does not close it: close it by hand."),
        Kind::Summary => {
            Some("This is a summary of several problems. firstred does not close it: close it when you have read it.")
        }
        Kind::Trouble => Some("firstred does not close this by itself: close it when it is mended."),
        _ => None,
    }
}

fn whole(notification: &Notification, message: &Message) -> String {
    let parts = [Some(plain::card(message)), ending(notification).map(str::to_owned), Some(message.footer.clone())];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn facts(notification: &Notification, message: &Message) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut say = |key: &str, value: Option<String>| {
        let value = value.filter(|value| !value.trim().is_empty());
        // What stands first is what the message says first: a later fact of the same name adds nothing.
        if let Some(value) = value.filter(|_| !facts.iter().any(|(known, _)| known == key)) {
            facts.push((key.to_owned(), value));
        }
    };
    let note = notification.incident.as_deref();
    say("state", Some(message.state.to_lowercase()));
    say("what", Some(plain::top(message).split_once("  ").map_or_else(String::new, |(_, what)| what.to_owned())));
    say("lead", Some(lines(message.lead.iter().map(plain::sentence))));
    if let Subject::Run(card) = &notification.subject {
        let provider = note.and_then(|note| note.provider.as_ref()).and_then(|provider| name(&provider.provider));
        say("service", provider.clone());
        say("workflow", name(card.run.workflow.title()).filter(|_| provider.is_none()));
    }
    if let Some(place) = &message.place {
        say("step", Some(text::middle_cut(&place.step, NAME)));
        say("step_position", place.position.clone());
    }
    say("code", message.code.clone());
    say("status", message.status.map(|status| format!("HTTP {status}")));
    say("retry", message.verdict.as_ref().map(|verdict| format!("{}: {}", verdict.word, verdict.meaning)));
    // `configuration (by HTTP 402)`: one to route by, one to read.
    let class = message.class.as_ref().map(|class| class.split_once(" (").unwrap_or((class, "")));
    say("class", class.map(|(class, _)| class.to_owned()));
    say("class_decided", class.map(|(_, by)| by.trim_end_matches(')').to_owned()));
    say("message", message.said.clone());
    say("detail", message.detail.clone());
    say("next", message.advice.clone());
    say(
        "list",
        message.list.as_ref().map(|list| {
            let items = list.items.iter().map(|item| format!("- {}", item.plain()));
            lines([list.title.clone()].into_iter().chain(items).chain(list.more.clone()))
        }),
    );
    say("context", Some(lines(message.context.iter().map(plain::sentence))));
    if let Some(note) = note {
        say("failed_attempts", Some(note.failures.to_string()));
        say("failed_runs", Some(note.runs.to_string()));
        say(
            "workflows",
            Some(note.workflows).filter(|workflows| *workflows > 1).map(|workflows| workflows.to_string()),
        );
    }
    if let Subject::Summary(summary) = &notification.subject {
        say("problems", Some(summary.incidents.to_string()));
        say("problems_over", Some(summary.resolved.to_string()));
        say("failed_attempts", Some(summary.failures.to_string()));
        say("failed_runs", Some(summary.runs.to_string()));
    }
    for Fact { label, value } in &message.facts {
        let value = match value {
            message::Value::Text(said) | message::Value::Labelled(said) | message::Value::Id(said) => said.clone(),
            message::Value::Time(at) => at.to_string(),
        };
        say(&label.to_lowercase().replace(' ', "_"), Some(value));
    }
    say("progress", message.progress.clone());
    say("owner", notification.owner.as_ref().and_then(|owner| name(&owner.name)));
    for (label, url) in &message.links {
        say(&label.to_lowercase().replace(' ', "_"), Some(url.clone()));
    }
    say("rule", notification.rule.as_deref().and_then(name));
    say("severity", Some(severity(notification).as_str().to_owned()));
    say("incident", note.map(|note| note.id.as_str().to_owned()));
    say("ending", ending(notification).map(str::to_owned));
    facts
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    let said: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    text::long_cut(&said.join("\n"), LONGEST)
}

/// A name from outside: clean, bounded; nothing where no visible character is left.
pub(crate) fn name(said: &str) -> Option<String> {
    let said = text::line(text::head(said, LONGEST));
    (!said.is_empty()).then(|| text::middle_cut(&said, NAME))
}

#[cfg(test)]
#[path = "alert_tests.rs"]
mod tests;
