//! Where the next poll goes on. All times in it are GitHub's; it must not know ours.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::PollError;
use super::states::{is_open, mark};
use super::wire::RunRow;

/// The most runs of one repository that are remembered as told, but for [`FAILED`].
const TOLD: usize = 3_000;
/// How many failed ones of them are remembered longer than the others, and whatever their number: somebody may run them again. More than
/// the list of failed runs shows, or each poll would take the rest of it for news.
const FAILED: usize = 600;

/// What is remembered between two polls, by repository as the settings write it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    #[serde(default)]
    pub repositories: BTreeMap<String, Mark>,
}

/// What is remembered of one repository. Forgetting any of it costs repeated reading, not a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// When firstred first looked. What ended before is history.
    pub origin: Timestamp,
    /// The first poll was finished: nothing is history any more.
    #[serde(default)]
    pub settled: bool,
    /// What had changed by then was read and told.
    pub seen: Timestamp,
    /// What was created by then was in the list of runs as it was read, or is in [`Self::rest`].
    pub listed: Option<Timestamp>,
    /// A stretch of that list which was too long for one poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// Runs as they were told.
    #[serde(default)]
    pub told: BTreeMap<u64, Told>,
    /// The slow walk through everything that can still be run again.
    #[serde(default)]
    pub sweep: Sweep,
}

/// A stretch of creation times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// From here on.
    pub from: Timestamp,
    /// Up to here.
    pub until: Timestamp,
}

/// A run as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Its attempt and where it stood: [`mark`].
    pub mark: String,
    /// Its last change.
    pub at: Timestamp,
}

/// How far the slow walk came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sweep {
    /// When it began.
    pub began: Option<Timestamp>,
    /// Runs that were created after this are behind it.
    pub until: Option<Timestamp>,
    /// What changed before this, the walk before it has seen.
    pub since: Option<Timestamp>,
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

impl Mark {
    /// A repository that is first looked at.
    pub(super) fn new(origin: Timestamp) -> Self {
        Self {
            origin,
            settled: false,
            seen: origin,
            listed: None,
            rest: None,
            told: BTreeMap::new(),
            sweep: Sweep::default(),
        }
    }

    /// Remembers a run as it was told now.
    pub(super) fn remember(&mut self, row: &RunRow) {
        let at = row.updated_at.or(row.created_at).unwrap_or(self.seen);
        self.told.insert(row.id, Told { mark: mark(row), at });
    }

    /// Whether a run was told as it stands, or is an older sight of one that was.
    pub(super) fn knows(&self, row: &RunRow) -> bool {
        let Some(told) = self.told.get(&row.id) else { return false };
        if told.mark == mark(row) {
            return true;
        }
        // A search may lag behind; what it says then is older than what was told.
        let before = (told.attempt(), told.at);
        row.updated_at.is_some_and(|at| (row.attempt(), at) < before)
    }

    /// Forgets what changed before `keep`, but for what is open and the newest failures.
    pub(super) fn trim(&mut self, keep: Timestamp) {
        // As the list has them: the newest is the one with the highest number.
        let failed = self.told.iter().rev().filter(|(_, told)| told.is_failed()).map(|(id, _)| *id).nth(FAILED);
        let is_kept = |id: u64, told: &Told| told.is_failed() && failed.is_none_or(|failed| id > failed);
        self.told.retain(|id, told| told.at >= keep || told.is_open() || is_kept(*id, told));
        let mut times: Vec<Timestamp> = self.told.values().map(|told| told.at).collect();
        times.sort_unstable_by(|one, other| other.cmp(one));
        if let Some(oldest) = times.get(TOLD).copied() {
            self.told.retain(|id, told| told.at > oldest || is_kept(*id, told));
        }
    }
}

impl Told {
    /// It had not ended.
    pub(super) fn is_open(&self) -> bool {
        is_open(&self.mark)
    }

    /// It had failed.
    pub(super) fn is_failed(&self) -> bool {
        self.mark.ends_with('f')
    }

    fn attempt(&self) -> u32 {
        self.mark.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).parse().unwrap_or(1)
    }
}

/// A time and a stretch before it.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
