//! `PagerDuty` by Events API v2: an incident is one alert that is triggered, acknowledged and resolved. It knows its key and the HTTP
//! client; it reads nothing back.
//!
//! Limits and answers: facts/receivers.md 3 (github PagerDuty/developer-docs, events-API-v2).

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::alert::{Action, Alert};
use super::common::Common;
use super::draft::Composer;
use super::http::{self, Meaning, Poster};
use super::message::{Budget, text};
use super::{BuildError, own_secrets};
use crate::config::PagerdutyReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::Answer;

/// The longest summary.
const SUMMARY: usize = 1_024;

/// How long to wait when it asks to slow down and says not for how long: its limit is one of events a minute.
const BREATH: i64 = 30;

/// One service of `PagerDuty`.
pub(crate) struct Pagerduty {
    poster: Poster,
    url: Url,
    routing_key: SecretString,
    composer: Composer,
}

impl Pagerduty {
    pub(crate) fn build(settings: &PagerdutyReceiver, common: &Common) -> Result<Self, BuildError> {
        let own = own_secrets::of([settings.routing_key.expose_secret()]);
        Ok(Self {
            poster: Poster::new(common, own)?,
            url: settings.api_url.clone(),
            routing_key: settings.routing_key.clone(),
            composer: common.composer.clone(),
        })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        // The key is no text of the message.
        let event = |alert: &Alert| event(alert, "", delivery.notification.decided_at);
        [("event", event(&Alert::of(&draft, Budget::FULL))), ("plain", event(&Alert::plain(&draft)))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. A repeat carries the same `dedup_key` and is appended to the open alert.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let event = |alert: &Alert| event(alert, self.routing_key.expose_secret(), delivery.notification.decided_at);
        let rich = event(&Alert::of(&draft, Budget::FULL));
        let plain = || event(&Alert::plain(&draft));
        self.poster
            .say(delivery, &self.url, &rich, plain, |answer| self.meaning(answer, now), self.poster.deadline())
            .await
    }

    fn meaning(&self, answer: &Answer, now: Timestamp) -> Meaning {
        match answer.status {
            200..=299 => match taken(answer) {
                Some(key) => self.poster.taken(answer, &key),
                None => self.poster.refused(answer, now),
            },
            // No other form makes a wrong key right.
            400 if http::words(answer).to_lowercase().replace('_', " ").contains("routing key") => {
                self.poster.hopeless(answer)
            }
            400 | 413 | 422 => Meaning::Rephrase(self.poster.reason(answer)),
            429 => self.poster.slower(answer, now, BREATH),
            _ => self.poster.refused(answer, now),
        }
    }
}

/// The `dedup_key` that it says yes to.
fn taken(answer: &Answer) -> Option<String> {
    let body = http::json(answer)?;
    let key = body.get("dedup_key").and_then(Value::as_str).unwrap_or_default();
    (body.get("status")?.as_str()? == "success").then(|| key.to_owned())
}

/// The event as Events API v2 takes it. The two that change a state carry nothing that could be refused.
fn event(alert: &Alert, routing_key: &str, at: Timestamp) -> Value {
    let action = match alert.action {
        Action::Trigger => "trigger",
        Action::Acknowledge => "acknowledge",
        Action::Resolve => "resolve",
    };
    if alert.action != Action::Trigger {
        return json!({ "routing_key": routing_key, "event_action": action, "dedup_key": alert.key });
    }
    let links: Vec<Value> = alert.links.iter().map(|(label, url)| json!({ "href": url, "text": label })).collect();
    let payload = http::filled(json!({
        "summary": text::end_cut(&alert.summary, SUMMARY),
        "source": alert.source,
        "severity": alert.severity.as_str(),
        "timestamp": at,
        "component": alert.step,
        "group": alert.workflow,
        "class": alert.code,
        "custom_details": alert.map(),
    }));
    http::filled(json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": alert.key,
        "payload": payload,
        "links": links,
        "client": "firstred",
        "client_url": alert.link(),
    }))
}

#[cfg(test)]
#[path = "pagerduty_tests.rs"]
mod tests;
