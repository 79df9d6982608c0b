//! Notifications go out: one file for each kind of receiver, the message that they share, and the dispatcher. A receiver knows its
//! settings and the HTTP client; it knows no source, no ledger, no rule.

pub mod dispatcher;

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::engine::{Attempted, Delivery};

/// What the dispatcher needs of the ledger.
pub trait Outbox: Clone + Send + Sync + 'static {
    /// The deliveries of `receiver` that are due, oldest first, at most `limit`, without those in `skip` (they are in flight).
    ///
    /// # Errors
    /// When the ledger can't be read; the dispatcher asks again.
    fn due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
        skip: &[i64],
    ) -> impl Future<Output = Result<Due, OutboxError>> + Send;

    /// Records what came of an attempt, and what follows from it, before it returns.
    ///
    /// # Errors
    /// When it could not be committed; the dispatcher keeps the outcome and records it again, and does not send meanwhile.
    fn record(&self, attempt: Attempted) -> impl Future<Output = Result<(), OutboxError>> + Send;

    /// Woken when something became due for `receiver`. Only a hint to be faster.
    fn wakeup(&self, receiver: &str) -> Arc<Notify>;
}

/// What is due.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// The deliveries to send now.
    pub deliveries: Vec<Delivery>,
    /// When the next one after these is due; `None` when nothing waits.
    pub next: Option<Timestamp>,
}

/// The ledger could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger does not answer: {reason}")]
pub struct OutboxError {
    /// What the ledger says.
    pub reason: String,
}
