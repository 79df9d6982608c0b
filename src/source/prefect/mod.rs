//! Prefect 3: polls its API for failed, active and changed flow runs. It knows Prefect and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers, `ask` and `api` put the questions, `poll` and `look` decide which, `detail` and `evidence`
//! gather what one run needs, `feed` rings when a run fails, and `mapping` with `task`, `states` and `error` turn that into a run. `checkpoint` is what is
//! remembered in between.

mod api;
mod ask;
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
mod task;
#[cfg(test)]
mod tests;
mod wire;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Intake, PollError, Polled, Poller};
use crate::config::PrefectSource;
use crate::net::Client;

/// A Prefect server, or a workspace of Prefect Cloud.
#[derive(Debug)]
pub struct Prefect {
    watcher: poll::Watcher<Client>,
    feed: Option<feed::Feed>,
    every: Duration,
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
        let every = settings.polling.every;
        let name = name.into();
        let feed = settings.events.then(|| feed::Feed::new(name.clone(), client.clone(), &settings)).transpose()?;
        Ok(Self { watcher: poll::Watcher::new(name, client, settings)?, feed, every })
    }
}

impl Poller for Prefect {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn listen(&self, wake: Arc<Notify>) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let feed = self.feed.clone()?;
        Some(Box::pin(feed.listen(wake)))
    }

    fn every(&self) -> Duration {
        self.every
    }
}
