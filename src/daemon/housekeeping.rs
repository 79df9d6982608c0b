//! What has to be looked at from time to time: what waits for each receiver, sources that can't be read, and what is old enough to
//! be forgotten.

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
use crate::ledger::{Ledger, Trouble};
use crate::metrics::{Metrics, ReceiverLabel};
use crate::source::SourceHealth;

/// How often the ledger is asked what waits, and sources how they are.
const EVERY: Duration = Duration::from_secs(5);
/// How often old rows are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
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
}

/// What is not yet as it should be, as the ledger knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    /// What waits for each receiver: how many deliveries, and since when the oldest.
    pub(super) waiting: Vec<(String, u64, Option<Timestamp>)>,
    /// firstred's own open troubles.
    pub(super) troubles: Vec<Trouble>,
}

impl Housekeeping {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pruned = tokio::time::Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            self.say_that_it_began_anew().await;
            self.count_waiting().await;
            self.report_blind_sources().await;
            self.let_go().await;
            if pruned.elapsed() >= PRUNE_EVERY {
                pruned = tokio::time::Instant::now();
                self.prune().await;
            }
        }
    }

    async fn count_waiting(&self) {
        let (waiting, troubles) = match (self.ledger.receivers_waiting().await, self.ledger.troubles().await) {
            (Ok(waiting), Ok(troubles)) => (waiting, troubles),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(?error, "the ledger does not say what waits");
                return;
            }
        };
        for name in self.policy.borrow().receivers.keys() {
            let label = ReceiverLabel { receiver: name.clone() };
            let (count, oldest) = waiting
                .iter()
                .find(|(receiver, _, _)| receiver == name)
                .map_or((0, None), |(_, count, oldest)| (*count, *oldest));
            self.metrics.deliveries_waiting.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
            self.metrics.oldest_waiting.get_or_create(&label).set(oldest.map_or(0.0, unix_seconds));
        }
        self.backlog.send_replace(Backlog { waiting, troubles });
    }

    async fn report_blind_sources(&self) {
        let now = clock::now();
        let healths = Arc::clone(&self.health.borrow());
        for (source, health) in healths.iter() {
            let health = health.borrow().clone();
            let result = match blind_since(&health, now) {
                Some(since) => {
                    let receivers = own_trouble::audience(&self.policy.borrow());
                    let trouble = own_trouble::blind(source, since, health.last_error.as_deref());
                    self.ledger.raise(trouble, receivers).await
                }
                None if health.failing_since.is_none() && health.last_success.is_some() => {
                    self.ledger.settle(&own_trouble::source_name(source)).await
                }
                None => continue,
            };
            match result {
                Ok(false) => {}
                Ok(true) => tracing::info!(%source, blind = health.failing_since.is_some(), "source trouble changed"),
                Err(error) => tracing::warn!(%source, ?error, "a source's trouble could not be put on record"),
            }
        }
    }

    async fn say_that_it_began_anew(&mut self) {
        if !self.began_anew {
            return;
        }
        let receivers = own_trouble::audience(&self.policy.borrow());
        let raised = self.ledger.raise(own_trouble::began_anew(clock::now()), receivers).await;
        match raised.and(self.ledger.settle(own_trouble::LEDGER).await) {
            Ok(_) => self.began_anew = false,
            Err(error) => tracing::warn!(?error, "that the ledger began anew is not on record yet"),
        }
    }

    /// What waits for receivers that left the configuration is handed on, and troubles of what is gone are over: nothing else
    /// would ever end either.
    async fn let_go(&self) {
        let Backlog { waiting, troubles } = self.backlog.borrow().clone();
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
        for Trouble { what, .. } in
            troubles.iter().filter(|trouble| own_trouble::is_of_the_past(&trouble.what, &policy))
        {
            if let Err(error) = self.ledger.settle(what).await {
                tracing::warn!(?what, ?error, "the trouble of what is gone could not be settled");
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
