//! What is remembered of a run between two observations. It lives in the ledger, nowhere else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Line;
use crate::run::RunStatus;
use crate::triage::{Card, Standing};

/// The memory of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// The source that saw it last.
    pub source: String,
    /// The status last seen.
    pub status: RunStatus,
    /// Where that leaves it.
    pub standing: Standing,
    /// The highest attempt seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The newest `updatedAt` seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// The newest start seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When this status was first seen, by our clock.
    pub since: Timestamp,
    /// The last failed attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The hold, while one runs or after it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The parent run, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What was decided and why, oldest first, bounded.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// The newest triage card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<Card>>,
}

/// A failed attempt that was decided upon, told or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// firstred's own count of failed attempts of this run, from 1.
    pub number: u32,
    /// The engine's count, where it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// When the engine says that it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// "Do not tell yet": a retry may still repair it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// The deadline; absent once "still retrying" was told, or where nobody is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
