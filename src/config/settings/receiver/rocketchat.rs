//! `type = "rocketchat"`: what is set.

use secrecy::SecretString;

/// `type = "rocketchat"`
#[derive(Debug, Clone)]
pub struct RocketChatReceiver {
    /// The incoming webhook's URL: a secret as a whole. Already parsed once.
    pub webhook_url: SecretString,
}
