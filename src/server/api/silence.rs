//! `POST /api/v1/silences`: a silence as it is asked for. Each has an end.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::body::{name, text};
use crate::engine::Matcher;
use crate::server::NewSilence;

/// What is wanted.
pub(super) const EXAMPLE: &str =
    r#"{"match": {"workflow": "nightly-*"}, "for": "2h", "by": "ada", "comment": "migration"}"#;

/// A silence as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(rename = "match")]
    when: Matcher,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default, rename = "for")]
    length: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    unless_new: bool,
}

/// `POST /api/v1/incidents/{id}/silence`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfIncident {
    #[serde(rename = "for")]
    length: String,
    #[serde(default)]
    by: Option<String>,
}

/// Until when what fails as an incident does is silent, and who wants it so.
pub(super) fn of_incident(wanted: &OfIncident, now: Timestamp) -> Result<(Timestamp, Option<String>), String> {
    let until = after(now, &wanted.length)?;
    let by = wanted.by.as_deref().filter(|by| !by.trim().is_empty());
    Ok((until, by.map(|by| name(by, "by")).transpose()?))
}

/// Checks what is asked for.
pub(super) fn asked(wanted: Wanted, now: Timestamp) -> Result<NewSilence, String> {
    if wanted.when.is_empty() {
        return Err(
            "`match` names nothing, and would silence everything: name at least one key, such as workflow".to_owned()
        );
    }
    let until = match (wanted.until, &wanted.length) {
        (Some(until), None) => until,
        (None, Some(length)) => after(now, length)?,
        _ => return Err("a silence has one end: `until` (a time) or `for` (such as \"2h\")".to_owned()),
    };
    if until <= now {
        return Err("the silence is over already: its end must lie ahead".to_owned());
    }
    let by = wanted.by.as_deref().filter(|by| !by.trim().is_empty());
    Ok(NewSilence {
        when: wanted.when,
        until,
        by: by.map(|by| name(by, "by")).transpose()?,
        comment: text(wanted.comment.as_deref(), "comment")?,
        unless_new: wanted.unless_new,
    })
}

fn after(now: Timestamp, length: &str) -> Result<Timestamp, String> {
    let long = humantime::parse_duration(length.trim()).ok().and_then(|long| SignedDuration::try_from(long).ok());
    let until = long.and_then(|long| now.checked_add(long).ok());
    until.ok_or_else(|| "`for` is a length of time, such as \"30m\", \"2h\" or \"3d\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T02:00:00Z".parse().expect("a time")
    }

    fn made(json: &str) -> Option<NewSilence> {
        asked(serde_json::from_str(json).ok()?, now()).ok()
    }

    #[test]
    fn a_silence_ends_at_a_time_or_after_one() {
        let two: Timestamp = "2026-11-23T04:00:00Z".parse().expect("a time");
        for end in [r#""for": "2h""#, r#""until": "2026-11-23T04:00:00Z""#, r#""until": "2026-11-23T05:00:00+01:00""#] {
            let silence = made(&format!(r#"{{"match": {{"workflow": "nightly-*"}}, {end}}}"#)).expect("a silence");
            assert_eq!(silence.until, two, "{end}");
        }
    }

    #[test]
    fn the_example_is_a_silence() {
        let silence = made(EXAMPLE).expect("a silence");
        assert_eq!((silence.by.as_deref(), silence.comment.as_deref()), (Some("ada"), Some("migration")));
    }

    #[test]
    fn what_has_no_end_or_matches_everything_is_refused() {
        for wrong in [
            r#"{"match": {"workflow": "x"}}"#,
            r#"{"match": {}, "for": "2h"}"#,
            r#"{"match": {"workflow": "x"}, "for": "2h", "until": "2026-11-23T04:00:00Z"}"#,
            r#"{"match": {"workflow": "x"}, "for": "0s"}"#,
            r#"{"match": {"workflow": "x"}, "for": "soon"}"#,
            r#"{"match": {"workflow": "x"}, "until": "2026-11-23T02:00:00Z"}"#,
            r#"{"match": {"wrokflow": "x"}, "for": "2h"}"#,
            r#"{"match": {"workflow": "x"}, "for": "2h", "forever": true}"#,
            r#"{"match": {"workflow": "x"}, "for": "99999999999y"}"#,
        ] {
            assert!(made(wrong).is_none(), "{wrong}");
        }
    }
}
