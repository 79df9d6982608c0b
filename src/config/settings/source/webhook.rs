//! `type = "webhook"`: what is set.

use reqwest::header::HeaderName;
use secrecy::SecretString;

/// `type = "webhook"`
#[derive(Debug, Clone)]
pub struct WebhookSource {
    /// How a caller proves itself.
    pub auth: WebhookAuth,
    /// The form of what is sent. Default native.
    pub format: PushFormat,
    /// A jq filter from what is sent to native runs: with `cloudevents` from each event, with its attributes and its `data`.
    pub filter: Option<String>,
}

/// The form of what is pushed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PushFormat {
    /// Native runs; with a filter, anything.
    #[default]
    Native,
    /// CloudEvents 1.0 around CDEvents, OpenLineage, native runs or, with a filter, anything.
    CloudEvents,
    /// CDEvents, in or without their CloudEvents envelope.
    CdEvents,
    /// OpenLineage run events.
    OpenLineage,
}

/// How a caller of `/ingest` proves itself.
#[derive(Debug, Clone)]
pub enum WebhookAuth {
    /// `Authorization: Bearer TOKEN`; any of these, for rotation. Never empty.
    Bearer(Vec<SecretString>),
    /// Standard Webhooks signature by any of these secrets (`whsec_…`), with a replay window of 300 s. Never empty.
    Signature(Vec<SecretString>),
    /// One of these in a header of the caller's choice, such as `X-Gitlab-Token`. Never empty.
    Header {
        /// The header.
        name: HeaderName,
        /// What it must hold.
        tokens: Vec<SecretString>,
    },
    /// The hex HMAC-SHA256 of the body by any of these secrets, in a header: `X-Hub-Signature-256: sha256=…`. It has no time in it, so
    /// that a body can be sent again by whoever saw it. Never empty.
    Hmac {
        /// The header.
        name: HeaderName,
        /// What stands before the digits.
        prefix: String,
        /// The secrets.
        secrets: Vec<SecretString>,
    },
    /// Nobody has to: allowed only while the server listens on loopback.
    Open,
}
