//! `type = "webhook"`: what is set.

use secrecy::SecretString;

/// `type = "webhook"`
#[derive(Debug, Clone)]
pub struct WebhookSource {
    /// How a caller proves itself.
    pub auth: WebhookAuth,
}

/// How a caller of `/ingest` proves itself.
#[derive(Debug, Clone)]
pub enum WebhookAuth {
    /// `Authorization: Bearer TOKEN`; any of these, for rotation. Never empty.
    Bearer(Vec<SecretString>),
    /// Standard Webhooks signature by any of these secrets (`whsec_…`), with a replay window of 300 s. Never empty.
    Signature(Vec<SecretString>),
    /// Nobody has to: allowed only while the server listens on loopback.
    Open,
}
