//! How often the end of a run may wake the asking. It must not know what is pushed.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A poll that finds something costs about five counted requests of each repository. So far apart, pushes spend half of the 5,000 an hour
/// that a token has; the rest is for what is polled and learned.
const APART: SignedDuration = SignedDuration::from_secs(7);
/// So many may come at once, after a quiet time.
const AT_ONCE: i32 = 10;

/// What was spent on being woken.
#[derive(Debug)]
pub(super) struct Wakes {
    /// What one costs, of time.
    cost: SignedDuration,
    /// Until when all of it is paid for.
    paid: Mutex<Timestamp>,
}

impl Wakes {
    /// Of a source with so many repositories: each of them is asked.
    pub(super) fn new(repositories: usize) -> Self {
        let repositories = i32::try_from(repositories.max(1)).unwrap_or(i32::MAX);
        Self { cost: APART.saturating_mul(repositories), paid: Mutex::new(Timestamp::MIN) }
    }

    /// Whether it may wake now. What it may not is found by the next poll.
    pub(super) fn may(&self, now: Timestamp) -> bool {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.cost.saturating_mul(AT_ONCE);
        let owed = paid.duration_since(now).max(SignedDuration::ZERO);
        // Never more than that, unless our clock was put back.
        let owed = if owed > most { SignedDuration::ZERO } else { owed };
        let next = owed.saturating_add(self.cost);
        if next > most {
            return false;
        }
        *paid = now.checked_add(next).unwrap_or(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_ends_wake_at_once_and_many_no_faster_than_the_limit_of_the_token_allows() {
        let wakes = Wakes::new(2);
        let start: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let woken = |from: i64, until: i64| {
            (from..until).filter(|second| wakes.may(start + SignedDuration::from_secs(*second))).count()
        };
        assert_eq!(woken(0, 10), 10);
        assert!((250..=270).contains(&woken(10, 3_610)), "an hour of ends, one a second");
        assert_eq!(woken(10_000, 10_010), 10);
        assert_eq!(woken(-18_000, -17_990), 10, "our clock is put back");
    }
}
