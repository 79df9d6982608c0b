//! Rocket.Chat by an incoming webhook, which can't edit: each thing that is said is a message. It knows its URL and the HTTP client.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};
use url::Url;

use super::common::Common;
use super::draft::{Composer, Draft};
use super::form::{Dialect as _, Markdown, after, before, body, colour, fitting, footer, head};
use super::heard::Heard;
use super::http::{Meaning, Poster};
use super::message::{Budget, Message, text};
use super::{BuildError, own_secrets};
use crate::config::RocketChatReceiver;
use crate::engine::{Delivery, Outcome};
use crate::net::Answer;

/// 5,000 characters by default; an administrator may set less (facts/receivers.md 3). Text and attachment together stay below it.
const MOST: usize = 4_500;

/// Where even that is too much.
const MOST_PLAIN: usize = 1_000;

/// Rocket.Chat's Markdown: one star is bold. It takes calls from the raw text, code or not (`app/mentions/lib/MentionsParser.ts`). A backslash takes few characters here.
const ROCKET_CHAT: Markdown = Markdown {
    bold: "*",
    strike: "~",
    escaped: &['*', '_', '~', '#'],
    time: None,
    calls_in_code: true,
    mention: super::mattermost::mention,
};

/// A Rocket.Chat incoming webhook.
pub(crate) struct RocketChat {
    poster: Poster,
    /// A secret as a whole: never printed.
    url: Url,
    composer: Composer,
}

impl RocketChat {
    pub(crate) fn build(settings: &RocketChatReceiver, common: &Common) -> Result<Self, BuildError> {
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

    /// One attempt. What a form breaks still goes out: when Rocket.Chat refuses it, the same is said at once in a short text.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let read = |answer: &Answer| meaning(&Heard::new(answer, &self.poster, now));
        self.poster
            .say(delivery, &self.url, &payload(&draft), || plain_payload(&draft), read, self.poster.deadline())
            .await
    }
}

fn payload(draft: &Draft<'_>) -> Json {
    let form = |message: &Message| {
        let above = [vec![head(&ROCKET_CHAT, message)], before(&ROCKET_CHAT, message)].concat().join("\n");
        let mut below = after(&ROCKET_CHAT, message);
        below.extend(footer(message).lines().map(|line| ROCKET_CHAT.words(line)));
        let colour = format!("#{:06x}", colour(message.tone));
        json!({ "text": above, "attachments": [{ "color": colour, "text": below.join("\n") }], "parseUrls": false })
    };
    fitting(draft, form, |form| text::length(&form.to_string()) <= MOST)
}

fn plain_payload(draft: &Draft<'_>) -> Json {
    let form = |message: &Message| [vec![head(&ROCKET_CHAT, message)], body(&ROCKET_CHAT, message)].concat().join("\n");
    let said = fitting(draft, form, |said| text::length(said) <= MOST_PLAIN);
    let headline = ROCKET_CHAT.words(&draft.plain(Budget::percent(0)).headline);
    json!({ "text": if text::length(&said) <= MOST_PLAIN { said } else { headline }, "parseUrls": false })
}

/// `{"success":true}`, or the word of an error (facts/receivers.md 3).
fn meaning(heard: &Heard<'_>) -> Meaning {
    let said = heard.text("/error");
    let form = ["size-exceeded", "No text", "too-large", "invalid-message"].iter().any(|part| said.contains(part));
    match heard.status() {
        200 if heard.json.pointer("/success") == Some(&Json::Bool(true)) => Meaning::Taken("ok".to_owned()),
        200 | 400 if form => Meaning::Rephrase(heard.reason(said)),
        413 => Meaning::Rephrase(heard.reason(said)),
        _ => Meaning::Other(heard.refused(said, "")),
    }
}

#[cfg(test)]
#[path = "rocketchat_tests.rs"]
mod tests;
