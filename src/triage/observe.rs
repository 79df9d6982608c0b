//! From a run to an observation: the one door into this room.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Card, Classes};
use crate::run::{Run, RunKey, RunStatus};

/// What a source saw of one run, triaged: the input of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which run.
    pub key: RunKey,
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
    /// The triage card, for [`Standing::Failed`] and [`Standing::Retrying`] only.
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
    /// Cancelled.
    Cancelled,
}

/// Triages a run that `source` reported.
#[must_use]
pub fn observe(source: &str, run: Run, classes: &Classes) -> Observation {
    let _ = (source, run, classes);
    unimplemented!("the triage helper writes this")
}
