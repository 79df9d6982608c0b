//! Any HTTP endpoint, signed by Standard Webhooks 1.0. It knows its URL, its secrets and the HTTP client.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use url::Url;

use super::common::Common;
use super::draft::Composer;
use super::message::text;
use super::{BuildError, http, own_secrets, payload};
use crate::config::WebhookReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::signature::{Secret, sign};
use crate::net::{Answer, Client, Request};
use crate::triage::redact::Secrets;

/// Enough of an answer to say why it refused.
const BODY_CAP: usize = 4_096;

/// An HTTP endpoint.
pub(crate) struct Webhook {
    client: Client,
    url: Url,
    secrets: Vec<Secret>,
    bearer: Option<HeaderValue>,
    /// What no reason may repeat.
    own: Secrets,
    timeout: Duration,
    composer: Composer,
}

impl Webhook {
    pub(crate) fn build(settings: &WebhookReceiver, common: &Common) -> Result<Self, BuildError> {
        let secrets = settings.secrets.iter().map(Secret::parse).collect::<Result<_, _>>()?;
        let bearer = settings.token.as_ref().map(|token| {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut value = value.map_err(|_| BuildError::Token)?;
            value.set_sensitive(true);
            Ok::<_, BuildError>(value)
        });
        Ok(Self {
            client: Client::new(&common.client())?,
            url: settings.url.clone(),
            secrets,
            bearer: bearer.transpose()?,
            own: own_secrets::webhook(settings),
            timeout: common.timeout,
            composer: common.composer.clone(),
        })
    }

    /// One attempt. The bytes and the id are the same on each, so that the endpoint can drop repeats; the timestamp is the attempt's.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let page = self.composer.page(delivery);
        let body = payload::json_with(&delivery.notification, page.as_deref()).into_bytes();
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers(&delivery.idempotency_key(), now, &body),
            body,
            timeout: self.timeout,
            body_cap: BODY_CAP,
        };
        match self.client.send(request).await {
            Ok(answer) => outcome(&answer, now, &self.own),
            Err(error) => http::outcome_of(&error, &self.own),
        }
    }

    fn headers(&self, id: &str, now: Timestamp, body: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
        let timestamp = now.as_second();
        let mut headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp)),
        ];
        let mut text = |name, value: &str| {
            // An id is hex and a signature base64: neither can fail.
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (HeaderName::from_static(name), value)));
        };
        text("webhook-id", id);
        if !self.secrets.is_empty() {
            text("webhook-signature", &sign(&self.secrets, id, timestamp, body));
        }
        headers.extend(self.bearer.clone().map(|bearer| (AUTHORIZATION, bearer)));
        headers
    }
}

/// What an answer means (Standard Webhooks 1.0, "Delivery": 2xx is success, 3xx a failure, 410 the end, 429, 502 and 504 ask to slow down).
fn outcome(answer: &Answer, now: Timestamp, own: &Secrets) -> Outcome {
    let status = answer.status;
    let body = text::line(&String::from_utf8_lossy(&answer.body));
    let said = if body.is_empty() { String::new() } else { format!(": {body}") };
    let refused = |permanent, reason: &str| Outcome::Refused {
        permanent,
        reason: text::reason(reason, own),
        retry_after: answer.retry_after(now).filter(|_| !permanent),
    };
    match status {
        200..=299 => Outcome::delivered(format!("HTTP {status}")),
        300..=399 => refused(false, &format!("HTTP {status}: a redirect, which is not followed")),
        // A token that is being renewed comes back; so does an endpoint that asks for time.
        401 | 403 | 408 | 425 | 429 => refused(false, &format!("HTTP {status}{said}")),
        400..=499 => refused(true, &format!("HTTP {status}{said}")),
        _ => refused(false, &format!("HTTP {status}{said}")),
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
