//! Ready means: can see and can send. Puts together what `/readyz` answers.

use std::sync::Arc;

use tokio::sync::watch;

use super::housekeeping::Backlog;
use super::own_trouble;
use super::pollers::Health;
use crate::engine::Policy;
use crate::metrics::Metrics;
use crate::server::{Checkup, ConfigHealth, LedgerHealth, Readiness, ReceiverHealth, SourceHealth};

/// What readiness is read from: whatever was last known, without asking anybody.
#[derive(Clone)]
pub(super) struct Readers {
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) health: watch::Receiver<Arc<Health>>,
    pub(super) backlog: watch::Receiver<Backlog>,
    pub(super) metrics: Metrics,
}

impl Checkup for Readers {
    fn readiness(&self) -> Readiness {
        let backlog = self.backlog.borrow();
        let summary = |what: &str| backlog.troubles.iter().find(|trouble| trouble.what == what);
        let ledger_ok = self.metrics.ledger_ok.get() == 1;
        let config_ok = self.metrics.config_ok.get() == 1;
        let ledger = LedgerHealth {
            ok: ledger_ok,
            failing_since: None,
            error: (!ledger_ok).then(|| "the ledger takes no commits; the log says why".to_owned()),
        };
        let config = ConfigHealth {
            ok: config_ok,
            error: (!config_ok).then(|| "the file was refused; `firstred check` says why".to_owned()),
        };
        let sources = self.sources();
        let receivers: Vec<ReceiverHealth> = self
            .policy
            .borrow()
            .receivers
            .keys()
            .map(|name| {
                let waiting = backlog.waiting.iter().find(|(receiver, _, _)| receiver == name);
                let trouble = summary(&own_trouble::receiver_name(name));
                ReceiverHealth {
                    name: name.clone(),
                    ok: trouble.is_none(),
                    waiting: waiting.map_or(0, |(_, count, _)| *count),
                    oldest_waiting: waiting.and_then(|(_, _, oldest)| *oldest),
                    broken_since: trouble.map(|trouble| trouble.since),
                    error: trouble.map(|trouble| trouble.summary.clone()),
                }
            })
            .collect();
        // A refused file is shown, and does not make the daemon unready: the old rules see and send.
        let ready = ledger_ok && sources.iter().all(|source| source.ok) && receivers.iter().all(|receiver| receiver.ok);
        Readiness { ready, config, ledger, sources, receivers }
    }
}

impl Readers {
    fn sources(&self) -> Vec<SourceHealth> {
        let healths = Arc::clone(&self.health.borrow());
        healths
            .iter()
            .map(|(name, health)| {
                let health = health.borrow();
                SourceHealth {
                    name: name.clone(),
                    ok: health.failing_since.is_none() && health.last_success.is_some(),
                    last_success: health.last_success,
                    failing_since: health.failing_since,
                    // What an engine answers stays in the log: this page asks nobody who they are.
                    error: health.failing_since.map(|_| "the last poll failed; the log says why".to_owned()),
                }
            })
            .collect()
    }
}
