//! The one wrapped HTTP client.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// How a client is built.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// A certificate authority to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// Where to. Never printed: it may be a secret as a whole.
    pub url: Url,
    /// Headers; mark secrets with `HeaderValue::set_sensitive`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, sent as it is.
    pub body: Vec<u8>,
    /// The total deadline: connect, send, wait, and read the whole answer.
    pub timeout: Duration,
    /// The most bytes to read of the answer, after decompression.
    pub body_cap: usize,
}

/// An answer. Redirects are answers like any other.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, up to the cap.
    pub body: Vec<u8>,
    /// The body was longer than the cap.
    pub cut: bool,
}

/// Why there is no answer. The text never holds the URL.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The client can't be built.
    #[error("failed to set up the HTTP client: {0}")]
    Setup(String),
    /// Nothing was sent: DNS, connect, TLS. Safe to say "not delivered".
    #[error("failed to connect: {0}")]
    NotSent(String),
    /// The request may have arrived.
    #[error("connection lost after the request was sent: {0}")]
    Lost(String),
    /// The deadline passed. `connected` says whether the request may have arrived.
    #[error("no complete answer within {} s", .after.as_secs_f32())]
    Timeout {
        /// The deadline.
        after: Duration,
        /// The connection stood, so the request may have arrived.
        connected: bool,
    },
}

/// The one wrapped HTTP client.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
}

impl Client {
    /// Builds a client.
    ///
    /// # Errors
    /// When the CA file can't be read or the system has no certificates.
    pub fn new(options: &ClientOptions) -> Result<Self, NetError> {
        let _ = options;
        unimplemented!("the http source helper writes this")
    }

    /// Sends one request and reads the answer.
    ///
    /// # Errors
    /// When there is no complete answer; see [`NetError`] for what that means for a delivery.
    pub async fn send(&self, request: Request) -> Result<Answer, NetError> {
        let _ = (&self.inner, request);
        unimplemented!("the http source helper writes this")
    }
}

impl Answer {
    /// `Retry-After` in seconds: delta seconds or an IMF-fixdate (RFC 9110 section 10.2.3), which is read against `now`.
    #[must_use]
    pub fn retry_after(&self, now: jiff::Timestamp) -> Option<i64> {
        let _ = (self, now);
        unimplemented!("the http source helper writes this")
    }
}
