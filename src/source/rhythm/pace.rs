//! How long to wait after a poll: pure arithmetic over a seed. It knows no clock.

use std::time::Duration;

/// Three requests a second at most, whatever else is said.
const FLOOR: Duration = Duration::from_millis(334);
/// The first step of the back-off: equal jitter makes it 1 to 2 s.
const FIRST_STEP: Duration = Duration::from_secs(2);
/// The longest step: two intervals, so that an outage is noticed to be over within two, but no more than this; a longer interval is
/// its own longest step.
const LAST_STEP: Duration = Duration::from_mins(1);
/// The longest wait that an engine may ask for by `Retry-After`.
const LONGEST_ASKED: i64 = 600;
/// 2 to the power of 16 seconds is longer than any ceiling.
const MOST_DOUBLINGS: u32 = 16;

pub(super) struct Pace {
    every: Duration,
    failures: u32,
    chance: fastrand::Rng,
}

impl Pace {
    pub(super) fn new(every: Duration, seed: u64) -> Self {
        Self { every, failures: 0, chance: fastrand::Rng::with_seed(seed) }
    }

    /// The interval ± 10 %, so that many sources don't ask at the same moment; at once when there is more, and by `again` when something
    /// is expected by then.
    pub(super) fn after_success(&mut self, more: bool, again: Option<Duration>) -> Duration {
        self.failures = 0;
        let interval = self.every.mul_f64(0.9 + 0.2 * self.chance.f64());
        let wait = if more { Duration::ZERO } else { again.unwrap_or(interval).min(interval) };
        wait.max(FLOOR)
    }

    /// Doubles up to two intervals, a minute at most (or the interval, when that is longer); half of each step is fixed. What the engine asks for wins.
    pub(super) fn after_failure(&mut self, asked: Option<i64>) -> Duration {
        let ceiling = LAST_STEP.min(self.every.saturating_mul(2)).max(self.every).max(FIRST_STEP);
        let step = FIRST_STEP.saturating_mul(1 << self.failures.min(MOST_DOUBLINGS)).min(ceiling);
        self.failures = self.failures.saturating_add(1);
        match asked {
            Some(seconds) => Duration::from_secs(seconds.clamp(1, LONGEST_ASKED).unsigned_abs()),
            None => (step / 2 + (step / 2).mul_f64(self.chance.f64())).max(FLOOR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    #[test]
    fn the_interval_varies_by_a_tenth_at_most() {
        for seed in 0..200 {
            let wait = Pace::new(EVERY, seed).after_success(false, None);
            assert!((9.0..=11.0).contains(&wait.as_secs_f64()), "{wait:?}");
        }
    }

    #[test]
    fn even_with_more_to_read_there_are_no_more_than_three_polls_a_second() {
        assert_eq!(Pace::new(EVERY, 1).after_success(true, None), FLOOR);
    }

    #[test]
    fn what_is_expected_soon_is_asked_for_then_and_never_later_than_the_interval() {
        let wait = |again| Pace::new(EVERY, 1).after_success(false, Some(Duration::from_secs(again)));
        assert_eq!(wait(3), Duration::from_secs(3));
        assert!(wait(60) <= Duration::from_secs(11));
    }

    #[test]
    fn the_back_off_doubles_from_a_second_to_a_minute_and_starts_anew_after_a_success() {
        let mut pace = Pace::new(Duration::from_mins(1), 7);
        for high in [2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = pace.after_failure(None).as_secs_f64();
            assert!((f64::from(high) / 2.0..=f64::from(high)).contains(&wait), "{wait} of {high}");
        }
        pace.after_success(false, None);
        assert!(pace.after_failure(None) <= Duration::from_secs(2));
    }

    #[test]
    fn the_end_of_an_outage_is_noticed_within_two_intervals() {
        for every in [1, 10, 25] {
            let mut pace = Pace::new(Duration::from_secs(every), 7);
            for _ in 0..40 {
                let wait = pace.after_failure(None);
                assert!(wait <= Duration::from_secs(2 * every), "{wait:?} at an interval of {every} s");
            }
        }
    }

    #[test]
    fn what_the_engine_asks_for_is_honoured_between_a_second_and_ten_minutes() {
        let mut pace = Pace::new(EVERY, 7);
        for (asked, expected) in [(30, 30), (0, 1), (i64::MIN, 1), (i64::MAX, 600)] {
            assert_eq!(pace.after_failure(Some(asked)), Duration::from_secs(expected));
        }
    }

    #[test]
    fn a_source_that_is_asked_hourly_is_not_asked_more_often_when_it_fails_for_long() {
        let mut pace = Pace::new(Duration::from_hours(1), 7);
        for _ in 0..40 {
            pace.after_failure(None);
        }
        assert!(pace.after_failure(None) >= Duration::from_mins(30));
    }
}
