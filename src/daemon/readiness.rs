//! Ready means: can see and can send. Puts together what `/readyz` answers.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::watch;

use super::housekeeping::Waiting;
use super::pollers::Health;
use crate::clock;
use crate::engine::Policy;
use crate::metrics::Metrics;
use crate::server::{Checkup, Readiness, ReceiverState, SourceState};

/// A receiver whose oldest delivery has waited for this long cannot be reached.
const UNREACHABLE_AFTER: SignedDuration = SignedDuration::from_secs(60);

#[derive(Clone)]
pub(super) struct Readers {
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) health: watch::Receiver<Arc<Health>>,
    pub(super) waiting: watch::Receiver<Waiting>,
    pub(super) metrics: Metrics,
}

impl Checkup for Readers {
    fn readiness(&self) -> Readiness {
        let now = clock::now();
        let ledger = self.metrics.ledger_ok.get() == 1;
        let config = self.metrics.config_ok.get() == 1;
        let sources: Vec<SourceState> = self
            .health
            .borrow()
            .iter()
            .map(|(name, health)| {
                let health = health.borrow();
                SourceState {
                    name: name.clone(),
                    ok: health.failing_since.is_none() && health.last_success.is_some(),
                    last_success: health.last_success,
                    failing_since: health.failing_since,
                    error: health.last_error.clone(),
                }
            })
            .collect();
        let waiting = self.waiting.borrow();
        let receivers: Vec<ReceiverState> = self
            .policy
            .borrow()
            .receivers
            .keys()
            .map(|name| {
                let entry = waiting.iter().find(|(receiver, _, _)| receiver == name);
                let oldest = entry.and_then(|(_, _, oldest)| *oldest);
                ReceiverState {
                    name: name.clone(),
                    ok: oldest.is_none_or(|oldest| now.duration_since(oldest) < UNREACHABLE_AFTER),
                    waiting: entry.map_or(0, |(_, count, _)| *count),
                    oldest_waiting: oldest,
                }
            })
            .collect();
        let ready =
            ledger && sources.iter().all(|source| source.ok) && receivers.iter().all(|receiver| receiver.ok);
        Readiness { ready, ledger, config, sources, receivers }
    }
}
