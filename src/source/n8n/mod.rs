//! n8n 2.x and 1.x: polls its public API for runs that are under way and runs that ended. It knows n8n and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers and `api` puts the questions. `look` decides which, `tell` what comes of it, and `poll` is both, with
//! `checkpoint` in between. `family` and `children` gather what one run needs, and `mapping` with `ends`, `nodes` and `error` turns that
//! into a run. `mail` is what n8n posts, and `post` what comes of that. `survey` and `census` are what people and the rhythm ask besides.

mod api;
mod census;
mod checkpoint;
mod children;
mod ends;
mod error;
mod family;
mod look;
mod mail;
mod mapping;
mod names;
mod nodes;
mod poll;
mod post;
mod survey;
mod tell;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

pub use mail::Mail;

use jiff::Timestamp;

use self::api::Transport;
use self::poll::Watcher;
use super::{Census, Counted, Intake, PollError, Polled, Poller, Survey};
use crate::config::N8nSource;
use crate::net::Client;

/// An n8n instance, and the letter box for the endpoint that its error workflow posts to.
///
/// # Errors
/// When the HTTP client can't be set up.
pub fn poller(name: &str, settings: &N8nSource) -> Result<(impl Poller + use<>, Mail), PollError> {
    let client = Client::new(&settings.way.client()).map_err(|error| PollError {
        doing: "setting up the HTTP client for n8n".to_owned(),
        reason: error.to_string(),
        retry_after: None,
    })?;
    let mail = Mail::default();
    Ok((Watcher::new(name.to_owned(), client, settings, mail.clone())?, mail))
}

impl<T: Transport + 'static> Poller for Watcher<T> {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.read(intake, now).await
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
