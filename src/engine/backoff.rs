//! When a delivery is tried again: a pure schedule, so that the next attempt is data in the ledger.

use jiff::{SignedDuration, Timestamp};

/// The steps between attempts: 1, 2, 5, 10, 30 s, 1, 2, 5 min, then every 5 min. Fresh matters more for an alert than
/// for a webhook, and the cap lets a backlog drain within 5 minutes of any outage's end.
const STEPS_SECONDS: [u32; 8] = [1, 2, 5, 10, 30, 60, 120, 300];

/// The longest wait that a receiver may ask for by `Retry-After`.
const MAX_RETRY_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A slow attempt takes this long, by the default timeout of a receiver.
const SLOW_ATTEMPT_SECONDS: u32 = 15;

/// How long a delivery is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// After this time since it was first due, a delivery is given up and goes to the fallback.
    pub give_up_after: SignedDuration,
}

/// When the attempt after `attempts` failed ones is due, or nothing when it is time to give up.
///
/// Equal jitter: half of the step is fixed, half is drawn by `seed`, so that a storm does not come back as one wave and
/// a retry never comes at once. A receiver's `retry_after` is a floor, capped at ten minutes.
#[must_use]
pub fn next_attempt(
    patience: Patience,
    created_at: Timestamp,
    attempts: u32,
    retry_after: Option<SignedDuration>,
    now: Timestamp,
    seed: u64,
) -> Option<Timestamp> {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(STEPS_SECONDS.len() - 1);
    let step_millis = i64::from(STEPS_SECONDS[index]) * 1000;
    let jitter = i64::try_from(seed % (step_millis.unsigned_abs() / 2 + 1)).unwrap_or(0);
    let mut wait = SignedDuration::from_millis(step_millis / 2 + jitter);
    if let Some(asked) = retry_after {
        wait = wait.max(asked.clamp(SignedDuration::from_secs(1), MAX_RETRY_AFTER));
    }
    let due = now.saturating_add(wait).ok()?;
    let in_time = due.duration_since(created_at) <= patience.give_up_after;
    (in_time || attempts < least_attempts(patience)).then_some(due)
}

/// How many attempts a delivery gets however much time has passed: as many as fit into the time if each of the first eight were
/// slow. It bears only on a clock that was set forward, or a daemon that was down for longer than the time to give up.
fn least_attempts(patience: Patience) -> u32 {
    let ends = STEPS_SECONDS.iter().scan(0, |elapsed, step| {
        *elapsed += step + SLOW_ATTEMPT_SECONDS;
        Some(SignedDuration::from_secs(i64::from(*elapsed)))
    });
    u32::try_from(ends.take_while(|end| *end <= patience.give_up_after).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Patience = Patience { give_up_after: SignedDuration::from_hours(24) };

    #[test]
    fn the_first_retry_comes_within_a_second_and_later_ones_within_five_minutes() {
        let start = Timestamp::UNIX_EPOCH;
        for (attempts, low, high) in [(1, 500, 1000), (2, 1000, 2000), (8, 150_000, 300_000), (90, 150_000, 300_000)] {
            for seed in [0, 1, 499, 7_777_777, u64::MAX] {
                let due = next_attempt(DAY, start, attempts, None, start, seed).expect("within the day");
                let millis = due.as_millisecond();
                assert!((low..=high).contains(&millis), "attempt {attempts} seed {seed}: {millis} ms");
            }
        }
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_but_not_a_year() {
        let start = Timestamp::UNIX_EPOCH;
        let asked = |secs| next_attempt(DAY, start, 1, Some(SignedDuration::from_secs(secs)), start, 0);
        assert_eq!(asked(30).map(Timestamp::as_second), Some(30));
        assert_eq!(asked(31_536_000).map(Timestamp::as_second), Some(600));
    }

    #[test]
    fn a_clock_that_jumps_or_a_long_sleep_does_not_use_up_the_attempts() {
        let start = Timestamp::UNIX_EPOCH;
        let late = Timestamp::from_second(48 * 3600).expect("two days");
        let tried: Vec<bool> = (1..=9).map(|made| next_attempt(DAY, start, made, None, late, 0).is_some()).collect();
        assert_eq!(tried.iter().filter(|tried| **tried).count(), 7, "{tried:?}");
        let minute = Patience { give_up_after: SignedDuration::from_mins(1) };
        assert!(next_attempt(minute, start, 2, None, late, 0).is_some());
        assert_eq!(next_attempt(minute, start, 3, None, late, 0), None);
        let hasty = Patience { give_up_after: SignedDuration::from_secs(1) };
        assert_eq!(next_attempt(hasty, start, 1, None, late, 0), None);
    }

    #[test]
    fn a_delivery_is_given_up_after_its_time() {
        let start = Timestamp::UNIX_EPOCH;
        let late = Timestamp::from_second(24 * 3600).expect("a day");
        assert_eq!(next_attempt(DAY, start, 9, None, late, 0), None);
    }
}
