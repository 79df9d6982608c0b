//! The Slack form of a message: `text`, and blocks that stay within Slack's limits. It knows no HTTP.
//!
//! Untrusted text goes into `rich_text`, where it is literal: no escaping, no `<!channel>`, no false links, no broken fences. Only
//! the line of facts is mrkdwn, for its names of dates are; its values are escaped. Links are elements of the text, not
//! buttons: an app without interactivity, such as a plain incoming webhook, shows a warning beside a button that was clicked.
//!
//! Colour is what only an attachment has (facts/receivers.md 1.1), and Slack may fold it away: so title and error stand above it,
//! and it holds the facts.

use serde_json::{Value as Json, json};

use super::escape::{code, escape};
use super::rich::{bold, item, mrkdwn_call, sentence, words};
use crate::receiver::draft::Draft;
use crate::receiver::message::{Budget, Fact, Line, List, Message, Tone, Value, plain, text, when};

/// `msg_blocks_too_long` is not documented: 15,561 characters of JSON were accepted and 17,694 refused
/// (slackapi/bolt-js#2509). This stays well below.
pub(crate) const MOST_JSON: usize = 10_000;

/// Slack splits `text` that is longer than 4,000 (api.slack.com/changelog/2018-04-truncating-really-long-messages).
const MOST_PLAIN: usize = 3_500;

/// `chat.update` takes 4,000 bytes of `text` (facts/receivers.md 1.1), of which the mentions may need some.
const MOST_BYTES: usize = 3_800;

/// The parts of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub(super) blocks: Vec<Json>,
    pub(super) attachments: Vec<Json>,
}

/// Where a message's links stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// In its text.
    Inline,
    /// The first one and the runbook are buttons.
    Buttons,
}

/// The form of a message in fewer than `room` characters of JSON: its texts are shortened until it fits.
pub(super) fn form(made: impl Fn(Budget) -> Message, links: Links, room: usize) -> Form {
    let mut form = Form { blocks: Vec::new(), attachments: Vec::new() };
    for share in [100, 60, 30, 10, 0] {
        let mut message = made(Budget::percent(share));
        if share < 60 {
            message = message.without_links_in_lines();
        }
        if share == 0 {
            // The last resort has no texts, and of the links only the first.
            (message.said, message.detail) = (None, None);
            message.links.truncate(1);
        }
        form = Form { blocks: of_message(&message, links), attachments: below(&message) };
        if form.length() < room {
            break;
        }
    }
    form
}

impl Form {
    /// How many characters of JSON it has.
    pub(super) fn length(&self) -> usize {
        let length = |json: &[Json]| text::length(&Json::from(json).to_string());
        length(&self.blocks) + length(&self.attachments)
    }
}

/// The payload for an incoming webhook.
pub(crate) fn payload(draft: &Draft<'_>) -> Json {
    let Form { blocks, attachments } = form(|budget| draft.message(budget), Links::Inline, MOST_JSON);
    let message = draft.message(Budget::percent(0));
    json!({
        "text": escape(&message.headline),
        "blocks": blocks,
        "attachments": attachments,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// The same as text alone, for a Slack that does not take the blocks.
pub(crate) fn plain_payload(draft: &Draft<'_>) -> Json {
    json!({ "text": plain_text(|budget| draft.plain(budget)), "unfurl_links": false, "unfurl_media": false })
}

/// A message as text alone.
pub(super) fn plain_text(made: impl Fn(Budget) -> Message) -> String {
    let mut said = String::new();
    let fits = |said: &str| text::length(said) <= MOST_PLAIN && said.len() <= MOST_BYTES;
    for share in [100, 60, 30, 10] {
        let message = made(Budget::percent(share));
        said = escape(&format!("{}\n{}", message.headline, plain::card(&message).replace("\n\n", "\n")));
        if fits(&said) {
            break;
        }
    }
    let message = made(Budget::percent(0));
    if !fits(&said) {
        said = escape(&message.headline);
    }
    for call in message.mentions().filter_map(mrkdwn_call) {
        said.push('\n');
        said.push_str(&call);
    }
    said
}

fn of_message(message: &Message, links_stand: Links) -> Vec<Json> {
    let mut elements = vec![section(&head(message))];
    elements.extend(sentences(&message.lead));
    let error = error_line(message);
    if !error.is_empty() {
        elements.push(section(&error));
    }
    let texts = [&message.said, &message.detail].into_iter().flatten();
    elements.extend(texts.map(|text| json!({ "type": "rich_text_preformatted", "elements": [words(text)] })));
    elements.extend(message.list.iter().flat_map(list));
    if let Some(advice) = &message.advice {
        elements.push(section(&[words(advice)]));
    }
    elements.extend(sentences(&message.context));
    let links = links(message, links_stand);
    if !links.is_empty() {
        elements.push(section(&links));
    }
    vec![json!({ "type": "rich_text", "elements": elements })]
}

/// The coloured part: the facts, and why this is told.
fn below(message: &Message) -> Vec<Json> {
    let footer = [message.progress.as_deref(), Some(message.footer.as_str())];
    let footer = footer.into_iter().flatten().map(escape).collect::<Vec<_>>().join("\n");
    let lines = [facts(message), footer].into_iter().filter(|line| !line.trim().is_empty());
    let blocks: Vec<Json> = lines.map(|line| json!({ "type": "context", "elements": [mrkdwn(&line)] })).collect();
    if blocks.is_empty() {
        return blocks;
    }
    let colour = match message.tone {
        Tone::Bad => "#a30200",
        Tone::Warn | Tone::Known => "#daa038",
        Tone::Good => "#2eb886",
        Tone::Note => "#0b57d0",
    };
    // Plain text, where an entity would be shown as it is written; and nothing in it may look like a token to whoever reads it.
    let fallback = message.headline.replace('<', "\u{2039}").replace('>', "\u{203a}");
    // Beside blocks, an attachment may have nothing but these (slack-go/slack#588).
    vec![json!({ "color": colour, "fallback": fallback, "blocks": blocks })]
}

fn head(message: &Message) -> Vec<Json> {
    let title = match message.links.first() {
        Some((_, url)) => json!({ "type": "link", "url": url, "text": message.title, "style": { "bold": true } }),
        None => bold(&message.title),
    };
    let mut line = vec![words(&format!("{} ", message.emoji)), title];
    match &message.place {
        Some(place) if place.over => {
            line.push(words("  "));
            line.push(json!({ "type": "text", "text": place.before, "style": { "strike": true } }));
            line.push(json!({ "type": "text", "text": place.step, "style": { "code": true, "strike": true } }));
        }
        Some(place) => {
            line.push(words(place.before));
            line.push(json!({ "type": "text", "text": place.step, "style": { "code": true } }));
            line.extend(place.position.as_ref().map(|position| words(&format!(" ({position})"))));
        }
        None => {}
    }
    line.extend(message.instead.map(|instead| words(&format!(", {instead}"))));
    line
}

/// One section for all of `lines`.
fn sentences(lines: &[Line]) -> Option<Json> {
    let mut elements = Vec::new();
    for line in lines {
        if !elements.is_empty() {
            elements.push(words("\n"));
        }
        elements.extend(sentence(line));
    }
    (!elements.is_empty()).then(|| section(&elements))
}

fn list(list: &List) -> Vec<Json> {
    let items: Vec<Json> = list.items.iter().map(|line| section(&item(line))).collect();
    let mut out = vec![section(&[bold(&list.title)])];
    if !items.is_empty() {
        out.push(json!({ "type": "rich_text_list", "style": "bullet", "elements": items }));
    }
    out.extend(list.more.as_ref().map(|more| section(&[words(more)])));
    out
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

fn links(message: &Message, stand: Links) -> Vec<Json> {
    let links = message.links.iter().enumerate();
    let links = links.filter(|(at, (label, _))| stand == Links::Inline || (*at > 0 && *label != "Runbook"));
    let links = links.map(|(_, link)| link);
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
