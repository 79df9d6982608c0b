//! When a source is polled: its interval, its back-off, and the health that follows. It knows no engine and no HTTP, and no
//! mistake of a source ends its loop.

mod pace;
mod tally;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::tally::Compared;
use super::{Census, Counted, Intake, PollError, Polled, Survey};
use crate::metrics::{Metrics, PollLabel, SourceLabel};

/// The least time between two polls, however often the engine calls.
const BREATH: Duration = Duration::from_secs(1);

/// A source that has to be asked.
pub trait Poller: Send + 'static {
    /// Asks once, and hands over what is new. Its checkpoint moves only with what was read completely.
    fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp)
    -> impl Future<Output = Result<Polled, PollError>> + Send;

    /// The time between two polls.
    fn every(&self) -> Duration;

    /// Asks each question of a poll once, for a person who wants to know whether the source works. Hands nothing over, and needs no
    /// ledger. What can't be asked is in the answer.
    fn survey(&mut self, now: Timestamp) -> impl Future<Output = Survey> + Send;

    /// Counts what failed from `from` until `until` (our clock), as the engine lists it now and by the rules by which a poll would tell
    /// it. What failed before the first contact is not counted: the committed checkpoint says when that was. Hands nothing over.
    fn census<I: Intake>(
        &mut self,
        intake: &I,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Census, PollError>> + Send {
        let _ = (intake, from, until);
        async { Ok(Census::Unsaid { why: "its API lists no finished runs" }) }
    }

    /// Reads these runs again and hands them over as they stand now, as news. Moves no checkpoint. Answers how many were handed over.
    fn recall<I: Intake>(
        &mut self,
        intake: &I,
        runs: &[Counted],
        now: Timestamp,
    ) -> impl Future<Output = Result<usize, PollError>> + Send {
        let _ = (intake, runs, now);
        async { Ok(0) }
    }

    /// What listens to the engine for as long as the source is polled, and rings `wake` when there is news; most engines have no such
    /// thing. Nothing rests on it: what it misses, the next poll finds.
    fn listen(&self, wake: Arc<Notify>) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let _ = wake;
        None
    }
}

/// Whether a source can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// The end of the last poll that read everything it wanted to.
    pub last_success: Option<Timestamp>,
    /// The first failure since then.
    pub failing_since: Option<Timestamp>,
    /// The last failure in words, untrusted.
    pub last_error: Option<String>,
    /// The time between two polls.
    pub every: Duration,
    /// The last count of failed runs that was held against the ledger.
    pub count: Option<Compared>,
}

/// Polls until `stop`, at its interval, and soon after `wake` says that there is news. A poll that is under way then is given up; its checkpoint has not moved.
pub async fn run<P: Poller, I: Intake>(
    name: &str,
    mut poller: P,
    intake: I,
    metrics: Metrics,
    health: watch::Sender<SourceHealth>,
    wake: Arc<Notify>,
    stop: CancellationToken,
) {
    let every = poller.every();
    health.send_modify(|health| health.every = every);
    // A task of its own, so that no mistake of it ends the polling. Ended with the loop.
    let mut ears = JoinSet::new();
    if let Some(listening) = poller.listen(Arc::clone(&wake)) {
        ears.spawn(listening);
    }
    let mut pace = pace::Pace::new(every, crate::clock::seed());
    let mut counting = tally::Counting::new();
    loop {
        let began = crate::clock::now();
        let outcome = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            outcome = unhurt(poller.poll(&intake, began)) => outcome,
        };
        // Where there is more to read at once, or something is not there yet, what is missing may be among it.
        if matches!(&outcome, Ok(done) if !done.more && done.again.is_none()) {
            intake.read(name, began).await;
        }
        let wait = match &outcome {
            Ok(done) => pace.after_success(done.more, done.again),
            Err(error) => pace.after_failure(error.retry_after),
        };
        // One that can't be read is left in peace, whoever calls.
        let calls = outcome.is_ok();
        let whole = matches!(&outcome, Ok(done) if !done.more);
        record(name, outcome, &metrics, &health);
        if !calls {
            counting.gap();
        } else if whole {
            let counted = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                counted = unhurt(async { Ok(counting.after_poll(name, &mut poller, &intake, began).await) }) => counted,
            };
            note(name, counted, &metrics, &health);
        }
        let woken = async {
            tokio::time::sleep(BREATH).await;
            wake.notified().await;
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = woken, if calls => {}
        }
    }
}

/// Turns a panic inside a poll into a failed poll. What the poller remembers is only a cache of what it need not ask again, so
/// that it may go on with it.
async fn unhurt<R>(poll: impl Future<Output = Result<R, PollError>>) -> Result<R, PollError> {
    let mut poll = pin!(poll);
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| poll.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(bug(panic.as_ref()))))
    })
    .await
}

fn bug(panic: &(dyn Any + Send)) -> PollError {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    PollError {
        doing: "reading the source".to_owned(),
        reason: format!("a bug in firstred: {}", words.unwrap_or("panic")),
        retry_after: None,
    }
}

/// Keeps what a count found.
fn note(
    name: &str,
    counted: Result<Option<Compared>, PollError>,
    metrics: &Metrics,
    health: &watch::Sender<SourceHealth>,
) {
    match counted {
        Ok(None) => {}
        Ok(Some(compared)) => {
            let label = SourceLabel { source: name.to_owned() };
            metrics.recalled_runs.get_or_create(&label).inc_by(compared.recalled as u64);
            metrics.source_last_count.get_or_create(&label).set(compared.at.as_duration().as_secs_f64());
            health.send_modify(|health| health.count = Some(compared));
        }
        Err(bug) => tracing::error!(source = name, reason = ?bug.reason, "the failed runs were not counted"),
    }
}

fn record(name: &str, polled: Result<Polled, PollError>, metrics: &Metrics, health: &watch::Sender<SourceHealth>) {
    let now = crate::clock::now();
    let outcome = if polled.is_ok() { "ok" } else { "failed" };
    metrics.polls.get_or_create(&PollLabel { source: name.to_owned(), outcome }).inc();
    let before = health.borrow().failing_since;
    match polled {
        Ok(_) => {
            if let Some(since) = before {
                tracing::info!(source = name, %since, "the source can be read again");
            }
            let label = SourceLabel { source: name.to_owned() };
            metrics.source_last_success.get_or_create(&label).set(now.as_duration().as_secs_f64());
            health.send_modify(|health| {
                health.last_success = Some(now);
                health.failing_since = None;
                health.last_error = None;
            });
        }
        Err(error) => {
            // Once for each outage: the metric counts, and readiness shows, the rest.
            if before.is_none() {
                tracing::warn!(source = name, doing = ?error.doing, reason = ?error.reason, "the source can't be read");
            }
            health.send_modify(|health| {
                health.failing_since = before.or(Some(now));
                health.last_error = Some(error.to_string());
            });
        }
    }
}
