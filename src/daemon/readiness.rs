//! Ready means: can see and can send. Puts together what `/readyz` answers.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::heartbeat::Pulse;
use super::housekeeping::Backlog;
use super::pollers::Health;
use crate::clock;
use crate::engine::Policy;
use crate::metrics::{Metrics, ReceiverLabel};
use crate::server::{
    Checkup, ConfigHealth, CountHealth, HeartbeatHealth, LedgerHealth, Readiness, ReceiverHealth, SourceHealth,
};
use crate::source::{Compared, SourceHealth as Polled};

/// What readiness is read from: whatever was last known, without asking anybody.
#[derive(Clone)]
pub(super) struct Readers {
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) health: watch::Receiver<Arc<Health>>,
    pub(super) backlog: watch::Receiver<Backlog>,
    pub(super) metrics: Metrics,
    pub(super) pulse: watch::Receiver<Option<Pulse>>,
}

/// A source whose last whole read is this long ago is not seen, though no poll failed: so many of its intervals, and at least
/// [`SHORTEST_STALE`], for a poll with many pages takes its time.
const INTERVALS_UNTIL_STALE: u32 = 5;
const SHORTEST_STALE: Duration = Duration::from_mins(15);

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
        let sources = self.sources(now);
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
                    last_good: self.last_good(name),
                    refused: refused(&backlog, name),
                    waiting: waiting.map_or(0, |(_, count, _)| *count),
                    oldest_waiting: waiting.and_then(|(_, _, oldest)| *oldest),
                    broken_since: broken.as_ref().and_then(|(since, _)| *since),
                    error: broken.map(|(_, error)| error),
                }
            })
            .collect();
        // A refused file is shown, and does not make the daemon unready: the old rules see and send.
        let ready = ledger_ok && sources.iter().all(|source| source.ok) && receivers.iter().all(|receiver| receiver.ok);
        let heartbeat = self.pulse.borrow().clone().map(|pulse| HeartbeatHealth {
            ok: pulse.why_not.is_none() && pulse.last_success.is_some(),
            last_success: pulse.last_success,
            error: pulse.why_not,
        });
        Readiness { ready, config, ledger, sources, receivers, heartbeat }
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

/// How many deliveries a receiver refused for good since it last took one.
fn refused(backlog: &Backlog, receiver: &str) -> u32 {
    backlog.failing.iter().filter(|entry| entry.receiver == receiver).map(|entry| entry.failing.refused).sum()
}

fn counted(count: &Compared) -> CountHealth {
    let Compared { at, failed, missed, recalled, whole } = *count;
    CountHealth { at, failed, missed, recalled, whole }
}

fn is_stale(health: &Polled, now: Timestamp) -> bool {
    let patience = (health.every * INTERVALS_UNTIL_STALE).max(SHORTEST_STALE);
    let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
    health.last_success.is_some_and(|last| now.duration_since(last) > patience)
}

impl Readers {
    /// Whether every polled source was asked once, well or not.
    pub(super) fn has_looked(&self) -> bool {
        self.health.borrow().values().all(|health| {
            let health = health.borrow();
            health.last_success.is_some() || health.failing_since.is_some()
        })
    }

    /// When a receiver last took something.
    fn last_good(&self, receiver: &str) -> Option<Timestamp> {
        let at = self.metrics.receiver_last_success.get(&ReceiverLabel { receiver: receiver.to_owned() })?.get();
        // Unix seconds as the metric has them; 0 stands for never.
        SignedDuration::try_from_secs_f64(at)
            .ok()
            .filter(|at| !at.is_zero())
            .and_then(|at| Timestamp::from_duration(at).ok())
    }

    fn sources(&self, now: Timestamp) -> Vec<SourceHealth> {
        let healths = Arc::clone(&self.health.borrow());
        healths
            .iter()
            .map(|(name, health)| {
                let health = health.borrow();
                SourceHealth {
                    name: name.clone(),
                    ok: health.failing_since.is_none() && health.last_success.is_some() && !is_stale(&health, now),
                    last_success: health.last_success,
                    failing_since: health.failing_since,
                    // What an engine answers stays in the log: this page asks nobody who they are.
                    error: match health.failing_since {
                        Some(_) => Some("the last poll failed; the log says why".to_owned()),
                        None => is_stale(&health, now).then(|| "no poll has ended for too long".to_owned()),
                    },
                    count: health.count.as_ref().map(counted),
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
    fn a_source_whose_polls_never_end_is_not_seen() {
        let health = |every, last| Polled {
            every: Duration::from_secs(every),
            last_success: Some(at(last)),
            failing_since: None,
            last_error: None,
            count: None,
        };
        assert!(!is_stale(&health(10, 0), at(900)) && is_stale(&health(10, 0), at(901)));
        assert!(!is_stale(&health(3_600, 0), at(18_000)) && is_stale(&health(3_600, 0), at(18_001)));
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
