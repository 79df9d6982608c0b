//! Runs come in: one file, or one folder, for each kind of engine. A source turns what an engine says into [`Run`]s and hands
//! them over in batches with its checkpoint. It knows its settings and the HTTP client; it knows no ledger, no rule, no receiver.

pub mod airflow;
mod census;
#[cfg(test)]
mod conformance;
pub mod dagster;
mod filter;
pub mod github;
pub mod http;
pub mod n8n;
mod newest;
mod poll;
pub mod prefect;
#[cfg(test)]
mod presets;
pub mod push;
mod python;
pub mod rhythm;
mod survey;
mod talk;

pub use census::{Census, Counted, Tally};
pub use filter::{FilterError, check_filter};
pub use poll::{PollError, Polled};
pub use rhythm::{Compared, Poller, SourceHealth};
pub use survey::{Count, Obstacle, Reached, Survey};

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::run::{Run, RunKey, RunStatus};

/// What one poll, or one page of it, hands over. Committed as a whole: its runs, then its checkpoint.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The runs that were seen.
    pub runs: Vec<Seen>,
    /// Runs that were open when last seen and that the engine no longer knows.
    pub forgotten: Vec<RunKey>,
    /// Where the next poll goes on; `None` leaves the old one. Only the source that wrote it reads it.
    pub checkpoint: Option<String>,
}

/// A run, and whether it is news.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The run.
    pub run: Run,
    /// It ended before firstred first looked: known from now on, never told.
    pub history: bool,
}

/// A run that was open when last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Which.
    pub key: RunKey,
    /// Where it stood.
    pub status: RunStatus,
    /// Its start by the engine's clock, where known.
    pub started_at: Option<jiff::Timestamp>,
}

/// What a source needs of the daemon. Correctness rests on it: `take` returns only after the commit.
pub trait Intake: Clone + Send + Sync + 'static {
    /// Takes a batch. Waits while the queue is full.
    ///
    /// # Errors
    /// When it could not be committed. The source keeps its old checkpoint and reads the same again.
    fn take(&self, source: &str, batch: Batch) -> impl Future<Output = Result<(), NotTaken>> + Send;

    /// The source was read completely, by a read that began at `began`, and all that it brought was taken: what was not seen by then
    /// had not happened.
    fn read(&self, source: &str, began: jiff::Timestamp) -> impl Future<Output = ()> + Send {
        let _ = (source, began);
        async {}
    }

    /// The checkpoint that was last committed; `None` before the first one.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn checkpoint(&self, source: &str) -> impl Future<Output = Result<Option<String>, NotTaken>> + Send;

    /// The runs of this source that were open when last seen, oldest first. Of very many, a stretch of them, another one each time.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn open_runs(&self, source: &str) -> impl Future<Output = Result<Vec<OpenRun>, NotTaken>> + Send;

    /// Those of the counted ones that the ledger does not know as ended, at that attempt or a later one. An intake that can't say
    /// misses none.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn unknown(
        &self,
        source: &str,
        counted: Vec<Counted>,
    ) -> impl Future<Output = Result<Vec<Counted>, NotTaken>> + Send {
        let _ = (source, counted);
        async { Ok(Vec::new()) }
    }
}

/// A batch was not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not committed: {reason}")]
pub struct NotTaken {
    /// What the ledger says.
    pub reason: String,
}
