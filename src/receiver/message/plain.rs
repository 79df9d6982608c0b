//! The message as plain text: the text part of a mail, the console, what Slack gets when it refuses the rich one. It is
//! complete on its own. It escapes nothing: whoever sends it does.

use std::fmt::Write as _;

use super::{Fact, Line, List, Message, Place, Span, Value, when};

/// The whole card, several lines, without a line break at its end.
pub(crate) fn card(message: &Message) -> String {
    let mut blocks = vec![top(message)];
    blocks.push(lines(&message.lead));
    blocks.extend(error_line(message));
    let texts = [("", &message.said), ("Detail\n", &message.detail)];
    blocks.extend(texts.iter().filter_map(|(label, text)| Some(format!("{label}{}", indented(text.as_deref()?)))));
    blocks.extend(message.list.as_ref().map(list));
    blocks.extend(message.advice.as_ref().map(|advice| format!("Next: {advice}")));
    blocks.push(lines(&message.context));
    let rows: Vec<(&str, String)> =
        message.links.iter().map(|(label, url)| (*label, url.clone())).chain(message.facts.iter().map(row)).collect();
    blocks.push(table(&rows));
    blocks.extend(message.progress.clone());
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n")
}

/// `FAILED  billing-sync failed  at charge-card (4 of 7)`
pub(crate) fn top(message: &Message) -> String {
    let mut out = format!("{}  {}", message.state, message.title);
    if let Some(Place { before, step, position, over }) = &message.place {
        let _ = if *over { write!(out, " ({before}{step})") } else { write!(out, "{before}{step}") };
        if let Some(position) = position {
            let _ = write!(out, " ({position})");
        }
    }
    if let Some(instead) = message.instead {
        let _ = write!(out, ", {instead}");
    }
    out
}

/// `CARD_DECLINED   HTTP 402   not retryable: a retry will fail the same way   configuration (by HTTP 402)`
pub(crate) fn error_line(message: &Message) -> Option<String> {
    let parts = [
        message.code.clone(),
        message.status.map(|status| format!("HTTP {status}")),
        message.verdict.as_ref().map(|verdict| format!("{}: {}", verdict.word, verdict.meaning)),
        message.class.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("   "))
}

fn lines(lines: &[Line]) -> String {
    lines.iter().map(sentence).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A sentence with a capital letter at its start, where that is a word of ours.
pub(crate) fn sentence(line: &Line) -> String {
    let said = line.plain();
    match line.0.first() {
        Some(Span::Text(_) | Span::Strong(_)) => capital(&said),
        _ => said,
    }
}

/// A word of ours at the start of a line.
pub(crate) fn capital(said: &str) -> String {
    let mut rest = said.chars();
    match rest.next() {
        Some(first) if first.is_ascii_lowercase() => first.to_ascii_uppercase().to_string() + rest.as_str(),
        _ => said.to_owned(),
    }
}

fn list(list: &List) -> String {
    let items = list.items.iter().map(|item| format!("  - {}", item_text(item)));
    let more = list.more.iter().map(|more| format!("  {more}"));
    [list.title.clone()].into_iter().chain(items).chain(more).collect::<Vec<_>>().join("\n")
}

/// An item and where it leads, which plain text can only show behind it.
fn item_text(item: &Line) -> String {
    let links = item.0.iter().filter_map(|span| match span {
        Span::Link(_, url) => Some(format!("  {url}")),
        _ => None,
    });
    item.plain() + &links.collect::<String>()
}

/// A fact's label and its text.
pub(crate) fn row(fact: &Fact) -> (&'static str, String) {
    let text = match &fact.value {
        Value::Text(text) | Value::Labelled(text) | Value::Id(text) => text.clone(),
        Value::Time(at) => when::moment(*at),
    };
    (fact.label, text)
}

fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(|(label, text)| format!("{label:width$}  {text}")).collect();
    lines.join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
