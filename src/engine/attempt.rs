//! Which attempt an observation speaks of: newer than what is known, the same again, or late. Observations come in any order
//! and from several places; an engine may run a failed run again under the same id, with or without counting.

use jiff::{SignedDuration, Timestamp};

use super::Known;
use crate::triage::{Observation, Standing};

/// Two reports of one end, or of one moment, differ by at most this much: one source cuts fractions of a second, another rounds them,
/// and the machines that stamp them don't agree to the millisecond.
const SAME_END: SignedDuration = SignedDuration::from_secs(2);

/// How an observation stands to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It says something newer.
    Newer,
    /// It is older than what is known.
    Late,
}

/// Whether `seen` is newer than what is known.
pub(super) fn freshness(known: &Known, seen: &Observation) -> Freshness {
    if let (Some(known), Some(seen)) = (known.attempt, seen.attempt)
        && known != seen
    {
        return if seen > known { Freshness::Newer } else { Freshness::Late };
    }
    if let (Some(old), Some(new)) = (known.updated_at, seen.updated_at)
        && old != new
    {
        return if new > old || ends_it(known, seen, old, new) { Freshness::Newer } else { Freshness::Late };
    }
    if known.is_open() {
        return Freshness::Newer;
    }
    let final_now = !matches!(seen.standing, Standing::Open | Standing::Retrying);
    if final_now {
        // A failed run that is reported as completed, without any times to compare: the engine changed its mind.
        let ended = known.failure.as_ref().and_then(|failure| failure.ended_at);
        return match (ended, seen.completed_at) {
            (Some(old), Some(new)) if new < old => Freshness::Late,
            _ => Freshness::Newer,
        };
    }
    // Ended, and now reported as open: run again, or an old report that comes late. The same moment of change, or the same
    // start of a run whose end is known, speaks for the old report.
    let same_moment = known.updated_at.is_some() && known.updated_at == seen.updated_at;
    let ended = known.failure.as_ref().and_then(|failure| failure.ended_at);
    let same_start = seen.started_at.is_some() && seen.started_at == known.started_at && ended.is_some();
    let started_before_end = match (seen.started_at, ended) {
        (Some(started), Some(ended)) => started < ended,
        _ => false,
    };
    if same_moment || (seen.updated_at.is_none() && (same_start || started_before_end)) {
        Freshness::Late
    } else {
        Freshness::Newer
    }
}

/// Whether a failure of this attempt is stamped a moment before the last sign of life: the worker that stamped that one does not know
/// yet. Taken as late it would never be told.
fn ends_it(known: &Known, seen: &Observation, old: Timestamp, new: Timestamp) -> bool {
    known.is_open()
        && seen.standing == Standing::Failed
        && old.duration_since(new) <= SAME_END
        && (known.failure.is_none() || (seen.completed_at.is_some() && is_new_failure(known, seen)))
}

/// Whether a failure that is not late is another one than the last that was decided upon.
pub(super) fn is_new_failure(known: &Known, seen: &Observation) -> bool {
    let Some(last) = &known.failure else {
        return true;
    };
    if let (Some(last), Some(seen)) = (last.attempt, seen.attempt)
        && last != seen
    {
        return seen > last;
    }
    match (last.ended_at, ended_at(seen)) {
        (Some(last), Some(seen)) => seen.duration_since(last) > SAME_END,
        // No times to compare: it failed anew exactly when it was seen running in between.
        _ => known.standing != Standing::Failed,
    }
}

/// When the engine says that the failed attempt ended.
pub(super) fn ended_at(seen: &Observation) -> Option<Timestamp> {
    seen.completed_at
}
