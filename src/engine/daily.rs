//! The line of the day: what it says, when it is due, and what becomes of each failure that it counts. Pure.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Known, Reason};

/// What happened since the last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DailyNote {
    /// The day that it is the line of.
    pub date: Date,
    /// Since when it counts.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Runs that were seen for the first time.
    pub runs: u64,
    /// Attempts of runs that failed. Each was told, held back, or nobody's.
    pub failed: u64,
    /// Of these, told at once.
    pub told: u64,
    /// Held back when they failed: by an update's rhythm, a silence, quiet hours, a condition, an open parent run.
    pub held: u64,
    /// Told to nobody: no rule names anybody who may see it.
    pub nobody: u64,
    /// Problems that are open now.
    pub open: u64,
    /// Sources that can't be read now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Sources that can be read, or are pushed to, and of which nothing was heard since the last line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
    /// Receivers that take nothing now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
}

impl DailyNote {
    /// Whether every source is heard of and every receiver takes what it is sent.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.unread.is_empty() && self.silent.is_empty() && self.broken.is_empty()
    }
}

/// What became of a failure when it was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Somebody was told.
    Told,
    /// It waits.
    Held,
    /// Nobody is told of it.
    Nobody,
    /// It failed before firstred first looked.
    History,
}

impl Known {
    /// How often the run failed, as far as firstred counts.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failure.as_ref().map_or(0, |failure| failure.number)
    }

    /// What became of its last failure, where that was just met.
    #[must_use]
    pub fn fate(&self) -> Fate {
        let last = self.lines.last().map(|line| line.at);
        let mut fate = Fate::Nobody;
        for line in self.lines.iter().rev().take_while(|line| Some(line.at) == last) {
            match &line.reason {
                Reason::Told { failure, .. } if *failure == self.failures() => return Fate::Told,
                Reason::History => return Fate::History,
                Reason::Withheld { .. } | Reason::ParentTells { .. } => fate = Fate::Held,
                _ => {}
            }
        }
        fate
    }
}

/// The newest day whose line is due at `now`. Where the clock jumps over the hour, the first moment after it counts; where it is there
/// twice, the first of them.
#[must_use]
pub fn due_day(now: Timestamp, at: Time, zone: &TimeZone) -> Date {
    let today = now.to_zoned(zone.clone()).date();
    let begins = today.to_datetime(at).to_zoned(zone.clone()).map(|begins| begins.timestamp());
    match begins {
        Ok(begins) if begins <= now => today,
        _ => today.yesterday().unwrap_or(today),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Failure, IncidentId, Kind, Line};

    fn day(now: &str, at: (i8, i8), zone: &str) -> String {
        let zone = TimeZone::get(zone).expect("a zone");
        due_day(now.parse().expect("a time"), Time::new(at.0, at.1, 0, 0).expect("a time"), &zone).to_string()
    }

    #[test]
    fn a_day_is_due_from_its_hour_on_by_the_clock_of_its_zone() {
        assert_eq!(day("2026-11-22T06:59:59Z", (8, 0), "Europe/Berlin"), "2026-11-21");
        assert_eq!(day("2026-11-22T07:00:00Z", (8, 0), "Europe/Berlin"), "2026-11-22");
        assert_eq!(day("2026-07-22T06:00:00Z", (8, 0), "Europe/Berlin"), "2026-07-22", "an hour earlier in summer");
        assert_eq!(day("2026-11-22T23:59:00Z", (8, 0), "Asia/Tokyo"), "2026-11-23");
    }

    #[test]
    fn an_hour_that_the_clock_jumps_over_or_meets_twice_is_due_once() {
        // 2026-03-29 02:30 does not exist in Berlin: 03:30 summer time is 01:30 UTC.
        assert_eq!(day("2026-03-29T01:29:00Z", (2, 30), "Europe/Berlin"), "2026-03-28");
        assert_eq!(day("2026-03-29T01:30:00Z", (2, 30), "Europe/Berlin"), "2026-03-29");
        // 2026-10-25 02:30 is there twice: the first is 00:30 UTC.
        assert_eq!(day("2026-10-25T00:30:00Z", (2, 30), "Europe/Berlin"), "2026-10-25");
        assert_eq!(day("2026-10-25T01:30:00Z", (2, 30), "Europe/Berlin"), "2026-10-25");
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn known(failures: u32, lines: &[(i64, Reason)]) -> Known {
        let mut known: Known = serde_json::from_value(serde_json::json!({
            "source": "events", "status": "failed", "standing": "failed", "since": at(0),
        }))
        .expect("a memory");
        known.failure = Some(Failure { number: failures, attempt: None, started_at: None, ended_at: None });
        known.lines = lines
            .iter()
            .map(|(second, reason)| Line { at: at(*second), source: None, reason: reason.clone() })
            .collect();
        known
    }

    #[test]
    fn a_failure_is_told_when_its_own_line_says_so_and_held_or_nobodys_otherwise() {
        let told = |failure| Reason::Told {
            kind: Kind::Failed,
            failure,
            rules: Vec::new(),
            receivers: vec!["ops".to_owned()],
            incident: None::<IncidentId>,
        };
        let parent = Reason::ParentTells { parent: "p".to_owned(), until: at(9) };
        assert_eq!(known(1, &[(5, told(1))]).fate(), Fate::Told);
        assert_eq!(known(2, &[(5, told(1)), (5, parent.clone())]).fate(), Fate::Held, "the first one was told");
        assert_eq!(known(1, &[(4, told(1)), (5, Reason::NoRule)]).fate(), Fate::Nobody);
        assert_eq!(known(1, &[(5, Reason::History)]).fate(), Fate::History);
        assert_eq!(known(1, &[]).fate(), Fate::Nobody);
    }
}
