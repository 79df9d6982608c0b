//! From a run to an observation: the one door into this room.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::Texts;
use super::{Card, Classes, Parked, Passed, build, cause, link};
use crate::run::{Run, RunKey, RunStatus, Workflow};

/// What a source saw of one run, triaged: the input of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Which run.
    pub key: RunKey,
    /// The workflow's name, where the key goes by its id: another source may know only the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_name: Option<String>,
    /// The source that saw it.
    pub source: String,
    /// The engine's count of attempts, from 1, where it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The status as reported.
    pub status: RunStatus,
    /// What the status means for alerting.
    pub standing: Standing,
    /// Start of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// End of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Last change in the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// The run that started this one and waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The run that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// The run that the engine started to repeat this failed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_as: Option<String>,
    /// The workflow's version that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The run's page: checked to be http or https without user-info.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The steps that ended well.
    #[serde(default, skip_serializing_if = "Passed::is_unknown")]
    pub passed: Passed,
    /// What keeps a run that waits or is paused from going on, where the engine says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Box<Parked>>,
    /// The triage card, for [`Standing::Failed`] and [`Standing::Retrying`] only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<Card>>,
}

/// What a run's status means for alerting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Not ended, nothing to say: pending, running, waiting, paused.
    Open,
    /// Something failed and the engine will try again: a step is retrying, or the run is about to be run again.
    Retrying,
    /// Failed.
    Failed,
    /// Completed.
    Completed,
    /// Ended, and nothing to say: cancelled, or failed and the engine has started another run in its place.
    Cancelled,
}

/// Triages a run that `source` reported.
#[must_use]
pub fn observe(source: &str, run: Run, classes: &Classes) -> Observation {
    let standing = standing(&run);
    let card = match standing {
        Standing::Failed | Standing::Retrying => {
            Some(Box::new(build::card(source, &run, standing == Standing::Retrying, classes)))
        }
        Standing::Open | Standing::Completed | Standing::Cancelled => None,
    };
    let parked = if card.is_none() { Parked::of(&run, classes).map(Box::new) } else { None };
    // A card holds the same two already.
    let (url, version) = match &card {
        Some(card) => (card.run.url.clone(), card.run.workflow.version.clone()),
        None => (
            run.url.as_deref().and_then(link::checked).map(|(url, _)| url),
            run.workflow.version.map(|version| Texts::default().owned_line(version, build::NAME)),
        ),
    };
    let passed = Passed::of(run.steps);
    let Workflow { id, name, .. } = run.workflow;
    let (workflow, workflow_name) = match id {
        Some(id) => (id, name),
        None => (name.unwrap_or_default(), None),
    };
    Observation {
        key: RunKey {
            workspace: without_nul(run.workspace.unwrap_or_default()),
            workflow: without_nul(workflow),
            run: without_nul(run.id),
        },
        workflow_name: workflow_name.map(without_nul),
        source: source.to_owned(),
        attempt: run.attempt,
        status: run.status,
        standing,
        started_at: run.started_at,
        completed_at: run.completed_at,
        updated_at: run.updated_at,
        parent: run.parent.map(without_nul),
        replay_of: run.replay_of.map(without_nul),
        retried_as: run.retried_as.map(without_nul),
        version,
        url,
        passed,
        parked,
        card,
    }
}

/// A database may refuse a NUL, and one refused row would hold up all that come behind it.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

fn standing(run: &Run) -> Standing {
    match run.status {
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        RunStatus::Paused => Standing::Open,
        RunStatus::Failed if is_retried_as_another(run) => Standing::Cancelled,
        RunStatus::Failed if cause::run_retry(run).is_some() || announced_step(run) => Standing::Retrying,
        RunStatus::Failed => Standing::Failed,
        RunStatus::Pending | RunStatus::Running | RunStatus::Waiting => {
            let step = || run.steps.iter().any(|step| !step.tolerated && cause::will_be_retried(step));
            if cause::run_retry(run).is_some() || step() { Standing::Retrying } else { Standing::Open }
        }
    }
}

/// Whether the engine has started another run in the place of this failed one. Not itself: nobody would have the word then.
fn is_retried_as_another(run: &Run) -> bool {
    run.retried_as.as_ref().is_some_and(|other| !other.trim().is_empty() && *other != run.id)
}

/// Whether the step that made the run fail is about to be tried again.
fn announced_step(run: &Run) -> bool {
    matches!(cause::find(run), cause::Found::Step(step, _)
        if cause::has_retry_announced(step) && step.retry_at.is_some_and(|at| cause::is_ahead(run, at)))
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
