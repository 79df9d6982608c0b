//! GitHub Actions: polls the runs of repositories, and reads the webhooks that GitHub sends. It knows GitHub and the contract of
//! sources; it must not know what is told of a run, nor to whom.
//!
//! `wire` is what GitHub says, `ask` and `api` put the questions, `look` and `poll` decide which, `learn` gathers what one run needs, and
//! `mapping` with `job`, `states` and `said` turn that into a run. `push` reads webhooks. `checkpoint` is what is remembered in between.

mod api;
mod ask;
mod checkpoint;
mod gather;
mod job;
mod learn;
mod look;
mod mapping;
mod poll;
mod push;
mod said;
mod states;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Intake, PollError, Polled, Poller};
use crate::config::GitHubSource;
use crate::net::Client;

pub use push::{Reader, Received};

/// Repositories of github.com or of an Enterprise Server, which are asked.
#[derive(Debug)]
pub struct GitHub {
    watcher: poll::Watcher<Client>,
    every: Duration,
}

impl GitHub {
    /// Sets up a source of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(name: impl Into<String>, token: &SecretString, settings: &GitHubSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| PollError {
            doing: "setting up the HTTP client for GitHub".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        let every = settings.polling.every;
        Ok(Self { watcher: poll::Watcher::new(name.into(), client, token, settings)?, every })
    }
}

impl Poller for GitHub {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn every(&self) -> Duration {
        self.every
    }
}
