//! What the writer can be asked to do, and what it answers. It knows no SQL.

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::LedgerError;
use super::daily::Day;
use super::journal::Written;
use super::prune::Place;
use crate::engine::{Attempted, CommandError, DailyNote, IncidentId, Made, Notification, OwnTrouble, Silence};
use crate::run::RunKey;
use crate::triage::Observation;

/// What a source hands over, triaged. Committed as a whole: its observations, then its checkpoint.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The source that saw it.
    pub source: String,
    /// It polls: it can be asked again about a run that was open when last seen.
    pub polled: bool,
    /// Now.
    pub at: Timestamp,
    /// What was seen, and whether it ended before firstred first looked.
    pub observations: Vec<(Observation, bool)>,
    /// Runs that were open when last seen and that the engine no longer knows.
    pub forgotten: Vec<RunKey>,
    /// Where the source goes on; `None` leaves the old one.
    pub checkpoint: Option<String>,
}

impl Observed {
    /// How many rows it is about: what the queue and the transaction are measured by.
    pub(super) fn weight(&self) -> usize {
        (self.observations.len() + self.forgotten.len()).max(1)
    }
}

/// One thing to write.
#[derive(Debug)]
pub(super) enum Work {
    Observe(Observed, Written),
    Record {
        attempt: Attempted,
        seed: u64,
    },
    Say {
        notification: Notification,
        receivers: Vec<String>,
    },
    Raise {
        trouble: OwnTrouble,
        now: Timestamp,
    },
    Settle {
        what: String,
        now: Timestamp,
    },
    Sweep {
        now: Timestamp,
    },
    EndHolds {
        now: Timestamp,
    },
    Release {
        receiver: String,
        now: Timestamp,
    },
    Park {
        delivery: i64,
        reason: String,
        now: Timestamp,
    },
    Read {
        source: String,
        began: Timestamp,
        now: Timestamp,
    },
    Acknowledge {
        id: String,
        by: String,
        now: Timestamp,
    },
    Silence {
        silence: Silence,
        now: Timestamp,
    },
    EndSilence {
        id: String,
        now: Timestamp,
    },
    Daily(Day),
    /// Nothing but the proof that something can be written.
    Beat {
        now: Timestamp,
    },
    Prune {
        before: Timestamp,
        place: Place,
    },
    Close,
    /// SQL on the writer's own connection, for tests of what a disk does.
    #[cfg(test)]
    Sql(String),
}

impl Work {
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Observe(batch, _) => batch.weight(),
            Self::EndHolds { .. }
            | Self::Read { .. }
            | Self::Acknowledge { .. }
            | Self::Silence { .. }
            | Self::EndSilence { .. }
            | Self::Prune { .. } => super::hold::CHUNK,
            Self::Release { .. } => super::release::CHUNK,
            Self::Sweep { .. } => super::sweep::CHUNK,
            _ => 1,
        }
    }

    /// What has to be written even with the last blocks of a full disk: the rest can be asked for again.
    pub(super) fn is_vital(&self) -> bool {
        !matches!(self, Self::Observe(..))
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// Whether anything changed.
    Changed(bool),
    /// When to ask again.
    Next(Option<Timestamp>),
    /// Which incident somebody knows of now.
    Acknowledged(Result<(IncidentId, Made), CommandError>),
    /// Whether a silence was made, or ended.
    Silenced(Result<Made, CommandError>),
    /// The line of the day, where it was due.
    Daily(Option<Box<DailyNote>>),
    /// How many deliveries were handed on.
    Released(u64),
    /// How many runs went, and where to go on; `None` at the end.
    Pruned {
        runs: u64,
        next: Option<Place>,
    },
}

/// A piece of work with the place in the queue that it takes, and the one who waits for it.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<Answer, LedgerError>>,
    pub(super) _place: Option<OwnedSemaphorePermit>,
}
