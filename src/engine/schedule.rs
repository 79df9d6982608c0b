//! `[schedules.NAME]`: hours of the week on the clock of a place. Pure: a time goes in, on or off comes out.
//!
//! What counts is what the clock on the wall shows at an instant, and nothing else. So an hour that the clock skips in spring is never
//! on, an hour that it shows twice in autumn is on both times, and a window that would end at a time that never comes ends when the
//! clock jumps over it. Nothing is converted with the offset of another day.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far ahead an end is looked for. Two weeks hold every combination of windows; the day more is for clocks that jump.
const HORIZON: SignedDuration = SignedDuration::from_hours(15 * 24);

/// Hours of the week in one time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The place whose clock counts.
    pub zone: TimeZone,
    /// When it is on. Several may overlap.
    pub windows: Vec<Window>,
}

/// From a time to a time on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: Vec<Weekday>,
    /// From this time on.
    pub from: Time,
    /// Until this time; on the next day where it is not after `from`. `00:00` to `00:00` is the whole day.
    pub to: Time,
}

impl Schedule {
    /// Until when it is on, where it is on at `now`: the end of the window, or of the last of those that follow without a gap. A schedule
    /// that never is off is said to end after 15 days, so that whatever waits for the end has one.
    #[must_use]
    pub fn on_until(&self, now: Timestamp) -> Option<Timestamp> {
        let limit = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
        let mut at = now;
        if !self.is_on(at) {
            return None;
        }
        while at < limit {
            let end = self.end_by_this_clock(at, limit);
            // Up to here the clock on the wall ran evenly. There it jumps, or there it is off, or there the search ends.
            let jump = self.zone.following(at).next().map_or(limit, |transition| transition.timestamp());
            at = end.min(jump).min(limit);
            if at < limit && !self.is_on(at) {
                break;
            }
        }
        Some(at)
    }

    /// Whether it is on: whether the clock on the wall shows a time in a window.
    fn is_on(&self, at: Timestamp) -> bool {
        let shown = self.zone.to_datetime(at);
        self.windows.iter().any(|window| window.end_around(shown).is_some())
    }

    /// When the stretch around `at` would end, if the clock ran on evenly until `limit`.
    fn end_by_this_clock(&self, at: Timestamp, limit: Timestamp) -> Timestamp {
        let offset = self.zone.to_offset(at);
        let mut end = at;
        while end < limit {
            let shown = offset.to_datetime(end);
            let later = self.windows.iter().filter_map(|window| window.end_around(shown)).max();
            match later.map(|later| offset.to_timestamp(later)) {
                Some(Ok(later)) => end = later,
                // A time that no calendar has any more.
                Some(Err(_)) => return limit,
                None => break,
            }
        }
        end
    }
}

impl Window {
    /// Its end, where it is on when the clock shows `shown`.
    fn end_around(&self, shown: DateTime) -> Option<DateTime> {
        let today = shown.date();
        let begins = |day: Date| self.days.contains(&day.weekday());
        let over_midnight = self.to <= self.from;
        if begins(today) && self.from <= shown.time() && (over_midnight || shown.time() < self.to) {
            let last = if over_midnight { today.tomorrow().unwrap_or(Date::MAX) } else { today };
            return Some(last.to_datetime(self.to));
        }
        let since_yesterday = over_midnight && shown.time() < self.to && today.yesterday().is_ok_and(begins);
        since_yesterday.then(|| today.to_datetime(self.to))
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
