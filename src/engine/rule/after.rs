//! A rule's condition: how much must have failed before anybody is told. Pure; it knows counts and times, no incident.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::triage::Class;

/// `after` of a rule: how much must have failed before it speaks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct After {
    /// For every class that has none of its own.
    pub all: Option<Condition>,
    /// By class.
    pub by_class: BTreeMap<Class, Condition>,
}

/// How much must have failed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "after", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Condition {
    /// So many failures of the incident within this time.
    Failures {
        /// How many.
        failures: u32,
        /// Within which time.
        within: SignedDuration,
    },
    /// So many failed runs of the workflow in a row, without a success in between.
    Consecutive {
        /// How many.
        consecutive: u32,
    },
    /// So many of the workflow's last ended runs.
    Rate {
        /// The share, over 0 and at most 1. `rate * of_last` of them must have failed, also while fewer are known.
        rate: f64,
        /// Of how many ended runs, at most [`MOST_OUTCOMES`].
        of_last: u32,
    },
}

/// The most ended runs of a workflow that are remembered for a rate.
pub const MOST_OUTCOMES: u32 = 200;

// A share is read from a file that can't say NaN.
impl Eq for Condition {}

impl After {
    /// The condition for failures of `class`; none means: at once.
    #[must_use]
    pub fn of(&self, class: Class) -> Option<Condition> {
        self.by_class.get(&class).copied().or(self.all)
    }
}
