//! What must survive a restart, and what follows from it: how far back to read, and what is history. All on the engine's clock,
//! which may be an hour off ours. It asks nobody.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::run::Run;

/// How far the first `{since}` looks back at least: the engine's clock is not known before its first answer.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(24);
/// Marks this far ahead of the `Date` header mean that the runs are stamped by another clock.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// Marks further ahead than this are nonsense, and move nothing.
const NONSENSE: SignedDuration = SignedDuration::from_hours(2);
/// An idle source needs no commit for a watermark that crept on.
const WORTH_A_COMMIT: SignedDuration = SignedDuration::from_secs(60);

/// The checkpoint of an `http` source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When this source was first polled, by our clock.
    pub(super) started: Timestamp,
    /// The newest mark that was read, and nothing behind it was left out.
    #[serde(default)]
    pub(super) watermark: Option<Timestamp>,
    /// Set by the first complete poll: what ended before it is history for ever.
    #[serde(default)]
    pub(super) horizon: Option<Timestamp>,
}

/// What the answers of one poll say about the engine's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct EngineClock {
    first: Option<Timestamp>,
    latest: Option<Timestamp>,
    ahead: Option<Timestamp>,
}

/// The last change of a run, as far as the engine says.
pub(super) fn mark(run: &Run) -> Option<Timestamp> {
    run.updated_at.or(run.completed_at).or(run.started_at)
}

fn end(run: &Run) -> Option<Timestamp> {
    run.completed_at.or(run.updated_at)
}

impl EngineClock {
    pub(super) fn unknown() -> Self {
        Self { first: None, latest: None, ahead: None }
    }

    /// Learns from one answer: its `Date`, and the newest mark of its runs. Without a `Date` our own clock has to do.
    pub(super) fn learn(&mut self, date: Option<Timestamp>, newest: Option<Timestamp>, now: Timestamp) {
        let date = date.unwrap_or(now);
        self.first.get_or_insert(date);
        self.latest = Some(date);
        let ahead = newest.filter(|newest| (SKEW..NONSENSE).contains(&newest.duration_since(date)));
        self.ahead = self.ahead.max(ahead);
    }

    /// When we started, by the engine's clock. `Date` has whole seconds, so that the second in which we started counts as before.
    fn started(&self, checkpoint: &Checkpoint, now: Timestamp) -> Timestamp {
        let date = later(self.first.unwrap_or(now), SignedDuration::from_secs(1));
        let elapsed = SignedDuration::from_secs(now.duration_since(checkpoint.started).as_secs().max(0));
        earlier(self.ahead.map_or(date, |ahead| ahead.max(date)), elapsed)
    }
}

impl Checkpoint {
    pub(super) fn new(started: Timestamp) -> Self {
        Self { started, watermark: None, horizon: None }
    }

    /// For `{since}`: behind the watermark, so that what is listed late is still found.
    pub(super) fn since(&self, overlap: Duration, history: Duration) -> Timestamp {
        match self.watermark {
            Some(watermark) => earlier(watermark, signed(overlap)),
            None => earlier(self.started, signed(history).max(signed(overlap)).saturating_add(FIRST_LOOK)),
        }
    }

    /// Pages that hold only older marks than this were read by an earlier poll. Nothing before the baseline.
    pub(super) fn read_until(&self, overlap: Duration) -> Option<Timestamp> {
        self.horizon?;
        self.watermark.map(|watermark| earlier(watermark, signed(overlap)))
    }

    /// Whether a run ended before we first looked. Before the baseline that is what had ended when we started; after it only what is
    /// older than anything in the baseline, for an engine may list a run late.
    pub(super) fn is_history(&self, run: &Run, clock: &EngineClock, history: Duration, now: Timestamp) -> bool {
        if !run.status.is_final() {
            return false;
        }
        if let Some(horizon) = self.horizon {
            return end(run).is_some_and(|end| end < horizon);
        }
        let from = earlier(clock.started(self, now), signed(history));
        end(run).is_none_or(|end| end <= from)
    }

    /// The checkpoint after a complete poll.
    pub(super) fn after(
        &self,
        newest: Option<Timestamp>,
        oldest_end: Option<Timestamp>,
        clock: &EngineClock,
        history: Duration,
        now: Timestamp,
    ) -> Self {
        // Never ahead of the engine's clock: a mark in the future would hide what comes until then. Being behind only costs reading.
        let ceiling = clock.latest.unwrap_or(now);
        let horizon = self.horizon.unwrap_or_else(|| {
            let from = earlier(clock.started(self, now), signed(history));
            oldest_end.map_or(from, |oldest| oldest.min(from))
        });
        Self {
            started: self.started,
            watermark: self.watermark.max(newest).map(|mark| mark.min(ceiling)),
            horizon: Some(horizon),
        }
    }

    /// Whether the difference is worth a commit when no run goes with it.
    pub(super) fn differs_enough(&self, before: &Self) -> bool {
        let moved = match (self.watermark, before.watermark) {
            (Some(a), Some(b)) => a.duration_since(b).abs() >= WORTH_A_COMMIT,
            (a, b) => a != b,
        };
        moved || self.horizon != before.horizon
    }
}

/// The end of a final run, for the oldest of the baseline.
pub(super) fn final_end(run: &Run) -> Option<Timestamp> {
    end(run).filter(|_| run.status.is_final())
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
