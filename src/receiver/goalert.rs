//! `GoAlert` by its generic API: an incident is one alert, known by `dedup`. It knows its token and the HTTP client; it reads nothing back.
//!
//! Limits and answers: github target/goalert, genericapi/handler.go and alert/alert.go.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use super::alert::{Action, Alert};
use super::common::Common;
use super::draft::Composer;
use super::fence::fenced;
use super::http::{self, Meaning, Poster};
use super::message::{Budget, text};
use super::{BuildError, own_secrets};
use crate::config::GoalertReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::Answer;

/// The longest summary of the oldest versions; later ones take 1,024. What is longer is cut without a word.
const SUMMARY: usize = 118;

/// The longest details, in bytes as in characters: 6 KiB, with room for the fence.
const DETAILS: usize = 6_000;

/// One service of `GoAlert`.
pub(crate) struct Goalert {
    poster: Poster,
    /// With the token in its query: a secret as a whole.
    url: Url,
    composer: Composer,
}

impl Goalert {
    pub(crate) fn build(settings: &GoalertReceiver, common: &Common) -> Result<Self, BuildError> {
        let token = settings.token.expose_secret();
        let mut url = settings.url.clone();
        url.query_pairs_mut().append_pair("token", token);
        let poster = Poster::new(common, own_secrets::of([token]))?;
        Ok(Self { poster, url, composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [("alert", body(&Alert::of(&draft, Budget::FULL))), ("plain", body(&Alert::plain(&draft)))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. A repeat has the same `dedup`: it is taken for the open alert, and opens none.
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
        match answer.status {
            200..=299 if !http::is_page(answer) => self.poster.taken(answer, ""),
            400 | 413 | 422 => Meaning::Rephrase(self.poster.reason(answer)),
            _ => self.poster.refused(answer, now),
        }
    }
}

/// What is posted.
fn body(alert: &Alert) -> Value {
    let action = Some("close").filter(|_| alert.action == Action::Resolve);
    http::filled(json!({
        "summary": text::end_cut(&alert.summary, SUMMARY),
        "details": fenced(&alert.text, DETAILS),
        "dedup": alert.key,
        "action": action,
    }))
}

#[cfg(test)]
#[path = "goalert_tests.rs"]
mod tests;
