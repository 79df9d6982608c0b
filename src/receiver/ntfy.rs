//! ntfy, by JSON to the server's root: a push to phones, where a server from 2.16 on replaces what it showed of the same incident. It knows
//! its topic and the HTTP client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};
use url::Url;

use super::common::Common;
use super::draft::{Composer, Draft};
use super::form::{Dialect, after, before, fitting, footer};
use super::heard::Heard;
use super::http::{Meaning, Poster};
use super::message::{Budget, Message, text};
use super::{BuildError, own_secrets};
use crate::config::{NtfyLogin, NtfyReceiver};
use crate::engine::{Delivery, Kind, Notification, Outcome, Severity};
use crate::net::Answer;

/// A longer message becomes a file (ntfy docs, "Publishing", "Limitations": 4,096 bytes).
const MOST_BYTES: usize = 4_096;

/// "Up to three user actions" (ntfy docs).
const MOST_ACTIONS: usize = 3;

/// An ntfy topic.
pub(crate) struct Ntfy {
    poster: Poster,
    /// The server's root.
    url: Url,
    /// A secret on a server without accounts.
    topic: String,
    composer: Composer,
}

impl Ntfy {
    pub(crate) fn build(settings: &NtfyReceiver, common: &Common) -> Result<Self, BuildError> {
        let poster = Poster::new(common, own_secrets::ntfy(settings))?;
        let poster = match &settings.login {
            NtfyLogin::Nobody => poster,
            NtfyLogin::Token(token) => poster.authorized(&format!("Bearer {}", token.expose_secret()))?,
            NtfyLogin::User(user, password) => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
                poster.authorized(&format!("Basic {pair}"))?
            }
        };
        let (url, topic) = (settings.url.clone(), settings.topic.expose_secret().to_owned());
        Ok(Self { poster, url, topic, composer: common.composer.clone() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        // The topic is a secret of the settings, and no text of the message.
        [("message", payload(&draft, "")), ("plain", plain_payload(&draft, ""))]
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .to_vec()
    }

    /// One attempt. What a form breaks still goes out, as the headline alone.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let draft = self.composer.draft(delivery);
        let read = |answer: &Answer| meaning(&Heard::new(answer, &self.poster, now));
        let plain = || plain_payload(&draft, &self.topic);
        self.poster.say(delivery, &self.url, &payload(&draft, &self.topic), plain, read, self.poster.deadline()).await
    }
}

/// ntfy shows text as it is. Its apps make links of addresses in it, which are seen as what they are.
struct Literal;

impl Dialect for Literal {
    fn words(&self, text: &str) -> String {
        text.to_owned()
    }

    fn strong(&self, text: &str) -> String {
        text.to_owned()
    }

    fn code(&self, text: &str) -> String {
        text.to_owned()
    }

    fn struck(&self, text: &str) -> String {
        format!("({})", text.trim())
    }

    fn block(&self, text: &str) -> String {
        text.to_owned()
    }

    fn link(&self, label: &str, _url: &str) -> String {
        label.to_owned()
    }

    fn title(&self, label: &str, _url: &str) -> String {
        label.to_owned()
    }

    fn mention(&self, _raw: &str) -> Option<String> {
        None
    }
}

fn payload(draft: &Draft<'_>, topic: &str) -> Json {
    let message = |message: &Message| {
        let mut linkless = message.clone();
        let links = std::mem::take(&mut linkless.links);
        let mut parts = [before(&Literal, &linkless), after(&Literal, &linkless)].concat();
        parts.push(footer(&linkless));
        (linkless, links, parts.join("\n"))
    };
    let (message, links, body) = fitting(draft, message, |(_, _, body)| body.len() <= MOST_BYTES);
    let mut out = plain_payload(draft, topic);
    let mut say = |key: &str, value: Json| {
        out.as_object_mut().map(|fields| fields.insert(key.to_owned(), value));
    };
    // The state is the sign before the title, which a tag becomes.
    let headline = message.headline.strip_prefix(message.emoji).unwrap_or(&message.headline).trim_start();
    say("title", json!(headline));
    say("message", json!(body));
    say("tags", json!([tag(message.emoji)]));
    if let Some((_, url)) = links.first() {
        say("click", json!(url));
        let actions = links.iter().take(MOST_ACTIONS);
        let actions = actions.map(|(label, url)| json!({ "action": "view", "label": label, "url": url }));
        say("actions", Json::Array(actions.collect()));
    }
    out
}

/// The headline alone.
fn plain_payload(draft: &Draft<'_>, topic: &str) -> Json {
    let notification = draft.notification();
    let mut out = json!({
        "topic": topic,
        "message": draft.plain(Budget::percent(0)).headline,
        "priority": priority(notification),
    });
    if let (Some(note), Some(fields)) = (&notification.incident, out.as_object_mut()) {
        fields.insert("sequence_id".to_owned(), json!(sequence(note.id.as_str())));
    }
    out
}

/// A name as ntfy takes it: letters, digits, `-` and `_`, at most 64.
fn sequence(id: &str) -> String {
    let known = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    text::head(id, 64).chars().map(known).collect()
}

/// 5 rings until it is seen, 3 makes a sound, 2 none, 1 shows nothing but in the list.
fn priority(notification: &Notification) -> u8 {
    match (notification.kind, notification.severity) {
        // What is over, or known, wakes nobody.
        (Kind::Resolved | Kind::Acknowledged | Kind::Updated, _) => 2,
        (Kind::Escalated, _) | (_, Severity::Critical) => 5,
        (_, Severity::Error) => 4,
        (_, Severity::Warning) => 3,
        (_, Severity::Info) => 2,
    }
}

/// The name by which ntfy knows a sign (ntfy docs, "Emoji reference").
fn tag(emoji: &str) -> &'static str {
    match emoji {
        "🔴" => "red_circle",
        "🟠" => "orange_circle",
        "🟡" => "yellow_circle",
        "✅" => "white_check_mark",
        "🚨" => "rotating_light",
        "🔔" => "bell",
        _ => "warning",
    }
}

/// What an answer means. `code` says more than the status: 40024 is JSON that ntfy can't read, 413 a message beyond a limit.
fn meaning(heard: &Heard<'_>) -> Meaning {
    let said = heard.text("/error");
    match (heard.status(), heard.number("/code")) {
        (200, _) if !heard.text("/id").is_empty() => {
            let id: String = heard.text("/id").chars().filter(char::is_ascii_alphanumeric).take(64).collect();
            Meaning::Taken(format!("message {id}"))
        }
        (413, _) | (400, Some(40_018 | 40_024)) => Meaning::Rephrase(heard.reason(said)),
        _ => Meaning::Other(heard.refused(said, "")),
    }
}

#[cfg(test)]
#[path = "ntfy_tests.rs"]
mod tests;
