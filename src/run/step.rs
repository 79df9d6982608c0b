//! One node of a run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::native::fields;
use super::{StepError, StepStatus};

/// One step of a run, as of its newest attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a step: an object with `status`")]
pub struct Step {
    /// Its place in the run, from 1. Absent where the engine has no order.
    #[serde(default, deserialize_with = "fields::count", skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// What people call it.
    #[serde(default, deserialize_with = "fields::null_is_default")]
    pub title: String,
    /// What it is made of: `http.request`, a task's key, an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where it stands.
    pub status: StepStatus,
    /// The try that this is, from 1.
    #[serde(default, deserialize_with = "fields::ordinal", skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How many tries the engine will make.
    #[serde(default, deserialize_with = "fields::ordinal", skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// When the engine tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// The workflow goes on although this failed.
    #[serde(default, deserialize_with = "fields::null_is_default")]
    pub tolerated: bool,
    /// Start of the newest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// End of the newest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// A link straight to this step, where the engine has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Step {
    /// A step of which nothing more is known.
    #[must_use]
    pub fn bare(title: impl Into<String>, status: StepStatus) -> Self {
        Self {
            number: None,
            title: title.into(),
            kind: None,
            status,
            attempt: None,
            max_attempts: None,
            retry_at: None,
            tolerated: false,
            started_at: None,
            completed_at: None,
            error: None,
            url: None,
        }
    }
}
