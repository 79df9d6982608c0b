//! The state machine of one run: what is known, what is seen now, what follows.

use jiff::Timestamp;

use super::attempt::{Freshness, ended_later, freshness, is_new_failure, without_nonsense};
use super::hold;
use super::tell::raise;
use super::{Failure, HoldState, Kind, Known, Policy, Raised, Reason};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Observation, Standing};

/// What the ledger knows besides the run's own memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// It ended before firstred first looked at this source.
    pub history: bool,
    /// The run that started it is known and has not ended.
    pub parent_open: bool,
    /// The runs that it repeats, nearest first: the one whose id is its `replay_of`, in the same workspace, then the one that this one
    /// repeats (its [`Known::replay_of`]), and so on, at most [`MOST_REPLAYED`] and none twice. Only needed for a run that completed. What
    /// changes of them comes back in [`super::Changes::also`].
    pub replayed: Vec<(RunKey, Known)>,
}

/// How long a chain of runs that repeat each other is followed.
pub const MOST_REPLAYED: usize = 10;

/// What follows for the run by itself; what is said of it, the board decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    /// The run's new memory.
    pub(super) known: Known,
    /// What the rules want told.
    pub(super) raised: Vec<Raised>,
    /// Nothing in the memory changed: nothing needs to be written.
    pub(super) unchanged: bool,
    /// What was seen is older than what is known: it proves nothing.
    pub(super) late: bool,
}

/// Decides what follows from `observation`.
pub(super) fn decide(
    now: Timestamp,
    known: Option<Known>,
    observation: &mut Observation,
    context: &Context,
    policy: &Policy,
) -> Decided {
    without_nonsense(now, observation);
    let Some(mut known) = known else {
        let mut known = Known::first(now, observation);
        let raised = advance(now, &mut known, observation, context, policy);
        return Decided { known, raised, unchanged: false, late: false };
    };
    if freshness(&known, observation) == Freshness::Late {
        let unchanged = !note_late(now, &mut known, observation);
        return Decided { known, raised: Vec::new(), unchanged, late: true };
    }
    if says_nothing_new(&known, observation) {
        return Decided { known, raised: Vec::new(), unchanged: true, late: false };
    }
    let raised = advance(now, &mut known, observation, context, policy);
    Decided { known, raised, unchanged: false, late: false }
}

/// Decides what follows when the engine has forgotten a run that was open. One that was retrying may have failed: its silence
/// ends with a word.
pub(super) fn forget(now: Timestamp, key: &RunKey, mut known: Known, policy: &Policy) -> Decided {
    if !known.is_open() {
        return Decided { known, raised: Vec::new(), unchanged: true, late: false };
    }
    let last = known.status;
    known.note(now, None, Reason::Forgotten { last });
    known.standing = Standing::Cancelled;
    let raised = hold::vanished(now, key, &mut known, policy);
    Decided { known, raised, unchanged: false, late: false }
}

/// A failed attempt that is reported after the engine has gone on to the next one is not told: the newer one decides.
/// It is put on record once. Answers whether it was.
fn note_late(now: Timestamp, known: &mut Known, seen: &Observation) -> bool {
    if seen.standing != Standing::Failed {
        return false;
    }
    let attempt = seen.attempt;
    let decided = known.failure.as_ref().is_some_and(|last| match last.attempt.zip(attempt) {
        Some((last, seen)) => last >= seen,
        None => last.ended_at >= seen.completed_at,
    });
    let noted = known.lines.iter().any(|line| line.reason == Reason::Superseded { attempt });
    if decided || noted {
        return false;
    }
    known.note(now, Some(&seen.source), Reason::Superseded { attempt });
    true
}

/// The same again: nothing to decide, nothing to write.
fn says_nothing_new(known: &Known, seen: &Observation) -> bool {
    let counts_on = seen.attempt.is_some() && known.attempt != seen.attempt;
    if known.is_open() && seen.standing == Standing::Failed && !is_new_failure(known, seen) {
        // The failure that was decided upon, reported again while the run is under way anew: it ends nothing.
        return true;
    }
    if known.standing == Standing::Failed
        && seen.standing == Standing::Retrying
        && seen.status == RunStatus::Failed
        && !is_new_failure(known, seen)
    {
        // The retry that was announced did not come in time, and that was told: the same announcement again promises nothing.
        return true;
    }
    if known.standing != seen.standing || known.status != seen.status || counts_on {
        return false;
    }
    match seen.standing {
        Standing::Failed => !is_new_failure(known, seen),
        // A clearly later end is another attempt's: what is older than that is late from now on.
        Standing::Completed | Standing::Cancelled => !ended_later(known, seen),
        Standing::Open => known.started_at >= seen.started_at && known.parked == seen.parked,
        Standing::Retrying => {
            let (Some(old), Some(new)) = (&known.card, &seen.card) else {
                return known.card.is_none() == seen.card.is_none();
            };
            // An engine may say that it tries again before it says why, and a source may fail to ask for the reason again.
            old.retrying == new.retrying && (old.cause == new.cause || new.cause.error().is_none())
        }
    }
}

fn advance(
    now: Timestamp,
    known: &mut Known,
    seen: &mut Observation,
    context: &Context,
    policy: &Policy,
) -> Vec<Raised> {
    let before = known.standing;
    // Asked before the memory moves on: without times, "running in between" is all there is to tell two failures apart.
    let new_failure = seen.standing == Standing::Failed && is_new_failure(known, seen);
    known.take(now, seen);
    let source = seen.source.clone();
    match seen.standing {
        Standing::Failed if new_failure => fail(now, known, seen, context, policy),
        Standing::Failed => Vec::new(),
        Standing::Retrying => {
            if before == Standing::Failed {
                known.note(now, Some(&source), Reason::RunsAgain { attempt: seen.attempt });
            }
            hold::retrying(now, known, seen, before == Standing::Retrying, policy)
        }
        Standing::Open => {
            if before == Standing::Failed {
                known.note(now, Some(&source), Reason::RunsAgain { attempt: seen.attempt });
            }
            Vec::new()
        }
        Standing::Completed => {
            match known.hold.take() {
                Some(hold) if hold.state != HoldState::Told => known.note(now, Some(&source), Reason::Recovered),
                None if known.failure.is_none() => {}
                _ => known.note(now, Some(&source), Reason::CompletedAfterFailure),
            }
            known.card = None;
            Vec::new()
        }
        Standing::Cancelled => {
            known.hold = None;
            let reason = match seen.retried_as.take() {
                Some(by) if seen.status == RunStatus::Failed => Reason::RetriedAs { by },
                _ => Reason::Cancelled,
            };
            known.note(now, Some(&source), reason);
            known.card = None;
            Vec::new()
        }
    }
}

fn fail(now: Timestamp, known: &mut Known, seen: &mut Observation, context: &Context, policy: &Policy) -> Vec<Raised> {
    let number = known.failure.as_ref().map_or(1, |last| last.number.saturating_add(1));
    known.failure =
        Some(Failure { number, attempt: seen.attempt, started_at: seen.started_at, ended_at: seen.completed_at });
    known.hold = None;
    let source = Some(seen.source.as_str());
    if context.history {
        known.note(now, source, Reason::History);
        known.card = seen.card.take();
        return Vec::new();
    }
    let Some(card) = seen.card.take() else {
        return Vec::new();
    };
    if let (true, Some(parent)) = (context.parent_open, seen.parent.clone().filter(|parent| *parent != seen.key.run)) {
        let (hold, until) = hold::left_to_parent(now, &card, policy);
        known.note(now, source, Reason::ParentTells { parent, until });
        known.hold = Some(hold);
        known.card = Some(card);
        return Vec::new();
    }
    let raised = match raise(&seen.key, &card, Kind::Failed, number, policy) {
        Ok(raised) => raised,
        Err(reason) => {
            known.note(now, source, *reason);
            Vec::new()
        }
    };
    known.card = Some(card);
    raised
}

#[cfg(test)]
mod tests;
