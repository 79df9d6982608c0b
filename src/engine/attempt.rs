//! Which attempt an observation speaks of: newer than what is known, the same again, or late. Observations come in any order
//! and from several places; an engine may run a failed run again under the same id, with or without counting.

use jiff::{SignedDuration, Timestamp};

use super::{Failure, Known};
use crate::triage::{Observation, Standing};

/// Two reports of one moment differ by less than this: one source cuts fractions of a second, another rounds them.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(1);
/// Two engines' reports of one end differ by at most this where nothing was seen in between.
const SAME_END: SignedDuration = SignedDuration::from_secs(2);
/// A change that lies further ahead of our clock than this is nonsense, or a clock that is. Believed, it would make every later
/// report look late.
const AHEAD: SignedDuration = SignedDuration::from_hours(26);

/// How an observation stands to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It says something newer, or the same again.
    Newer,
    /// It is older than what is known.
    Late,
}

/// Takes out of an observation the times that can't be.
pub(super) fn without_nonsense(now: Timestamp, seen: &mut Observation) {
    let limit = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    for time in [&mut seen.updated_at, &mut seen.started_at, &mut seen.completed_at] {
        *time = time.filter(|time| *time <= limit);
    }
}

/// Whether `seen` is newer than what is known.
pub(super) fn freshness(known: &Known, seen: &Observation) -> Freshness {
    // An end may be stamped a moment before the last sign of life by a machine that did not know of it yet.
    let same = if known.is_open() && is_final(seen.standing) { SAME_END } else { SAME_MOMENT };
    let updated = compare(known.updated_at, seen.updated_at, same);
    match order(known.attempt, seen.attempt) {
        Order::Later => return Freshness::Newer,
        // An engine that begins its count anew says so by a newer change, and by nothing else.
        Order::Earlier if updated != Order::Later => return Freshness::Late,
        _ => {}
    }
    match updated {
        Order::Later => return Freshness::Newer,
        Order::Earlier => return Freshness::Late,
        Order::Same | Order::Unknown => {}
    }
    match compare(known.started_at, seen.started_at, SAME_MOMENT) {
        Order::Later => return Freshness::Newer,
        Order::Earlier => return Freshness::Late,
        Order::Same | Order::Unknown => {}
    }
    if known.is_open() {
        return Freshness::Newer;
    }
    if is_final(seen.standing) {
        // Ended twice, differently: the engine changed its mind, or the older end comes late.
        return match compare(known.ended_at, seen.completed_at, SAME_END) {
            Order::Earlier => Freshness::Late,
            _ => Freshness::Newer,
        };
    }
    // Ended, and now reported as open: run again, or an old report that comes late.
    let newer = match (known.updated_at.zip(seen.updated_at), seen.started_at) {
        (Some((known, seen)), _) => seen > known,
        // The start of an attempt whose end is known, or a start before that end.
        (None, Some(started)) => {
            known.started_at.is_none_or(|known| started > known) && known.ended_at.is_none_or(|ended| started >= ended)
        }
        // No times at all: the order of arrival is all there is.
        (None, None) => true,
    };
    if newer { Freshness::Newer } else { Freshness::Late }
}

/// Whether a failure that is not late is another one than the last that was decided upon.
pub(super) fn is_new_failure(known: &Known, seen: &Observation) -> bool {
    let Some(last) = &known.failure else {
        return true;
    };
    let seen_otherwise = known.standing != Standing::Failed;
    match order(last.attempt, seen.attempt) {
        Order::Later => return true,
        Order::Earlier => return seen_otherwise || starts_later(last, seen),
        Order::Same | Order::Unknown => {}
    }
    if starts_later(last, seen) {
        return true;
    }
    if seen_otherwise {
        // Seen running, or completed, in between: the same end again is an old report, any other end is a new failure.
        return match compare(last.ended_at, seen.completed_at, SAME_MOMENT) {
            Order::Later | Order::Unknown => true,
            Order::Same | Order::Earlier => false,
        };
    }
    // Nothing was seen in between. A count or a start that is the same says that it is the same attempt; without either, a
    // clearly later end says that a whole attempt was missed.
    let same_attempt = order(last.attempt, seen.attempt) == Order::Same
        || compare(last.started_at, seen.started_at, SAME_MOMENT) == Order::Same;
    !same_attempt && compare(last.ended_at, seen.completed_at, SAME_END) == Order::Later
}

/// Whether an end that is seen again is clearly later than the known one.
pub(super) fn ended_later(known: &Known, seen: &Observation) -> bool {
    compare(known.ended_at, seen.completed_at, SAME_END) == Order::Later
}

fn starts_later(last: &Failure, seen: &Observation) -> bool {
    compare(last.started_at, seen.started_at, SAME_MOMENT) == Order::Later
}

fn is_final(standing: Standing) -> bool {
    matches!(standing, Standing::Failed | Standing::Completed | Standing::Cancelled)
}

/// How a second value stands to a first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Later,
    Same,
    Earlier,
    Unknown,
}

fn order<T: Ord>(first: Option<T>, second: Option<T>) -> Order {
    match first.zip(second) {
        None => Order::Unknown,
        Some((first, second)) if second > first => Order::Later,
        Some((first, second)) if second < first => Order::Earlier,
        Some(_) => Order::Same,
    }
}

/// As [`order`], where times less than `same` apart, or just as far, are the same.
fn compare(first: Option<Timestamp>, second: Option<Timestamp>, same: SignedDuration) -> Order {
    match first.zip(second) {
        Some((first, second)) if second.duration_since(first).abs() <= same => Order::Same,
        _ => order(first, second),
    }
}
