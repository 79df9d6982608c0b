//! `type = "webhook"`: what is set.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// `type = "webhook"`
#[derive(Clone)]
pub struct WebhookReceiver {
    /// Where to POST. For many services the URL is the secret: `Debug` shows its origin only.
    pub url: Url,
    /// Standard Webhooks secrets (`whsec_…`); all of them sign, for rotation. May be empty: unsigned.
    pub secrets: Vec<SecretString>,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<SecretString>,
}

impl fmt::Debug for WebhookReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookReceiver")
            .field("url", &self.url.origin().ascii_serialization())
            .field("secrets", &self.secrets)
            .field("token", &self.token)
            .finish()
    }
}
