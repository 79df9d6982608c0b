//! Apache Airflow, 3 and 2: polls its REST API for failed, active and changed DAG runs, for tasks that wait for a retry, and for DAG
//! files that can't be read. It knows Airflow and the contract of sources; it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers, `api`, `ask` and `pages` put the questions, `poll`, `look` and `learn` decide which, `detail` and `evidence`
//! gather what one run needs; `log` and `traceback` read the logs of Airflow 3 and 2, `fatal` says what ended a task; and `mapping`
//! with `step`, `graph`, `limit`, `retry`, `audit`, `link` and `imports` turn that into a run. `checkpoint` is what is remembered in between.
//! `census` counts what failed, and `survey` shows a person what can be asked.

mod api;
mod ask;
mod audit;
mod census;
mod checkpoint;
mod detail;
mod evidence;
mod fatal;
mod graph;
mod imports;
mod learn;
mod limit;
mod link;
mod log;
mod look;
mod mapping;
mod pages;
mod poll;
mod retry;
mod step;
mod survey;
mod tell;
#[cfg(test)]
mod tests;
mod traceback;
mod wire;

use std::time::Duration;

use jiff::Timestamp;

use self::api::Transport;
use self::poll::Watcher;
use super::{Census, Counted, Intake, PollError, Polled, Poller, Survey};
use crate::config::AirflowSource;
use crate::net::Client;

/// An Airflow server.
#[derive(Debug)]
pub struct Airflow {
    watcher: Watcher<Client>,
}

impl Airflow {
    /// Sets up a source of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(name: impl Into<String>, settings: AirflowSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| api::set_up_error(error.to_string()))?;
        Ok(Self { watcher: Watcher::new(name.into(), client, settings) })
    }
}

impl Poller for Airflow {
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
