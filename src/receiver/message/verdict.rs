//! Whether running it again will help: the one fact that no other notification says. Pure; it knows a card and no channel.

use jiff::Timestamp;

use super::when;
use crate::triage::{Card, Cause, Class, ClassReason, Retrying};

/// Whether another try can help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A word or two, shown bold: `not retryable`.
    pub(crate) word: &'static str,
    /// What that means: `a retry will fail the same way`.
    pub(crate) meaning: String,
    /// Both, for the lock screen: `retry will not help`.
    pub(crate) short: &'static str,
}

/// What the card says about another try; nothing where neither the engine nor the class says.
pub(crate) fn of(card: &Card, now: Timestamp) -> Option<Verdict> {
    if let Some(retrying) = &card.retrying {
        let meaning = tries(retrying, now);
        return Some(Verdict { word: "still retrying", meaning, short: "still retrying" });
    }
    let error = card.cause.error();
    let retryable = error.and_then(|error| error.retryable);
    let status = error.and_then(|error| error.provider_status);
    let transient = card.class == Class::Transient || status.is_some_and(passes);
    let used_up = used_up(card);
    match (retryable, transient, used_up) {
        (Some(false), true, _) => Some(Verdict {
            word: "not retried",
            meaning: "the engine will not try again, yet a re-run may pass".to_owned(),
            short: "a re-run may pass",
        }),
        (Some(false), false, _) => Some(Verdict {
            word: "not retryable",
            meaning: "a retry will fail the same way".to_owned(),
            short: "retry will not help",
        }),
        (Some(true), _, Some(of)) => Some(Verdict {
            word: "retryable",
            meaning: format!("its {of} tries are used up"),
            short: "retryable, tries used up",
        }),
        (Some(true), _, None) => {
            Some(Verdict { word: "retryable", meaning: "a re-run may pass".to_owned(), short: "retryable" })
        }
        (None, true, _) => Some(Verdict {
            word: "may pass",
            meaning: "the engine does not say whether a retry helps; this kind of failure often passes".to_owned(),
            short: "a re-run may pass",
        }),
        (None, false, _) => None,
    }
}

/// `attempt 4 of 10, next try 02:14 UTC`
pub(crate) fn tries(retrying: &Retrying, now: Timestamp) -> String {
    let attempt = match (retrying.attempt, retrying.of) {
        (Some(attempt), Some(of)) => Some(format!("attempt {attempt} of {of}")),
        (Some(attempt), None) => Some(format!("attempt {attempt}")),
        (None, _) => None,
    };
    let next = retrying.next_at.map(|at| format!("next try {}", when::soon(at, now)));
    let parts: Vec<String> = [attempt, next].into_iter().flatten().collect();
    if parts.is_empty() { "the engine will try again".to_owned() } else { parts.join(", ") }
}

/// The class and what decided it: `transient (by HTTP 504)`.
pub(crate) fn class(card: &Card) -> Option<String> {
    let word = match card.class {
        Class::Transient => "transient",
        Class::Authorization => "authorization",
        Class::Configuration => "configuration",
        Class::Engine => "engine",
        Class::Unknown => return None,
    };
    let by = match &card.decided_by {
        ClassReason::Override { code } => format!(" (your override for {})", super::text::end_cut(code, 40)),
        // Not every engine says it itself: a source may have read it out of the error.
        ClassReason::EngineRetryable => " (marked as retryable)".to_owned(),
        ClassReason::ProviderStatus { status } => format!(" (by HTTP {status})"),
        ClassReason::Code { code } | ClassReason::EngineEnd { code } => {
            format!(" (by {})", super::text::end_cut(&super::text::line(code), 40))
        }
        ClassReason::Nothing => String::new(),
    };
    Some(super::text::line(&format!("{word}{by}")))
}

/// The statuses that DESIGN.md section 5 takes for transient.
fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// How many tries there were, where all of them are used up.
fn used_up(card: &Card) -> Option<u32> {
    let step = match &card.cause {
        Cause::Step { attempt: Some(attempt), max_attempts: Some(max), .. } => Some((*attempt, *max)),
        _ => None,
    };
    let run = card.run.attempt.zip(card.run.max_attempts);
    let (attempt, max) = step.filter(|(_, max)| *max > 1).or(run)?;
    (max > 1 && attempt >= max).then_some(max)
}
