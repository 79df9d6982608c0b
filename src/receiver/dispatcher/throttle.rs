//! When a lane may make its next attempt: the receiver's pace, the time that it asked for, and the back-off of a lane whose
//! receiver answers nobody. Measured on the monotonic clock, so that a clock that is set back can't stall a lane.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::Outcome;

/// After this many failed attempts in a row, of whichever deliveries, the lane probes with one attempt at a time.
const DOWN_AFTER: u32 = 5;
/// The longest pause between two probes: what an outage costs at most after its end.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The longest time that a receiver may ask a whole lane to wait.
const MAX_ASKED: Duration = Duration::from_mins(10);

/// When a lane may make its next attempt.
#[derive(Debug)]
pub(super) struct Throttle {
    pace: Duration,
    parallel: usize,
    not_before: Instant,
    failures: u32,
    /// The receiver asked for time and has not said yes since.
    asked: bool,
}

impl Throttle {
    pub(super) fn new(pace: Duration, parallel: usize, now: Instant) -> Self {
        Self { pace, parallel: parallel.max(1), not_before: now, failures: 0, asked: false }
    }

    /// How many attempts may be in flight.
    pub(super) fn parallel(&self) -> usize {
        // What queued up while it asked for time must not all come at once when the time is over.
        if self.asked || self.failures >= DOWN_AFTER { 1 } else { self.parallel }
    }

    /// The earliest start of the next attempt.
    pub(super) fn not_before(&self) -> Instant {
        self.not_before
    }

    /// An attempt starts.
    pub(super) fn started(&mut self, now: Instant) {
        self.not_before = self.not_before.max(now + self.pace);
    }

    /// Whether the last attempt that ended got no answer that settles it.
    pub(super) fn failing(&self) -> bool {
        self.failures > 0
    }

    /// An attempt ended. `seed` feeds the jitter.
    pub(super) fn ended(&mut self, outcome: &Outcome, now: Instant, seed: u64) {
        // The receiver counts from the arrival, which lies between start and end: the first post of a burst has a connection
        // to open, and the second would come too early.
        self.not_before = self.not_before.max(now + self.pace);
        let asked = match outcome {
            // A refusal for good is an answer: the receiver lives, whatever it thinks of this message.
            Outcome::Delivered { .. } | Outcome::Refused { permanent: true, .. } => {
                (self.failures, self.asked) = (0, false);
                return;
            }
            Outcome::Refused { retry_after, .. } => *retry_after,
            Outcome::Unknown { .. } => None,
        };
        self.failures = self.failures.saturating_add(1);
        if let Some(seconds) = asked.and_then(|seconds| u64::try_from(seconds).ok()) {
            self.asked = true;
            self.not_before = self.not_before.max(now + Duration::from_secs(seconds).min(MAX_ASKED));
        }
        if self.failures >= DOWN_AFTER {
            let doubled = 250_u64.saturating_mul(1 << (self.failures - DOWN_AFTER).min(8));
            let pause = Duration::from_millis(doubled).min(MAX_PAUSE);
            let half = pause / 2;
            let jitter = Duration::from_millis(seed % (u64::try_from(half.as_millis()).unwrap_or(0) + 1));
            self.not_before = self.not_before.max(now + half + jitter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(retry_after: Option<i64>) -> Outcome {
        Outcome::Refused { permanent: false, reason: "503".to_owned(), retry_after }
    }

    #[test]
    fn a_lane_keeps_its_pace_and_the_time_that_the_receiver_asks_for() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Duration::from_secs(1), 4, start);
        throttle.started(start);
        assert_eq!(throttle.not_before(), start + Duration::from_secs(1));
        let end = start + Duration::from_millis(80);
        throttle.ended(&Outcome::delivered("ok"), end, 0);
        assert_eq!(throttle.not_before(), end + Duration::from_secs(1));
        throttle.ended(&refused(Some(30)), start, 0);
        assert_eq!(throttle.not_before(), start + Duration::from_secs(30));
    }

    #[test]
    fn a_receiver_that_asked_for_time_gets_one_message_after_it_and_not_the_whole_queue() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Duration::ZERO, 32, start);
        throttle.ended(&refused(None), start, 0);
        assert_eq!(throttle.parallel(), 32);
        throttle.ended(&refused(Some(3)), start, 0);
        assert_eq!(throttle.parallel(), 1);
        throttle.ended(&Outcome::delivered("ok"), start, 0);
        assert_eq!(throttle.parallel(), 32);
    }

    #[test]
    fn a_receiver_that_answers_nobody_is_probed_by_one_attempt_at_a_time() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Duration::ZERO, 32, start);
        for _ in 0..40 {
            throttle.ended(&refused(None), start, u64::MAX);
        }
        assert_eq!(throttle.parallel(), 1);
        assert!(throttle.not_before() <= start + MAX_PAUSE);
        assert!(throttle.not_before() >= start + MAX_PAUSE / 2);
        throttle.ended(&Outcome::delivered("ok"), start, 0);
        assert_eq!(throttle.parallel(), 32);
    }
}
