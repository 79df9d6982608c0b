//! A failure that somebody may want to hear of, as it shows in a run's memory. It does not know who hears of it.

use jiff::Timestamp;

use crate::engine::Known;
use crate::engine::incident::Number;
use crate::run::RunKey;

/// A failed attempt of a run that somebody may want to hear of; also one that is being retried for too long, or whose run vanished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// When.
    pub at: Timestamp,
    /// Which run.
    pub run: RunKey,
    /// firstred's own count of the run's failed attempts.
    pub failure: u32,
    /// The incidents that it belongs to; empty where no rule wants it told.
    pub incidents: Vec<Number>,
    /// What people call the workflow.
    pub workflow: String,
    /// The first failed step.
    pub step: Option<String>,
    /// The error's code.
    pub code: Option<String>,
    /// The run's page.
    pub url: Option<String>,
}

impl Alarm {
    /// What there is to hear of, now that a run's memory is another one.
    pub(super) fn of(
        now: Timestamp,
        key: &RunKey,
        before: Option<&Known>,
        known: &Known,
        joined: impl Fn(Number) -> bool,
    ) -> Option<Self> {
        let failures = |known: &Known| known.failure.as_ref().map_or(0, |failure| failure.number);
        let new_failure = failures(known) > before.map_or(0, failures);
        let is_new = |number: Number, counted: bool| {
            let old = before.and_then(|before| before.incidents.iter().find(|part| part.number == number));
            old.is_none_or(|old| (new_failure || !old.counted) && counted)
        };
        let joined: Vec<Number> = known
            .incidents
            .iter()
            .filter(|part| joined(part.number) && is_new(part.number, part.counted))
            .map(|part| part.number)
            .collect();
        if !new_failure && joined.is_empty() {
            return None;
        }
        let counted = known.incidents.iter().any(|part| joined.contains(&part.number) && part.counted);
        let failure = if new_failure || counted { failures(known) } else { failures(known).saturating_add(1) };
        let card = known.card.as_deref();
        let error = card.and_then(|card| card.cause.error());
        Some(Self {
            at: now,
            run: key.clone(),
            failure,
            incidents: joined,
            workflow: card.map_or(key.workflow.as_str(), |card| card.run.workflow.title()).to_owned(),
            step: card.and_then(|card| card.cause.step_title()).map(str::to_owned),
            code: error.map(|error| error.code.clone()),
            url: card.and_then(|card| card.run.url.clone()),
        })
    }
}
