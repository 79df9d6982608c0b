//! Prefect 3: polls its API for failed, active and changed flow runs. It knows Prefect and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers, `ask` and `api` put the questions, `poll` and `look` decide which, `detail` and `evidence`
//! gather what one run needs, and `mapping` with `task`, `states` and `error` turn that into a run. `checkpoint` is what is
//! remembered in between.

mod api;
mod ask;
mod checkpoint;
mod detail;
mod error;
mod evidence;
mod look;
mod mapping;
mod names;
mod poll;
mod states;
mod task;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use jiff::Timestamp;

use super::{Intake, PollError, Polled, Poller};
use crate::config::PrefectSource;
use crate::net::Client;

/// A Prefect server, or a workspace of Prefect Cloud.
#[derive(Debug)]
pub struct Prefect {
    watcher: poll::Watcher<Client>,
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
        Ok(Self { watcher: poll::Watcher::new(name.into(), client, settings)?, every })
    }
}

impl Poller for Prefect {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn every(&self) -> Duration {
        self.every
    }
}
