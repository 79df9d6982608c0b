//! What the engine counts, held against what the ledger knows: after the first whole poll, after every time in which the source could not
//! be read, and every hour. What polling missed is read again. It knows no engine; a count that can't be had costs nothing but itself.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::{Census, Counted, Intake, PollError, Tally};
use super::Poller;

/// The time between two counts.
const EVERY: Duration = Duration::from_hours(1);
/// After a count that could not be had.
const AGAIN: Duration = Duration::from_mins(15);
/// How far a count looks back.
const SPAN: SignedDuration = SignedDuration::from_hours(24);
/// What failed just now is still on its way.
const FRESH: SignedDuration = SignedDuration::from_mins(2);
/// The longest time that a count, or reading again, may take: polls wait for it.
const PATIENCE: Duration = Duration::from_mins(2);
/// The most runs that are asked of the ledger at once.
const TOGETHER: usize = 1_000;
/// The most runs that are read again after one count; the others have their turn after the next.
const MOST_RECALLED: usize = 500;

/// What came of a count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// When it was compared.
    pub at: Timestamp,
    /// So many failed runs the engine counts, in the 24 hours before the count.
    pub failed: usize,
    /// So many of these polling had missed.
    pub missed: usize,
    /// So many of these are known by now, and were told as news.
    pub recalled: usize,
    /// The engine's count was read to its end.
    pub whole: bool,
}

/// When to count, and what was counted and waits to be compared.
pub(super) struct Counting {
    due: Instant,
    counted: Option<Tally>,
}

impl Counting {
    /// The first count is due at once.
    pub(super) fn new() -> Self {
        Self { due: Instant::now(), counted: None }
    }

    /// The source could not be read: what happened meanwhile is worth a count.
    pub(super) fn gap(&mut self) {
        self.counted = None;
        self.due = self.due.min(Instant::now());
    }

    /// After a poll that read everything. The count comes before a poll and is compared after it: what is missing then was missed by a
    /// poll that could have seen it.
    pub(super) async fn after_poll<P: Poller, I: Intake>(
        &mut self,
        name: &str,
        poller: &mut P,
        intake: &I,
        now: Timestamp,
    ) -> Option<Compared> {
        if let Some(tally) = self.counted.take() {
            let compared = within(compare(name, poller, intake, tally, now)).await;
            if let Err(error) = &compared {
                complain(name, error);
                self.due = self.due.min(Instant::now() + AGAIN);
            }
            return compared.ok();
        }
        if Instant::now() < self.due {
            return None;
        }
        let from = now.checked_sub(SPAN).unwrap_or(Timestamp::MIN);
        let until = now.checked_sub(FRESH).unwrap_or(now);
        let wait = match within(poller.census(intake, from, until)).await {
            Ok(Census::Counted(tally)) => {
                self.counted = Some(tally);
                EVERY
            }
            Ok(Census::Unsaid { why }) => {
                tracing::debug!(source = name, why, "the engine counts no failed runs");
                EVERY
            }
            Err(error) => {
                complain(name, &error);
                AGAIN
            }
        };
        self.due = Instant::now() + wait;
        None
    }
}

async fn compare<P: Poller, I: Intake>(
    name: &str,
    poller: &mut P,
    intake: &I,
    tally: Tally,
    now: Timestamp,
) -> Result<Compared, PollError> {
    let (failed, whole) = (tally.failed.len(), tally.whole);
    let mut missing = unknown(name, intake, &tally.failed).await?;
    let missed = missing.len();
    missing.truncate(MOST_RECALLED);
    let mut recalled = 0;
    if !missing.is_empty() {
        poller.recall(intake, &missing, now).await?;
        recalled = missing.len() - unknown(name, intake, &missing).await?.len();
        tracing::warn!(
            source = name,
            failed,
            missed,
            recalled,
            "the engine counts failed runs that polling had missed: they were read again"
        );
    }
    Ok(Compared { at: now, failed, missed, recalled, whole })
}

async fn unknown<I: Intake>(name: &str, intake: &I, counted: &[Counted]) -> Result<Vec<Counted>, PollError> {
    let mut missing = Vec::new();
    for some in counted.chunks(TOGETHER) {
        let of_these = intake.unknown(name, some.to_vec()).await.map_err(|error| PollError {
            doing: "asking the ledger what it knows".to_owned(),
            reason: error.reason,
            retry_after: None,
        })?;
        missing.extend(of_these);
    }
    Ok(missing)
}

async fn within<R>(asked: impl Future<Output = Result<R, PollError>>) -> Result<R, PollError> {
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
        Err(PollError {
            doing: "counting failed runs".to_owned(),
            reason: format!("not done within {} s", PATIENCE.as_secs()),
            retry_after: None,
        })
    })
}

fn complain(name: &str, error: &PollError) {
    tracing::warn!(source = name, doing = ?error.doing, reason = ?error.reason, "the failed runs can't be counted: it is tried again");
}
