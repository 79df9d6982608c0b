//! Where the next poll goes on. All times in it are the engine's; it must not know ours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::PollError;

/// The most failed runs that are remembered as told.
const TOLD: usize = 5_000;
/// The most while something could not be told.
const UNSETTLED: usize = 50_000;
/// The most workflows whose runs as sub-workflows are told.
const ALONE: usize = 1_000;
/// So many marks lie within one overlap.
const MARKS: i32 = 10;

/// What is remembered between two polls. Forgetting any of it costs repeated reading, not a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// When firstred first looked. What ended before is history.
    pub origin: Option<Timestamp>,
    /// The first poll was finished: nothing is history any more.
    #[serde(default)]
    pub settled: bool,
    /// Which ids there were, and when, oldest first.
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// The newest run that was seen among those that don't run.
    #[serde(default)]
    pub newest: Option<u64>,
    /// Failed runs that were told, or that need not be.
    #[serde(default)]
    pub told: BTreeSet<u64>,
    /// Runs that have not ended, with the status that was told.
    #[serde(default)]
    pub open: BTreeMap<u64, String>,
    /// Failed sub-workflows whose parents have not ended: child to parent.
    #[serde(default)]
    pub children: BTreeMap<u64, u64>,
    /// Workflows of which a run failed as a sub-workflow and was told by itself: how the next one ends is told too.
    #[serde(default)]
    pub alone: BTreeSet<String>,
    /// The parts of lists that were too long for one poll, by status.
    #[serde(default)]
    pub rest: BTreeMap<String, Rest>,
}

/// At that time, this was the highest id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub at: Timestamp,
    pub id: u64,
}

/// The older part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Where it begins, in n8n's words.
    pub cursor: String,
    /// Down to this id.
    pub floor: u64,
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

    /// Failed runs below this id were all read: they had ended, or were seen open, one overlap ago.
    pub(super) fn floor(&self) -> u64 {
        self.marks.first().map_or(0, |mark| mark.id)
    }

    /// Notes the highest id of this moment, and lets go of marks that an overlap has passed since. The oldest mark that is kept is at
    /// least one overlap old, as soon as there is one.
    pub(super) fn mark(&mut self, at: Timestamp, id: u64, overlap: SignedDuration) {
        // An engine whose clock was put back: what it writes now lies before what it wrote then.
        self.marks.iter_mut().for_each(|mark| mark.at = mark.at.min(at));
        let last = self.marks.last().map(|mark| mark.at);
        if last.is_none_or(|last| at.duration_since(last) >= overlap / MARKS) {
            self.marks.push(Mark { at, id });
        }
        let old = self.marks.iter().take_while(|mark| at.duration_since(mark.at) >= overlap).count();
        self.marks.drain(..old.saturating_sub(1));
    }

    /// Forgets what lies below every floor, and of a flood what is oldest.
    ///
    /// `settled`: all that was found was told. Else the floor must not rise: below it may be what was not.
    pub(super) fn trim(&mut self, settled: bool) {
        while self.told.len() > if settled { TOLD } else { UNSETTLED } {
            self.told.pop_first();
        }
        while self.alone.len() > ALONE {
            self.alone.pop_first();
        }
        if settled
            && self.told.len() == TOLD
            && let Some(lowest) = self.told.first().copied()
        {
            // Rather than to read them again with every poll.
            self.marks.iter_mut().for_each(|mark| mark.id = mark.id.max(lowest));
        }
        let floor = self.rest.values().map(|rest| rest.floor).fold(self.floor(), u64::min);
        self.told = self.told.split_off(&floor);
    }
}
