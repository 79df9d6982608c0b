//! One sentence of a message in pieces, so that each channel shows names, times and links in its own way. It knows no channel; what
//! is put into it is cleaned and bounded here.

use jiff::Timestamp;

use super::{link, text, when};

/// The longest name in a sentence.
const NAME: usize = 80;

/// A sentence.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Line(pub(crate) Vec<Span>);

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Span {
    /// Words.
    Text(String),
    /// Words that stand out.
    Strong(String),
    /// A name from outside: a step, a code, an id.
    Code(String),
    /// A moment, which a channel may show in the reader's own time zone; and how it reads in UTC.
    Time(Timestamp, String),
    /// A name that leads somewhere. The address is checked.
    Link(String, String),
    /// What calls somebody, as the receiver writes it.
    Mention(String),
}

impl Line {
    pub(crate) fn text(self, words: impl Into<String>) -> Self {
        self.and(Span::Text(words.into()))
    }

    pub(crate) fn strong(self, words: impl Into<String>) -> Self {
        self.and(Span::Strong(words.into()))
    }

    /// A name from outside.
    pub(crate) fn code(self, name: &str) -> Self {
        self.and(Span::Code(short(name)))
    }

    /// A name from outside that leads to `url` where that may be shown.
    pub(crate) fn link(self, name: &str, url: Option<&str>) -> Self {
        match url.and_then(link::checked) {
            Some(url) => self.and(Span::Link(short(name), url)),
            None => self.code(name),
        }
    }

    pub(crate) fn time(self, at: Timestamp, now: Timestamp) -> Self {
        self.and(Span::Time(at, when::soon(at, now)))
    }

    pub(crate) fn mention(self, raw: &str) -> Self {
        let raw = text::line(text::head(raw, NAME));
        if raw.is_empty() { self } else { self.text(" ").and(Span::Mention(raw)) }
    }

    /// All pieces of another sentence behind this one's.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The sentence as plain text.
    pub(crate) fn plain(&self) -> String {
        let mut out = String::new();
        for span in &self.0 {
            match span {
                Span::Text(said) | Span::Strong(said) | Span::Code(said) | Span::Link(said, _) => out.push_str(said),
                Span::Time(_, shown) => out.push_str(shown),
                // What is written for one channel's machine reads badly elsewhere: `<!subteam^S123>`.
                Span::Mention(raw) if raw.starts_with('<') => {}
                Span::Mention(raw) => out.push_str(raw),
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// The same sentence without its links.
    pub(crate) fn without_links(mut self) -> Self {
        for span in &mut self.0 {
            if let Span::Link(name, _) = span {
                *span = Span::Code(std::mem::take(name));
            }
        }
        self
    }

    fn and(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }
}

/// Sentences in one, with `between` between them.
pub(crate) fn joined(lines: Vec<Line>, between: &str) -> Line {
    let mut out = Line::default();
    for line in lines {
        if !out.0.is_empty() {
            out = out.text(between);
        }
        out = out.then(line);
    }
    out
}

/// A name from outside: cleaned, bounded, never empty.
pub(crate) fn short(name: &str) -> String {
    text::middle_cut(&super::named(name), NAME)
}
