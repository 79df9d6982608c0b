//! One receiver's lane: fetch what is due, send, record, and only then forget. One loop owns the lane's state; attempts run
//! beside it and report back.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::throttle::Throttle;
use super::{Carrier, LaneSettings};
use crate::clock;
use crate::engine::{Attempted, Delivery, Outcome};
use crate::metrics::{AttemptLabel, Metrics, ReceiverLabel, RefusalLabel};
use crate::receiver::Outbox;

/// How many deliveries are fetched at once for each attempt that may be in flight.
const FETCH_AHEAD: usize = 4;
/// A wake-up is only a hint: this is how long a lane sleeps at most without looking.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(15);
/// How long to wait before the ledger is asked again after it did not answer.
const LEDGER_PAUSE: Duration = Duration::from_millis(500);

/// One receiver's lane.
pub struct Lane<C, O> {
    /// The receiver's name.
    pub name: String,
    /// Who carries.
    pub carrier: Arc<C>,
    /// Where deliveries come from and outcomes go.
    pub outbox: O,
    /// Pace and width.
    pub settings: LaneSettings,
    /// What is counted.
    pub metrics: Metrics,
}

/// An attempt that ended and is on record.
struct Ended {
    delivery: i64,
    outcome: Outcome,
}

impl<C: Carrier, O: Outbox> Lane<C, O> {
    /// Runs until `stop`, then lets the attempts in flight end and be recorded.
    pub async fn run(self, stop: CancellationToken) {
        let wakeup = self.outbox.wakeup(&self.name);
        let mut throttle = Throttle::new(self.settings.pace, self.settings.parallel, Instant::now());
        let mut fetched: VecDeque<Delivery> = VecDeque::new();
        let mut flying: JoinSet<Ended> = JoinSet::new();
        let mut taken: BTreeSet<i64> = BTreeSet::new();
        let abandon = CancellationToken::new();
        let _abandon_on_drop = abandon.clone().drop_guard();
        while !stop.is_cancelled() {
            // Registered before the ledger is asked, so that what becomes due in between wakes us.
            let woken = wakeup.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let mut sleep_until = Instant::now() + LOOK_AT_LEAST_EVERY;
            if fetched.is_empty() && flying.len() < throttle.parallel() {
                match self.fetch(throttle.parallel(), &taken).await {
                    Ok((due, next)) => {
                        taken.extend(due.iter().map(|delivery| delivery.id));
                        fetched.extend(due);
                        if let Some(next) = next {
                            sleep_until = sleep_until.min(next);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(receiver = %self.name, ?error, "the ledger does not say what is due");
                        sleep_until = Instant::now() + LEDGER_PAUSE;
                    }
                }
            }
            while flying.len() < throttle.parallel() && Instant::now() >= throttle.not_before() {
                let Some(delivery) = fetched.pop_front() else {
                    break;
                };
                throttle.started(Instant::now());
                flying.spawn(self.attempt(delivery, abandon.clone()));
            }
            if !fetched.is_empty() && flying.len() < throttle.parallel() {
                sleep_until = sleep_until.min(throttle.not_before());
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = flying.join_next(), if !flying.is_empty() => {
                    self.landed(ended, &mut throttle, &mut taken);
                    // Whatever else has landed by now is taken in the same round.
                    while let Some(ended) = flying.try_join_next() {
                        self.landed(ended, &mut throttle, &mut taken);
                    }
                }
                () = woken => {}
                () = tokio::time::sleep_until(sleep_until) => {}
            }
        }
        while let Some(ended) = flying.join_next().await {
            self.landed(ended, &mut throttle, &mut taken);
        }
    }

    async fn fetch(
        &self,
        parallel: usize,
        taken: &BTreeSet<i64>,
    ) -> Result<(Vec<Delivery>, Option<Instant>), crate::receiver::OutboxError> {
        let now = clock::now();
        let skip: Vec<i64> = taken.iter().copied().collect();
        let due = self.outbox.due(&self.name, now, parallel * FETCH_AHEAD, &skip).await?;
        Ok((due.deliveries, due.next.map(|next| Instant::now() + until(now, next))))
    }

    fn landed(&self, ended: Result<Ended, tokio::task::JoinError>, throttle: &mut Throttle, taken: &mut BTreeSet<i64>) {
        match ended {
            Ok(ended) => {
                taken.remove(&ended.delivery);
                let failed = throttle.failing();
                throttle.ended(&ended.outcome, Instant::now(), clock::seed());
                self.say(failed, &ended);
            }
            // What it carried stays taken until the next start: a repeat now could go round in circles.
            Err(error) => tracing::error!(receiver = %self.name, ?error, "an attempt was not put on record"),
        }
    }

    /// Once for each outage, and once for its end: the metric counts, and the ledger holds, the rest.
    fn say(&self, failed: bool, ended: &Ended) {
        match &ended.outcome {
            Outcome::Delivered { .. } if failed => tracing::info!(receiver = %self.name, "deliveries arrive again"),
            Outcome::Refused { permanent: false, reason, .. } | Outcome::Unknown { reason } if !failed => {
                tracing::warn!(receiver = %self.name, ?reason, "a delivery failed and is tried again");
            }
            _ => {}
        }
    }

    fn attempt(&self, delivery: Delivery, abandon: CancellationToken) -> impl Future<Output = Ended> + Send + 'static {
        let carrier = Arc::clone(&self.carrier);
        let outbox = self.outbox.clone();
        let metrics = self.metrics.clone();
        async move {
            let (id, attempts, created_at) = (delivery.id, delivery.attempts, delivery.created_at);
            let receiver = delivery.receiver.clone();
            // In a task of its own: a bug in one kind of receiver becomes an outcome on record, not the end of the lane.
            let answer = tokio::spawn(async move { carrier.carry(&delivery, clock::now()).await }).await;
            let outcome = answer.unwrap_or_else(|error| {
                tracing::error!(%receiver, ?error, "a receiver failed by a bug");
                Outcome::Unknown { reason: "firstred failed while sending; its log says where".to_owned() }
            });
            metrics.attempts.get_or_create(&label(&receiver, &outcome)).inc();
            if let Some(word) = outcome.word() {
                metrics.receiver_refusals.get_or_create(&RefusalLabel { receiver: receiver.clone(), word }).inc();
            }
            let attempted = Attempted {
                delivery: id,
                receiver,
                at: clock::now(),
                attempts: attempts.saturating_add(1),
                created_at,
                outcome,
            };
            // Sent is not done until it is on record: kept in flight, and not sent again, until the ledger takes it.
            while let Err(error) = outbox.record(attempted.clone()).await {
                tracing::warn!(receiver = %attempted.receiver, ?error, "an outcome is not on record yet");
                tokio::select! {
                    () = abandon.cancelled() => break,
                    () = tokio::time::sleep(LEDGER_PAUSE) => {}
                }
            }
            if matches!(attempted.outcome, Outcome::Delivered { .. }) {
                let label = ReceiverLabel { receiver: attempted.receiver.clone() };
                metrics.receiver_last_success.get_or_create(&label).set(attempted.at.as_duration().as_secs_f64());
            }
            Ended { delivery: attempted.delivery, outcome: attempted.outcome }
        }
    }
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

fn label(receiver: &str, outcome: &Outcome) -> AttemptLabel {
    let outcome = match outcome {
        Outcome::Delivered { plain: true, .. } => "plain",
        Outcome::Delivered { .. } => "delivered",
        Outcome::Refused { permanent: true, .. } => "refused",
        Outcome::Refused { .. } => "failed",
        Outcome::Unknown { .. } => "unknown",
    };
    AttemptLabel { receiver: receiver.to_owned(), outcome }
}
