//! A silence: a matcher with an end. What it matches is not told, and is summed up when it ends.

use jiff::Timestamp;

use super::rule::{Facts, Matcher};
use crate::triage::Card;

/// A matcher with an end.
#[derive(Debug, Clone)]
pub struct Silence {
    /// What names it: the configuration's name, or `s_` and eight digits.
    pub id: String,
    /// What is not told.
    pub when: Matcher,
    /// Since when; absent: always.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
    /// Who made it; absent: it stands in the configuration.
    pub by: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// Does not hold back an error whose fingerprint is new since the silence began.
    pub unless_new: bool,
}

impl Silence {
    /// Whether it is in force.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && now < self.until
    }

    /// Whether it is in force and fits.
    #[must_use]
    pub fn fits(&self, now: Timestamp, card: &Card) -> bool {
        self.is_on(now) && self.when.matches(Facts::of(card))
    }
}
