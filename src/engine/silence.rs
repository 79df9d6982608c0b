//! A silence: a matcher with an end. What it matches is not told, and is summed up when it ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rule::{Facts, Matcher};
use crate::triage::Card;

/// A matcher with an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    /// What names it: the configuration's name, or `s_` and eight digits.
    pub id: String,
    /// What is not told.
    #[serde(rename = "match")]
    pub when: Matcher,
    /// Since when; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
    /// Who made it; absent: it stands in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Does not hold back an error whose fingerprint is new since the silence began.
    #[serde(default)]
    pub unless_new: bool,
}

impl Silence {
    /// Whether it is in force.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && now < self.until
    }

    /// What tells it from every other silence, also from one that had its name before it.
    #[must_use]
    pub fn key(&self) -> String {
        let from = self.from.map(|from| from.as_microsecond().to_string()).unwrap_or_default();
        [self.id.as_str(), &from, &self.until.as_microsecond().to_string()].join("\0")
    }

    /// Whether it is in force and fits.
    #[must_use]
    pub fn fits(&self, now: Timestamp, card: &Card) -> bool {
        self.is_on(now) && self.when.matches(Facts::of(card))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_silence_is_stored_as_it_is() {
        let written = json!({
            "id": "s_20261125", "match": { "workflow": "nightly-*" }, "until": "2026-11-25T06:00:00Z", "by": "ada", "unlessNew": true,
        });
        let silence: Silence = serde_json::from_value(written.clone()).expect("a silence");
        assert_eq!(serde_json::to_value(&silence).expect("JSON"), written);
    }

    #[test]
    fn a_silence_is_on_from_its_beginning_to_just_before_its_end() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let silence = Silence {
            id: "s".to_owned(),
            when: Matcher::default(),
            from: Some(at("2026-01-01T00:00:00Z")),
            until: at("2026-01-02T00:00:00Z"),
            by: None,
            comment: None,
            unless_new: false,
        };
        assert!(!silence.is_on(at("2025-12-31T23:59:59Z")) && silence.is_on(at("2026-01-01T00:00:00Z")));
        assert!(silence.is_on(at("2026-01-01T23:59:59Z")) && !silence.is_on(at("2026-01-02T00:00:00Z")));
    }
}
