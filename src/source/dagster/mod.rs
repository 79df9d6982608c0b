//! Dagster: polls its GraphQL for runs that changed, and for what is broken beside them. It knows Dagster and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `query` holds the questions and `wire` what is answered, `ask` and `api` put the questions, `poll`, `look` and `tell` decide which, `follow`
//! reads on in the events of runs that go on, `kin` tells a run's own marks from its parent's. `story` is what events say; `mapping` with `steps`, `error` and `links` turns it into a
//! run. `trouble` is what is broken beside the runs. `checkpoint` is what is remembered in between. `survey` and `census` answer people
//! and the hourly count.

mod api;
mod ask;
mod census;
mod checkpoint;
mod error;
mod evidence;
mod follow;
mod kin;
mod links;
mod look;
mod mapping;
mod poll;
mod query;
mod steps;
mod story;
mod survey;
mod tell;
#[cfg(test)]
mod tests;
mod trouble;
mod wire;

use std::time::Duration;

use jiff::Timestamp;

use super::talk::Transport;
use super::{Census, Counted, Intake, PollError, Polled, Poller, Survey};
use crate::config::DagsterSource;
use crate::net::Client;
use poll::Watcher;

/// A Dagster webserver, or a deployment of Dagster+.
#[derive(Debug)]
pub struct Dagster {
    watcher: Watcher<Client>,
}

impl Dagster {
    /// Sets up a source of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(name: impl Into<String>, settings: &DagsterSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| PollError {
            doing: "setting up the HTTP client for Dagster".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        Ok(Self { watcher: Watcher::new(name.into(), client, settings)? })
    }
}

impl Poller for Dagster {
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
        self.round(intake, now).await
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
