//! "Do not tell yet": while the engine retries, silence, but never without an end.

use jiff::Timestamp;

use super::decide::Decided;
use super::known::HoldState;
use super::rule::Facts;
use super::tell::raise;
use super::{Failure, Hold, Kind, Known, Policy, Raised, Reason};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Card, Observation, Standing};

/// A step or the run is retrying: begin the hold, go on with it, or, where its deadline passed between two retries, tell.
/// `without_gap`: it was retrying already when it was last seen.
pub(super) fn retrying(
    now: Timestamp,
    known: &mut Known,
    seen: &mut Observation,
    without_gap: bool,
    policy: &Policy,
) -> Vec<Raised> {
    let Some(mut card) = seen.card.take() else {
        return Vec::new();
    };
    let step = card.retrying.as_ref().and_then(|retrying| retrying.step.clone());
    // Two steps that retry side by side are one silence: its deadline never moves while anything retries.
    // What is left to the parent is another silence: this one must have an end of its own.
    let held = known.hold.as_ref().filter(|hold| hold.state != HoldState::Parent);
    let goes_on = held.is_some_and(|hold| without_gap || hold.step == step || hold.state == HoldState::Running);
    if !goes_on {
        let hold = begin(now, step, &card, policy);
        if let Some(until) = hold.until {
            let rule = first_rule(&card, policy);
            known.note(now, Some(&seen.source), Reason::Held { until, rule });
        }
        known.hold = Some(hold);
    } else if known.card.as_ref().is_some_and(|old| !same_kind(old, &card)) {
        reconsider(now, known, &seen.source, &card, policy);
    }
    // While the next try runs, engines forget what the last one said; the person who is told wants to know.
    if card.cause.error().is_none()
        && let Some(before) = known.card.take().filter(|before| before.cause.error().is_some())
    {
        card = Box::new(Card { retrying: card.retrying, ..*before });
    }
    known.card = Some(card);
    match &known.hold {
        Some(hold) if hold.state == HoldState::Overdue => tell_overdue(now, &seen.key, known, policy),
        _ => Vec::new(),
    }
}

/// A child run failed while the run that started it is open: the parent is expected to tell, for as long as a hold lasts.
pub(super) fn left_to_parent(now: Timestamp, card: &Card, policy: &Policy) -> (Hold, Timestamp) {
    let until = now.saturating_add(length(card, policy)).unwrap_or(Timestamp::MAX);
    (Hold { since: now, until: Some(until), state: HoldState::Parent, step: None }, until)
}

/// Decides what follows when a hold's deadline has passed. `parent` is where the run that started this one stands, if it is known.
pub(super) fn hold_ended(
    now: Timestamp,
    key: &RunKey,
    mut known: Known,
    parent: Option<Standing>,
    policy: &Policy,
) -> Decided {
    let due = known.hold_until().is_some_and(|until| until <= now);
    if !due {
        return Decided { known, raised: Vec::new(), unchanged: true, late: false };
    }
    let raised = match known.hold.as_ref().map(|hold| hold.state) {
        Some(HoldState::Parent) => parent_had_its_time(now, key, &mut known, parent, policy),
        _ if known.standing == Standing::Retrying => tell_overdue(now, key, &mut known, policy),
        _ => {
            // No retry is waiting or running: the run may be over the hill. The next retry of this step is told at once.
            if let Some(hold) = &mut known.hold {
                hold.until = None;
                hold.state = HoldState::Overdue;
            }
            Vec::new()
        }
    };
    Decided { known, raised, unchanged: false, late: false }
}

/// The engine has forgotten the run. Nothing is said where nothing was held.
pub(super) fn vanished(now: Timestamp, key: &RunKey, known: &mut Known, policy: &Policy) -> Vec<Raised> {
    let held = known
        .hold
        .take()
        .is_some_and(|hold| matches!(hold.state, HoldState::Running | HoldState::Overdue | HoldState::Told));
    let Some(card) = known.card.as_mut().filter(|_| held) else {
        return Vec::new();
    };
    card.retrying = None;
    "Look for the run in its engine: how it ended cannot be known.".clone_into(&mut card.advice);
    let number = known.failure.as_ref().map_or(1, |last| last.number.saturating_add(1));
    say(now, key, known, Kind::Vanished, number, policy)
}

fn parent_had_its_time(
    now: Timestamp,
    key: &RunKey,
    known: &mut Known,
    parent: Option<Standing>,
    policy: &Policy,
) -> Vec<Raised> {
    known.hold = None;
    if let (Some(Standing::Failed | Standing::Completed), Some(parent)) = (parent, known.parent.clone()) {
        known.note(now, None, Reason::ParentDone { parent });
        return Vec::new();
    }
    let number = known.failure.as_ref().map_or(1, |last| last.number);
    say(now, key, known, Kind::Failed, number, policy)
}

/// Whether rules see the same failure in both. A reason that is not known yet is no other reason.
fn same_kind(old: &Card, new: &Card) -> bool {
    let said = |card: &Card| {
        card.cause.error().map(|error| (card.class, error.code.clone(), error.provider_status, error.retryable))
    };
    new.cause.error().is_none() || said(old) == said(new)
}

/// The reason became known, or is another one now, and other rules may fit it: the hold ends as if it had begun with it.
fn reconsider(now: Timestamp, known: &mut Known, source: &str, card: &Card, policy: &Policy) {
    let Some(hold) = known.hold.as_mut().filter(|hold| matches!(hold.state, HoldState::Running | HoldState::Untold))
    else {
        return;
    };
    let anew = begin(hold.since, hold.step.clone(), card, policy);
    if anew == *hold {
        return;
    }
    *hold = anew;
    if let Some(until) = hold.until {
        known.note(now, Some(source), Reason::Held { until, rule: first_rule(card, policy) });
    }
}

fn begin(now: Timestamp, step: Option<String>, card: &Card, policy: &Policy) -> Hold {
    let rules = policy.rules.matching(Facts::of(card));
    let anybody = if rules.is_empty() {
        !policy.default_notify.is_empty()
    } else {
        rules.iter().any(|rule| !rule.notify.is_empty())
    };
    if !anybody {
        return Hold { since: now, until: None, state: HoldState::Untold, step };
    }
    let until = now.saturating_add(length(card, policy)).unwrap_or(Timestamp::MAX);
    Hold { since: now, until: Some(until), state: HoldState::Running, step }
}

/// How long to hold: of several rules that go on, the most impatient one decides.
fn length(card: &Card, policy: &Policy) -> jiff::SignedDuration {
    let rules = policy.rules.matching(Facts::of(card));
    rules.iter().filter_map(|rule| rule.hold).min().unwrap_or(policy.default_hold)
}

fn first_rule(card: &Card, policy: &Policy) -> Option<String> {
    policy.rules.matching(Facts::of(card)).first().map(|rule| rule.name.clone())
}

fn tell_overdue(now: Timestamp, key: &RunKey, known: &mut Known, policy: &Policy) -> Vec<Raised> {
    // It is about the failed attempt that is being repaired: the one after the last that was decided upon.
    let number = known.failure.as_ref().map_or(1, |last| last.number.saturating_add(1));
    if known.status == RunStatus::Failed {
        // The engine announced a retry of a failed run, and it has not come: then this was its end.
        known.failure =
            Some(Failure { number, attempt: known.attempt, started_at: known.started_at, ended_at: known.ended_at });
        known.standing = Standing::Failed;
        known.hold = None;
        return say(now, key, known, Kind::Failed, number, policy);
    }
    let raised = say(now, key, known, Kind::StillRetrying, number, policy);
    if let Some(hold) = &mut known.hold {
        hold.until = None;
        hold.state = if raised.is_empty() { HoldState::Untold } else { HoldState::Told };
    }
    raised
}

fn say(now: Timestamp, key: &RunKey, known: &mut Known, kind: Kind, failure: u32, policy: &Policy) -> Vec<Raised> {
    let Some(card) = &known.card else {
        return Vec::new();
    };
    match raise(key, card, kind, failure, policy) {
        Ok(raised) => raised,
        Err(reason) => {
            known.note(now, None, reason);
            Vec::new()
        }
    }
}
