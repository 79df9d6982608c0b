//! Where the next poll goes on. All times in it are the engine's; it must not know ours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::PollError;
use super::super::newest::newest;
use super::imports::Broken;
use super::wire::DagRun;

/// The most ends that are remembered as told: more than two readings of a long list that follow each other.
const TOLD: usize = 10_000;
/// The most runs that are remembered as told with their parents, or as cancelled.
const APART: usize = 1_000;

/// What is remembered between two polls, and over restarts. Forgetting any of it costs repeated reading, not a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When firstred first looked. What ended before is history.
    pub origin: Option<Timestamp>,
    /// The first poll was finished: nothing is history any more.
    #[serde(default)]
    pub settled: bool,
    /// The beginning of the last poll that read all changes up to then.
    pub read: Option<Timestamp>,
    /// Where to go on with lists that were too long for one poll: the state and the first row.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rest: BTreeMap<String, usize>,
    /// Failures that were told, see [`end`].
    #[serde(default)]
    pub told: BTreeMap<String, Timestamp>,
    /// Lists that were too long for one poll and were read to their end: they are read once more from the first row, because rows that
    /// left meanwhile moved others to where it had been read already.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub again: BTreeSet<String>,
    /// Ends, see [`end`], that the engine lists as failed and that are told as no failure of their own: of child runs whose parents
    /// waited for them, and those that a person brought about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apart: BTreeMap<String, Timestamp>,
    /// DAG files that can't be read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub imports: BTreeMap<String, Broken>,
}

/// What tells one end of a run from another: a run that is cleared keeps its id.
pub(super) fn end(run: &DagRun) -> String {
    format!("{}@{}", run.name(), run.end_date.map(|at| at.to_string()).unwrap_or_default())
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

    /// Whether this end of a run was told, by itself or with another.
    pub(super) fn has_told(&self, run: &DagRun) -> bool {
        let end = end(run);
        self.told.contains_key(&end) || self.apart.contains_key(&end)
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the ledger has to know: something was learned, or much time has passed. A moment is not worth a write.
    pub(super) fn is_news(&self, before: &Self, much: SignedDuration) -> bool {
        let passed = match (self.read, before.read) {
            (Some(now), Some(before)) => now.duration_since(before).abs() >= much,
            (now, before) => now != before,
        };
        passed || Self { read: before.read, ..self.clone() } != *before
    }

    /// Remembers the newest only.
    pub(super) fn trim(&mut self) {
        newest(&mut self.told, TOLD);
        newest(&mut self.apart, APART);
    }
}
