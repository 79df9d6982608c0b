//! Ready means: can see and can send. Puts together what `/readyz` answers.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::housekeeping::Backlog;
use super::pollers::Health;
use crate::clock;
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
        let now = clock::now();
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
                let broken = broken(&backlog, name, now);
                ReceiverHealth {
                    name: name.clone(),
                    ok: broken.is_none(),
                    waiting: waiting.map_or(0, |(_, count, _)| *count),
                    oldest_waiting: waiting.and_then(|(_, _, oldest)| *oldest),
                    broken_since: broken.as_ref().and_then(|(since, _)| *since),
                    error: broken.map(|(_, error)| error),
                }
            })
            .collect();
        // A refused file is shown, and does not make the daemon unready: the old rules see and send.
        let ready = ledger_ok && sources.iter().all(|source| source.ok) && receivers.iter().all(|receiver| receiver.ok);
        Readiness { ready, config, ledger, sources, receivers }
    }
}

/// Since when a receiver does not take anything, where that is known, and what it does instead. Not whether a trouble is open: that one
/// message was refused does not mean that the next one would be. What it answers stays in the log: this page asks nobody who they are.
fn broken(backlog: &Backlog, receiver: &str, now: Timestamp) -> Option<(Option<Timestamp>, String)> {
    let entries = || backlog.failing.iter().filter(|entry| entry.receiver == receiver).map(|entry| entry.failing);
    if let Some(failing) = entries().find(|failing| failing.is_unreachable(now)) {
        return Some((failing.since, "notifications do not arrive; the log says why".to_owned()));
    }
    let refusing = entries().find(|failing| failing.is_refusing())?;
    Some((None, format!("it refused {} notifications for good since it last took one", refusing.refused)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Failing;
    use crate::ledger::{FailingReceiver, Trouble};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn backlog(failing: Failing) -> Backlog {
        let trouble = Trouble {
            what: "receiver oncall".to_owned(),
            address: String::new(),
            since: at(0),
            summary: "Notifications to `oncall` do not arrive.".to_owned(),
            count: 1,
            quiet_until: None,
        };
        let failing = FailingReceiver { receiver: "oncall".to_owned(), address: String::new(), failing };
        Backlog { troubles: vec![trouble], failing: vec![failing], ..Backlog::default() }
    }

    #[test]
    fn an_open_trouble_alone_does_not_lock_readiness() {
        let one_refused = backlog(Failing { since: None, refused: 1 });
        assert_eq!(broken(&one_refused, "oncall", at(9_000)), None);
        assert_eq!(broken(&Backlog { failing: Vec::new(), ..one_refused }, "oncall", at(9_000)), None);
    }

    #[test]
    fn a_receiver_that_can_not_be_reached_for_a_minute_or_refuses_everything_is_broken() {
        let silent = backlog(Failing { since: Some(at(100)), refused: 0 });
        assert_eq!(broken(&silent, "oncall", at(159)), None);
        assert_eq!(broken(&silent, "oncall", at(160)).and_then(|(since, _)| since), Some(at(100)));
        assert_eq!(broken(&silent, "data", at(160)), None);
        assert!(broken(&backlog(Failing { since: None, refused: 2 }), "oncall", at(0)).is_some());
    }
}
