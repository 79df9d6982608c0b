//! Where the next poll goes on. All times in it are the engine's; it must not know ours.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::PollError;

/// What is remembered between two polls. Forgetting any of it costs repeated reading, not a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When firstred first looked. What ended before is history.
    pub origin: Option<Timestamp>,
    /// The first poll was finished: nothing is history any more.
    #[serde(default)]
    pub settled: bool,
    /// Up to here every change was read.
    pub changed: Option<Timestamp>,
    /// What is broken beside the runs: code locations and daemons, by the id that they are told under.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub troubles: BTreeMap<String, Broken>,
}

/// Something that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Broken {
    /// Since when: two outages of one thing are told apart by it.
    pub since: Timestamp,
    /// What it said, in short.
    pub said: String,
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
}
