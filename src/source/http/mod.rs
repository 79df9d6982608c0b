//! Any JSON API that lists runs: pages, a jq filter, a detail request, and a checkpoint on the engine's clock. It knows its settings
//! and the HTTP client; it knows no ledger, no rule, no receiver.

mod address;
mod ask;
mod census;
mod checkpoint;
mod detail;
mod hand;
mod memory;
mod open;
mod order;
mod pages;
mod shape;
mod survey;
#[cfg(test)]
pub(super) mod tests;
mod walk;

use std::time::Duration;

use jiff::Timestamp;

use super::filter::Filter;
use super::talk::Transport;
use super::{Batch, Census, Counted, Intake, NotTaken, PollError, Polled, Poller, Survey};
use crate::config::{HttpSource, Pagination};
use crate::metrics::{Metrics, SourceLabel};
use crate::net::Client;
use ask::Asker;
use checkpoint::Checkpoint;
use detail::Details;
use memory::Memory;

/// The `http` source.
pub(super) struct Http<T = Client> {
    name: String,
    settings: HttpSource,
    asker: Asker<T>,
    filter: Option<Filter>,
    cursor: Option<Filter>,
    details: Option<Details>,
    memory: Memory,
    metrics: Option<Metrics>,
    set_up: Option<Timestamp>,
}

impl<T> std::fmt::Debug for Http<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What polls a JSON API. Compiles its filters; asks nothing yet. `set_up` is when the source was set up: what fails from then on is
/// news, for who sees that we run may let a run fail before the first poll. Items that are no runs are counted in `metrics`.
///
/// # Errors
/// When a filter is no jq, a header is none, or the certificate authority can't be read.
pub fn poller(name: &str, settings: HttpSource, metrics: Metrics, set_up: Timestamp) -> Result<impl Poller, PollError> {
    Ok(Http::new(name, settings)?.counting(metrics).set_up_at(set_up))
}

impl Http {
    /// As [`poller`].
    fn new(name: &str, settings: HttpSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| PollError {
            doing: "setting up the source".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        Self::over(client, name, settings)
    }
}

impl<T: Transport> Http<T> {
    /// The same, over whatever carries its requests.
    fn over(transport: T, name: &str, settings: HttpSource) -> Result<Self, PollError> {
        let compiled = |code: &str, which: &str| {
            Filter::compile(code).map(|filter| filter.knowing(&settings.url)).map_err(|error| PollError {
                doing: format!("reading the {which}"),
                reason: error.to_string(),
                retry_after: None,
            })
        };
        let filter = settings.filter.as_deref().map(|code| compiled(code, "filter")).transpose()?;
        let cursor = match &settings.pagination {
            Pagination::Cursor { next, .. } => Some(compiled(next, "filter of the cursor")?),
            _ => None,
        };
        let details = settings.detail.clone();
        let details =
            details.map(|detail| Details::new(detail, &settings.url, settings.polling.timeout)).transpose()?;
        let asker = Asker::new(&settings, transport)?;
        let (name, memory) = (name.to_owned(), Memory::default());
        Ok(Self { name, settings, asker, filter, cursor, details, memory, metrics: None, set_up: None })
    }

    /// Counts items that are no runs, besides logging them.
    fn counting(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// When the source was set up. By default that is the first poll.
    fn set_up_at(mut self, at: Timestamp) -> Self {
        self.set_up = Some(at);
        self
    }

    /// The committed checkpoint. The first poll commits when it all began, so that a restart before the baseline does not turn the
    /// failures in between into history.
    async fn begin<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Checkpoint, PollError> {
        self.memory.begin();
        let stored = intake.checkpoint(&self.name).await.map_err(|error| not_taken(&error))?;
        if let Some(checkpoint) = stored.and_then(|text| serde_json::from_str(&text).ok()) {
            return Ok(checkpoint);
        }
        let checkpoint = Checkpoint::new(self.set_up.unwrap_or(now));
        let batch = Batch { checkpoint: Some(written(&checkpoint)?), ..Batch::default() };
        self.hand_over(intake, batch).await?;
        Ok(checkpoint)
    }

    async fn hand_over<I: Intake>(&self, intake: &I, batch: Batch) -> Result<(), PollError> {
        intake.take(&self.name, batch).await.map_err(|error| not_taken(&error))
    }

    /// Items that are no runs are said once and counted always.
    fn complain(&mut self, unreadable: usize, complaint: Option<&str>) {
        if let (Some(metrics), true) = (&self.metrics, unreadable > 0) {
            let label = SourceLabel { source: self.name.clone() };
            metrics.refused_runs.get_or_create(&label).inc_by(unreadable as u64);
        }
        if self.memory.is_new(complaint) {
            let complaint = complaint.map(|words| self.asker.clean(words));
            tracing::warn!(source = %self.name, unreadable, ?complaint, "items of the list are no runs, and are left out");
        }
    }
}

impl<T: Transport + 'static> Poller for Http<T> {
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        let before = self.begin(intake, now).await?;
        // Before the walk: what opens while we read is not missing from what we read.
        let open = intake.open_runs(&self.name).await.map_err(|error| not_taken(&error))?;
        let mut walked = self.walk(intake, &before, &open, now).await?;
        self.complain(walked.unreadable, walked.complaint.as_deref());
        let mut last = self.look_after(&open, &walked, now).await;
        // What one open run is like is no matter of the list: its checkpoint moves on.
        let of_open_runs = last.problem.take();
        last.follow(&mut walked);
        if let Some(problem) = walked.problem.clone() {
            // What was found goes out; the checkpoint stays, and the next poll reads the same again.
            self.finish(intake, last, None, 0).await?;
            return Err(problem);
        }
        if walked.more {
            let runs = self.finish(intake, last, None, walked.handed).await?;
            return Ok(Polled { runs, more: true, ..Polled::default() });
        }
        let after = walked.checkpoint(&before, self.settings.polling.history, now);
        let moved = after.differs_enough(&before) || (walked.handed > 0 && after != before);
        let runs = self.finish(intake, last, moved.then_some(&after), walked.handed).await?;
        self.memory.etag = walked.etag;
        if !walked.unchanged {
            (self.memory.pages, self.memory.listed) = (walked.pages, walked.listed);
        }
        match of_open_runs {
            Some(problem) => Err(problem),
            None => Ok(Polled { runs, more: false, ..Polled::default() }),
        }
    }

    fn every(&self) -> Duration {
        self.settings.polling.every
    }

    async fn survey(&mut self, now: Timestamp) -> Survey {
        self.look_around(now).await
    }

    async fn census<I: Intake>(&mut self, intake: &I, from: Timestamp, until: Timestamp) -> Result<Census, PollError> {
        self.count(intake, from, until).await
    }

    async fn recall<I: Intake>(&mut self, intake: &I, runs: &[Counted], now: Timestamp) -> Result<usize, PollError> {
        self.read_again(intake, runs, now).await
    }
}

impl<T: Transport> Http<T> {
    /// Hands over the last batch, when there is anything in it.
    async fn finish<I: Intake>(
        &mut self,
        intake: &I,
        last: open::LookedAfter,
        checkpoint: Option<&Checkpoint>,
        handed: usize,
    ) -> Result<usize, PollError> {
        let checkpoint = checkpoint.map(written).transpose()?;
        let runs = handed + last.runs.len();
        if checkpoint.is_none() && last.runs.is_empty() && last.forgotten.is_empty() {
            return Ok(runs);
        }
        let batch = Batch { runs: last.runs, forgotten: last.forgotten, checkpoint };
        self.hand_over(intake, batch).await?;
        self.memory.committed(last.states);
        self.memory.committed_watched(last.watched);
        Ok(runs)
    }
}

fn written(checkpoint: &Checkpoint) -> Result<String, PollError> {
    serde_json::to_string(checkpoint).map_err(|error| PollError {
        doing: "writing the checkpoint".to_owned(),
        reason: error.to_string(),
        retry_after: None,
    })
}

fn not_taken(error: &NotTaken) -> PollError {
    PollError { doing: "handing over runs".to_owned(), reason: error.reason.clone(), retry_after: None }
}
