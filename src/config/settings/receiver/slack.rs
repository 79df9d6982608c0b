//! `type = "slack"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "slack"`: one of two ways to the same channel.
#[derive(Debug, Clone)]
pub enum SlackReceiver {
    /// An incoming webhook: its URL, a secret as a whole. Already parsed once: it is https, or http on loopback.
    Webhook(SecretString),
    /// An app with a bot token: one message for an incident, edited as it changes.
    Bot(Box<SlackBot>),
}

/// `bot_token` and what belongs to it.
#[derive(Debug, Clone)]
pub struct SlackBot {
    /// `xoxb-…`; fit for an HTTP header.
    pub token: SecretString,
    /// The channel's id (`C0123ABCD`) or its name without the `#`.
    pub channel: String,
    /// Where the Web API is; ends with a slash. https, or http on loopback.
    pub api_url: Url,
    /// `xapp-…`: what people do comes by Socket Mode.
    pub app_token: Option<SecretString>,
    /// What people do comes by HTTP requests that are signed with this.
    pub signing_secret: Option<SecretString>,
}

impl SlackBot {
    /// Whether what people do in Slack comes back: only then are there buttons.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.app_token.is_some() || self.signing_secret.is_some()
    }
}
