//! `type = "discord"`: what is set.

use secrecy::SecretString;

/// `type = "discord"`
#[derive(Debug, Clone)]
pub struct DiscordReceiver {
    /// The webhook's URL: a secret as a whole. Already parsed once: it is https, or http on loopback.
    pub webhook_url: SecretString,
}
