//! What the suite needs of a fake engine: rows that are the truth, a clock, and what engines of its kind can do.

use jiff::{SignedDuration, Timestamp};

use super::super::rhythm::Poller;
use super::super::talk::Transport;
use super::Faulty;
use crate::run::RunStatus;

/// An engine of one kind that holds rows and answers as the real one does: filters, orders, pages, limits, and the `Date` of its clock.
pub(in crate::source) trait FakeEngine: Transport + Clone + Send + Sync + 'static {
    /// What polls it.
    type Watcher: Poller;
    /// What engines of this kind can do.
    const KIND: Kind;
    /// An engine without runs.
    fn new() -> Self;
    /// The run as it stands from now on. A row of this number may have been there: then this is what became of it. A failed row has one
    /// failed step, whose error says [`Row::error`].
    fn put(&self, row: &Row);
    /// The engine forgets the run and all that belongs to it.
    fn delete(&self, number: u32);
    /// Sets the engine's clock.
    fn set_clock(&self, now: Timestamp);
    /// From now on, rows that the engine's order leaves equal come in another order; see [`tie`].
    fn shuffle(&self, seed: u64);
    /// [`Run::id`](crate::run::Run::id) of the run of this number.
    fn id(number: u32) -> String;
    /// What polls, as in a fresh process: all that it knows is the committed checkpoint. `history` is zero, `overlap` 10 minutes, `every`
    /// 10 seconds.
    fn watcher(transport: Faulty<Self>) -> Self::Watcher;
}

/// What engines of one kind can do, and what firstred promises of its polling.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Kind {
    /// How a run is run again.
    pub(in crate::source) reruns: Reruns,
    /// Runs that have not ended are handed over.
    pub(in crate::source) shows_open: bool,
    /// The engine deletes runs.
    pub(in crate::source) forgets: bool,
    /// The rows of a page: bursts go over several.
    pub(in crate::source) page: u32,
    /// So long after its end a failure may stay untold, because the engine writes parts of it late.
    pub(in crate::source) settle: SignedDuration,
    /// The largest step of the engine's clock that loses nothing.
    pub(in crate::source) clock_step: SignedDuration,
    /// The most requests of a poll in which nothing happened, with no open run.
    pub(in crate::source) requests: u64,
    /// Open runs, and the most requests of a poll in which nothing happened to them.
    pub(in crate::source) open: (u32, u64),
}

/// How a run is run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Reruns {
    /// Under the same id, with the next attempt.
    SameRun,
    /// As another run; [`Row::replays`] says which it repeats.
    NewRun,
}

/// A run as it stands in truth. All times are the engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Row {
    /// Which run; grows in the order in which runs were created.
    pub(in crate::source) number: u32,
    /// Which attempt, from 1; always 1 where a repeated run is a new one.
    pub(in crate::source) attempt: u32,
    /// Where it stands.
    pub(in crate::source) state: State,
    /// The run that this one repeats.
    pub(in crate::source) replays: Option<u32>,
    /// When the run was created.
    pub(in crate::source) created: Timestamp,
    /// When this attempt started.
    pub(in crate::source) started: Timestamp,
    /// When this attempt ended.
    pub(in crate::source) ended: Option<Timestamp>,
    /// The last change of anything in it.
    pub(in crate::source) changed: Timestamp,
}

/// Where a run stands in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum State {
    Running,
    Failed,
    Completed,
    Cancelled,
}

impl State {
    pub(in crate::source) fn status(self) -> RunStatus {
        match self {
            Self::Running => RunStatus::Running,
            Self::Failed => RunStatus::Failed,
            Self::Completed => RunStatus::Completed,
            Self::Cancelled => RunStatus::Cancelled,
        }
    }
}

impl Row {
    /// What its failed step says.
    pub(in crate::source) fn error(&self) -> String {
        error(self.number, self.attempt)
    }
}

pub(super) fn error(number: u32, attempt: u32) -> String {
    format!("boom-{number}-{attempt}")
}

/// A place among rows that an order leaves equal, for [`FakeEngine::shuffle`].
pub(in crate::source) fn tie(seed: u64, id: &str) -> u64 {
    let of = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, of)
}
