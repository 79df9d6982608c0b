//! Standard Webhooks 1.0 signatures: made for what we send, checked for what we are sent.

use jiff::Timestamp;
use secrecy::SecretString;

/// How far a timestamp may be off, either way, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;

/// A signing secret (`whsec_` and base64 of 24 to 64 bytes; a plain text of at least 16 bytes is taken as it is).
#[derive(Clone)]
pub struct Secret {
    _key: SecretString,
}

/// Why a secret can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Too short to protect anything.
    #[error(
        "a signing secret needs at least 16 bytes; make one with `openssl rand -base64 32` and prefix it with `whsec_`"
    )]
    TooShort,
    /// Not base64.
    #[error("what follows `whsec_` must be base64")]
    NotBase64,
}

/// Why a signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A header is missing.
    #[error("the headers webhook-id, webhook-timestamp and webhook-signature are needed")]
    Missing,
    /// The timestamp is no number, or more than 300 s off.
    #[error("webhook-timestamp is not within 300 s of this server's clock")]
    Time,
    /// No signature fits.
    #[error("no signature fits the body")]
    Mismatch,
}

impl Secret {
    /// Reads a secret as the configuration has it.
    ///
    /// # Errors
    /// When it is too short or not base64.
    pub fn parse(text: &SecretString) -> Result<Self, SecretError> {
        let _ = text;
        unimplemented!("the server helper writes this")
    }
}

/// The value of `webhook-signature`: `v1,BASE64` for each secret, separated by spaces.
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let _ = (secrets, id, timestamp, body);
    unimplemented!("the server helper writes this")
}

/// Checks the headers of a request over its raw body, in constant time; at most 8 signatures are tried.
///
/// # Errors
/// When it is not signed by one of the secrets, or not lately.
pub fn verify(
    secrets: &[Secret],
    id: Option<&str>,
    timestamp: Option<&str>,
    signatures: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refusal> {
    let _ = (secrets, id, timestamp, signatures, body, now);
    unimplemented!("the server helper writes this")
}
