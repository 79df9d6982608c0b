//! `type = "slack"`: what is set.

use secrecy::SecretString;

/// `type = "slack"`
#[derive(Debug, Clone)]
pub struct SlackReceiver {
    /// The incoming webhook's URL: a secret as a whole. Already parsed once: it is https, or http on loopback.
    pub webhook_url: SecretString,
}
