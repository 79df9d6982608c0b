//! Prometheus Alertmanager by API v2, so that a team's own routing takes over: an incident is one alert, known by its labels. It knows where
//! the instances are and the HTTP client; it reads nothing back.
//!
//! How an alert lives there: github prometheus/alertmanager, api/v2/openapi.yaml and types/types.go.

mod labels;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

use self::labels::Labels;
use super::alert::{self, Action, Alert};
use super::common::Common;
use super::draft::Composer;
use super::http::{self, Meaning, Poster};
use super::message::Budget;
use super::{BuildError, own_secrets};
use crate::config::{AlertmanagerAuth, AlertmanagerReceiver};
use crate::engine::{Delivery, Kind, Outcome};
use crate::net::Answer;

/// How long a test stays: long enough to be routed.
const TEST: SignedDuration = SignedDuration::from_mins(5);

/// How long a summary or a trouble of firstred's own stays: nothing ever says that it is over.
const LEFT_OPEN: SignedDuration = SignedDuration::from_hours(24);

/// An end that is in the future by Alertmanager's clock is no end: it keeps the later one, that of the open alert. So much may the clocks
/// differ.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The instances of one Alertmanager cluster. They don't tell each other of alerts, so each is told, as a delivery of its own.
pub(crate) struct Alertmanager {
    poster: Poster,
    /// By the address that a delivery names.
    instances: Vec<(String, Url)>,
    lifetime: SignedDuration,
    composer: Composer,
}

impl Alertmanager {
    pub(crate) fn build(settings: &AlertmanagerReceiver, common: &Common) -> Result<Self, BuildError> {
        let poster = Poster::new(common, own_secrets::alertmanager(settings))?;
        let poster = match &settings.auth {
            None => poster,
            Some(AlertmanagerAuth::Bearer(token)) => poster.bearer(token)?,
            Some(AlertmanagerAuth::Basic { user, password }) => poster.basic(user, password)?,
        };
        Ok(Self {
            poster,
            instances: settings.instances(),
            lifetime: settings.lifetime,
            composer: common.composer.clone(),
        })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        let known = delivery.post.as_deref().and_then(Labels::read);
        let alerts = |said: &Alert| {
            let labels = Labels::of(draft.notification(), said, known.as_ref());
            self.alerts(delivery, said, &labels, known.as_ref(), delivery.notification.decided_at)
        };
        [("alerts", alerts(&Alert::of(&draft, Budget::FULL))), ("plain", alerts(&Alert::plain(&draft)))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. A repeat has the same labels, and is the same alert.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let meant = |address: &str| delivery.address.as_ref().is_none_or(|wanted| wanted == address);
        let Some((_, url)) = self.instances.iter().find(|(address, _)| meant(address)) else {
            let reason = "this instance is no longer in the configuration".to_owned();
            return Outcome::Refused { permanent: true, reason, retry_after: None };
        };
        let draft = self.composer.draft(delivery);
        let said = Alert::of(&draft, Budget::FULL);
        let known = delivery.post.as_deref().and_then(Labels::read);
        let labels = Labels::of(draft.notification(), &said, known.as_ref());
        let alerts = |said: &Alert| self.alerts(delivery, said, &labels, known.as_ref(), now);
        let plain = || alerts(&Alert::plain(&draft));
        let meaning = |answer: &Answer| self.meaning(answer, now);
        match self.poster.say(delivery, url, &alerts(&said), plain, meaning, self.poster.deadline()).await {
            // The labels are where the alert stands: a later card of the incident may name another step.
            Outcome::Delivered { receipt, plain, post: None } if draft.notification().incident.is_some() => {
                Outcome::Delivered { receipt, plain, post: Some(labels.write()) }
            }
            other => other,
        }
    }

    /// What is posted: the alert, and the end of the one that it takes the place of.
    fn alerts(
        &self,
        delivery: &Delivery,
        said: &Alert,
        labels: &Labels,
        known: Option<&Labels>,
        now: Timestamp,
    ) -> Value {
        let ends_at = match said.action {
            Action::Resolve => over(delivery.notification.decided_at),
            Action::Trigger | Action::Acknowledge => now.saturating_add(self.stays(delivery)).unwrap_or(now),
        };
        let replaced = known.filter(|known| *known != labels).map(|known| {
            let summary = format!("It goes on as an alert of severity {}: {}", said.severity.as_str(), said.summary);
            json!({
                "labels": known.map(),
                "annotations": { "summary": summary },
                "startsAt": started(said, over(delivery.notification.decided_at)),
                "endsAt": over(delivery.notification.decided_at),
            })
        });
        let mut annotations = said.map();
        annotations.insert("summary".to_owned(), Value::String(said.summary.clone()));
        annotations.insert("description".to_owned(), Value::String(said.text.clone()));
        let runbook = said.links.iter().find(|(label, _)| *label == "Runbook");
        annotations.extend(runbook.map(|(_, url)| ("runbook_url".to_owned(), Value::String(url.clone()))));
        annotations.extend(said.acknowledged_by.clone().map(|by| ("acknowledged_by".to_owned(), Value::String(by))));
        let alert = http::filled(json!({
            "labels": labels.map(),
            "annotations": annotations,
            "startsAt": started(said, ends_at),
            "endsAt": ends_at,
            "generatorURL": said.link(),
        }));
        Value::Array(replaced.into_iter().chain([alert]).collect())
    }

    /// How long an alert stays that nothing more is said of.
    fn stays(&self, delivery: &Delivery) -> SignedDuration {
        match delivery.notification.kind {
            Kind::Test => TEST,
            _ if alert::is_left_open(&delivery.notification) => LEFT_OPEN.min(self.lifetime),
            _ => self.lifetime,
        }
    }

    fn meaning(&self, answer: &Answer, now: Timestamp) -> Meaning {
        match answer.status {
            200..=299 if !http::is_page(answer) => self.poster.taken(answer, ""),
            400 | 413 | 422 => Meaning::Rephrase(self.poster.reason(answer)),
            _ => self.poster.refused(answer, now),
        }
    }
}

/// The end of what is over: in the past by any clock.
fn over(decided_at: Timestamp) -> Timestamp {
    decided_at.saturating_sub(SKEW).unwrap_or(decided_at)
}

/// The start: not after the end, which Alertmanager refuses; what was over within seconds gets an earlier one.
fn started(said: &Alert, ends_at: Timestamp) -> Timestamp {
    said.since.min(ends_at)
}
