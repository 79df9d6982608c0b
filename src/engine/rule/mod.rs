//! A rule: match, then condition, then whom to notify.

mod after;
mod cover;
mod field;
mod matcher;
mod pairs;
mod pattern;
mod set;
mod wire;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use after::{After, Condition, MOST_OUTCOMES};
pub use cover::{Covers, Seen};
pub use field::Field;
pub use matcher::{Facts, Matcher};
pub use pairs::MatcherError;
pub use pattern::{Pattern, PatternError, StatusPattern};
pub use set::RuleSet;

/// How much a notification matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it soon.
    #[default]
    Error,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// The word in the configuration and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// One `[[rules]]`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique.
    pub name: String,
    /// All of these must fit. An empty matcher fits everything.
    pub when: Matcher,
    /// And not all of these. An empty matcher excepts nothing.
    pub unless: Matcher,
    /// How much it matters.
    pub severity: Severity,
    /// Whom to tell. May be empty: then the failure is known and nobody is told.
    pub notify: Vec<String>,
    /// How long a retry may keep it quiet; absent: the default.
    pub hold: Option<SignedDuration>,
    /// Where to read on. http or https.
    pub runbook: Option<String>,
    /// Go on with the next rule after this one matched.
    pub keep_going: bool,
    /// What makes failures one problem; absent: the default.
    pub group_by: Option<Vec<Field>>,
    /// How much must have failed before it speaks; absent: the first failure speaks.
    pub after: Option<After>,
    /// How its incidents go on once they were told.
    pub rhythm: RhythmOverride,
    /// Whom to tell when nobody acknowledged for too long.
    pub escalate: Option<Escalate>,
}

impl Rule {
    /// A rule of which nothing is said but its name and its match: it tells nobody.
    #[must_use]
    pub fn new(name: &str, when: Matcher) -> Self {
        Self {
            name: name.to_owned(),
            when,
            unless: Matcher::default(),
            severity: Severity::default(),
            notify: Vec::new(),
            hold: None,
            runbook: None,
            keep_going: false,
            group_by: None,
            after: None,
            rhythm: RhythmOverride::default(),
            escalate: None,
        }
    }
}

/// `escalate` of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    /// How long after the incident was opened.
    pub after: SignedDuration,
    /// Whom.
    pub notify: Vec<String>,
}

/// When an incident that was told is spoken of again, and when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// A receiver that can't edit gets at most one update in this time. Default 15 minutes.
    pub update_every: SignedDuration,
    /// The first reminder of what is still open comes after this; each next one after twice as long, at most a day. None: never.
    /// Default 4 hours.
    pub remind: Option<SignedDuration>,
    /// Without a failure for this long it is taken for over, and the message says that this is all that is known. Default 36 hours.
    pub resolve_after: SignedDuration,
    /// A failure this soon after the end opens it again. Default 1 hour.
    pub reopen_within: SignedDuration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            update_every: SignedDuration::from_mins(15),
            remind: Some(SignedDuration::from_hours(4)),
            resolve_after: SignedDuration::from_hours(36),
            reopen_within: SignedDuration::from_hours(1),
        }
    }
}

/// What a rule says of the rhythm; the rest is `[defaults]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RhythmOverride {
    /// `update_every`
    pub update_every: Option<SignedDuration>,
    /// `remind`; the inner none is `"never"`.
    pub remind: Option<Option<SignedDuration>>,
    /// `resolve_after`
    pub resolve_after: Option<SignedDuration>,
    /// `reopen_within`
    pub reopen_within: Option<SignedDuration>,
}

impl RhythmOverride {
    /// The rhythm of a rule, under these defaults.
    #[must_use]
    pub fn over(&self, defaults: Rhythm) -> Rhythm {
        Rhythm {
            update_every: self.update_every.unwrap_or(defaults.update_every),
            remind: self.remind.unwrap_or(defaults.remind),
            resolve_after: self.resolve_after.unwrap_or(defaults.resolve_after),
            reopen_within: self.reopen_within.unwrap_or(defaults.reopen_within),
        }
    }
}
