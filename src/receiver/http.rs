//! What the receivers that speak HTTP share: how JSON is posted, said again plainly where its form is refused, and what it means for a
//! delivery when no answer comes. It knows no receiver: what an answer means is the caller's.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
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

    /// What no reason may repeat.
    pub(crate) fn own(&self) -> &Secrets {
        &self.own
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
    ) -> Outcome {
        let deadline = self.deadline();
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

    /// What an answer means that is no yes, as far as its status tells. `said` is what the service says, in words.
    pub(crate) fn refused(&self, answer: &Answer, now: Timestamp, said: &str) -> Outcome {
        let status = answer.status;
        let colon = if said.is_empty() { "" } else { ": " };
        let (permanent, reason) = match status {
            // A captive portal, a proxy: somebody answered who is not the service.
            200..=299 => (false, format!("HTTP {status}, but not the answer of this service{colon}{said}")),
            300..=399 => (false, format!("HTTP {status}: a redirect, which is not followed")),
            // Access that is being renewed comes back; so does a service that asks for time.
            401 | 403 | 408 | 425 | 429 => (false, format!("HTTP {status}{colon}{said}")),
            400..=499 => (true, format!("HTTP {status}{colon}{said}")),
            _ => (false, format!("HTTP {status}{colon}{said}")),
        };
        let retry_after = answer.retry_after(now).filter(|_| !permanent);
        Outcome::Refused { permanent, reason: text::reason(&reason, &self.own), retry_after }
    }
}

/// The answer as a JSON object, where it is one.
pub(crate) fn json(answer: &Answer) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(&answer.body).ok()
}

/// What the answer says in words, the whole of it. For people: nothing is decided by it.
pub(crate) fn words(answer: &Answer) -> String {
    text::line(&String::from_utf8_lossy(&answer.body))
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
