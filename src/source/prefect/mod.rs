//! Prefect 3: polls its API for failed, active and changed flow runs. It knows Prefect and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers, `ask` and `api` put the questions, `poll` and `look` decide which, `detail` and `evidence`
//! gather what one run needs, `feed` rings when a run fails, and `mapping` with `task`, `states` and `error` turn that into a run.
//! `checkpoint` is what is remembered in between. `census` counts what failed, and `survey` shows a person what can be asked.

mod api;
mod ask;
mod census;
mod checkpoint;
mod detail;
mod error;
mod evidence;
mod feed;
mod look;
mod mapping;
mod names;
mod poll;
mod sign_in;
mod states;
mod survey;
mod task;
mod tell;
#[cfg(test)]
mod tests;
mod wire;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use self::api::Transport;
use self::poll::Watcher;
use super::{Census, Counted, Intake, PollError, Polled, Poller, Survey};
use crate::config::PrefectSource;
use crate::net::Client;

/// A Prefect server, or a workspace of Prefect Cloud.
#[derive(Debug)]
pub struct Prefect {
    watcher: Watcher<Client>,
    feed: Option<feed::Feed>,
}

impl Prefect {
    /// Sets up a source of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(name: impl Into<String>, settings: PrefectSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| PollError {
            doing: "setting up the HTTP client for Prefect".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        let name = name.into();
        let feed = settings.events.then(|| feed::Feed::new(name.clone(), client.clone(), &settings)).transpose()?;
        Ok(Self { watcher: Watcher::new(name, client, settings)?, feed })
    }
}

impl Poller for Prefect {
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn every(&self) -> Duration {
        self.watcher.every()
    }

    fn listen(&self, wake: Arc<Notify>) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let feed = self.feed.clone()?;
        Some(Box::pin(feed.listen(wake)))
    }

    async fn survey(&mut self, now: Timestamp) -> Survey {
        self.watcher.survey(now).await
    }

    async fn census<I: Intake>(&mut self, intake: &I, from: Timestamp, until: Timestamp) -> Result<Census, PollError> {
        self.watcher.census(intake, from, until).await
    }

    async fn recall<I: Intake>(&mut self, intake: &I, runs: &[Counted], now: Timestamp) -> Result<usize, PollError> {
        self.watcher.recall(intake, runs, now).await
    }
}

impl<T: Transport + 'static> Poller for Watcher<T> {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.look(intake, now).await
    }

    fn every(&self) -> Duration {
        self.every
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
