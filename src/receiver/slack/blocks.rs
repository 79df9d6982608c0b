//! The Slack form of a message: `text`, and blocks that stay within Slack's limits. It knows no HTTP.
//!
//! Untrusted text goes into `rich_text`, where it is literal: no escaping, no `<!channel>`, no false links, no broken fences. Only
//! the line of facts is mrkdwn, for Slack shows a time in the reader's own zone there; its values are escaped. Links are
//! elements of the text, not buttons: an app without interactivity, such as a plain incoming webhook, shows a warning beside
//! a button that was clicked.

use serde_json::{Value as Json, json};

use super::escape::{code, escape};
use crate::engine::Notification;
use crate::receiver::message::{Budget, Fact, Message, Value, plain, text, when};

/// `msg_blocks_too_long` is not documented: 15,561 characters of JSON were accepted and 17,694 refused
/// (slackapi/bolt-js#2509). This stays well below.
pub(crate) const MOST_JSON: usize = 10_000;

/// Slack splits `text` that is longer than 4,000 (api.slack.com/changelog/2018-04-truncating-really-long-messages).
const MOST_PLAIN: usize = 3_500;

/// The payload for an incoming webhook.
pub(crate) fn payload(notification: &Notification) -> Json {
    let mut blocks = Vec::new();
    for share in [100, 60, 30, 10, 0] {
        let mut message = Message::new(notification, Budget::percent(share));
        if share == 0 {
            // The last resort has no texts, and of the links only the first.
            (message.said, message.detail) = (None, None);
            message.links.truncate(1);
        }
        blocks = of_message(&message);
        if text::length(&Json::from(blocks.as_slice()).to_string()) < MOST_JSON {
            break;
        }
    }
    let message = Message::new(notification, Budget::percent(0));
    json!({
        "text": escape(&message.headline),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// The same as text alone, for a Slack that does not take the blocks.
pub(crate) fn plain_payload(notification: &Notification) -> Json {
    let mut said = String::new();
    for share in [100, 60, 30, 10] {
        let message = Message::new(notification, Budget::percent(share));
        said = escape(&format!("{}\n{}", message.headline, plain::card(&message).replace("\n\n", "\n")));
        if text::length(&said) <= MOST_PLAIN {
            break;
        }
    }
    if text::length(&said) > MOST_PLAIN {
        said = escape(&Message::new(notification, Budget::percent(0)).headline);
    }
    json!({ "text": said, "unfurl_links": false, "unfurl_media": false })
}

fn of_message(message: &Message) -> Vec<Json> {
    let mut elements = vec![section(&head(message))];
    let error = error_line(message);
    if !error.is_empty() {
        elements.push(section(&error));
    }
    let texts = [&message.said, &message.detail].into_iter().flatten();
    elements.extend(texts.map(|text| json!({ "type": "rich_text_preformatted", "elements": [words(text)] })));
    if let Some(advice) = &message.advice {
        elements.push(section(&[words(advice)]));
    }
    let links = links(message);
    if !links.is_empty() {
        elements.push(section(&links));
    }
    vec![
        json!({ "type": "rich_text", "elements": elements }),
        json!({ "type": "context", "elements": [mrkdwn(&facts(message))] }),
        json!({ "type": "context", "elements": [mrkdwn(&below(message))] }),
    ]
}

fn head(message: &Message) -> Vec<Json> {
    let title = match message.links.first() {
        Some((_, url)) => json!({ "type": "link", "url": url, "text": message.title, "style": { "bold": true } }),
        None => bold(&message.title),
    };
    let mut line = vec![words(&format!("{} ", message.emoji)), title];
    if let Some((step, position)) = &message.step {
        line.push(words(" at step "));
        line.push(json!({ "type": "text", "text": step, "style": { "code": true } }));
        line.extend(position.as_ref().map(|position| words(&format!(" ({position})"))));
    }
    line.extend(message.instead.map(|instead| words(&format!(", {instead}"))));
    line
}

fn error_line(message: &Message) -> Vec<Json> {
    let mut parts: Vec<Vec<Json>> = Vec::new();
    if let Some(code) = &message.code {
        parts.push(vec![json!({ "type": "text", "text": code, "style": { "bold": true, "code": true } })]);
    }
    parts.extend(message.status.map(|status| vec![words(&format!("HTTP {status}"))]));
    if let Some(verdict) = &message.verdict {
        parts.push(vec![bold(verdict.word), words(&format!(": {}", verdict.meaning))]);
    }
    parts.extend(message.class.as_ref().map(|class| vec![words(class)]));
    joined(parts)
}

fn links(message: &Message) -> Vec<Json> {
    let links = message.links.iter();
    joined(links.map(|(label, url)| vec![json!({ "type": "link", "url": url, "text": label })]).collect())
}

fn joined(parts: Vec<Vec<Json>>) -> Vec<Json> {
    let mut out = Vec::new();
    for part in parts {
        if !out.is_empty() {
            out.push(words("  ·  "));
        }
        out.extend(part);
    }
    out
}

/// The line of facts in mrkdwn. Every value is bounded where it is made, so that even escaped to five times its length the line
/// stays under the 3,000 of a text object (`@slack/types` 3.2.0).
fn facts(message: &Message) -> String {
    message.facts.iter().map(fact).collect::<Vec<_>>().join("   ·   ")
}

fn below(message: &Message) -> String {
    let lines = [message.progress.as_deref(), Some(message.footer.as_str())];
    lines.into_iter().flatten().map(escape).collect::<Vec<_>>().join("\n")
}

fn fact(fact: &Fact) -> String {
    match &fact.value {
        Value::Text(text) => escape(text),
        Value::Labelled(text) => format!("{} {}", fact.label.to_lowercase(), escape(text)),
        Value::Id(text) if fact.label == "Run" => code(text),
        Value::Id(text) => format!("{} {}", fact.label.to_lowercase(), code(text)),
        Value::Time(at) => {
            let (unix, fallback) = (at.as_second(), when::moment(*at));
            format!("{} <!date^{unix}^{{date_short_pretty}} {{time_secs}}|{fallback}>", fact.label)
        }
    }
}

fn section(elements: &[Json]) -> Json {
    json!({ "type": "rich_text_section", "elements": elements })
}

fn mrkdwn(text: &str) -> Json {
    json!({ "type": "mrkdwn", "verbatim": true, "text": text })
}

fn words(text: &str) -> Json {
    json!({ "type": "text", "text": text })
}

fn bold(text: &str) -> Json {
    json!({ "type": "text", "text": text, "style": { "bold": true } })
}
