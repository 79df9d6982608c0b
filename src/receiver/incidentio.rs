//! incident.io by its HTTP alert source: an incident is one alert that fires and is resolved. It knows its token and the HTTP client; it
//! reads nothing back.
//!
//! Limits and answers: facts/receivers.md 3 (github prometheus/alertmanager, notify/incidentio).

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use super::alert::{Action, Alert};
use super::common::Common;
use super::draft::Composer;
use super::fence::fenced;
use super::http::{self, Meaning, Poster};
use super::message::Budget;
use super::{BuildError, own_secrets};
use crate::config::IncidentioReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::Answer;

/// The longest description, in bytes. The whole may have 512 KB; nobody reads that.
const DESCRIPTION: usize = 12_000;

/// One alert source of incident.io.
pub(crate) struct Incidentio {
    poster: Poster,
    url: Url,
    composer: Composer,
}

impl Incidentio {
    pub(crate) fn build(settings: &IncidentioReceiver, common: &Common) -> Result<Self, BuildError> {
        let token = settings.token.expose_secret();
        let poster = Poster::new(common, own_secrets::of([token]))?.bearer(&settings.token)?;
        Ok(Self { poster, url: settings.api_url.clone(), composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [("alert", body(&Alert::of(&draft, Budget::FULL))), ("plain", body(&Alert::plain(&draft)))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. A repeat has the same `deduplication_key`: it is joined to the alert that fires.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let said = Alert::of(&draft, Budget::FULL);
        if said.action == Action::Acknowledge {
            // To say that it goes on would open it again where it was closed by hand.
            return Outcome::delivered("nothing to send: it takes no acknowledgement from outside");
        }
        let plain = || body(&Alert::plain(&draft));
        let meaning = |answer: &Answer| self.meaning(answer, now);
        self.poster.say(delivery, &self.url, &body(&said), plain, meaning, self.poster.deadline()).await
    }

    fn meaning(&self, answer: &Answer, now: Timestamp) -> Meaning {
        let body = http::json(answer);
        match answer.status {
            200..=299 if body.is_some() => {
                let said = body.as_ref().and_then(|body| body.get("status")?.as_str()).unwrap_or_default();
                self.poster.taken(answer, said)
            }
            400 | 413 | 422 => Meaning::Rephrase(self.poster.reason(answer)),
            // Said by the service itself: the token is wrong, or the alert source is gone. A proxy may change its mind.
            401 | 403 if body.is_some() => self.poster.hopeless(answer),
            _ => self.poster.refused(answer, now),
        }
    }
}

/// What is posted.
fn body(alert: &Alert) -> Value {
    let status = if alert.action == Action::Resolve { "resolved" } else { "firing" };
    http::filled(json!({
        "title": alert.summary,
        "status": status,
        "deduplication_key": alert.key,
        "description": fenced(&alert.text, DESCRIPTION),
        "source_url": alert.link(),
        "metadata": alert.map(),
    }))
}

#[cfg(test)]
#[path = "incidentio_tests.rs"]
mod tests;
