//! Prefect 3: polls its API for failed, active and changed flow runs. It knows Prefect and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers, `ask` and `api` put the questions, `poll` and `look` decide which, `detail` and `evidence`
//! gather what one run needs, and `mapping` with `task`, `states` and `error` turn that into a run. `checkpoint` is what is
//! remembered in between. `census` counts what failed, and `survey` shows a person what can be asked.

mod api;
mod ask;
mod census;
mod checkpoint;
mod detail;
mod error;
mod evidence;
mod look;
mod mapping;
mod names;
mod poll;
mod states;
mod survey;
mod task;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use jiff::Timestamp;

use self::api::Transport;
use self::poll::Watcher;
use super::{Census, Counted, Intake, PollError, Polled, Poller, Survey};
use crate::config::PrefectSource;
use crate::net::Client;

/// What polls a Prefect server, or a workspace of Prefect Cloud. Asks nothing yet.
///
/// # Errors
/// When the HTTP client can't be set up.
pub fn poller(name: impl Into<String>, settings: PrefectSource) -> Result<impl Poller, PollError> {
    let client = Client::new(&settings.way.client()).map_err(|error| PollError {
        doing: "setting up the HTTP client for Prefect".to_owned(),
        reason: error.to_string(),
        retry_after: None,
    })?;
    Watcher::new(name.into(), client, settings)
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
