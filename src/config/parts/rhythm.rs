//! `update_every`, `remind`, `resolve_after`, `reopen_within`: how incidents go on once they were told.

use std::time::Duration;

use jiff::SignedDuration;
use toml::Value;

use crate::config::read::{At, Section, span};
use crate::engine::{Rhythm, RhythmOverride};

/// The keys, in `[defaults]` and in a rule.
pub(super) fn rhythm(section: &Section<'_>) -> RhythmOverride {
    RhythmOverride {
        update_every: section.get("update_every", span(Duration::from_secs(1))),
        remind: section.get("remind", remind),
        resolve_after: section.get("resolve_after", span(Duration::from_secs(1))),
        reopen_within: section.get("reopen_within", span(Duration::ZERO)),
    }
}

/// The same for `[defaults]`, where all of them are there; one that can't be read has been reported.
pub(super) fn rhythm_by_default(section: &Section<'_>) -> Rhythm {
    rhythm(section).over(Rhythm::default())
}

/// A duration, or `"never"`.
#[expect(clippy::option_option, reason = "the outer one is a mistake that was reported, the inner one is never")]
fn remind(at: &At<'_>) -> Option<Option<SignedDuration>> {
    match at.value {
        Value::String(text) if text.trim() == "never" => Some(None),
        Value::Boolean(false) => at.fail("expected a duration, found false", Some("write \"never\"".to_owned())),
        _ => span(Duration::from_secs(1))(at).map(Some),
    }
}
