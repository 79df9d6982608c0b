//! The Teams form of a message: an Adaptive Card 1.4 that stays well below what Teams stores. It knows no HTTP.
//!
//! Text from outside goes into `RichTextBlock`, whose runs are literal: in a `TextBlock` and in a `FactSet` it would be Markdown. Only mentions
//! need a `TextBlock`; its text is ours.

use serde_json::{Value as Json, json};

use crate::receiver::draft::Draft;
use crate::receiver::form::{fitting, footer};
use crate::receiver::message::{Budget, Fact, Line, List, Message, Span, Tone, Value, plain, when};

/// Teams refuses more than 28,672 bytes as it stores them, where the card is JSON within a JSON string, every quote escaped: 24,453 bytes
/// became 28,897 (facts/receivers.md 3). It does so behind our back, so this stays well below.
pub(super) const MOST_BYTES: usize = 20_000;

/// Teams shows no more buttons than this.
const MOST_ACTIONS: usize = 6;

/// Each line of a text is a block: a text of single characters must not become thousands.
const MOST_LINES: usize = 40;

/// The message for the webhook.
pub(super) fn payload(draft: &Draft<'_>) -> Json {
    fitting(draft, of_message, |form| stored(form) <= MOST_BYTES)
}

/// The headline alone, for a flow that refuses the card.
pub(super) fn short_payload(draft: &Draft<'_>) -> Json {
    let message = draft.plain(Budget::percent(0));
    envelope(&message.headline, &[rich(&[words(&message.headline)], "Default")], &[], &[])
}

/// How many bytes the message takes as Teams stores it.
pub(super) fn stored(form: &Json) -> usize {
    Json::String(form.to_string()).to_string().len()
}

fn of_message(message: &Message) -> Json {
    let mut body = vec![json!({
        "type": "Container",
        "style": match message.tone {
            Tone::Bad => "attention",
            Tone::Warn | Tone::Known => "warning",
            Tone::Good => "good",
            Tone::Note => "accent",
        },
        "bleed": true,
        "items": top(message),
    })];
    for text in [&message.said, &message.detail].into_iter().flatten() {
        body.extend(code_block(text));
    }
    body.extend(message.list.iter().flat_map(list));
    body.extend(message.advice.iter().map(|advice| rich(&[words("Next: "), words(advice)], "Default")));
    body.extend(message.context.iter().map(|line| rich(&sentence(line), "Small")));
    let (calls, entities) = mentions(message);
    body.extend(calls);
    let facts = facts(message);
    if !facts.is_empty() {
        body.push(rich(&[subtle(&facts)], "Default"));
    }
    body.extend(footer(message).lines().map(|line| rich(&[subtle(line)], "None")));
    let actions: Vec<Json> = message
        .links
        .iter()
        .take(MOST_ACTIONS)
        .map(|(label, url)| json!({ "type": "Action.OpenUrl", "title": label, "url": url }))
        .collect();
    envelope(&message.headline, &body, &actions, &entities)
}

fn envelope(fallback: &str, body: &[Json], actions: &[Json], entities: &[Json]) -> Json {
    let mut teams = json!({ "width": "Full" });
    if let (false, Some(fields)) = (entities.is_empty(), teams.as_object_mut()) {
        fields.insert("entities".to_owned(), json!(entities));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": teams,
                "fallbackText": fallback,
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// What is read first: the title, how much failed, and the error in a line.
fn top(message: &Message) -> Vec<Json> {
    let mut title = vec![words(&format!("{} ", message.emoji)), titled(message)];
    match &message.place {
        Some(place) if place.over => {
            title.push(words(" "));
            title.push(
                json!({ "type": "TextRun", "text": format!("{}{}", place.before, place.step), "strikethrough": true }),
            );
        }
        Some(place) => {
            title.extend([words(place.before), code(&place.step)]);
            title.extend(place.position.iter().map(|position| words(&format!(" ({position})"))));
        }
        None => {}
    }
    title.extend(message.instead.map(|instead| words(&format!(", {instead}"))));
    let mut out = vec![rich(&title, "Default")];
    out.extend(message.lead.iter().map(|line| rich(&sentence(line), "Small")));
    let error = error(message);
    if !error.is_empty() {
        out.push(rich(&error, "Small"));
    }
    out
}

fn titled(message: &Message) -> Json {
    let mut run = json!({ "type": "TextRun", "text": message.title, "weight": "Bolder", "size": "Medium" });
    if let (Some((_, url)), Some(fields)) = (message.links.first(), run.as_object_mut()) {
        fields
            .insert("selectAction".to_owned(), json!({ "type": "Action.OpenUrl", "title": message.title, "url": url }));
    }
    run
}

fn error(message: &Message) -> Vec<Json> {
    let mut parts: Vec<Vec<Json>> = Vec::new();
    parts.extend(message.code.as_ref().map(|text| vec![code(text)]));
    parts.extend(message.status.map(|status| vec![words(&format!("HTTP {status}"))]));
    parts.extend(
        message.verdict.as_ref().map(|verdict| vec![bold(verdict.word), words(&format!(": {}", verdict.meaning))]),
    );
    parts.extend(message.class.as_ref().map(|class| vec![words(class)]));
    let mut out = Vec::new();
    for part in parts {
        if !out.is_empty() {
            out.push(words(" · "));
        }
        out.extend(part);
    }
    out
}

/// One block for each line, for a run shows no line break; and spaces at its start stay, for they are a traceback's form.
fn code_block(text: &str) -> Vec<Json> {
    let line = |(index, line): (usize, &str)| {
        let rest = line.trim_start_matches(' ');
        let indent = "\u{a0}".repeat(line.len() - rest.len());
        let shown = if rest.is_empty() { "\u{a0}".to_owned() } else { indent + rest };
        rich(&[code(&shown)], if index == 0 { "Small" } else { "None" })
    };
    let all = text.lines().count();
    let mut out: Vec<Json> = text.lines().take(MOST_LINES).enumerate().map(line).collect();
    if all > MOST_LINES {
        out.push(rich(&[subtle(&format!("… {} lines more in the run", all - MOST_LINES))], "None"));
    }
    out
}

fn list(list: &List) -> Vec<Json> {
    let items = list.items.iter().map(|item| {
        let mut runs = vec![words("• ")];
        runs.extend(item.0.iter().map(span));
        rich(&runs, "None")
    });
    let more = list.more.iter().map(|more| rich(&[words(more)], "None"));
    [rich(&[bold(&list.title)], "Default")].into_iter().chain(items).chain(more).collect()
}

fn facts(message: &Message) -> String {
    let fact = |fact: &Fact| match &fact.value {
        Value::Text(text) => text.clone(),
        Value::Labelled(text) | Value::Id(text) => format!("{} {text}", fact.label.to_lowercase()),
        Value::Time(at) => format!("{} {}", fact.label, when::moment(*at)),
    };
    message.facts.iter().map(fact).collect::<Vec<_>>().join(" · ")
}

/// A sentence with a capital letter at its start, where that is a word of ours.
fn sentence(line: &Line) -> Vec<Json> {
    let mut out: Vec<Json> = line.0.iter().map(span).collect();
    match (out.first_mut(), line.0.first()) {
        (Some(first), Some(Span::Text(text))) => *first = words(&plain::capital(text)),
        (Some(first), Some(Span::Strong(text))) => *first = bold(&plain::capital(text)),
        _ => {}
    }
    out
}

fn span(span: &Span) -> Json {
    match span {
        Span::Text(text) => words(text),
        Span::Strong(text) => bold(text),
        Span::Code(text) => code(text),
        Span::Time(_, shown) => words(shown),
        Span::Link(label, url) => json!({
            "type": "TextRun", "text": label, "fontType": "Monospace",
            "selectAction": { "type": "Action.OpenUrl", "title": label, "url": url },
        }),
        // Whom Teams can call is called in a block of its own; what is written for another channel's machine reads badly.
        Span::Mention(raw) if called(raw).is_some() || raw.starts_with('<') => words(""),
        Span::Mention(raw) => words(raw),
    }
}

/// The block that calls people, and what it takes for Teams to know them.
fn mentions(message: &Message) -> (Option<Json>, Vec<Json>) {
    let calls: Vec<(&str, &str)> = message.mentions().filter_map(called).collect();
    let named = |name: &str| format!("<at>{name}</at>");
    let text = calls.iter().map(|(name, _)| named(name)).collect::<Vec<_>>().join(" ");
    let entities = calls
        .iter()
        .map(|(name, id)| json!({ "type": "mention", "text": named(name), "mentioned": { "id": id, "name": name } }));
    let block = json!({ "type": "TextBlock", "text": text, "wrap": true, "spacing": "Small" });
    ((!text.is_empty()).then_some(block), entities.collect())
}

/// Name and id out of `<at>Anna|anna@example.com</at>`; the id is a sign-in name or an object id, and the name where there is no other.
fn called(raw: &str) -> Option<(&str, &str)> {
    let inner = raw.strip_prefix("<at>")?.strip_suffix("</at>")?;
    let (name, id) = inner.split_once('|').unwrap_or((inner, inner));
    let id_fits = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "@._-+'".contains(c));
    // The text of the block is Markdown: a name with marks in it would no longer be the one that is called.
    let name_fits = !name.trim().is_empty() && name.chars().all(|c| c.is_alphanumeric() || " @.-'".contains(c));
    (id_fits && name_fits).then_some((name, id))
}

fn rich(runs: &[Json], spacing: &str) -> Json {
    let runs: Vec<&Json> =
        runs.iter().filter(|run| run["text"].as_str().is_some_and(|text| !text.is_empty())).collect();
    json!({ "type": "RichTextBlock", "inlines": runs, "spacing": spacing })
}

fn words(text: &str) -> Json {
    json!({ "type": "TextRun", "text": text })
}

fn bold(text: &str) -> Json {
    json!({ "type": "TextRun", "text": text, "weight": "Bolder" })
}

fn code(text: &str) -> Json {
    json!({ "type": "TextRun", "text": text, "fontType": "Monospace" })
}

fn subtle(text: &str) -> Json {
    json!({ "type": "TextRun", "text": text, "isSubtle": true, "size": "Small" })
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn only_what_teams_writes_itself_calls_anybody() {
        assert_eq!(
            called("<at>anna.smith@example.com</at>"),
            Some(("anna.smith@example.com", "anna.smith@example.com"))
        );
        assert_eq!(called("<at>Anna Smith|4f0f-11</at>"), Some(("Anna Smith", "4f0f-11")));
        for raw in
            ["<!subteam^S012ABC>", "@anna", "<at></at>", "<at>[x](y)|a</at>", "<at>a|</at>", "<at>a</at> <at>b</at>"]
        {
            assert_eq!(called(raw), None, "{raw}");
        }
    }
}
