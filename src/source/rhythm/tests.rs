//! The loop, on paused time, around a poller that does what it is told.

use std::collections::VecDeque;

use super::super::{Batch, NotTaken, OpenRun};
use super::*;

#[derive(Clone)]
struct Nowhere;

impl Intake for Nowhere {
    async fn take(&self, _: &str, _: Batch) -> Result<(), NotTaken> {
        Ok(())
    }
    async fn checkpoint(&self, _: &str) -> Result<Option<String>, NotTaken> {
        Ok(None)
    }
    async fn open_runs(&self, _: &str) -> Result<Vec<OpenRun>, NotTaken> {
        Ok(Vec::new())
    }
}

/// Answers what it was told to; then stops the loop.
struct Scripted {
    script: VecDeque<Box<dyn FnOnce() -> Result<Polled, PollError> + Send>>,
    stop: CancellationToken,
}

impl Poller for Scripted {
    async fn poll<I: Intake>(&mut self, _: &I, _: Timestamp) -> Result<Polled, PollError> {
        let Some(next) = self.script.pop_front() else {
            self.stop.cancel();
            return std::future::pending().await;
        };
        next()
    }
    fn every(&self) -> Duration {
        Duration::from_secs(10)
    }
    async fn survey(&mut self, _: Timestamp) -> Survey {
        Survey::default()
    }
}

type Script = Vec<Box<dyn FnOnce() -> Result<Polled, PollError> + Send>>;

async fn play(script: Script) -> (SourceHealth, Metrics, Duration) {
    play_with(script, Arc::default()).await
}

async fn play_with(script: Script, wake: Arc<Notify>) -> (SourceHealth, Metrics, Duration) {
    let stop = CancellationToken::new();
    let (metrics, _) = Metrics::new();
    let (sender, health) = watch::channel(SourceHealth::default());
    let poller = Scripted { script: script.into(), stop: stop.clone() };
    let begin = tokio::time::Instant::now();
    run("prod", poller, Nowhere, metrics.clone(), sender, wake, stop).await;
    let at_the_end = health.borrow().clone();
    (at_the_end, metrics, begin.elapsed())
}

fn failed() -> Result<Polled, PollError> {
    Err(PollError { doing: "asking".to_owned(), reason: "no".to_owned(), retry_after: Some(120) })
}

fn count(metrics: &Metrics, outcome: &'static str) -> u64 {
    metrics.polls.get_or_create(&PollLabel { source: "prod".to_owned(), outcome }).get()
}

#[tokio::test(start_paused = true)]
async fn a_panic_inside_a_poll_is_a_failed_poll_and_the_loop_goes_on() {
    let (health, metrics, _) =
        play(vec![Box::new(|| panic!("index out of bounds")), Box::new(|| Ok(Polled::default()))]).await;
    assert_eq!((count(&metrics, "failed"), count(&metrics, "ok")), (1, 1));
    assert!(health.last_success.is_some() && health.failing_since.is_none() && health.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_says_since_when_and_why_and_is_left_alone_as_long_as_it_asks() {
    let (health, metrics, took) = play(vec![Box::new(failed), Box::new(failed)]).await;
    assert_eq!(count(&metrics, "failed"), 2);
    assert!(health.last_success.is_none() && health.failing_since.is_some());
    assert_eq!(health.last_error.as_deref(), Some("asking: no"));
    assert_eq!(health.every, Duration::from_secs(10));
    assert_eq!(took.as_secs(), 240);
}

#[tokio::test(start_paused = true)]
async fn more_is_read_at_once() {
    let more = || Ok(Polled { runs: 1, more: true, ..Polled::default() });
    let (_, _, took) = play(vec![Box::new(more), Box::new(more)]).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn news_is_asked_for_at_once_and_at_most_once_a_second() {
    let wake = Arc::new(Notify::new());
    let call = || {
        let wake = Arc::clone(&wake);
        Box::new(move || {
            wake.notify_one();
            Ok(Polled::default())
        })
    };
    let (_, _, took) = play_with(vec![call(), call(), call()], Arc::clone(&wake)).await;
    assert_eq!(took.as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_can_not_be_read_is_not_asked_earlier_because_somebody_calls() {
    let wake = Arc::new(Notify::new());
    let called = Arc::clone(&wake);
    let failing = move || {
        called.notify_one();
        failed()
    };
    let (_, _, took) = play_with(vec![Box::new(failing)], wake).await;
    assert_eq!(took.as_secs(), 120);
}
