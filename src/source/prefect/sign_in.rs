//! How firstred signs in to Prefect. It must not know what is asked.

use base64::Engine as _;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::super::PollError;
use super::super::talk::secret_header;
use crate::config::PrefectAuth;

/// The header of every request.
pub(super) fn header(auth: &PrefectAuth) -> Result<Option<(HeaderName, HeaderValue)>, PollError> {
    let value = match auth {
        PrefectAuth::None => return Ok(None),
        PrefectAuth::Basic(pair) => {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair.expose_secret()))
        }
        PrefectAuth::Bearer(key) => format!("Bearer {}", key.expose_secret()),
    };
    secret_header("setting up the sign-in to Prefect", AUTHORIZATION, &value).map(Some)
}

/// The token of a WebSocket's first message. A server reads this one; Prefect Cloud, and a proxy before a server, read the header.
pub(super) fn token(auth: &PrefectAuth) -> Option<SecretString> {
    match auth {
        PrefectAuth::None => None,
        PrefectAuth::Basic(secret) | PrefectAuth::Bearer(secret) => Some(secret.clone()),
    }
}
