//! The triage card: everything that a person is told about one failed or retrying run. Redacted, bounded, storable.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Class, ClassReason, Fingerprint};
use crate::run::{Progress, StepError, Workflow};

/// What is said about a run. Every text in it is redacted and bounded, none of it is escaped for any receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// The source that reported the run.
    pub source: String,
    /// Which run this is about.
    pub run: RunFacts,
    /// The first failed step, or what stands in for it.
    pub cause: Cause,
    /// The kind of failure.
    pub class: Class,
    /// What decided the class.
    pub decided_by: ClassReason,
    /// The one next action, an imperative sentence.
    pub advice: String,
    /// The identity of the error.
    pub fingerprint: Fingerprint,
    /// Steps that ended well, and all steps where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What followed from the cause, or was tolerated.
    #[serde(default)]
    pub consequences: Consequences,
    /// What the engine is about to try again; absent once it gave up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<Retrying>,
    /// The service that the failed step called, where the error names it: the host of a URL, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What did not happen though it was expected; then no run has failed, and the run's facts are those of the run that it is about,
    /// if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// How many secrets were taken out of the texts.
    #[serde(default)]
    pub redacted: u32,
}

/// What did not happen though an `[[expect]]` wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "missed", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Missed {
    /// No success for too long.
    Success {
        /// The last one; absent where there never was one that firstred saw.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<Timestamp>,
        /// How often one is expected.
        every: SignedDuration,
    },
    /// It never ran since it is expected to.
    Start {
        /// Since when it is expected to.
        since: Timestamp,
        /// How often.
        every: SignedDuration,
    },
    /// A run goes on for too long.
    End {
        /// When it started.
        started: Timestamp,
        /// How long it may take.
        at_most: SignedDuration,
        /// What is usual: the 95th percentile of its last runs; absent where the limit does not come from it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usual: Option<SignedDuration>,
    },
    /// A run waits, or is paused, for too long.
    Progress {
        /// Since when.
        since: Timestamp,
        /// How long it may.
        at_most: SignedDuration,
        /// It is paused: a person or a safety limit stopped it.
        paused: bool,
    },
    /// A connection waits for somebody to authorize it again.
    Authorization {
        /// How many runs are parked behind it.
        parked: u32,
        /// Since when the first of them waits.
        since: Timestamp,
    },
}

/// The facts of a run that a message shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    /// The engine's id.
    pub id: String,
    /// The attempt of the whole run, from 1, where the engine counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How many attempts of the whole run the engine makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// The run that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// The tenant; empty where there is none.
    pub workspace: String,
    /// What was executed.
    pub workflow: Workflow,
    /// What started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Its page: already checked to be http or https without user-info, its query secrets redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Start of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// End of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Labels, redacted.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// The first failed step of a failed run, or what stands in for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "lowercase")]
pub enum Cause {
    /// The first failed step on the failing path.
    #[serde(rename_all = "camelCase")]
    Step {
        /// Its place in the run, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        /// What people call it.
        title: String,
        /// What it is made of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        /// The try that failed, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// How many tries the engine makes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_attempts: Option<u32>,
        /// When it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed_at: Option<Timestamp>,
        /// A checked link to the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// What it says; absent where the step failed without a word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        /// The run-level error, where it says something else than the step's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run_error: Option<StepError>,
    },
    /// No step failed: the run's own error ("failed before any step ran" when `before_any_step`).
    #[serde(rename_all = "camelCase")]
    Run {
        /// No step had started.
        before_any_step: bool,
        /// What the run says.
        error: StepError,
    },
    /// The engine says nothing: "no failing step recorded".
    Nothing,
}

impl Cause {
    /// The error to show first, where there is one.
    #[must_use]
    pub fn error(&self) -> Option<&StepError> {
        match self {
            Self::Step { error, run_error, .. } => error.as_ref().or(run_error.as_ref()),
            Self::Run { error, .. } => Some(error),
            Self::Nothing => None,
        }
    }

    /// The title of the failed step.
    #[must_use]
    pub fn step_title(&self) -> Option<&str> {
        match self {
            Self::Step { title, .. } => Some(title),
            Self::Run { .. } | Self::Nothing => None,
        }
    }

    /// The kind of the failed step.
    #[must_use]
    pub fn step_kind(&self) -> Option<&str> {
        match self {
            Self::Step { kind, .. } => kind.as_deref(),
            Self::Run { .. } | Self::Nothing => None,
        }
    }
}

/// Rows that are red or grey because of the cause, or in spite of it; never the cause themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// Steps that failed and that the workflow tolerates.
    #[serde(default)]
    pub tolerated: u32,
    /// Steps that were passed over, or did not run because something before them failed.
    #[serde(default)]
    pub skipped: u32,
    /// Steps that failed after the cause.
    #[serde(default)]
    pub later: u32,
}

/// What the engine is about to try again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retrying {
    /// A step, or the whole run.
    pub level: RetryLevel,
    /// The title of the step that is retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The try that failed last, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How many tries the engine makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// When the next try starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryLevel {
    /// One step; the run goes on.
    Step,
    /// The whole run.
    Run,
}
