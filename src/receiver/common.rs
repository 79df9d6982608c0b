//! What every kind of receiver is built with, whatever it is. It knows no kind.

use std::time::Duration;

use super::draft::Composer;
use crate::config::{ReceiverSettings, Way};
use crate::net::ClientOptions;

/// What every kind is built with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Common {
    /// Total deadline of one attempt.
    pub(crate) timeout: Duration,
    /// The least time between two messages.
    pub(crate) pace: Duration,
    /// How it is reached.
    pub(crate) way: Way,
    /// What is added to its messages.
    pub(crate) composer: Composer,
}

impl Common {
    pub(crate) fn of(settings: &ReceiverSettings) -> Self {
        Self {
            timeout: settings.timeout,
            pace: settings.pace,
            way: settings.way.clone(),
            composer: Composer::default(),
        }
    }

    /// How the HTTP client is built for it.
    pub(crate) fn client(&self) -> ClientOptions {
        self.way.client()
    }

    /// A receiver of the tests.
    #[cfg(test)]
    pub(crate) fn patient(timeout: Duration) -> Self {
        Self { timeout, ..Self::default() }
    }
}
