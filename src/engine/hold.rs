//! "Do not tell yet": while the engine retries, silence, but never without an end.

use jiff::Timestamp;

use super::decide::{Changes, Told};
use super::known::HoldState;
use super::rule::Facts;
use super::tell::tell;
use super::{Hold, Kind, Known, Policy, Reason};
use crate::run::RunKey;
use crate::triage::{Card, Observation, Standing};

/// A step or the run is retrying: begin the hold, go on with it, or, where its deadline passed between two retries, tell.
pub(super) fn retrying(now: Timestamp, known: &mut Known, seen: Observation, policy: &Policy) -> Vec<Told> {
    let Some(card) = seen.card else {
        return Vec::new();
    };
    let step = card.retrying.as_ref().and_then(|retrying| retrying.step.clone());
    let goes_on = known.hold.as_ref().is_some_and(|hold| hold.step == step);
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
    known.card = Some(card);
    match &known.hold {
        Some(hold) if hold.state == HoldState::Overdue => tell_still_retrying(now, &seen.key, known, policy),
        _ => Vec::new(),
    }
}

/// Decides what follows when a hold's deadline has passed.
#[must_use]
pub fn hold_ended(now: Timestamp, key: &RunKey, mut known: Known, policy: &Policy) -> Changes {
    let due = known.hold_until().is_some_and(|until| until <= now);
    if !due {
        return Changes { known, told: Vec::new(), unchanged: true };
    }
    if known.standing != Standing::Retrying {
        // No retry is waiting right now: the run may be over the hill. The next retry of this step is told at once.
        if let Some(hold) = &mut known.hold {
            hold.until = None;
            hold.state = HoldState::Overdue;
        }
        return Changes { known, told: Vec::new(), unchanged: false };
    }
    let told = tell_still_retrying(now, key, &mut known, policy);
    Changes { known, told, unchanged: false }
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
    // Of several rules that go on, the most impatient one sets the deadline.
    let length = rules.iter().filter_map(|rule| rule.hold).min().unwrap_or(policy.default_hold);
    let until = now.saturating_add(length).unwrap_or(Timestamp::MAX);
    Hold { since: now, until: Some(until), state: HoldState::Running, step }
}

fn first_rule(card: &Card, policy: &Policy) -> Option<String> {
    policy.rules.matching(Facts::of(card)).first().map(|rule| rule.name.clone())
}

fn tell_still_retrying(now: Timestamp, key: &RunKey, known: &mut Known, policy: &Policy) -> Vec<Told> {
    // It is about the failed attempt that is being repaired: the one after the last that was decided upon.
    let number = known.failure.as_ref().map_or(1, |last| last.number.saturating_add(1));
    let Some(card) = &known.card else {
        return Vec::new();
    };
    let audit = tell(now, key, card, Kind::StillRetrying, number, policy);
    if let Some(hold) = &mut known.hold {
        hold.until = None;
        hold.state = if audit.told.is_empty() { HoldState::Untold } else { HoldState::Told };
    }
    known.note(now, None, audit.reason);
    audit.told
}
