//! Markdown as the chats read it. What differs between them is a field; which characters a backslash takes, above all. It knows no
//! message and no limit.

use jiff::Timestamp;

use super::{Dialect, defused};

/// One chat's Markdown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Markdown {
    /// What makes words bold: `**` or `*`.
    pub(crate) bold: &'static str,
    /// What strikes words through: `~~` or `~`.
    pub(crate) strike: &'static str,
    /// The characters that a backslash makes literal here. Another that means something gets a joiner behind it.
    pub(crate) escaped: &'static [char],
    /// A moment in the reader's own time zone; none: as text.
    pub(crate) time: Option<fn(Timestamp) -> String>,
    /// It looks for calls in code, too: `@all` in the title of a step would ring a room.
    pub(crate) calls_in_code: bool,
    /// What calls people.
    pub(crate) mention: fn(&str) -> Option<String>,
}

/// What means something in one chat or another.
const SPECIAL: [char; 12] = ['\\', '`', '*', '_', '~', '[', ']', '<', '|', '#', '$', '!'];

/// Breaks a mark without being seen (U+2060, WORD JOINER).
const JOINER: char = '\u{2060}';

impl Dialect for Markdown {
    fn words(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        for c in defused(text).chars() {
            match c {
                // Not every chat has a way to write this one.
                '`' => out.push('\u{2cb}'),
                '\n' => out.push(' '),
                c if self.escaped.contains(&c) => out.extend(['\\', c]),
                c if SPECIAL.contains(&c) => out.extend([c, JOINER]),
                c => out.push(c),
            }
        }
        out
    }

    fn strong(&self, text: &str) -> String {
        marked(self.bold, &self.words(text))
    }

    fn code(&self, text: &str) -> String {
        // Behind a backslash that ends it, a back-tick would be text in some; and an empty pair is no code in any.
        let inner = text.replace('`', "\u{2cb}").replace(['\n', '\r'], " ");
        let inner = self.uncalled(&inner);
        let inner = inner.trim();
        if inner.is_empty() { String::new() } else { format!("`{}`", at_end(inner)) }
    }

    fn struck(&self, text: &str) -> String {
        marked(self.strike, &self.words(text))
    }

    fn block(&self, text: &str) -> String {
        // Two back-ticks side by side could be the beginning of an end.
        let inner = self.uncalled(&text.replace("``", "`\u{2060}`\u{2060}"));
        format!("```\n{}\n```", at_end(inner.trim_end_matches('`').trim_end()))
    }

    fn link(&self, label: &str, url: &str) -> String {
        format!("[{}]({url})", self.words(label).trim())
    }

    fn title(&self, label: &str, url: &str) -> String {
        marked(self.bold, &self.link(label, url))
    }

    fn time(&self, at: Timestamp, shown: &str) -> String {
        self.time.map_or_else(|| self.words(shown), |time| time(at))
    }

    fn mention(&self, raw: &str) -> Option<String> {
        (self.mention)(raw)
    }
}

impl Markdown {
    /// A text for code, in which nothing calls anybody.
    fn uncalled(&self, text: &str) -> String {
        if !self.calls_in_code {
            return text.to_owned();
        }
        text.replace('@', "@\u{2060}").replace('#', "#\u{2060}")
    }
}

/// A backslash at the end would take the mark that follows.
fn at_end(text: &str) -> String {
    if text.ends_with('\\') { format!("{text}\u{2060}") } else { text.to_owned() }
}

fn marked(mark: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!("{mark}{text}{mark}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: Markdown = Markdown {
        bold: "**",
        strike: "~~",
        escaped: &['*', '_', '[', ']', '\\'],
        time: None,
        calls_in_code: false,
        mention: |_| None,
    };

    #[test]
    fn no_text_makes_a_mark() {
        assert_eq!(CHAT.words("a*b_c [x](y) <@1> `x`"), "a\\*b\\_c \\[x\\](y) <\u{2060}@\u{2060}1> \u{2cb}x\u{2cb}");
        assert_eq!(CHAT.words("[click](https://evil.example)"), "\\[click\\](https:\u{2060}//evil.\u{2060}example)");
        assert_eq!(CHAT.code("a`b\\"), "`a\u{2cb}b\\\u{2060}`");
        assert_eq!(CHAT.block("x\n```\n@all\n``"), "```\nx\n`\u{2060}`\u{2060}`\n@all\n`\u{2060}`\u{2060}\n```");
        assert_eq!(CHAT.strong("  "), "");
    }

    #[test]
    fn no_fence_is_closed_from_inside() {
        for inside in ["```", "````", "`````", "`\n```x", "``` ```"] {
            let block = CHAT.block(inside);
            assert_eq!(block.matches("```").count(), 2, "{block:?}");
        }
    }
}
