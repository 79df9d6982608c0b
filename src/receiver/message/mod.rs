//! The message that all receivers share: what is said of a notification, in which order, how short. Pure, and neutral: it
//! knows no channel, escapes nothing, and every text in it is clean (see [`text`]) but untrusted.

mod card;
mod daily;
mod facts;
pub(crate) mod headline;
mod incident;
mod line;
pub(crate) mod link;
mod list;
mod missed;
mod novelty;
pub(crate) mod plain;
mod present;
mod resolution;
mod state;
mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod topic;
mod trouble;
mod verdict;
pub(crate) mod when;
mod withheld;

use crate::engine::{Notification, Severity, Subject};
use crate::run::{StepError, UNKNOWN_ERROR};

pub(crate) use daily::sentence as daily_sentence;
pub(crate) use facts::{Fact, Value};
pub(crate) use line::{Line, Span};
pub(crate) use list::List;
pub(crate) use state::Tone;
pub(crate) use verdict::Verdict;

/// How long the texts of a message may be, in code points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// The sentence of the error.
    pub(crate) message: usize,
    /// What the error says more.
    pub(crate) detail: usize,
    /// How many items of a list.
    pub(crate) items: usize,
}

impl Budget {
    /// What a message takes where its channel does not need less (facts/receivers.md 5.2).
    pub(crate) const FULL: Self = Self { message: 600, detail: 1_500, items: 5 };

    /// A share of the full budget.
    pub(crate) fn percent(share: usize) -> Self {
        Self {
            message: Self::FULL.message * share / 100,
            detail: Self::FULL.detail * share / 100,
            items: (Self::FULL.items * share / 100).max(1),
        }
    }
}

/// Everything that a message says, in the order in which it says it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The state as a sign.
    pub(crate) emoji: &'static str,
    /// The state as a word: `FAILED`.
    pub(crate) state: &'static str,
    /// How it sounds, which gives its colour.
    pub(crate) tone: Tone,
    /// The whole message in at most 120 characters: lock screen, fallback.
    pub(crate) headline: String,
    /// The headline without sign and verdict, which stays the same while the problem does: for subjects.
    pub(crate) subject: String,
    /// What and how it stands: `billing-sync failed`.
    pub(crate) title: String,
    /// Where it failed.
    pub(crate) place: Option<Place>,
    /// What stands where a step would: `before any step ran`, `no failing step recorded`.
    pub(crate) instead: Option<&'static str>,
    /// What comes before the error: how much failed, what proves that it is over.
    pub(crate) lead: Vec<Line>,
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
    /// The workflows, the problems, the runs that it is about.
    pub(crate) list: Option<List>,
    /// What helps to judge it: what is new, why it comes late, whose it is.
    pub(crate) context: Vec<Line>,
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

/// The step where it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// What leads to it: `at step`.
    pub(crate) before: &'static str,
    /// Its title.
    pub(crate) step: String,
    /// Its place in the run: `4 of 7`.
    pub(crate) position: Option<String>,
    /// It is over: shown struck through where that can be.
    pub(crate) over: bool,
}

impl Message {
    /// What is said of `notification`.
    pub(crate) fn new(notification: &Notification, budget: Budget) -> Self {
        match &notification.subject {
            Subject::Run(card) => card::message(notification, card, budget),
            Subject::Own(trouble) => trouble::message(notification, trouble, budget),
            Subject::Summary(summary) => summary::message(notification, summary, budget),
            Subject::Daily(note) => daily::message(notification, note),
        }
    }

    /// A message that says nothing but its state.
    fn empty(notification: &Notification) -> Self {
        let (emoji, state, tone) = state::of(notification);
        Self {
            emoji,
            state,
            tone,
            headline: String::new(),
            subject: String::new(),
            title: String::new(),
            place: None,
            instead: None,
            lead: Vec::new(),
            code: None,
            status: None,
            verdict: None,
            class: None,
            said: None,
            detail: None,
            list: None,
            context: Vec::new(),
            facts: Vec::new(),
            progress: None,
            advice: None,
            links: notification
                .runbook
                .as_deref()
                .and_then(link::checked)
                .map(|url| ("Runbook", url))
                .into_iter()
                .collect(),
            footer: footer(notification, ""),
        }
    }

    /// What calls people, as the receiver writes it.
    pub(crate) fn mentions(&self) -> impl Iterator<Item = &str> {
        self.context.iter().flat_map(|line| &line.0).filter_map(|span| match span {
            Span::Mention(raw) => Some(raw.as_str()),
            _ => None,
        })
    }

    /// The message without the links in its lists and sentences: each may be as long as all the rest.
    pub(crate) fn without_links_in_lines(mut self) -> Self {
        let bare = |lines: Vec<Line>| lines.into_iter().map(Line::without_links).collect();
        self.lead = bare(self.lead);
        self.list = self.list.map(|list| List { items: bare(list.items), ..list });
        self
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
    if let Some(note) = &notification.incident {
        parts.push(format!("incident {}", text::end_cut(&text::line(note.id.as_str()), 40)));
    }
    parts.join(", ")
}

#[expect(clippy::ptr_arg, reason = "Option<String>::filter gives &String")]
fn filled(text: &String) -> bool {
    !text.trim().is_empty()
}
