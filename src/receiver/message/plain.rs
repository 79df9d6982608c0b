//! The message as plain text: the text part of a mail, the console, what Slack gets when it refuses the rich one. It is
//! complete on its own. It escapes nothing: whoever sends it does.

use std::fmt::Write as _;

use super::{Fact, Message, Value, when};

/// The whole card, several lines, without a line break at its end.
pub(crate) fn card(message: &Message) -> String {
    let mut blocks = vec![top(message)];
    blocks.extend(error_line(message));
    let texts = [("", &message.said), ("Detail\n", &message.detail)];
    blocks.extend(texts.iter().filter_map(|(label, text)| Some(format!("{label}{}", indented(text.as_deref()?)))));
    blocks.extend(message.advice.as_ref().map(|advice| format!("Next: {advice}")));
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
    if let Some((step, position)) = &message.step {
        let _ = write!(out, " at step {step}");
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
