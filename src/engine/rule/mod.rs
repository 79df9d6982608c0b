//! A rule: match, then condition, then whom to notify.

mod matcher;
mod pattern;
mod set;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use matcher::{Facts, Matcher};
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
}
