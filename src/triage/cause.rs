//! Finds the first failed step on the failing path. It must not know why a step failed, or what is said about it.

use jiff::Timestamp;

use super::Consequences;
use crate::run::{Run, RunStatus, Step, StepError, StepStatus};

/// Where the cause of a run lies, borrowed from the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// At a step; with what the run says beside it.
    Step(&'a Step, Option<&'a StepError>),
    /// At no step.
    Run {
        /// No step had started.
        before_any_step: bool,
        /// What the run says.
        error: &'a StepError,
    },
    /// Nobody says.
    Nothing,
}

/// The cause of a run that failed or is being tried again.
pub(super) fn find(run: &Run) -> Found<'_> {
    let ended = run.status.is_final();
    let retried = if ended { None } else { first(run, will_be_retried) };
    let failed = retried.or_else(|| first(run, |step| step.status == StepStatus::Failed));
    if let Some(step) = failed {
        return Found::Step(step, run_error_beside(run, step));
    }
    if let Some(error) = said(run.error.as_ref()) {
        return Found::Run { before_any_step: !run.steps.iter().any(has_started), error };
    }
    // The run ended while a step waited for its next try: that try never came, so what it says is the last word.
    match first(run, |step| step.status == StepStatus::Retrying && said(step.error.as_ref()).is_some()) {
        Some(step) if ended => Found::Step(step, None),
        _ => Found::Nothing,
    }
}

/// What the cause pulled down with it, and what was red without being the cause.
pub(super) fn consequences(run: &Run, cause: Found<'_>) -> Consequences {
    let ended = run.status.is_final();
    let mut counts = Consequences::default();
    for step in &run.steps {
        match step.status {
            StepStatus::Failed if step.tolerated => counts.tolerated += 1,
            StepStatus::Failed if !matches!(cause, Found::Step(first, _) if std::ptr::eq(first, step)) => {
                counts.later += 1;
            }
            StepStatus::Skipped => counts.skipped += 1,
            // While the run lives, these may still have their turn.
            StepStatus::Pending | StepStatus::Cancelled | StepStatus::Waiting if ended => counts.skipped += 1,
            _ => {}
        }
    }
    counts
}

/// Whether the engine will try a step of a living run again.
pub(super) fn will_be_retried(step: &Step) -> bool {
    match step.status {
        StepStatus::Retrying => true,
        StepStatus::Failed => has_retry_announced(step) || (has_tries_left(step) == Some(true) && !is_given_up(step)),
        // The retry itself, while it runs.
        StepStatus::Running => step.attempt.is_some_and(|attempt| attempt > 1),
        _ => false,
    }
}

/// Whether the engine says that it will not try the step again, whatever its count of tries.
fn is_given_up(step: &Step) -> bool {
    step.error.as_ref().and_then(|error| error.retryable) == Some(false)
}

/// Whether a retry of a step has a time, and the tries are not used up.
pub(super) fn has_retry_announced(step: &Step) -> bool {
    step.retry_at.is_some() && has_tries_left(step) != Some(false)
}

fn has_tries_left(step: &Step) -> Option<bool> {
    Some(step.attempt? < step.max_attempts?)
}

/// When the engine runs the whole run again, where it is about to.
pub(super) fn run_retry(run: &Run) -> Option<Timestamp> {
    let used_up = run.attempt.zip(run.max_attempts).is_some_and(|(attempt, of)| attempt >= of);
    let at = run.retry_at.filter(|_| run.status != RunStatus::Failed || !used_up)?;
    let ahead = if run.status == RunStatus::Failed {
        is_ahead(run, at)
    } else {
        // An attempt that began at that time is the retry itself.
        run.status != RunStatus::Running || run.started_at.is_none_or(|started| at > started)
    };
    ahead.then_some(at)
}

/// Whether a time lies behind the last that is known of the run. There is no clock here: a retry that was due before the
/// run was last seen failed did not come, or failed as well.
pub(super) fn is_ahead(run: &Run, at: Timestamp) -> bool {
    run.completed_at.max(run.updated_at).is_none_or(|last| at > last)
}

/// When a step failed, as far as its times say.
pub(super) fn failed_at(step: &Step) -> Option<Timestamp> {
    step.completed_at.or(step.started_at)
}

/// The first of the steps that `fits` picks, tolerated ones left out.
///
/// First is the earliest by time; steps of the same moment go by number, then by their order in the list. A step without
/// a time stands where its number puts it: before the earliest only if its number is smaller, for without a time and
/// without a smaller number nothing says that it failed first.
fn first(run: &Run, fits: impl Fn(&Step) -> bool) -> Option<&Step> {
    let steps = || run.steps.iter().filter(|step| !step.tolerated && fits(step));
    let number = |step: &&Step| step.number.unwrap_or(u32::MAX);
    // `min_by_key` keeps the first of equals, which is the order in the list.
    let timed = steps().filter(|step| failed_at(step).is_some()).min_by_key(|step| (failed_at(step), number(step)));
    let untimed = steps().filter(|step| failed_at(step).is_none()).min_by_key(number);
    match (timed, untimed) {
        (Some(timed), Some(untimed)) => {
            let before = untimed.number.zip(timed.number).is_some_and(|(untimed, timed)| untimed < timed);
            Some(if before { untimed } else { timed })
        }
        (timed, untimed) => timed.or(untimed),
    }
}

fn has_started(step: &Step) -> bool {
    step.started_at.is_some()
        || !matches!(step.status, StepStatus::Pending | StepStatus::Skipped | StepStatus::Cancelled)
}

/// An error that says anything at all.
fn said(error: Option<&StepError>) -> Option<&StepError> {
    error.filter(|error| {
        !error.message.trim().is_empty()
            || error.code != crate::run::UNKNOWN_ERROR
            || error.provider_status.is_some()
            || error.detail.as_deref().is_some_and(|detail| !detail.trim().is_empty())
    })
}

/// The run's own error, where it says something else than the step's. Engines like to repeat or wrap the step's message.
fn run_error_beside<'a>(run: &'a Run, step: &Step) -> Option<&'a StepError> {
    let error = said(run.error.as_ref()).filter(|_| run.status == RunStatus::Failed)?;
    let Some(own) = said(step.error.as_ref()) else {
        return Some(error);
    };
    let (ours, theirs) = (normal(&own.message), normal(&error.message));
    if theirs.is_empty() {
        return (error.code != own.code && error.code != crate::run::UNKNOWN_ERROR).then_some(error);
    }
    let repeats =
        if ours.is_empty() { theirs == normal(&own.code) } else { theirs.contains(&ours) || ours.contains(&theirs) };
    (!repeats).then_some(error)
}

/// The letters and digits of a text's beginning in lower case, one space between words. Engines cut long messages at
/// different lengths, so only the beginning is compared.
fn normal(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if out.len() > 2000 {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().take(2000).flat_map(char::to_lowercase));
    }
    out
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
