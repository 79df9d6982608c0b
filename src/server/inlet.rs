//! What ingest needs of whoever commits runs. It must not know queues, transactions or the engine.

use std::future::Future;

use crate::run::Run;

/// Takes runs that were pushed.
pub trait Inlet: Clone + Send + Sync + 'static {
    /// Commits the runs, each with its index in the body, and comes back only then: the answer 200 rests on it. Gives back
    /// the indexes of those that this source may not send (another's workspace), and why.
    ///
    /// The future may be dropped at any await, when the sender hangs up or the wait is over; what was handed over may
    /// still be committed. A sender who comes again with the same runs does no harm.
    ///
    /// # Errors
    /// When nothing was committed; the sender is told to come again.
    fn commit(
        &self,
        source: &str,
        runs: Vec<(usize, Run)>,
    ) -> impl Future<Output = Result<Vec<(usize, String)>, InletError>> + Send;
}

/// Nothing was committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InletError {
    /// Too much is waiting already.
    #[error("too many runs are waiting to be stored")]
    QueueFull,
    /// The disk is full.
    #[error("the ledger's disk is full")]
    Full,
    /// The ledger takes nothing now. The text stays in the log.
    #[error("the ledger takes nothing now")]
    Unavailable(String),
}
