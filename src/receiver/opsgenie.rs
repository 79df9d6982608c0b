//! Opsgenie, and the alerts of Jira Service Management, which took over its API: an incident is one alert, known by its alias. It knows
//! its key and the HTTP client; it reads nothing back.
//!
//! Limits: facts/receivers.md 3. The paths of Jira Service Management: developer.atlassian.com, "Integration events".

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::alert::{self, Action, Alert};
use super::common::Common;
use super::draft::Composer;
use super::http::{self, Meaning, Poster};
use super::message::{Budget, text};
use super::{BuildError, own_secrets};
use crate::config::OpsgenieReceiver;
use crate::engine::{Delivery, Outcome, Severity};
use crate::net::Answer;

/// The longest message.
const MESSAGE: usize = 130;
/// The longest description.
const DESCRIPTION: usize = 15_000;
/// The longest note.
const NOTE: usize = 15_000;
/// All details together, names and texts. The limit is 8,000.
const DETAILS: usize = 7_500;
/// The longest tag. At most 20 of them; we have four.
const TAG: usize = 50;
/// The longest entity.
const ENTITY: usize = 512;
/// The longest name of a user or a source.
const NAME: usize = 100;
/// How long to wait when it asks to slow down and says not for how long: its limits are by the minute.
const BREATH: i64 = 30;

/// One integration of Opsgenie or Jira Service Management.
pub(crate) struct Opsgenie {
    poster: Poster,
    /// `…/v2/alerts`
    url: Url,
    composer: Composer,
}

impl Opsgenie {
    pub(crate) fn build(settings: &OpsgenieReceiver, common: &Common) -> Result<Self, BuildError> {
        let key = settings.api_key.expose_secret();
        let poster = Poster::new(common, own_secrets::of([key]))?.authorized(&format!("GenieKey {key}"))?;
        Ok(Self { poster, url: settings.api_url.clone(), composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        let (said, plain) = (Alert::of(&draft, Budget::FULL), Alert::plain(&draft));
        [
            ("alert", create(&said)),
            ("change", change(&said)),
            ("plain", create(&plain)),
            ("plain change", change(&plain)),
        ]
        .map(|(form, said)| (form, said.to_string().into_bytes()))
        .to_vec()
    }

    /// One attempt. A repeat has the same alias: it is counted at the open alert, and opens none.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let (said, plainly) = (Alert::of(&draft, Budget::FULL), || Alert::plain(&draft));
        let meaning = |answer: &Answer| self.meaning(answer, now);
        let deadline = self.poster.deadline();
        match said.action {
            Action::Trigger => {
                let outcome = self
                    .poster
                    .say(delivery, &self.url, &create(&said), || create(&plainly()), meaning, deadline)
                    .await;
                self.noted(outcome, delivery, &said, now, deadline).await
            }
            Action::Acknowledge | Action::Resolve => {
                let url = self.alert(&said, if said.action == Action::Resolve { "close" } else { "acknowledge" });
                let meaning = |answer: &Answer| match answer.status {
                    // It was closed by hand and deleted, or never opened: what was to be reached is so.
                    404 if http::json(answer).is_some() => {
                        Meaning::Taken("HTTP 404: there is no such alert".to_owned())
                    }
                    _ => meaning(answer),
                };
                self.poster.say(delivery, &url, &change(&said), || change(&plainly()), meaning, deadline).await
            }
        }
    }

    /// A repeat of an open alert is only counted: its words are a note. The alert stands, whatever becomes of its note.
    async fn noted(
        &self,
        outcome: Outcome,
        delivery: &Delivery,
        said: &Alert,
        now: Timestamp,
        deadline: Instant,
    ) -> Outcome {
        let Outcome::Delivered { receipt, plain, post } = outcome else { return outcome };
        if !alert::is_retold(delivery) {
            return Outcome::Delivered { receipt, plain, post };
        }
        let posted = self.poster.post(&self.alert(said, "notes"), &change(said), deadline).await;
        let lost = match posted.map(|answer| self.meaning(&answer, now)) {
            Ok(Meaning::Taken(_)) => None,
            Ok(Meaning::Rephrase(reason)) => Some(reason),
            Ok(Meaning::Other(outcome)) | Err(outcome) => match outcome {
                Outcome::Refused { reason, .. } | Outcome::Unknown { reason } => Some(reason),
                Outcome::Delivered { .. } => None,
            },
        };
        let receipt = lost.map_or(receipt.clone(), |reason| format!("{receipt} (without its note, for {reason})"));
        Outcome::Delivered { receipt, plain, post }
    }

    /// Where the alert of an alias is changed.
    fn alert(&self, said: &Alert, action: &str) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&said.key).push(action);
        }
        url.query_pairs_mut().append_pair("identifierType", "alias");
        url
    }

    fn meaning(&self, answer: &Answer, now: Timestamp) -> Meaning {
        let body = http::json(answer);
        match answer.status {
            200..=299 => match body.filter(|body| body.contains_key("requestId") || body.contains_key("result")) {
                Some(body) => {
                    let id = body.get("requestId").and_then(Value::as_str).unwrap_or_default();
                    self.poster.taken(answer, &format!("request {id}"))
                }
                None => self.poster.refused(answer, now),
            },
            400 | 413 | 422 => Meaning::Rephrase(self.poster.reason(answer)),
            // Said by the service itself: the key is wrong, or its integration is switched off. A proxy may change its mind.
            401 | 403 if body.is_some() => self.poster.hopeless(answer),
            429 => self.poster.slower(answer, now, BREATH),
            _ => self.poster.refused(answer, now),
        }
    }
}

/// The body that opens an alert.
fn create(alert: &Alert) -> Value {
    let tags = ["firstred".to_owned(), alert.severity.as_str().to_owned()].into_iter();
    let tags = tags.chain(alert.workflow.clone()).chain(alert.code.clone());
    let tags: Vec<String> = tags.map(|tag| text::end_cut(&tag.replace(',', " "), TAG)).collect();
    http::filled(json!({
        "message": text::end_cut(&alert.summary, MESSAGE),
        "alias": alert.key,
        "description": text::long_cut(&alert.text, DESCRIPTION),
        "priority": priority(alert.severity),
        "source": text::end_cut(&format!("firstred {}", alert.source), NAME),
        "entity": alert.workflow.as_ref().map(|workflow| text::end_cut(workflow, ENTITY)),
        "tags": tags,
        "details": details(alert),
    }))
}

/// The body that changes one.
fn change(alert: &Alert) -> Value {
    let user = alert.acknowledged_by.as_ref().filter(|_| alert.action == Action::Acknowledge);
    json!({
        "user": user.map_or_else(|| "firstred".to_owned(), |user| text::end_cut(user, NAME)),
        "source": "firstred",
        "note": text::long_cut(&format!("{}\n\n{}", alert.summary, alert.text), NOTE),
    })
}

/// As many facts as fit, in their order. What the description says in full is not said twice.
fn details(alert: &Alert) -> Map<String, Value> {
    let mut room = DETAILS;
    let mut details = Map::new();
    for (name, said) in
        alert.facts.iter().filter(|(name, _)| !matches!(name.as_str(), "detail" | "list" | "context" | "ending"))
    {
        let length = text::length(name) + text::length(said);
        if length <= room {
            room -= length;
            details.insert(name.clone(), Value::String(said.clone()));
        }
    }
    details
}

/// Its names for them are critical, high, moderate, low, informational.
fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "P1",
        Severity::Error => "P2",
        Severity::Warning => "P3",
        Severity::Info => "P5",
    }
}

#[cfg(test)]
#[path = "opsgenie_tests.rs"]
mod tests;
