//! Mattermost by an incoming webhook, which can't edit: each thing that is said is a post. It knows its URL and the HTTP client.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};
use url::Url;

use super::common::Common;
use super::draft::{Composer, Draft};
use super::form::{Markdown, after, before, body, colour, fitting, footer, head};
use super::heard::Heard;
use super::http::{Meaning, Poster};
use super::message::{Budget, Message, text};
use super::{BuildError, own_secrets};
use crate::config::MattermostReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::Answer;

/// A longer post is split, and before 5.0 at 4,000 (facts/receivers.md 3): well below the one, and not far above the other.
const MOST: usize = 8_000;

/// Mattermost's Markdown. A backslash takes these; `<` and the rest that means something are not among them.
const MATTERMOST: Markdown = Markdown {
    bold: "**",
    strike: "~~",
    escaped: &['\\', '*', '_', '[', ']', '~', '|', '#', '!'],
    time: None,
    calls_in_code: false,
    mention,
};

/// A Mattermost incoming webhook.
pub(crate) struct Mattermost {
    poster: Poster,
    /// A secret as a whole: never printed.
    url: Url,
    composer: Composer,
}

impl Mattermost {
    pub(crate) fn build(settings: &MattermostReceiver, common: &Common) -> Result<Self, BuildError> {
        let url =
            Url::parse(settings.webhook_url.expose_secret()).map_err(|error| BuildError::Url(error.to_string()))?;
        let poster = Poster::new(common, own_secrets::hook(&url))?;
        Ok(Self { poster, url, composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [("message", payload(&draft)), ("plain", plain_payload(&draft))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. What a form breaks still goes out: when Mattermost refuses it, the same is said at once in one text.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let read = |answer: &Answer| meaning(&Heard::new(answer, &self.poster, now));
        self.poster
            .say(delivery, &self.url, &payload(&draft), || plain_payload(&draft), read, self.poster.deadline())
            .await
    }
}

/// The title and the error as the post's own text, which is what a phone shows; the rest beside a colour.
fn payload(draft: &Draft<'_>) -> Json {
    let form = |message: &Message| {
        let above = [vec![head(&MATTERMOST, message)], before(&MATTERMOST, message)].concat().join("\n");
        let attachment = json!({
            "fallback": message.headline,
            "color": format!("#{:06x}", colour(message.tone)),
            "text": after(&MATTERMOST, message).join("\n"),
            "footer": footer(message),
        });
        json!({ "text": above, "attachments": [attachment] })
    };
    fitting(draft, form, |form| text::length(&form.to_string()) <= MOST)
}

fn plain_payload(draft: &Draft<'_>) -> Json {
    let form = |message: &Message| [vec![head(&MATTERMOST, message)], body(&MATTERMOST, message)].concat().join("\n");
    let said = fitting(draft, form, |said| text::length(said) <= MOST / 2);
    let headline = draft.plain(Budget::percent(0)).headline;
    json!({ "text": if text::length(&said) <= MOST { said } else { super::form::Dialect::words(&MATTERMOST, &headline) } })
}

/// `@name`, `@here`, `@channel`, `@all`; only the owner's own `mention` comes here.
pub(super) fn mention(raw: &str) -> Option<String> {
    let name = raw.strip_prefix('@')?;
    let known = !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    known.then(|| raw.to_owned())
}

/// The `id` of an error says what is wrong: `web.incoming_webhook.invalid.app_error` (facts/receivers.md 3).
fn meaning(heard: &Heard<'_>) -> Meaning {
    let (id, said) = (heard.text("/id"), heard.text("/message"));
    let form = ["parse", "attachment", "text", "too_long", "max_length"].iter().any(|part| id.contains(part));
    match heard.status() {
        200 if heard.words() == "ok" => Meaning::Taken("ok".to_owned()),
        413 => Meaning::Rephrase(heard.reason(said)),
        400 if form => Meaning::Rephrase(heard.reason(said)),
        _ => Meaning::Other(heard.refused(said, "")),
    }
}

#[cfg(test)]
#[path = "mattermost_tests.rs"]
mod tests;
