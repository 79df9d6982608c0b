//! `[heartbeat]`: what is set.

use std::time::Duration;

use secrecy::SecretString;

use super::Way;

/// `[heartbeat]`: a dead man's switch that is told that firstred can see and can send.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// Where to: often a secret as a whole. Already parsed once: it is http or https.
    pub url: SecretString,
    /// How often, while all is well. Default 1 min.
    pub every: Duration,
    /// POST instead of GET.
    pub post: bool,
    /// Total deadline of one beat. Default 10 s.
    pub timeout: Duration,
    /// How it is reached.
    pub way: Way,
}
