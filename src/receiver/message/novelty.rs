//! What is new about a failure, and when all was well: the first thing that somebody asks who is woken by it. It knows no channel.

use jiff::Timestamp;

use super::line::{Line, joined};
use crate::engine::{LastSuccess, Novelty};

/// `New error in this workflow  ·  last success 01:52 UTC (version 14; 15 since 02:01 UTC)`; nothing where nothing is known.
pub(super) fn line(novelty: &Novelty, now: Timestamp) -> Option<Line> {
    let mut parts = Vec::new();
    if novelty.new_error {
        parts.push(Line::default().strong("new error in this workflow"));
    }
    // A count of one says nothing.
    if let Some((count, first)) = novelty.in_last_hour.filter(|(count, _)| *count > 1) {
        parts.push(Line::default().text(format!("{} in 1 h, first ", ordinal(count))).time(first, now));
    }
    parts.extend(success(novelty, now));
    (!parts.is_empty()).then(|| joined(parts, "  ·  "))
}

fn success(novelty: &Novelty, now: Timestamp) -> Option<Line> {
    let since = |version: &str, at| Line::default().code(version).text(" since ").time(at, now);
    match (&novelty.last_success, &novelty.version_since) {
        (Some(LastSuccess { at, version }), changed) => {
            let line = Line::default().text("last success ").time(*at, now);
            Some(match (version, changed) {
                (Some(old), Some((new, at))) => {
                    line.text(" (version ").code(old).text("; ").then(since(new, *at)).text(")")
                }
                (Some(version), None) => line.text(" (version ").code(version).text(", as now)"),
                (None, Some((new, at))) => line.text(" (version ").then(since(new, *at)).text(")"),
                (None, None) => line,
            })
        }
        (None, Some((new, at))) => Some(Line::default().text("version ").then(since(new, *at))),
        (None, None) => None,
    }
}

/// `3rd`
pub(super) fn ordinal(number: u32) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::test_support::at;

    fn said(novelty: &Novelty) -> String {
        line(novelty, at("2026-11-22T10:14:02Z")).map(|line| line.plain()).unwrap_or_default()
    }

    #[test]
    fn what_is_new_is_said_and_what_is_not_is_left_out() {
        let last = |version: Option<&str>| {
            Some(LastSuccess { at: at("2026-11-22T01:52:00Z"), version: version.map(str::to_owned) })
        };
        let since = Some(("15".to_owned(), at("2026-11-22T02:01:00Z")));
        let hour = |count| Some((count, at("2026-11-22T09:58:00Z")));
        let rows = [
            Novelty { new_error: true, in_last_hour: hour(1), ..Novelty::default() },
            Novelty { in_last_hour: hour(3), ..Novelty::default() },
            Novelty { last_success: last(Some("14")), version_since: since.clone(), ..Novelty::default() },
            Novelty { last_success: last(Some("14")), ..Novelty::default() },
            Novelty { last_success: last(None), version_since: since.clone(), ..Novelty::default() },
            Novelty { version_since: since, new_error: true, in_last_hour: hour(22), ..Novelty::default() },
            Novelty::default(),
        ];
        insta::assert_snapshot!(rows.iter().map(said).collect::<Vec<_>>().join("\n"), @r"
        new error in this workflow
        3rd in 1 h, first 09:58 UTC
        last success 01:52 UTC (version 14; 15 since 02:01 UTC)
        last success 01:52 UTC (version 14, as now)
        last success 01:52 UTC (version 15 since 02:01 UTC)
        new error in this workflow  ·  22nd in 1 h, first 09:58 UTC  ·  version 15 since 02:01 UTC
        ");
    }

    #[test]
    fn numbers_have_their_ending() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 101, 111].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "101st", "111th"]
        );
    }
}
