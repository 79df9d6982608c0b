//! Reads native runs from JSON: with limits, each item for itself, and mistakes named by JSON pointer.

use super::Run;

/// What a body may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nesting of the JSON.
    pub depth: usize,
    /// Steps of one run.
    pub steps: usize,
    /// Runs in one body.
    pub runs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, steps: 5_000, runs: 10_000 }
    }
}

/// Why an item can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct NativeError {
    /// Which item of the body, from 0.
    pub index: usize,
    /// JSON pointer (RFC 6901) from the body's root to what is wrong; empty for the whole body.
    pub pointer: String,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Reads one run.
///
/// # Errors
/// When it is not a native run, or breaks a limit.
pub fn read_run(json: &[u8], limits: Limits) -> Result<Run, NativeError> {
    let _ = (json, limits);
    unimplemented!("the server helper writes this")
}

/// Reads a body of runs: one object, an array of them, or NDJSON. Each item is read for itself.
///
/// # Errors
/// When the body as a whole can't be read: not JSON, too deep, too many runs.
pub fn read_batch(json: &[u8], limits: Limits) -> Result<Vec<Result<Run, NativeError>>, NativeError> {
    let _ = (json, limits);
    unimplemented!("the server helper writes this")
}
