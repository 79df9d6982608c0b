//! n8n 2.x and 1.x: polls its public API for runs that are under way and runs that ended. It knows n8n and the contract of sources;
//! it must not know what is told of a run, nor to whom.
//!
//! `wire` is what the API answers and `api` puts the questions. `look` decides which, and `poll` what comes of it, with `checkpoint` in
//! between. `family` gathers what one run needs, and `mapping` with `ends`, `nodes` and `error` turns that into a run. `mail` is what n8n
//! posts, and `post` what comes of that.

mod api;
mod checkpoint;
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
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

pub use mail::Mail;

use jiff::Timestamp;

use super::{Intake, PollError, Polled, Poller};
use crate::config::N8nSource;
use crate::net::Client;

/// An n8n instance.
#[derive(Debug)]
pub struct N8n {
    watcher: poll::Watcher<Client>,
    every: Duration,
    mail: Mail,
}

impl N8n {
    /// Sets up a source of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(name: impl Into<String>, settings: &N8nSource) -> Result<Self, PollError> {
        let client = Client::new(&settings.way.client()).map_err(|error| PollError {
            doing: "setting up the HTTP client for n8n".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        let mail = Mail::default();
        let watcher = poll::Watcher::new(name.into(), client, settings, mail.clone())?;
        Ok(Self { watcher, every: settings.polling.every, mail })
    }

    /// Its letter box, for the endpoint that n8n's error workflow posts to.
    #[must_use]
    pub fn mail(&self) -> Mail {
        self.mail.clone()
    }
}

impl Poller for N8n {
    /// What was read is handed over also when something could not be asked; the next poll asks again for what was not.
    async fn poll<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        self.watcher.poll(intake, now).await
    }

    fn every(&self) -> Duration {
        self.every
    }
}
