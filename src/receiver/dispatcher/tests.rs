//! A lane between an outbox in memory and a receiver that does as it is told, in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::engine::{
    Attempted, Audience, Kind, Next, Notification, NotificationId, OwnTrouble, Severity, Subject, after_attempt,
};
use crate::metrics::Metrics;
use crate::receiver::{Due, Outbox, OutboxError};

/// An outbox that applies the engine's verdicts as the ledger does.
#[derive(Clone, Default)]
struct Memory {
    rows: Arc<Mutex<BTreeMap<i64, Row>>>,
    wakeup: Arc<Notify>,
    refuse_records: Arc<Mutex<u32>>,
    done: Arc<watch::Sender<usize>>,
}

#[derive(Clone, Copy)]
struct Row {
    attempts: u32,
    next_at: Option<Timestamp>,
}

impl Memory {
    fn put(&self, ids: std::ops::Range<i64>) {
        let due = Row { attempts: 0, next_at: Some(Timestamp::UNIX_EPOCH) };
        self.rows.lock().expect("rows").extend(ids.map(|id| (id, due)));
        self.wakeup.notify_one();
    }

    async fn all_done(&self, count: usize) {
        self.done.subscribe().wait_for(|done| *done >= count).await.expect("a sender");
    }
}

impl Outbox for Memory {
    async fn due(&self, receiver: &str, now: Timestamp, limit: usize, skip: &[i64]) -> Result<Due, OutboxError> {
        let rows = self.rows.lock().expect("rows");
        let waiting = || rows.iter().filter_map(|(id, row)| Some((*id, row.attempts, row.next_at?)));
        let deliveries = waiting().filter(|(id, _, at)| *at <= now && !skip.contains(id)).take(limit);
        let deliveries = deliveries.map(|(id, attempts, _)| delivery(id, receiver, attempts)).collect();
        Ok(Due { deliveries, next: waiting().map(|(_, _, at)| at).filter(|at| *at > now).min() })
    }

    async fn record(&self, attempt: Attempted) -> Result<(), OutboxError> {
        let mut refuse = self.refuse_records.lock().expect("count");
        if *refuse > 0 {
            *refuse -= 1;
            return Err(OutboxError { reason: "disk full".to_owned() });
        }
        let audience = Audience::default();
        let next_at = match after_attempt(&attempt, &audience, None, attempt.at, 0).next {
            Next::RetryAt(at) => Some(at),
            Next::Done | Next::GivenUp => {
                self.done.send_modify(|done| *done += 1);
                None
            }
        };
        self.rows.lock().expect("rows").insert(attempt.delivery, Row { attempts: attempt.attempts, next_at });
        Ok(())
    }

    fn wakeup(&self, _receiver: &str) -> Arc<Notify> {
        Arc::clone(&self.wakeup)
    }
}

fn delivery(id: i64, receiver: &str, attempts: u32) -> Delivery {
    let trouble = OwnTrouble {
        what: "test".to_owned(),
        summary: "test".to_owned(),
        detail: None,
        advice: "none".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    Delivery {
        id,
        receiver: receiver.to_owned(),
        address: None,
        attempts,
        created_at: crate::clock::now(),
        post: None,
        notification: Notification {
            id: NotificationId::of_parts(&[&id.to_string()]),
            kind: Kind::Trouble,
            severity: Severity::Info,
            rule: None,
            runbook: None,
            decided_at: Timestamp::UNIX_EPOCH,
            incident: None,
            owner: None,
            subject: Subject::Own(trouble),
        },
    }
}

/// A receiver that answers by a script and then says yes.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Outcome>>,
    carried: Mutex<Vec<(i64, Instant)>>,
    panic_on: Option<i64>,
}

impl Carrier for Scripted {
    async fn carry(&self, delivery: &Delivery, _now: Timestamp) -> Outcome {
        self.carried.lock().expect("list").push((delivery.id, Instant::now()));
        assert!(self.panic_on != Some(delivery.id) || delivery.attempts > 0, "a bug");
        let next = self.script.lock().expect("script").pop_front();
        next.unwrap_or(Outcome::delivered("ok"))
    }
}

struct Running {
    carrier: Arc<Scripted>,
    outbox: Memory,
    stop: CancellationToken,
    lane: tokio::task::JoinHandle<()>,
}

fn start(carrier: Scripted, pace: Duration, parallel: usize) -> Running {
    let carrier = Arc::new(carrier);
    let outbox = Memory::default();
    let stop = CancellationToken::new();
    let lane = Lane {
        name: "oncall".to_owned(),
        carrier: Arc::clone(&carrier),
        outbox: outbox.clone(),
        settings: LaneSettings { pace, parallel },
        metrics: Metrics::default(),
    };
    let lane = tokio::spawn(lane.run(stop.clone()));
    Running { carrier, outbox, stop, lane }
}

impl Running {
    async fn finish(self) -> Vec<(i64, Instant)> {
        self.stop.cancel();
        self.lane.await.expect("the lane ends");
        self.carrier.carried.lock().expect("list").clone()
    }
}

fn ids(carried: &[(i64, Instant)]) -> Vec<i64> {
    let mut ids: Vec<i64> = carried.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(start_paused = true)]
async fn everything_that_becomes_due_is_carried_once() {
    let running = start(Scripted::default(), Duration::ZERO, 8);
    running.outbox.put(0..300);
    running.outbox.all_done(300).await;
    running.outbox.put(300..310);
    running.outbox.all_done(310).await;
    assert_eq!(ids(&running.finish().await), (0..310).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn a_lane_keeps_one_message_a_second() {
    let running = start(Scripted::default(), Duration::from_secs(1), 1);
    running.outbox.put(0..5);
    running.outbox.all_done(5).await;
    let carried = running.finish().await;
    for pair in carried.windows(2) {
        assert!(pair[1].1 - pair[0].1 >= Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_on_record_is_recorded_again_and_not_sent_again() {
    let running = start(Scripted::default(), Duration::ZERO, 1);
    *running.outbox.refuse_records.lock().expect("count") = 7;
    running.outbox.put(0..1);
    running.outbox.all_done(1).await;
    assert_eq!(ids(&running.finish().await), [0]);
}

#[tokio::test(start_paused = true)]
async fn one_poisoned_delivery_does_not_stop_the_others() {
    let poison = Outcome::Refused { permanent: true, reason: "400".to_owned(), retry_after: None };
    let running = start(Scripted { script: Mutex::new([poison].into()), ..Scripted::default() }, Duration::ZERO, 1);
    running.outbox.put(0..10);
    running.outbox.all_done(10).await;
    assert_eq!(ids(&running.finish().await), (0..10).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_asked_to_wait_makes_no_call_before() {
    let busy = Outcome::Refused { permanent: false, reason: "429".to_owned(), retry_after: Some(20) };
    let running = start(Scripted { script: Mutex::new([busy].into()), ..Scripted::default() }, Duration::ZERO, 1);
    running.outbox.put(0..3);
    running.outbox.all_done(2).await;
    let carried = running.finish().await;
    assert!(carried[1].1 - carried[0].1 >= Duration::from_secs(20));
}

#[tokio::test]
async fn stopping_lets_what_is_in_flight_end_on_record() {
    let running = start(Scripted::default(), Duration::ZERO, 4);
    running.outbox.put(0..4);
    running.outbox.all_done(1).await;
    let outbox = running.outbox.clone();
    let carried = running.finish().await;
    let done = *outbox.done.subscribe().borrow();
    assert_eq!(done, carried.len());
}

#[tokio::test]
async fn a_bug_in_a_receiver_is_an_outcome_and_the_lane_goes_on() {
    let running = start(Scripted { panic_on: Some(0), ..Scripted::default() }, Duration::ZERO, 1);
    running.outbox.put(0..3);
    running.outbox.all_done(3).await;
    assert_eq!(ids(&running.finish().await), [0, 0, 1, 2]);
}
