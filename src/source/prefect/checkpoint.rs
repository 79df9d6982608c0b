//! Where the next poll goes on. All times in it are the engine's; it must not know ours.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::PollError;
use super::super::newest::newest;

/// The most states that are remembered as told.
const TOLD: usize = 2_000;
/// The most failed runs that are asked whether somebody ran them again.
const FAILED: usize = 200;

/// What is remembered between two polls. Forgetting any of it costs repeated reading, not a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When firstred first looked. What ended before is history.
    pub origin: Option<Timestamp>,
    /// The first poll was finished: nothing is history any more.
    #[serde(default)]
    pub settled: bool,
    /// The newest end of a failed run up to which everything was read.
    pub ended: Option<Timestamp>,
    /// A stretch of the past that was too long for one poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// How far the events feed was read.
    pub events: Option<Timestamp>,
    /// Ends that were told, by the id of their state, with their time.
    #[serde(default)]
    pub told: BTreeMap<String, Timestamp>,
    /// Runs that have not ended, with the id of the state that was told.
    #[serde(default)]
    pub open: BTreeMap<String, String>,
    /// The newest failed runs, with the time at which they failed.
    #[serde(default)]
    pub failed: BTreeMap<String, Timestamp>,
    /// Runs whose tasks wait for a retry, with the states of these tasks.
    #[serde(default)]
    pub retrying: BTreeMap<String, String>,
}

/// A stretch of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// From here on.
    pub after: Option<Timestamp>,
    /// Up to here.
    pub before: Timestamp,
}

impl Checkpoint {
    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(text: Option<&str>) -> Result<Self, PollError> {
        let Some(text) = text else { return Ok(Self::default()) };
        serde_json::from_str(text).map_err(|error| PollError {
            doing: "reading where the last poll ended".to_owned(),
            reason: format!("not written by this version of firstred ({error})"),
            retry_after: None,
        })
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Remembers the newest only.
    pub(super) fn trim(&mut self) {
        newest(&mut self.told, TOLD);
        newest(&mut self.failed, FAILED);
    }
}
