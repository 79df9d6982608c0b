//! GitHub Actions: polls the runs of repositories, and reads the webhooks that GitHub sends. It knows GitHub and the contract of
//! sources; it must not know what is told of a run, nor to whom.
//!
//! `wire` is what GitHub says, `ask` and `api` put the questions, `look` and `poll` decide which, `learn` and `tell` gather what a run needs, and
//! `mapping` with `job`, `states` and `said` turn that into a run. `push` reads webhooks, and `wake` says how often they wake whoever asks.
//! `checkpoint` is what is remembered in between. `census` counts what failed, and `survey` shows a person what can be asked.

mod api;
mod ask;
mod census;
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
mod survey;
mod tell;
#[cfg(test)]
mod tests;
mod wake;
mod wire;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use self::api::Transport;
use self::poll::Watcher;
use super::{Census, Counted, Intake, PollError, Polled, Poller, Survey};
use crate::config::GitHubSource;
use crate::net::Client;

pub use push::{Reader, Received};

/// Repositories of github.com or of an Enterprise Server, which are asked.
#[derive(Debug)]
pub struct GitHub {
    watcher: Watcher<Client>,
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
        Ok(Self { watcher: Watcher::new(name.into(), client, token, settings)? })
    }
}

impl Poller for GitHub {
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn every(&self) -> Duration {
        self.watcher.every()
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
        self.every()
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
