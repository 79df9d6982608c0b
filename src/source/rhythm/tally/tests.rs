//! Counting, on paused time, of a made-up engine against a made-up ledger.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::super::super::{Batch, NotTaken, OpenRun, Polled, Survey};
use super::*;
use crate::run::RunKey;

/// What the ledger knows, and what was read again.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<(BTreeSet<u32>, Vec<usize>)>>);

impl Ledger {
    fn learn(&self, runs: impl IntoIterator<Item = u32>) {
        self.0.lock().unwrap().0.extend(runs);
    }

    fn recalls(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

impl Intake for Ledger {
    async fn take(&self, _: &str, _: Batch) -> Result<(), NotTaken> {
        Ok(())
    }
    async fn checkpoint(&self, _: &str) -> Result<Option<String>, NotTaken> {
        Ok(None)
    }
    async fn open_runs(&self, _: &str) -> Result<Vec<OpenRun>, NotTaken> {
        Ok(Vec::new())
    }
    async fn unknown(&self, _: &str, counted: Vec<Counted>) -> Result<Vec<Counted>, NotTaken> {
        assert!(counted.len() <= TOGETHER);
        let own = self.0.lock().unwrap();
        Ok(counted.into_iter().filter(|one| !own.0.contains(&one.key.run.parse().unwrap())).collect())
    }
}

/// Counts so many failed runs; `None` never answers. Reads again all but the last of them.
struct Engine {
    ledger: Ledger,
    failed: Option<u32>,
    asked: u32,
}

fn counted(run: u32) -> Counted {
    let key = RunKey { workspace: String::new(), workflow: "wf".to_owned(), run: run.to_string() };
    Counted { key, attempt: None, ended: None }
}

impl Poller for Engine {
    async fn poll<I: Intake>(&mut self, _: &I, _: Timestamp) -> Result<Polled, PollError> {
        Ok(Polled::default())
    }
    fn every(&self) -> Duration {
        Duration::from_secs(10)
    }
    async fn survey(&mut self, _: Timestamp) -> Survey {
        Survey::default()
    }
    async fn census<I: Intake>(&mut self, _: &I, from: Timestamp, until: Timestamp) -> Result<Census, PollError> {
        assert_eq!(until.duration_since(from), SPAN - FRESH);
        self.asked += 1;
        let Some(failed) = self.failed else { return std::future::pending().await };
        Ok(Census::Counted(Tally { failed: (0..failed).map(counted).collect(), whole: true }))
    }
    async fn recall<I: Intake>(&mut self, _: &I, runs: &[Counted], _: Timestamp) -> Result<usize, PollError> {
        let last = self.failed.unwrap_or_default() - 1;
        self.ledger.0.lock().unwrap().1.push(runs.len());
        self.ledger.learn(runs.iter().map(|run| run.key.run.parse().unwrap()).filter(|run| *run != last));
        Ok(runs.len())
    }
}

struct Bench {
    engine: Engine,
    ledger: Ledger,
    counting: Counting,
}

impl Bench {
    fn new(failed: Option<u32>) -> Self {
        let ledger = Ledger::default();
        Self { engine: Engine { ledger: ledger.clone(), failed, asked: 0 }, ledger, counting: Counting::new() }
    }

    async fn poll(&mut self) -> Option<Compared> {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        self.counting.after_poll("prod", &mut self.engine, &self.ledger, now).await
    }

    /// Polls every ten seconds. How often the engine was asked to count.
    async fn asked_within(&mut self, time: Duration) -> u32 {
        let (until, before) = (Instant::now() + time, self.engine.asked);
        while Instant::now() < until {
            self.poll().await;
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        self.engine.asked - before
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_counted_at_the_start_every_hour_and_after_a_gap() {
    let mut bench = Bench::new(Some(0));
    assert_eq!(bench.asked_within(Duration::from_mins(59)).await, 1);
    assert_eq!(bench.asked_within(Duration::from_hours(3)).await, 3);
    bench.counting.gap();
    assert_eq!(bench.asked_within(Duration::from_mins(30)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_one_more_poll_brings_was_not_missed_and_the_rest_is_read_again() {
    let mut bench = Bench::new(Some(10));
    bench.ledger.learn(0..4);
    assert_eq!(bench.poll().await, None, "counted, and not compared yet");
    bench.ledger.learn(4..7);
    let compared = bench.poll().await.unwrap();
    assert_eq!((compared.failed, compared.missed, compared.recalled, compared.whole), (10, 3, 2, true));
    assert_eq!(bench.ledger.recalls(), [3]);
    assert_eq!(bench.poll().await, None);
}

#[tokio::test(start_paused = true)]
async fn of_very_many_some_are_read_again_after_each_count() {
    let mut bench = Bench::new(Some(1_200));
    let mut missed = Vec::new();
    for _ in 0..3 {
        bench.poll().await;
        missed.push(bench.poll().await.unwrap().missed);
        bench.counting.gap();
    }
    assert_eq!((missed, bench.ledger.recalls()), (vec![1_200, 700, 200], vec![500, 500, 200]));
}

#[tokio::test(start_paused = true)]
async fn a_count_that_never_ends_is_given_up_and_tried_again() {
    let mut bench = Bench::new(None);
    let began = Instant::now();
    assert_eq!(bench.poll().await, None);
    assert!(began.elapsed() >= PATIENCE && began.elapsed() < PATIENCE * 2, "{:?}", began.elapsed());
    assert_eq!(bench.asked_within(Duration::from_mins(14)).await, 0);
    assert_eq!(bench.asked_within(Duration::from_mins(2)).await, 1);
}
