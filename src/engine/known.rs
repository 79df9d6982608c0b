//! What is remembered of a run between two observations. It lives in the ledger, nowhere else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::{IncidentId, Number};
use super::{Line, Reason};
use crate::run::RunStatus;
use crate::triage::{Card, Observation, Parked, Standing};

/// How many lines a run keeps. A run that flaps for ever keeps its first and its newest ones.
const MAX_LINES: usize = 40;
/// How many incidents a run can point at. One that flaps between many errors keeps the newest.
const MAX_INCIDENTS: usize = 20;

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
    /// The engine's count of the attempt last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The newest `updatedAt` seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// The start last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The end of the attempt that ended last, however it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When this status was first seen, by our clock.
    pub since: Timestamp,
    /// The last failed attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The hold, from the first retry seen until the run ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The parent run, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The run that it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// What keeps it from going on, while it waits or is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Box<Parked>>,
    /// What was decided and why, oldest first, bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// The incidents that it belongs to, the newest ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Membership>,
    /// The newest triage card of a run that failed or retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<Card>>,
}

/// A run's part in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// Which.
    pub number: Number,
    /// Its name.
    pub id: IncidentId,
    /// It is counted there as a failed run.
    #[serde(default)]
    pub counted: bool,
    /// It completed after all.
    #[serde(default)]
    pub again: bool,
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
    /// When the engine says that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
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
    /// The deadline. Absent once it passed, or where nobody is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What was decided at the deadline, or instead of one.
    #[serde(default)]
    pub state: HoldState,
    /// The step that is retried; another step that retries is another hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// Where a hold stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HoldState {
    /// The deadline is ahead.
    #[default]
    Running,
    /// The deadline passed while no retry was waiting; the next one that is seen is told at once.
    Overdue,
    /// "Still retrying" was told.
    Told,
    /// Nobody is to be told.
    Untold,
    /// It failed inside a run that is still open, which is expected to tell.
    Parent,
}

impl Known {
    /// The memory of a run that is seen for the first time, before anything is decided.
    pub(super) fn first(now: Timestamp, seen: &Observation) -> Self {
        Self {
            source: seen.source.clone(),
            status: seen.status,
            standing: Standing::Open,
            attempt: None,
            updated_at: None,
            started_at: None,
            ended_at: None,
            since: now,
            failure: None,
            hold: None,
            parent: seen.parent.clone(),
            replay_of: seen.replay_of.clone(),
            parked: None,
            lines: Vec::new(),
            incidents: Vec::new(),
            card: None,
        }
    }

    /// Takes over what is newer in `seen`.
    pub(super) fn take(&mut self, now: Timestamp, seen: &Observation) {
        if self.status != seen.status {
            self.since = now;
        }
        if self.source != seen.source {
            self.source.clone_from(&seen.source);
        }
        self.status = seen.status;
        self.standing = seen.standing;
        self.attempt = seen.attempt.or(self.attempt);
        self.updated_at = self.updated_at.max(seen.updated_at);
        self.started_at = seen.started_at.or(self.started_at);
        self.ended_at = seen.completed_at.or(self.ended_at);
        if seen.replay_of.is_some() && self.replay_of != seen.replay_of {
            self.replay_of.clone_from(&seen.replay_of);
        }
        if self.parked != seen.parked {
            self.parked.clone_from(&seen.parked);
        }
    }

    /// Adds a line, unless the newest one already says so.
    pub(super) fn note(&mut self, at: Timestamp, source: Option<&str>, reason: Reason) {
        if self.lines.last().is_some_and(|line| line.reason == reason) {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.remove(MAX_LINES / 2);
        }
        self.lines.push(Line { at, source: source.map(str::to_owned), reason });
    }

    /// It belongs to an incident now.
    pub(super) fn belong(&mut self, number: Number, id: &IncidentId, counted: bool) {
        if let Some(part) = self.incidents.iter_mut().find(|part| part.number == number) {
            part.counted |= counted;
            part.again &= !counted;
            return;
        }
        if self.incidents.len() == MAX_INCIDENTS {
            self.incidents.remove(0);
        }
        self.incidents.push(Membership { number, id: id.clone(), counted, again: false });
    }

    /// Whether the engine has not ended the run as far as we know.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Open | Standing::Retrying)
    }

    /// When time has to be asked again about this run.
    #[must_use]
    pub fn hold_until(&self) -> Option<Timestamp> {
        self.hold.as_ref().and_then(|hold| hold.until)
    }
}
