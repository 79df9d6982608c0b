//! The Telegram form of a message: its HTML, and the same as plain text, within 4,096 units. It knows no HTTP.

use crate::receiver::draft::Draft;
use crate::receiver::form::{Dialect, body, defused, fitting_present, footer, head};
use crate::receiver::message::{Budget, Message, plain as plainly};

/// UTF-16 units of the text without its marks (facts/receivers.md 3).
const MOST: usize = 4_096;

/// Names that a call by `@name` can have (Telegram's usernames: 5 to 32, some 4).
const NAME: std::ops::RangeInclusive<usize> = 4..=32;

struct Html;

impl Dialect for Html {
    fn words(&self, text: &str) -> String {
        escape(&defused(text))
    }

    fn strong(&self, text: &str) -> String {
        within("b", &self.words(text))
    }

    fn code(&self, text: &str) -> String {
        within("code", &escape(text))
    }

    fn struck(&self, text: &str) -> String {
        within("s", &self.words(text))
    }

    fn block(&self, text: &str) -> String {
        within("pre", &escape(text))
    }

    fn link(&self, label: &str, url: &str) -> String {
        format!("<a href=\"{}\">{}</a>", escape(url).replace('"', "&quot;"), self.words(label))
    }

    fn title(&self, label: &str, url: &str) -> String {
        within("b", &self.link(label, url))
    }

    fn mention(&self, raw: &str) -> Option<String> {
        let name = raw.strip_prefix('@')?;
        let known = NAME.contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        known.then(|| raw.to_owned())
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Telegram takes no empty element.
fn within(tag: &str, escaped: &str) -> String {
    if escaped.trim().is_empty() { String::new() } else { format!("<{tag}>{escaped}</{tag}>") }
}

/// The whole card.
pub(super) fn card(draft: &Draft<'_>) -> String {
    fitting_present(draft, of_message, |html| visible(html) <= MOST)
}

/// The card without marks, for a Telegram that does not take them. Nothing in it is a link but what is one of ours.
pub(super) fn plain(draft: &Draft<'_>) -> String {
    let said = |message: &Message| format!("{}\n{}", message.headline, plainly::card(message).replace("\n\n", "\n"));
    let whole = fitting_present(draft, |message| unlinked(&said(message), message), |text| units(text) <= MOST);
    if units(&whole) <= MOST { whole } else { defused(&draft.plain(Budget::percent(0)).headline) }
}

/// A short message for what people must see, which an edit would not show them.
pub(super) fn pointer(draft: &Draft<'_>) -> String {
    let message = draft.message(Budget::percent(0));
    let calls: Vec<String> = message.mentions().filter_map(|raw| Html.mention(raw)).collect();
    let parts = [Html.words(&message.headline), calls.join(" ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The same without marks.
pub(super) fn plain_pointer(draft: &Draft<'_>) -> String {
    defused(&draft.message(Budget::percent(0)).headline)
}

fn of_message(message: &Message) -> String {
    let mut parts = vec![head(&Html, message)];
    parts.extend(body(&Html, message));
    parts.push(within("i", &Html.words(&footer(message))));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// `said`, in which only the links of `message` still are some.
fn unlinked(said: &str, message: &Message) -> String {
    let ours = |line: &str| {
        message.links.iter().any(|(label, url)| line.strip_prefix(label).is_some_and(|rest| rest.trim_start() == url))
    };
    said.lines().map(|line| if ours(line) { line.to_owned() } else { defused(line) }).collect::<Vec<_>>().join("\n")
}

/// What Telegram counts: the text without its marks. An entity counts as the one character that it is.
fn visible(html: &str) -> usize {
    let mut count = 0;
    let mut rest = html;
    while let Some(next) = rest.chars().next() {
        let end = match next {
            '<' => '>',
            '&' => ';',
            other => {
                count += other.len_utf16();
                rest = rest.get(other.len_utf8()..).unwrap_or_default();
                continue;
            }
        };
        // Only our own marks and entities are here: each has its end.
        count += usize::from(next == '&');
        rest = rest.split_once(end).map_or("", |(_, after)| after);
    }
    count
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_do_not_count_and_signs_beyond_the_basic_plane_count_twice() {
        assert_eq!(visible("🔴 <b><a href=\"https://x.example/?a=1&amp;b=2\">a &lt; b</a></b>"), 2 + 1 + 5);
        assert_eq!(visible(""), 0);
    }

    #[test]
    fn only_a_username_calls_anybody() {
        assert_eq!(Html.mention("@growth_team"), Some("@growth_team".to_owned()));
        for raw in ["@a", "growth", "@<b>", "<!subteam^S012ABC>", "@one @two", ""] {
            assert_eq!(Html.mention(raw), None, "{raw}");
        }
    }
}
