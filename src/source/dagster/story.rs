//! What the events of one run say, read in their order, which is that of time. It must not know how they are fetched, nor what a run
//! looks like elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::error;
use super::wire::{Error, Event};
use crate::run::StepError;

/// The shortest time that tells two failures apart.
const MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// The events so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    /// The steps that failed before the run did, each with its failure; what a cancel or a deadline tore down is not among them.
    pub failed: BTreeMap<String, Failed>,
    /// The steps that were torn down with the run.
    pub torn: BTreeSet<String>,
    /// The steps that wait for their next try.
    pub retrying: BTreeMap<String, Retry>,
    /// How often each step was tried in vain and was to be tried again.
    pub retries: BTreeMap<String, u32>,
    /// The steps that wait for a place in a pool.
    pub blocked: BTreeSet<String>,
    /// The last error that no step has, before the run failed.
    pub trouble: Option<Error>,
    /// What the run says of its failure.
    pub end: Option<End>,
    /// What Dagster said about the end of a process, before or after the run failed.
    pub died: Option<String>,
    /// What Dagster said about a step whose process died.
    sentences: BTreeMap<String, String>,
    newest: Option<Timestamp>,
}

/// The failure of a step.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    /// When. Later failures have later times, also within one moment.
    pub at: Option<Timestamp>,
    /// Why.
    pub error: StepError,
    /// How many tries there were to be.
    pub tries: Option<u32>,
}

/// A step that waits for its next try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retry {
    /// When the last try failed.
    pub at: Option<Timestamp>,
    /// When the next one begins.
    pub until: Option<Timestamp>,
    /// Why the last one failed.
    pub error: StepError,
}

/// The failure of a run.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub message: String,
    pub error: Option<Error>,
}

impl Story {
    /// Takes the next event.
    pub(super) fn absorb(&mut self, event: Event) {
        let step = event.step_key.clone();
        match (event.kind.as_str(), step) {
            ("ExecutionStepFailureEvent", Some(step)) => self.fail(step, &event),
            ("ExecutionStepUpForRetryEvent", Some(step)) => self.wait(step, &event),
            ("ExecutionStepRestartEvent" | "ExecutionStepStartEvent" | "StepWorkerStartingEvent", Some(step)) => {
                self.retrying.remove(&step);
                self.blocked.remove(&step);
            }
            ("ExecutionStepSuccessEvent" | "ExecutionStepSkippedEvent", Some(step)) => {
                self.retrying.remove(&step);
                self.failed.remove(&step);
            }
            ("RunFailureEvent", _) if self.end.is_none() => {
                self.end = Some(End { message: event.message.unwrap_or_default(), error: event.error.map(|own| *own) });
            }
            ("ResourceInitFailureEvent" | "EngineEvent", step) => self.engine(step, event),
            _ => {}
        }
    }

    fn fail(&mut self, step: String, event: &Event) {
        self.retrying.remove(&step);
        // What fails after the run is torn down with it.
        if self.end.is_some() || event.error_source.as_deref() == Some("INTERRUPT") {
            self.torn.insert(step);
            return;
        }
        let after = self.newest.and_then(|newest| newest.checked_add(MOMENT).ok());
        let at = event.at.map(|at| after.map_or(at, |after| at.max(after)));
        self.newest = at.or(self.newest);
        let sentence = self.sentences.get(&step).map(String::as_str);
        let (error, tries) = match &event.error {
            Some(error) => (error::of_step(error, event.failure_metadata.as_ref(), sentence), error::tries_of(error)),
            None => (error::of_step(&Error::default(), event.failure_metadata.as_ref(), sentence), None),
        };
        self.failed.insert(step, Failed { at, error, tries });
    }

    fn wait(&mut self, step: String, event: &Event) {
        let said = || seconds_in(event.message.as_deref()?);
        let wait = event.seconds_to_wait.or_else(said).and_then(|wait| SignedDuration::try_from_secs_f64(wait).ok());
        let until = event.at.and_then(|at| at.checked_add(wait.unwrap_or_default()).ok());
        let error = error::of(event.error.as_deref().unwrap_or(&Error::default()), None);
        *self.retries.entry(step.clone()).or_default() += 1;
        self.retrying.insert(step, Retry { at: event.at, until, error });
    }

    /// What Dagster itself says: why a process ended, what could not be loaded, and what waits for a place.
    fn engine(&mut self, step: Option<String>, event: Event) {
        let message = event.message.unwrap_or_default();
        if message.contains("terminated by signal") || message.contains("unexpectedly exited") {
            self.died.get_or_insert_with(|| message.clone());
        }
        let resource = event.kind == "ResourceInitFailureEvent";
        match (step, event.error) {
            (Some(step), Some(_)) if !resource => {
                self.sentences.insert(step, message);
            }
            (_, Some(error)) if self.end.is_none() => self.trouble = Some(*error),
            (Some(step), None) if message.contains("blocked by") => {
                self.blocked.insert(step);
            }
            _ => {}
        }
    }
}

/// The number in `… has requested a retry in 3.02 seconds.`, which is all there is where Dagster can't say a fraction.
fn seconds_in(message: &str) -> Option<f64> {
    let rest = message.split("retry in ").nth(1)?;
    rest.split(" second").next()?.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, step: Option<&str>, second: i64) -> Event {
        let at = Timestamp::from_second(1_795_000_000 + second).ok();
        Event { kind: kind.into(), step_key: step.map(str::to_owned), at, ..Event::default() }
    }

    fn failure(step: &str, second: i64, source: &str) -> Event {
        let error = Error {
            class_name: Some("ValueError".into()),
            message: format!("ValueError: {step}\n"),
            ..Error::default()
        };
        let kind = "ExecutionStepFailureEvent";
        Event { error_source: Some(source.into()), error: Some(Box::new(error)), ..event(kind, Some(step), second) }
    }

    #[test]
    fn what_fails_after_the_run_or_by_an_interrupt_is_no_cause() {
        let mut story = Story::default();
        story.absorb(failure("torn", 1, "INTERRUPT"));
        story.absorb(event("RunFailureEvent", None, 2));
        story.absorb(failure("late", 3, "USER_CODE_ERROR"));
        assert!(story.failed.is_empty());
        assert_eq!(story.torn.len(), 2);
    }

    #[test]
    fn of_two_failures_in_one_moment_the_first_told_is_the_first() {
        let mut story = Story::default();
        for step in ["z", "a"] {
            story.absorb(failure(step, 1, "USER_CODE_ERROR"));
        }
        assert!(story.failed["z"].at < story.failed["a"].at);
    }

    #[test]
    fn a_retry_is_over_when_the_step_begins_again() {
        let mut story = Story::default();
        let message = Some("Execution of step \"s\" failed and has requested a retry in 3.5 seconds.".to_owned());
        story.absorb(Event { message, ..event("ExecutionStepUpForRetryEvent", Some("s"), 1) });
        let until = story.retrying["s"].until.unwrap();
        assert_eq!(until, Timestamp::from_millisecond(1_795_000_004_500).unwrap());
        story.absorb(event("ExecutionStepRestartEvent", Some("s"), 5));
        assert!(story.retrying.is_empty());
        assert_eq!(story.retries["s"], 1);
    }
}
