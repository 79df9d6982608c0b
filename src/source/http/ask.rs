//! One question to the engine: its headers, its deadline, and an answer or a [`PollError`] without secrets and URLs. It knows no
//! run and no page.

use std::time::Duration;

use base64::Engine as _;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue, IF_NONE_MATCH};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::PollError;
use super::super::talk::Transport;
use crate::config::HttpSource;
use crate::net::{Answer, Request};

/// An honest page of runs is smaller.
const BODY_CAP: usize = 8 * 1024 * 1024;
const QUOTED_CHARS: usize = 200;

pub(super) struct Asker<T> {
    transport: T,
    headers: Vec<(HeaderName, HeaderValue)>,
    secrets: Vec<SecretString>,
    timeout: Duration,
}

impl<T: Transport> Asker<T> {
    pub(super) fn new(settings: &HttpSource, transport: T) -> Result<Self, PollError> {
        let broken =
            |reason: String| PollError { doing: "setting up the source".to_owned(), reason, retry_after: None };
        let (mut headers, mut secrets) = (Vec::new(), Vec::new());
        if let Some(token) = &settings.token {
            let bearer = secret_value(&format!("{} {}", settings.token_scheme, token.expose_secret()));
            headers.push((AUTHORIZATION, bearer.ok_or_else(|| broken("the token is no header value".to_owned()))?));
            secrets.push(token.clone());
        }
        if let Some(both) = &settings.basic_auth {
            let packed = base64::engine::general_purpose::STANDARD.encode(both.expose_secret());
            let basic = secret_value(&format!("Basic {packed}"));
            headers.push((AUTHORIZATION, basic.ok_or_else(|| broken("`basic_auth` is no header value".to_owned()))?));
            secrets.extend([both.clone(), SecretString::from(packed)]);
            secrets.extend(both.expose_secret().split_once(':').map(|(_, password)| SecretString::from(password)));
        }
        for (name, value) in &settings.headers {
            let header = HeaderName::try_from(name.as_str()).ok().zip(secret_value(value.expose_secret()));
            headers.push(header.ok_or_else(|| broken(format!("`{name}` or its value is no header")))?);
            secrets.push(value.clone());
        }
        Ok(Self { transport, headers, secrets, timeout: settings.polling.timeout })
    }

    /// Asks. Any complete answer is one, whatever its status.
    pub(super) async fn ask(&self, url: Url, doing: &str, etag: Option<&HeaderValue>) -> Result<Answer, PollError> {
        let answer = self.send(url, doing, etag).await?;
        if answer.cut {
            let reason = format!("the answer is longer than {} MiB", BODY_CAP / 1024 / 1024);
            return Err(PollError { doing: doing.to_owned(), reason, retry_after: None });
        }
        Ok(answer)
    }

    /// Asks. Any answer is one, whatever its status, also one that is too long and was cut.
    pub(super) async fn send(&self, url: Url, doing: &str, etag: Option<&HeaderValue>) -> Result<Answer, PollError> {
        let mut headers = self.headers.clone();
        if !headers.iter().any(|(name, _)| name == ACCEPT) {
            headers.push((ACCEPT, HeaderValue::from_static("application/json")));
        }
        headers.extend(etag.map(|etag| (IF_NONE_MATCH, etag.clone())));
        let request =
            Request { method: Method::GET, url, headers, body: Vec::new(), timeout: self.timeout, body_cap: BODY_CAP };
        let failed = |reason: String| PollError { doing: doing.to_owned(), reason, retry_after: None };
        self.transport.send(request).await.map_err(|error| failed(self.clean(&error.to_string())))
    }

    /// The answer, when its status says that it is one.
    pub(super) fn accept(&self, answer: Answer, doing: &str) -> Result<Answer, PollError> {
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let said = self.clean(&String::from_utf8_lossy(&answer.body));
        let hint = match answer.status {
            300..400 => " (redirects are not followed: set the final address)",
            _ => "",
        };
        let colon = if said.is_empty() { "" } else { ": " };
        Err(PollError {
            doing: doing.to_owned(),
            reason: format!("answered {}{hint}{colon}{said}", answer.status),
            retry_after: answer.retry_after(crate::clock::now()),
        })
    }

    /// Untrusted words for a log line: no secret, no address, no control character, and short.
    pub(super) fn clean(&self, text: &str) -> String {
        // What is far behind the cut needs no cleaning; a secret that the cut would split does.
        let mut text: String = text.chars().take(QUOTED_CHARS * 20).collect();
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if !secret.is_empty() {
                text = text.replace(secret, "***");
            }
        }
        let calm: String = text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
        let words: Vec<&str> =
            calm.split_whitespace().map(|word| if word.contains("://") { "(address)" } else { word }).collect();
        words.join(" ").chars().take(QUOTED_CHARS).collect()
    }
}

/// Line separators and direction marks, which a terminal obeys.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn secret_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
