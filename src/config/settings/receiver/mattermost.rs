//! `type = "mattermost"`: what is set.

use secrecy::SecretString;

/// `type = "mattermost"`
#[derive(Debug, Clone)]
pub struct MattermostReceiver {
    /// The incoming webhook's URL: a secret as a whole. Already parsed once.
    pub webhook_url: SecretString,
}
