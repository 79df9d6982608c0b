//! What every polled source answers to the daemon: what it did, or why it could not. It knows no engine.

use std::time::Duration;

/// What one poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    /// Runs handed over.
    pub runs: usize,
    /// There is more to read at once: do not wait for the next interval.
    pub more: bool,
    /// Something is expected by then that is not there yet: do not wait for longer.
    pub again: Option<Duration>,
}

/// A poll that could not be finished. Nothing of what it did not read is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {reason}")]
pub struct PollError {
    /// What was being asked, without secrets.
    pub doing: String,
    /// What was answered or went wrong, cut and without URLs.
    pub reason: String,
    /// How many seconds the engine asks to wait.
    pub retry_after: Option<i64>,
}
