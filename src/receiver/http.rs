//! What the receivers that speak HTTP share: how JSON is posted, said again plainly where its form is refused, and what it means for a
//! delivery when no answer comes. It knows no receiver: what an answer means is the caller's.

use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::BuildError;
use super::common::Common;
use super::message::text;
use crate::engine::{Delivery, Outcome};
use crate::net::{Answer, Client, NetError, Request};
use crate::triage::redact::Secrets;

/// Discord and Telegram answer with the whole message that they took, in other words than ours.
const BODY_CAP: usize = 64 << 10;

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It was taken; with the receipt.
    Taken(String),
    /// The service does not like the form: say it plainly.
    Rephrase(String),
    /// Anything else.
    Other(Outcome),
}

/// Posts JSON.
pub(crate) struct Poster {
    client: Client,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What no reason may repeat.
    own: Secrets,
    timeout: Duration,
}

impl Poster {
    pub(crate) fn new(common: &Common, own: Secrets) -> Result<Self, NetError> {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok(Self { client: Client::new(&common.client())?, headers, own, timeout: common.timeout })
    }

    /// Sends `value`, a secret, as `Authorization`.
    pub(crate) fn authorized(mut self, value: &str) -> Result<Self, BuildError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| BuildError::Token)?;
        value.set_sensitive(true);
        self.headers.push((AUTHORIZATION, value));
        Ok(self)
    }

    /// Sends `token` as `Authorization: Bearer`.
    pub(crate) fn bearer(self, token: &SecretString) -> Result<Self, BuildError> {
        self.authorized(&format!("Bearer {}", token.expose_secret()))
    }

    /// Sends user and password as `Authorization: Basic`.
    pub(crate) fn basic(self, user: &str, password: &SecretString) -> Result<Self, BuildError> {
        let pair = format!("{user}:{}", password.expose_secret());
        self.authorized(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }

    /// When an attempt that begins now has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Posts `body`, or says what it means that no answer came.
    pub(crate) async fn post(&self, url: &Url, body: &Value, deadline: Instant) -> Result<Answer, Outcome> {
        self.call(Method::POST, url, body.to_string(), deadline).await
    }

    /// Asks by any method; an empty `body` is none.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &Url,
        body: String,
        deadline: Instant,
    ) -> Result<Answer, Outcome> {
        let request = Request {
            method,
            url: url.clone(),
            headers: self.headers.clone(),
            body: body.into_bytes(),
            timeout: deadline.saturating_duration_since(Instant::now()),
            body_cap: BODY_CAP,
        };
        self.client.send(request).await.map_err(|error| outcome_of(&error, &self.own))
    }

    /// One attempt to say `body`. What a form breaks still goes out: where the service refuses it, the same is said at once as `plain`.
    pub(crate) async fn say(
        &self,
        delivery: &Delivery,
        url: &Url,
        body: &Value,
        plain: impl FnOnce() -> Value,
        meaning: impl Fn(&Answer) -> Meaning,
        deadline: Instant,
    ) -> Outcome {
        let refused = match self.post(url, body, deadline).await.map(|answer| meaning(&answer)) {
            Ok(Meaning::Taken(receipt)) => return Outcome::delivered(receipt),
            Ok(Meaning::Other(outcome)) | Err(outcome) => return outcome,
            Ok(Meaning::Rephrase(reason)) => reason,
        };
        let id = delivery.notification.id.as_str();
        tracing::warn!(receiver = ?delivery.receiver, notification = id, reason = ?refused, "the receiver refuses the form; saying it plainly");
        match self.post(url, &plain(), deadline).await.map(|answer| meaning(&answer)) {
            Ok(Meaning::Taken(receipt)) => {
                Outcome::Delivered { receipt: format!("{receipt} (plain, for {refused})"), plain: true, post: None }
            }
            Ok(Meaning::Other(outcome)) | Err(outcome) => outcome,
            Ok(Meaning::Rephrase(reason)) => Outcome::Refused { permanent: true, reason, retry_after: None },
        }
    }

    /// It was taken; `said` is what the service gave as proof. It is held to what a reason is: it may repeat what it was sent.
    pub(crate) fn taken(&self, answer: &Answer, said: &str) -> Meaning {
        let colon = if said.is_empty() { "" } else { ": " };
        Meaning::Taken(text::reason(&format!("HTTP {}{colon}{said}", answer.status), &self.own))
    }

    /// What an answer means that is no yes, as far as its status tells.
    pub(crate) fn refused(&self, answer: &Answer, now: Timestamp) -> Meaning {
        Meaning::Other(self.refusal(answer, now, &words(answer)))
    }

    /// The same, where the service says `said` in its own words.
    pub(crate) fn refusal(&self, answer: &Answer, now: Timestamp, said: &str) -> Outcome {
        let permanent = match answer.status {
            // Access that is being renewed comes back; so does a service that asks for time.
            401 | 403 | 408 | 425 | 429 => false,
            400..=499 => true,
            _ => false,
        };
        let retry_after = answer.retry_after(now).filter(|_| !permanent);
        Outcome::Refused { permanent, reason: self.reason_of(answer.status, said), retry_after }
    }

    /// It asks to slow down, and waits `otherwise` seconds where it says not for how long.
    pub(crate) fn slower(&self, answer: &Answer, now: Timestamp, otherwise: i64) -> Meaning {
        let retry_after = Some(answer.retry_after(now).unwrap_or(otherwise));
        Meaning::Other(Outcome::Refused { permanent: false, reason: self.reason(answer), retry_after })
    }

    /// Trying again is pointless.
    pub(crate) fn hopeless(&self, answer: &Answer) -> Meaning {
        Meaning::Other(Outcome::Refused { permanent: true, reason: self.reason(answer), retry_after: None })
    }

    /// What the answer says, as a reason.
    pub(crate) fn reason(&self, answer: &Answer) -> String {
        self.reason_of(answer.status, &words(answer))
    }

    /// What a service says in its own words, as a reason.
    pub(crate) fn reason_of(&self, status: u16, said: &str) -> String {
        let colon = if said.is_empty() { "" } else { ": " };
        let reason = match status {
            // A captive portal, a proxy: somebody answered who is not the service.
            200..=299 => format!("HTTP {status}, but not the answer of this service{colon}{said}"),
            300..=399 => format!("HTTP {status}: a redirect, which is not followed"),
            _ => format!("HTTP {status}{colon}{said}"),
        };
        text::reason(&reason, &self.own)
    }
}

/// The fields of an object that say something.
pub(crate) fn filled(value: Value) -> Value {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| says(value)).collect()),
        other => other,
    }
}

/// The answer as a JSON object, where it is one.
pub(crate) fn json(answer: &Answer) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(&answer.body).ok()
}

/// What the answer says in words: of JSON its `message` and its `errors`, else all of it. For people: nothing is decided by it.
pub(crate) fn words(answer: &Answer) -> String {
    let Some(body) = json(answer) else {
        return text::line(&String::from_utf8_lossy(&answer.body));
    };
    let mut said = Vec::new();
    for key in ["message", "error", "errors"] {
        body.get(key).into_iter().for_each(|value| collect(value, &mut said));
    }
    if said.is_empty() {
        body.values().for_each(|value| collect(value, &mut said));
    }
    text::line(&said.join("; "))
}

/// Every text in `value`.
fn collect(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::String(text) => said.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, said)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, said)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether it is a page for people: what a proxy or a captive portal answers, and no API.
pub(crate) fn is_page(answer: &Answer) -> bool {
    answer.body.trim_ascii_start().starts_with(b"<")
}

/// What came of an attempt that got no whole answer.
pub(crate) fn outcome_of(error: &NetError, own: &Secrets) -> Outcome {
    let reason = text::reason(&error.to_string(), own);
    match error {
        NetError::Lost(_) | NetError::Timeout { connected: true, .. } => Outcome::Unknown { reason },
        NetError::Setup(_) | NetError::NotSent(_) | NetError::Timeout { connected: false, .. } => {
            Outcome::Refused { permanent: false, reason, retry_after: None }
        }
    }
}
