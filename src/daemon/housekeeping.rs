//! What has to be looked at from time to time: what waits for each receiver, what waited for too long, sources that can't be read, and
//! what is old enough to be forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::lanes::Alive;
use super::own_trouble;
use super::pollers::Health;
use crate::clock;
use crate::engine::Policy;
use crate::ledger::{FailingReceiver, Ledger, LedgerError, Trouble};
use crate::metrics::{Metrics, ReceiverLabel};
use crate::source::SourceHealth;

/// How often the ledger is asked what waits, and sources how they are.
const EVERY: Duration = Duration::from_secs(5);
/// How often it is asked whether something waited for too long.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// How often old rows are forgotten.
const PRUNE_EVERY: Duration = Duration::from_mins(10);
/// A source that could not be read for this many of its intervals is reported.
const INTERVALS_UNTIL_REPORTED: u32 = 5;

pub(super) struct Housekeeping {
    pub(super) ledger: Ledger,
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) health: watch::Receiver<Arc<Health>>,
    pub(super) backlog: watch::Sender<Backlog>,
    pub(super) metrics: Metrics,
    pub(super) retention: watch::Receiver<Duration>,
    pub(super) lanes: Alive,
    /// The ledger lost what it knew, which nobody was told yet.
    pub(super) began_anew: bool,
    /// Of each source the last count that was looked at.
    pub(super) counts: BTreeMap<String, Timestamp>,
}

/// What is not yet as it should be, as the ledger knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    /// What waits for each receiver: how many deliveries, and since when the oldest.
    pub(super) waiting: Vec<(String, u64, Option<Timestamp>)>,
    /// firstred's own open troubles.
    pub(super) troubles: Vec<Trouble>,
    /// The addresses of receivers that failed since they last took something.
    pub(super) failing: Vec<FailingReceiver>,
}

impl Backlog {
    /// Whether something waited for too long, or a trouble is to be told by now.
    fn needs_a_sweep(&self, policy: &Policy, now: Timestamp) -> bool {
        let too_long = |(receiver, _, oldest): &(String, u64, Option<Timestamp>)| {
            let failing =
                self.failing.iter().any(|entry| entry.receiver == *receiver && entry.failing.is_unreachable(now));
            let audience = policy.receivers.get(receiver).filter(|_| failing);
            let patience = audience.map(|audience| audience.patience.give_up_after);
            patience.zip(*oldest).is_some_and(|(patience, oldest)| now.duration_since(oldest) >= patience)
        };
        let to_tell = |trouble: &Trouble| trouble.quiet_until.is_some_and(|until| until <= now);
        self.waiting.iter().any(too_long) || self.troubles.iter().any(to_tell)
    }
}

impl Housekeeping {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pruned = tokio::time::Instant::now();
        let mut swept = pruned;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            self.say_that_it_began_anew().await;
            self.count_waiting().await;
            self.report_blind_sources().await;
            self.report_missed_runs().await;
            self.let_go().await;
            if swept.elapsed() >= SWEEP_EVERY {
                swept = tokio::time::Instant::now();
                self.sweep().await;
            }
            if pruned.elapsed() >= PRUNE_EVERY {
                pruned = tokio::time::Instant::now();
                self.prune().await;
            }
        }
    }

    async fn count_waiting(&self) {
        let backlog = match self.ask().await {
            Ok(backlog) => backlog,
            Err(error) => {
                tracing::warn!(?error, "the ledger does not say what waits");
                return;
            }
        };
        for name in self.policy.borrow().receivers.keys() {
            let label = ReceiverLabel { receiver: name.clone() };
            let (count, oldest) = backlog
                .waiting
                .iter()
                .find(|(receiver, _, _)| receiver == name)
                .map_or((0, None), |(_, count, oldest)| (*count, *oldest));
            self.metrics.deliveries_waiting.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
            self.metrics.oldest_waiting.get_or_create(&label).set(oldest.map_or(0.0, unix_seconds));
        }
        self.backlog.send_replace(backlog);
    }

    async fn ask(&self) -> Result<Backlog, LedgerError> {
        Ok(Backlog {
            waiting: self.ledger.receivers_waiting().await?,
            troubles: self.ledger.troubles().await?,
            failing: self.ledger.failing().await?,
        })
    }

    /// Gives up what waited for too long and tells what was not to be told yet, where there is any such thing: no transaction for nothing.
    async fn sweep(&self) {
        let now = clock::now();
        let needed = self.backlog.borrow().needs_a_sweep(&self.policy.borrow(), now);
        let mut more = needed;
        while more {
            more = self.ledger.sweep(now).await.unwrap_or_else(|error| {
                tracing::warn!(?error, "what waited for too long could not be given up");
                false
            });
        }
    }

    async fn report_blind_sources(&self) {
        let now = clock::now();
        let healths = Arc::clone(&self.health.borrow());
        for (source, health) in healths.iter() {
            let health = health.borrow().clone();
            let what = own_trouble::source_name(source);
            let is_open = self.backlog.borrow().troubles.iter().any(|trouble| trouble.what == what);
            let result = match blind_since(&health, now) {
                Some(since) if !is_open => {
                    self.ledger.raise(own_trouble::blind(source, since, health.last_error.as_deref())).await
                }
                None if is_open && health.failing_since.is_none() && health.last_success.is_some() => {
                    self.ledger.settle(&what).await
                }
                _ => continue,
            };
            match result {
                Ok(false) => {}
                Ok(true) => tracing::info!(%source, blind = health.failing_since.is_some(), "source trouble changed"),
                Err(error) => tracing::warn!(%source, ?error, "a source's trouble could not be put on record"),
            }
        }
    }

    /// What a count found that polling had missed is told; a count that finds nothing ends that.
    async fn report_missed_runs(&mut self) {
        let healths = Arc::clone(&self.health.borrow());
        for (source, health) in healths.iter() {
            let Some(count) = health.borrow().count.clone() else { continue };
            if self.counts.get(source) == Some(&count.at) {
                continue;
            }
            let result = if count.missed > 0 {
                self.ledger.raise(own_trouble::missed(source, &count)).await
            } else {
                self.ledger.settle(&own_trouble::missed_name(source)).await
            };
            match result {
                Ok(_) => {
                    self.counts.insert(source.clone(), count.at);
                }
                Err(error) => tracing::warn!(%source, ?error, "what polling had missed could not be put on record"),
            }
        }
    }

    async fn say_that_it_began_anew(&mut self) {
        if !self.began_anew {
            return;
        }
        let raised = self.ledger.raise(own_trouble::began_anew(clock::now())).await;
        match raised.and(self.ledger.settle(own_trouble::LEDGER).await) {
            Ok(_) => self.began_anew = false,
            Err(error) => tracing::warn!(?error, "that the ledger began anew is not on record yet"),
        }
    }

    /// What waits for receivers that left the configuration is handed on: nothing else would ever end it.
    async fn let_go(&self) {
        let Backlog { waiting, .. } = self.backlog.borrow().clone();
        let policy = Arc::clone(&self.policy.borrow());
        for (receiver, _, _) in waiting.iter().filter(|(name, _, _)| !policy.receivers.contains_key(name)) {
            // A lane that is ending may still hear a yes; it is asked again at the next look.
            if !self.lanes.is_silent(receiver) {
                continue;
            }
            match self.ledger.release(receiver, clock::now()).await {
                Ok(0) => {}
                Ok(count) => tracing::warn!(%receiver, count, "handed on what waited for a receiver that is gone"),
                Err(error) => tracing::warn!(%receiver, ?error, "what waits for a receiver that is gone stays there"),
            }
        }
    }

    async fn prune(&self) {
        let retention = SignedDuration::try_from(*self.retention.borrow()).unwrap_or(SignedDuration::MAX);
        let Ok(before) = clock::now().checked_sub(retention) else {
            return;
        };
        match self.ledger.prune(before).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot what is older than the retention"),
            Err(error) => tracing::warn!(?error, "old rows could not be forgotten"),
        }
    }
}

fn blind_since(health: &SourceHealth, now: Timestamp) -> Option<Timestamp> {
    let since = health.failing_since?;
    let patience = SignedDuration::try_from(health.every * INTERVALS_UNTIL_REPORTED).unwrap_or(SignedDuration::MAX);
    (now.duration_since(since) >= patience).then_some(since)
}

// Seconds since 1970 need 31 bits, a double has 53.
#[expect(clippy::cast_precision_loss, reason = "exact for the next million years")]
fn unix_seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Failing, testing};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_sweep_is_asked_for_only_where_something_waited_for_too_long_behind_a_dead_receiver() {
        let policy = testing::policy(Vec::new());
        let waiting = vec![("oncall".to_owned(), 3, Some(at(0)))];
        let failing = Failing { since: Some(at(0)), refused: 0 };
        let failing = vec![FailingReceiver { receiver: "oncall".to_owned(), address: String::new(), failing }];
        let healthy = Backlog { waiting, ..Backlog::default() };
        let day = 86_400;
        assert!(!healthy.needs_a_sweep(&policy, at(2 * day)), "it can be reached: its lane sends them");
        let dead = Backlog { failing, ..healthy };
        assert!(!dead.needs_a_sweep(&policy, at(day - 1)));
        assert!(dead.needs_a_sweep(&policy, at(day)));
    }

    #[test]
    fn a_sweep_is_asked_for_when_a_quiet_hour_is_over() {
        let trouble = Trouble {
            what: "source prod".to_owned(),
            address: String::new(),
            since: at(0),
            summary: String::new(),
            count: 1,
            quiet_until: Some(at(3_600)),
        };
        let backlog = Backlog { troubles: vec![trouble], ..Backlog::default() };
        let policy = testing::policy(Vec::new());
        assert!(!backlog.needs_a_sweep(&policy, at(3_599)) && backlog.needs_a_sweep(&policy, at(3_600)));
    }
}
