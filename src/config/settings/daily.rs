//! `[daily]`: what is set.

use jiff::civil::Time;
use jiff::tz::TimeZone;

/// `[daily]`: the line of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    /// When, on the clock of `zone`. Default 08:00.
    pub at: Time,
    /// Whose clock. Default UTC.
    pub zone: TimeZone,
    /// Whom it is sent to; empty: it is only logged.
    pub notify: Vec<String>,
}

impl Default for Daily {
    fn default() -> Self {
        Self { at: Time::constant(8, 0, 0, 0), zone: TimeZone::UTC, notify: Vec::new() }
    }
}
