//! Slack by an incoming webhook. It knows its URL and the HTTP client; it can't edit what it posted, for a webhook returns no `ts`.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use url::Url;

use super::blocks;
use super::hook_answer::{Meaning, meaning};
use crate::engine::{Delivery, Outcome};
use crate::net::{Client, Request};
use crate::receiver::common::Common;
use crate::receiver::draft::Composer;
use crate::receiver::{BuildError, http, own_secrets};
use crate::triage::redact::Secrets;

/// A Slack answer is a word; what is longer comes from somebody else.
const BODY_CAP: usize = 4_096;

/// A Slack incoming webhook.
pub(crate) struct Hook {
    client: Client,
    /// A secret as a whole: never printed.
    url: Url,
    /// What no reason may repeat.
    own: Secrets,
    timeout: Duration,
    composer: Composer,
}

impl Hook {
    pub(crate) fn build(webhook_url: &SecretString, common: &Common) -> Result<Self, BuildError> {
        // The parser's error does not repeat the text.
        let url = Url::parse(webhook_url.expose_secret()).map_err(|error| BuildError::Url(error.to_string()))?;
        let client = Client::new(&common.client())?;
        let own = own_secrets::slack(&url);
        Ok(Self { client, url, own, timeout: common.timeout, composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [("blocks", blocks::payload(&draft)), ("plain", blocks::plain_payload(&draft))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. What a form breaks still goes out: when Slack refuses the blocks, the same is said at once as plain text.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let start = Instant::now();
        let draft = self.composer.draft(delivery);
        let rich = match self.post(&blocks::payload(&draft), self.timeout, now).await {
            Meaning::Posted => return Outcome::delivered("ok"),
            Meaning::Other(outcome) => return outcome,
            Meaning::Rephrase(reason) => reason,
        };
        let id = delivery.notification.id.as_str();
        tracing::warn!(receiver = ?delivery.receiver, notification = id, reason = ?rich, "Slack refuses the blocks; saying it plainly");
        let left = self.timeout.saturating_sub(start.elapsed());
        match self.post(&blocks::plain_payload(&draft), left, now).await {
            Meaning::Posted => {
                Outcome::Delivered { receipt: format!("ok (plain, for {rich})"), plain: true, post: None }
            }
            Meaning::Other(outcome) => outcome,
            Meaning::Rephrase(reason) => Outcome::Refused { permanent: true, reason, retry_after: None },
        }
    }

    async fn post(&self, payload: &serde_json::Value, timeout: Duration, now: Timestamp) -> Meaning {
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))],
            body: payload.to_string().into_bytes(),
            timeout,
            body_cap: BODY_CAP,
        };
        match self.client.send(request).await {
            Ok(answer) => meaning(answer.status, &answer.body, answer.retry_after(now), &self.own),
            Err(error) => Meaning::Other(http::outcome_of(&error, &self.own)),
        }
    }
}
