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
/// A run that the baseline did not show is news unless it ended this long before we started: the clock that stamps runs may be
/// hours off, and an engine may list late. In doubt it is told.
const DOUBT: SignedDuration = SignedDuration::from_hours(24);
/// `Date` has whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// An idle source needs no commit for a watermark that crept on.
const WORTH_A_COMMIT: SignedDuration = SignedDuration::from_secs(60);

/// The checkpoint of an `http` source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When this source was set up, by our clock.
    pub(super) started: Timestamp,
    /// The newest mark that was read, and nothing behind it was left out.
    #[serde(default)]
    pub(super) watermark: Option<Timestamp>,
    /// Set by the first complete poll: what ended before it is history for ever.
    #[serde(default)]
    pub(super) horizon: Option<Timestamp>,
}

/// What one poll read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The newest mark.
    pub(super) newest: Option<Timestamp>,
    /// The oldest end.
    pub(super) oldest_end: Option<Timestamp>,
    /// The list holds no more than that.
    pub(super) to_the_end: bool,
}

/// What the answers of one poll say about the engine's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct EngineClock {
    /// What it is ahead of ours, as far as the first answer says.
    skew: Option<SignedDuration>,
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
        Self { skew: None, latest: None, ahead: None }
    }

    /// Learns from one answer: its `Date`, and the newest mark of its runs. Without a `Date` our own clock has to do.
    pub(super) fn learn(&mut self, date: Option<Timestamp>, newest: Option<Timestamp>, took: Took) {
        let skew = date.map_or(SignedDuration::ZERO, |date| skew(date, took));
        self.skew.get_or_insert(skew);
        let date = date.unwrap_or(took.received);
        self.latest = Some(date);
        let ahead = newest.filter(|newest| (SKEW..NONSENSE).contains(&newest.duration_since(date)));
        self.ahead = self.ahead.max(ahead);
    }

    /// When we started, by the engine's clock.
    fn started(&self, checkpoint: &Checkpoint, now: Timestamp) -> Timestamp {
        let started = later(checkpoint.started, self.skew.unwrap_or_default());
        let elapsed = now.duration_since(checkpoint.started).max(SignedDuration::ZERO);
        // The newest run of an engine that stamps ahead of its own `Date` is the best there is to know its time by.
        self.ahead.map_or(started, |ahead| started.max(earlier(later(ahead, SECOND), elapsed)))
    }
}

/// When a request was sent and its answer received, by our clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    pub(super) sent: Timestamp,
    pub(super) received: Timestamp,
}

/// What the engine's clock is ahead of ours. A `Date` that agrees with ours says that there is one time, and ours has fractions. One
/// that does not is known to a second and the length of the request; the least that it can be makes news of what is in doubt.
fn skew(date: Timestamp, took: Took) -> SignedDuration {
    let (least, most) = (date.duration_since(took.received), later(date, SECOND).duration_since(took.sent));
    if least <= SignedDuration::ZERO && most >= SignedDuration::ZERO { SignedDuration::ZERO } else { least }
}

/// The moment by which a run has surely ended: an engine that cuts the fraction of a second means some moment within it.
fn surely_ended(run: &Run) -> Option<Timestamp> {
    let end = end(run)?;
    let cut = if end.subsec_nanosecond() == 0 { SECOND } else { SignedDuration::from_millis(1) };
    Some(later(end, cut))
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

    /// Whether a run ended before we first looked. Before the baseline that is what had surely ended when we started; after it only
    /// what is older than anything in the baseline, and by far.
    pub(super) fn is_history(&self, run: &Run, clock: &EngineClock, history: Duration, now: Timestamp) -> bool {
        if !run.status.is_final() {
            return false;
        }
        if let Some(horizon) = self.horizon {
            return end(run).is_some_and(|end| end < horizon);
        }
        let from = earlier(clock.started(self, now), signed(history));
        surely_ended(run).is_none_or(|end| end <= from)
    }

    /// The checkpoint after a poll that read everything it wanted to.
    pub(super) fn after(&self, read: Extent, clock: &EngineClock, history: Duration, now: Timestamp) -> Self {
        // Never ahead of the engine's clock: a mark in the future would hide what comes until then. Being behind only costs reading.
        let ceiling = clock.latest.unwrap_or(now);
        let horizon = self.horizon.unwrap_or_else(|| {
            let from = earlier(clock.started(self, now), signed(history));
            let from = if read.to_the_end { earlier(from, DOUBT) } else { from };
            read.oldest_end.map_or(from, |oldest| oldest.min(from))
        });
        Self {
            started: self.started,
            watermark: self.watermark.max(read.newest).map(|mark| mark.min(ceiling)),
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
