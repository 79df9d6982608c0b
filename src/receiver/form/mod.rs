//! A message as one text with marks: what the channels share that speak some Markdown or HTML. Each of them is a [`Dialect`]; the order of
//! what is said is here, and is that of the Slack card. It knows no channel and no HTTP.

mod defuse;
#[cfg(test)]
pub(crate) mod harmless;
mod markdown;
mod shrink;

use crate::engine::Kind;
use crate::receiver::message::{Fact, Line, List, Message, Span, Tone, Value, plain, when};

pub(crate) use defuse::defused;
pub(crate) use markdown::Markdown;
pub(crate) use shrink::{fitting, fitting_present};

/// How a channel writes. Every text that is handed in is clean and untrusted; what comes out is safe to send.
pub(crate) trait Dialect {
    /// Words, literal.
    fn words(&self, text: &str) -> String;
    /// Words that stand out.
    fn strong(&self, text: &str) -> String;
    /// One line of code.
    fn code(&self, text: &str) -> String;
    /// Words that hold no more.
    fn struck(&self, text: &str) -> String;
    /// Several lines of code.
    fn block(&self, text: &str) -> String;
    /// A link; `url` is checked.
    fn link(&self, label: &str, url: &str) -> String;
    /// A link that stands out.
    fn title(&self, label: &str, url: &str) -> String;
    /// A moment and how it reads in UTC.
    fn time(&self, at: jiff::Timestamp, shown: &str) -> String {
        let _ = at;
        self.words(shown)
    }
    /// What calls somebody, where `raw` is how this channel writes that.
    fn mention(&self, raw: &str) -> Option<String>;
}

/// What stands between two things in a line.
const DOT: &str = " · ";

/// The title, which leads to the run, and where it failed: one line.
pub(crate) fn head(dialect: &impl Dialect, message: &Message) -> String {
    let title = match message.links.first() {
        Some((_, url)) => dialect.title(&message.title, url),
        None => dialect.strong(&message.title),
    };
    format!("{} {title}{}", message.emoji, place(dialect, message))
}

/// What follows the title: the step, struck through once it is over.
pub(crate) fn place(dialect: &impl Dialect, message: &Message) -> String {
    let mut out = String::new();
    match &message.place {
        Some(place) if place.over => {
            out.push(' ');
            out.push_str(&dialect.struck(&format!("{}{}", place.before, place.step)));
        }
        Some(place) => {
            out.push_str(place.before);
            out.push_str(&dialect.code(&place.step));
            out.extend(place.position.as_ref().map(|position| dialect.words(&format!(" ({position})"))));
        }
        None => {}
    }
    out.extend(message.instead.map(|instead| format!(", {instead}")));
    out
}

/// Everything below the title but for the footer, each a paragraph or a line of its own.
pub(crate) fn body(dialect: &impl Dialect, message: &Message) -> Vec<String> {
    let mut out = before(dialect, message);
    out.extend(after(dialect, message));
    out
}

/// What is read first: how much failed, and the error in a line.
pub(crate) fn before(dialect: &impl Dialect, message: &Message) -> Vec<String> {
    let mut out: Vec<String> = message.lead.iter().map(|line| sentence(dialect, line)).collect();
    out.extend(error_line(dialect, message));
    out
}

/// What explains it: the texts, the list, what to do, links, facts.
pub(crate) fn after(dialect: &impl Dialect, message: &Message) -> Vec<String> {
    let mut out: Vec<String> =
        [&message.said, &message.detail].into_iter().flatten().map(|text| dialect.block(text)).collect();
    out.extend(message.list.as_ref().map(|items| list(dialect, items)));
    out.extend(message.advice.as_ref().map(|advice| format!("Next: {}", dialect.words(advice))));
    out.extend(message.context.iter().map(|line| sentence(dialect, line)));
    out.extend(joined(message.links.iter().map(|(label, url)| dialect.link(label, url)).collect()));
    out.extend(joined(message.facts.iter().map(|told| fact(dialect, told)).collect()));
    out.retain(|part| !part.trim().is_empty());
    out
}

/// How far the run came, and why this is told: literal words, without marks.
pub(crate) fn footer(message: &Message) -> String {
    let parts = [message.progress.as_deref(), Some(message.footer.as_str())];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// `CARD_DECLINED · HTTP 402 · not retryable: a retry will fail the same way`
fn error_line(dialect: &impl Dialect, message: &Message) -> Option<String> {
    let verdict = message.verdict.as_ref();
    let parts = [
        message.code.as_ref().map(|code| dialect.code(code)),
        message.status.map(|status| format!("HTTP {status}")),
        verdict.map(|verdict| format!("{}: {}", dialect.strong(verdict.word), dialect.words(&verdict.meaning))),
        message.class.as_ref().map(|class| dialect.words(class)),
    ];
    joined(parts.into_iter().flatten().collect())
}

/// A sentence with a capital letter at its start, where that is a word of ours.
fn sentence(dialect: &impl Dialect, line: &Line) -> String {
    let mut spans = line.0.iter();
    let first = match spans.next() {
        Some(Span::Text(text)) => dialect.words(&plain::capital(text)),
        Some(Span::Strong(text)) => dialect.strong(&plain::capital(text)),
        Some(other) => span(dialect, other),
        None => String::new(),
    };
    let mut said = spans.fold(first, |said, next| said + &span(dialect, next));
    said.truncate(said.trim_end().len());
    said
}

fn span(dialect: &impl Dialect, span: &Span) -> String {
    match span {
        Span::Text(text) => dialect.words(text),
        Span::Strong(text) => dialect.strong(text),
        Span::Code(text) => dialect.code(text),
        Span::Time(at, shown) => dialect.time(*at, shown),
        Span::Link(label, url) => dialect.link(label, url),
        Span::Mention(raw) => match dialect.mention(raw) {
            Some(call) => call,
            // What is written for another channel's machine reads badly here: `<!subteam^S123>`.
            None if raw.starts_with('<') => String::new(),
            None => dialect.words(raw),
        },
    }
}

fn list(dialect: &impl Dialect, list: &List) -> String {
    let items = list.items.iter().map(|item| {
        let said: String = item.0.iter().map(|part| span(dialect, part)).collect();
        format!("• {said}")
    });
    let more = list.more.iter().map(|more| dialect.words(more));
    [dialect.strong(&list.title)].into_iter().chain(items).chain(more).collect::<Vec<_>>().join("\n")
}

fn fact(dialect: &impl Dialect, fact: &Fact) -> String {
    match &fact.value {
        Value::Text(text) => dialect.words(text),
        Value::Labelled(text) => format!("{} {}", fact.label.to_lowercase(), dialect.words(text)),
        Value::Id(text) if fact.label == "Run" => dialect.code(text),
        Value::Id(text) => format!("{} {}", fact.label.to_lowercase(), dialect.code(text)),
        Value::Time(at) => format!("{} {}", fact.label, dialect.time(*at, &when::moment(*at))),
    }
}

fn joined(parts: Vec<String>) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(DOT))
}

/// The colour of a tone, as `RRGGBB`.
pub(crate) fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Bad => 0x00a3_0200,
        Tone::Warn | Tone::Known => 0x00da_a038,
        Tone::Good => 0x002e_b886,
        Tone::Note => 0x000b_57d0,
    }
}

/// Whether people must see `kind`, so that a message of its own says it where the first one is edited: an edit makes no sound.
pub(crate) fn must_be_seen(kind: Kind) -> bool {
    match kind {
        Kind::Updated | Kind::Acknowledged | Kind::Resolved => false,
        Kind::Failed
        | Kind::StillRetrying
        | Kind::Vanished
        | Kind::Trouble
        | Kind::Test
        | Kind::Missed
        | Kind::ProviderTrouble
        | Kind::StillOpen
        | Kind::Reopened
        | Kind::Escalated
        | Kind::Summary
        | Kind::Daily => true,
    }
}
