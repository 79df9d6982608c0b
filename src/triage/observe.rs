//! From a run to an observation: the one door into this room.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Card, Classes, build, cause};
use crate::run::{Run, RunKey, RunStatus};

/// What a source saw of one run, triaged: the input of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Which run.
    pub key: RunKey,
    /// The workflow's name, where the key goes by its id: another source may know only the name.
    pub workflow_name: Option<String>,
    /// The source that saw it.
    pub source: String,
    /// The engine's count of attempts, from 1, where it counts.
    pub attempt: Option<u32>,
    /// The status as reported.
    pub status: RunStatus,
    /// What the status means for alerting.
    pub standing: Standing,
    /// Start of this attempt.
    pub started_at: Option<Timestamp>,
    /// End of this attempt.
    pub completed_at: Option<Timestamp>,
    /// Last change in the engine.
    pub updated_at: Option<Timestamp>,
    /// The run that started this one and waits for it.
    pub parent: Option<String>,
    /// The run that this one repeats.
    pub replay_of: Option<String>,
    /// The workflow's version that ran.
    pub version: Option<String>,
    /// The run's page: checked to be http or https without user-info.
    pub url: Option<String>,
    /// The steps that ended well.
    pub passed: Passed,
    /// The triage card, for [`Standing::Failed`] and [`Standing::Retrying`] only.
    pub card: Option<Box<Card>>,
}

/// The steps of an attempt that ended well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passed(
    /// Titles without the index of a mapped step, sorted; a title of which some instance has not ended well is not among them. None:
    /// the source reported no steps.
    pub Option<Vec<String>>,
);

impl Passed {
    /// Whether the step with this title (without an index) ended well; none where no steps were reported.
    #[must_use]
    pub fn has(&self, step: &str) -> Option<bool> {
        self.0.as_ref().map(|passed| passed.binary_search_by(|title| title.as_str().cmp(step)).is_ok())
    }
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
    /// Cancelled.
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
    let mut key = run.key();
    for text in [&mut key.workspace, &mut key.workflow, &mut key.run] {
        without_nul(text);
    }
    let mut parent = run.parent;
    parent.iter_mut().for_each(without_nul);
    let mut workflow_name = run.workflow.name.filter(|_| run.workflow.id.is_some());
    workflow_name.iter_mut().for_each(without_nul);
    Observation {
        key,
        workflow_name,
        source: source.to_owned(),
        attempt: run.attempt,
        status: run.status,
        standing,
        started_at: run.started_at,
        completed_at: run.completed_at,
        updated_at: run.updated_at,
        parent,
        replay_of: None,
        version: None,
        url: None,
        passed: Passed::default(),
        card,
    }
}

/// A database may refuse a NUL, and one refused row would hold up all that come behind it.
fn without_nul(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{FFFD}");
    }
}

fn standing(run: &Run) -> Standing {
    match run.status {
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        RunStatus::Paused => Standing::Open,
        RunStatus::Failed if cause::run_retry(run).is_some() || announced_step(run) => Standing::Retrying,
        RunStatus::Failed => Standing::Failed,
        RunStatus::Pending | RunStatus::Running | RunStatus::Waiting => {
            let step = || run.steps.iter().any(|step| !step.tolerated && cause::will_be_retried(step));
            if cause::run_retry(run).is_some() || step() { Standing::Retrying } else { Standing::Open }
        }
    }
}

/// Whether the step that made the run fail is about to be tried again.
fn announced_step(run: &Run) -> bool {
    matches!(cause::find(run), cause::Found::Step(step, _)
        if cause::has_retry_announced(step) && step.retry_at.is_some_and(|at| cause::is_ahead(run, at)))
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
