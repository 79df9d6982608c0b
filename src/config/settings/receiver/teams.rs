//! `type = "teams"`: what is set.

use secrecy::SecretString;

/// `type = "teams"`
#[derive(Debug, Clone)]
pub struct TeamsReceiver {
    /// The URL of the Workflows webhook: a secret as a whole. Already parsed once: it is https, or http on loopback.
    pub webhook_url: SecretString,
}
