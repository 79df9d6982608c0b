//! Microsoft Teams by a Workflows webhook, which can't edit and does not say what became of a message: each thing that is said is a card of
//! its own. It knows its URL and the HTTP client.

mod card;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use url::Url;

use super::common::Common;
use super::draft::Composer;
use super::heard::Heard;
use super::http::{Meaning, Poster};
use super::{BuildError, own_secrets};
use crate::config::TeamsReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::Answer;

/// What is proven of a message that Teams took: nothing more than that.
const RECEIPT: &str = "accepted, Teams does not confirm";

/// A Teams Workflows webhook.
pub(crate) struct Teams {
    poster: Poster,
    /// A secret as a whole, its query above all: never printed.
    url: Url,
    composer: Composer,
}

impl Teams {
    pub(crate) fn build(settings: &TeamsReceiver, common: &Common) -> Result<Self, BuildError> {
        let url =
            Url::parse(settings.webhook_url.expose_secret()).map_err(|error| BuildError::Url(error.to_string()))?;
        let poster = Poster::new(common, own_secrets::hook(&url))?;
        Ok(Self { poster, url, composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [("card", card::payload(&draft)), ("short", card::short_payload(&draft))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. What a form breaks still goes out: when the flow refuses the card, a card with nothing but the headline follows.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let read = |answer: &Answer| meaning(&Heard::new(answer, &self.poster, now));
        self.poster
            .say(
                delivery,
                &self.url,
                &card::payload(&draft),
                || card::short_payload(&draft),
                read,
                self.poster.deadline(),
            )
            .await
    }
}

/// What an answer means. The code in it says whether the flow or the card is wrong (facts/receivers.md 3).
fn meaning(heard: &Heard<'_>) -> Meaning {
    let (code, said) = (heard.text("/error/code"), heard.text("/error/message"));
    // The flow, its owner or its address: no other card helps.
    let flow = ["Workflow", "Authorization", "Authentication", "Signature", "Trigger"];
    match heard.status() {
        // Older flows answer 200 with a word or nothing. A page comes from somebody else.
        200..=299 if !heard.is_page() => Meaning::Taken(RECEIPT.to_owned()),
        413 => Meaning::Rephrase(heard.reason(said)),
        400 if !flow.iter().any(|part| code.contains(part)) => Meaning::Rephrase(heard.reason(said)),
        _ => Meaning::Other(heard.refused(said, "")),
    }
}
