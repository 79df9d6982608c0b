//! The only place that reads the wall clock and draws chance. The pure core gets both as arguments.

use jiff::Timestamp;

/// Now, by the system's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A seed for jitter. Not for secrets.
#[must_use]
pub fn seed() -> u64 {
    fastrand::u64(..)
}
