//! Apache Airflow, 3 and 2: polls its REST API for failed, active and changed DAG runs, for tasks that wait for a retry, and for DAG
//! files that can't be read. It knows Airflow and the contract of sources; it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers, `api` and `ask` put the questions, `poll` and `look` decide which, `detail` and `evidence`
//! gather what one run needs; `log` and `traceback` read the logs of Airflow 3 and 2, `fatal` says what ended a task; and `mapping`
//! with `step`, `graph`, `retry`, `audit`, `link` and `imports` turn that into a run. `checkpoint` is what is remembered in between.

mod api;
mod ask;
mod audit;
mod checkpoint;
mod detail;
mod evidence;
mod fatal;
mod graph;
mod imports;
mod link;
mod log;
mod look;
mod mapping;
mod poll;
mod retry;
mod step;
#[cfg(test)]
mod tests;
mod traceback;
mod wire;

use std::time::Duration;

use jiff::Timestamp;

use super::{Intake, PollError, Polled, Poller};
use crate::config::AirflowSource;
use crate::net::Client;

/// An Airflow server.
#[derive(Debug)]
pub struct Airflow {
    watcher: poll::Watcher<Client>,
    every: Duration,
}

impl Airflow {
    /// Sets up a source of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(name: impl Into<String>, settings: AirflowSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| api::set_up_error(error.to_string()))?;
        let every = settings.polling.every;
        Ok(Self { watcher: poll::Watcher::new(name.into(), client, settings), every })
    }
}

impl Poller for Airflow {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn every(&self) -> Duration {
        self.every
    }
}
