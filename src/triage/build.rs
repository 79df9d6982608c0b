//! Builds the card of a run: picks the facts, and brings every text through cleaning, redaction and cutting. It must
//! not know what makes a run fail; that is decided before.

use std::collections::BTreeMap;

use super::cause::{self, Found};
use super::fingerprint::Parts;
use super::text::Texts;
use super::{Card, Cause, Classes, Fingerprint, RetryLevel, Retrying, RunFacts, advice, class, link, provider};
use crate::run::{Progress, Run, Step, StepError, StepStatus, Workflow};

/// The longest code, in characters.
pub(super) const CODE: usize = 100;
/// The longest message, in characters.
const MESSAGE: usize = 4_000;
/// The longest detail, in characters.
const DETAIL: usize = 8_000;
/// The longest title, id, label or name, in characters.
pub(super) const NAME: usize = 512;
/// Characters of a step's title.
pub(super) const TITLE: usize = 200;
/// How many labels a card keeps.
const LABELS: usize = 256;

/// The card of a run that failed, or that is being tried again.
pub(super) fn card(source: &str, run: &Run, is_retrying: bool, classes: &Classes) -> Card {
    let mut texts = Texts::default();
    let found = cause::find(run);
    // The user's overrides and the tables compare with what the engine said, not with what is left after redaction.
    let (said, of_run) = match found {
        Found::Step(step, run_error) => (step.error.as_ref().or(run_error), step.error.is_none()),
        Found::Run { error, .. } => (Some(error), true),
        Found::Nothing => (None, true),
    };
    let (class, mut decided_by) = class::classify(said, of_run, classes);
    let cause = told(found, &mut texts);
    if let (class::ClassReason::Code { code } | class::ClassReason::EngineEnd { code }, Some(error)) =
        (&mut decided_by, cause.error())
    {
        code.clone_from(&error.code);
    }
    let retrying = is_retrying.then(|| retrying(run, found, &cause));
    let advice = advice::advise(&cause, class, retrying.as_ref());
    let fingerprint =
        Fingerprint::of(&Parts { workflow: run.workflow.key(), step: cause.step_title(), error: cause.error() });
    let run_facts = facts(run, &mut texts);
    let step_url = match &cause {
        Cause::Step { url, .. } => url.as_deref(),
        Cause::Run { .. } | Cause::Nothing => None,
    };
    let provider = provider::of(&cause, [run_facts.url.as_deref(), step_url]);
    Card {
        source: source.to_owned(),
        run: run_facts,
        cause,
        class,
        decided_by,
        advice,
        fingerprint,
        progress: progress(run),
        consequences: cause::consequences(run, found),
        retrying,
        provider,
        missed: None,
        redacted: texts.redacted,
    }
}

pub(super) fn told(found: Found<'_>, texts: &mut Texts) -> Cause {
    match found {
        Found::Step(step, run_error) => Cause::Step {
            number: step.number,
            title: texts.line(&step.title, TITLE),
            kind: texts.optional(step.kind.as_deref(), NAME),
            attempt: step.attempt,
            max_attempts: step.max_attempts,
            failed_at: cause::failed_at(step),
            url: checked(step.url.as_deref(), texts),
            error: step.error.as_ref().map(|error| told_error(error, texts)),
            run_error: run_error.map(|error| told_error(error, texts)),
        },
        Found::Run { before_any_step, error } => Cause::Run { before_any_step, error: told_error(error, texts) },
        Found::Nothing => Cause::Nothing,
    }
}

fn told_error(error: &StepError, texts: &mut Texts) -> StepError {
    StepError {
        code: texts.line(&error.code, CODE),
        message: texts.message(&error.message, MESSAGE),
        provider_status: error.provider_status,
        retryable: error.retryable,
        detail: error.detail.as_deref().map(|detail| texts.detail(detail, DETAIL)),
    }
}

fn facts(run: &Run, texts: &mut Texts) -> RunFacts {
    let labels: BTreeMap<_, _> = run
        .labels
        .iter()
        .take(LABELS)
        .map(|(name, value)| {
            let value = texts.label(name, value, NAME);
            (texts.line(name, NAME), value)
        })
        .collect();
    RunFacts {
        id: texts.line(&run.id, NAME),
        attempt: run.attempt,
        max_attempts: run.max_attempts,
        replay_of: texts.optional(run.replay_of.as_deref(), NAME),
        workspace: texts.line(run.workspace.as_deref().unwrap_or_default(), NAME),
        workflow: Workflow {
            id: texts.optional(run.workflow.id.as_deref(), NAME),
            name: texts.optional(run.workflow.name.as_deref(), NAME),
            version: texts.optional(run.workflow.version.as_deref(), NAME),
        },
        trigger: texts.optional(run.trigger.as_deref(), NAME),
        url: checked(run.url.as_deref(), texts),
        started_at: run.started_at,
        completed_at: run.completed_at,
        labels,
    }
}

fn checked(url: Option<&str>, texts: &mut Texts) -> Option<String> {
    let (url, redacted) = link::checked(url?)?;
    texts.redacted += redacted;
    Some(url)
}

/// The whole run goes before a step: when the engine runs all of it again, the step's own tries are over.
fn retrying(run: &Run, found: Found<'_>, cause: &Cause) -> Retrying {
    let step = match found {
        Found::Step(step, _) => Some(step),
        Found::Run { .. } | Found::Nothing => None,
    };
    if let (Some(step), None) = (step, cause::run_retry(run)) {
        return Retrying {
            level: RetryLevel::Step,
            step: cause.step_title().map(str::to_owned),
            attempt: step.attempt,
            of: step.max_attempts,
            next_at: step.retry_at,
        };
    }
    let next_at = cause::run_retry(run);
    Retrying { level: RetryLevel::Run, step: None, attempt: run.attempt, of: run.max_attempts, next_at }
}

/// How far the run came: as the engine says, else counted.
fn progress(run: &Run) -> Option<Progress> {
    let count = |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX);
    if let Some(Progress { completed, total }) = run.progress {
        return Some(Progress { completed, total: total.filter(|total| *total >= completed && *total > 0) });
    }
    let completed = |step: &&Step| step.status == StepStatus::Completed;
    (!run.steps.is_empty()).then(|| Progress {
        completed: count(run.steps.iter().filter(completed).count()),
        total: Some(count(run.steps.len())),
    })
}
