//! Standard Webhooks 1.0 signatures: made for what we send, checked for what we are sent.
//! It must not know HTTP: headers come in as texts, the clock as an argument.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far a timestamp may be off, either way, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;

/// The most signatures of one request that are looked at; the others are ignored.
const SIGNATURE_CAP: usize = 8;

/// The least bytes of a key.
const KEY_FLOOR: usize = 16;

/// Tools differ in whether they write the padding; it carries nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signing secret (`whsec_` and base64 of 24 to 64 bytes; a plain text of at least 16 bytes is taken as it is).
#[derive(Clone)]
pub struct Secret {
    /// Keyed and ready: each use starts from a copy.
    mac: Hmac<Sha256>,
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
        let text = text.expose_secret().trim();
        let key = match text.strip_prefix("whsec_") {
            Some(encoded) => BASE64.decode(encoded).map_err(|_| SecretError::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if key.len() < KEY_FLOOR {
            return Err(SecretError::TooShort);
        }
        // HMAC takes a key of any length, so the error can't happen.
        let mac = Hmac::new_from_slice(&key).map_err(|_| SecretError::TooShort)?;
        Ok(Self { mac })
    }

    fn digest(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// The value of `webhook-signature`: `v1,BASE64` for each secret, separated by spaces.
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let mut value = String::new();
    for secret in secrets {
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str("v1,");
        BASE64.encode_string(secret.digest(id, &timestamp, body), &mut value);
    }
    value
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
    let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
        return Err(Refusal::Missing);
    };
    if id.is_empty() || timestamp.is_empty() || signatures.is_empty() {
        return Err(Refusal::Missing);
    }
    let sent: i64 = timestamp.parse().map_err(|_| Refusal::Time)?;
    if now.as_second().abs_diff(sent) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Refusal::Time);
    }
    let given: Vec<Vec<u8>> = signatures
        .split_ascii_whitespace()
        .take(SIGNATURE_CAP)
        .filter_map(|signature| BASE64.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let mut fits = subtle::Choice::from(0);
    for secret in secrets {
        let expected = secret.digest(id, timestamp, body);
        for signature in &given {
            fits |= expected.as_slice().ct_eq(signature);
        }
    }
    if fits.into() { Ok(()) } else { Err(Refusal::Mismatch) }
}

#[cfg(test)]
mod tests;
