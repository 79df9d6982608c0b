//! Texts made safe to show and short enough to send: cleaning, cutting, counting. It knows no channel and no card.
//!
//! Lengths are Unicode code points, as Slack counts; cuts fall between graphemes, so that no accent and no emoji is torn.

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::triage::redact::{Secrets, redact_with};

/// One line: every run of white space and line breaks is one space, nothing invisible is left.
pub(crate) fn line(text: &str) -> String {
    let block = block(text);
    let mut out = String::with_capacity(block.len());
    for word in block.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Several lines: line breaks stay, tabs become spaces, other control characters become visible, and what only serves to
/// deceive the eye (bidirectional controls, tag characters) is taken out.
pub(crate) fn block(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' => out.push('\n'),
            '\t' => out.push_str("    "),
            '\0' => out.push('\u{fffd}'),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if deceives(c) => {}
            c => out.push(c),
        }
    }
    out
}

fn deceives(c: char) -> bool {
    matches!(c,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// How long a text is.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

/// The longest start of `text` that is at most `max` long and ends between graphemes.
pub(crate) fn head(text: &str, max: usize) -> &str {
    let (mut end, mut count) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        count += length(grapheme);
        if count > max {
            break;
        }
        end = at + grapheme.len();
    }
    // One grapheme can be longer than the whole budget: a letter with a thousand accents.
    if end == 0 { text.char_indices().nth(max).map_or(text, |(at, _)| &text[..at]) } else { &text[..end] }
}

/// The longest end of `text` that is at most `max` long and starts between graphemes; may be empty.
pub(crate) fn tail(text: &str, max: usize) -> &str {
    let (mut start, mut count) = (text.len(), 0);
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        count += length(grapheme);
        if count > max {
            break;
        }
        start = at;
    }
    &text[start..]
}

/// `text`, or its start and an ellipsis, at most `max` long.
pub(crate) fn end_cut(text: &str, max: usize) -> String {
    if length(text) <= max {
        return text.to_owned();
    }
    format!("{}…", head(text, max.saturating_sub(1)).trim_end())
}

/// `text`, or its start and end around an ellipsis, at most `max` long: names differ at both ends.
pub(crate) fn middle_cut(text: &str, max: usize) -> String {
    if length(text) <= max {
        return text.to_owned();
    }
    let keep = max.saturating_sub(1);
    let back = keep / 2;
    format!("{}…{}", head(text, keep - back), if back == 0 { "" } else { tail(text, back) })
}

/// Several lines, at most `max` long; what is left out is counted.
pub(crate) fn long_cut(text: &str, max: usize) -> String {
    let all = length(text);
    if all <= max {
        return text.to_owned();
    }
    let start = nice_head(text, max.saturating_sub(MARKER)).trim_end();
    marked(start, all - length(start), "")
}

/// Several lines, at most `max` long: 70 % from the start and 30 % from the end, for the last line of a traceback says
/// as much as its first.
pub(crate) fn middle_long_cut(text: &str, max: usize) -> String {
    let all = length(text);
    if all <= max {
        return text.to_owned();
    }
    let keep = max.saturating_sub(MARKER);
    let start = nice_head(text, keep * 7 / 10).trim_end();
    let end = nice_tail(text, keep * 3 / 10);
    marked(start, all - length(start) - length(end), end)
}

/// Room for `\n… 1,234,567,890 characters more in the run\n`.
const MARKER: usize = 50;

fn marked(start: &str, left_out: usize, end: &str) -> String {
    let marker = format!("… {} characters more in the run", grouped(left_out));
    [start, &marker, end].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n")
}

/// A start that ends with a line where one ends in its last half, else with a word, else with a grapheme.
fn nice_head(text: &str, max: usize) -> &str {
    let rough = head(text, max);
    let half = rough.len() / 2;
    let cut = |at: Option<usize>| at.filter(|at| *at >= half);
    cut(rough.rfind('\n')).or_else(|| cut(rough.rfind(' '))).map_or(rough, |at| &rough[..at])
}

fn nice_tail(text: &str, max: usize) -> &str {
    let rough = tail(text, max);
    let half = rough.len() / 2;
    let cut = |at: Option<usize>| at.filter(|at| *at <= half);
    cut(rough.find('\n')).or_else(|| cut(rough.find(' '))).map_or(rough, |at| &rough[at + 1..])
}

/// `3412` as `3,412`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 step`, `2 steps`.
pub(crate) fn counted(number: u32, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number as usize), if number == 1 { one } else { many })
}

/// The most of an answer that is looked at.
const MOST_OF_AN_ANSWER: usize = 2_000;

/// What a receiver answered, or what the way to it gave, as a reason in the ledger: one line, at most 200 long, without URLs (a URL may
/// be a secret), without `own` (the receiver's own secrets: what refuses a token likes to repeat it) and without what looks like one.
pub(crate) fn reason(text: &str, own: &Secrets) -> String {
    let looked_at = head(text, MOST_OF_AN_ANSWER);
    // Half a secret is no longer found as one: what is cut off is cut off with its word.
    let whole = if looked_at.len() < text.len() { looked_at.rsplit_once(char::is_whitespace) } else { None };
    let text = line(whole.map_or(looked_at, |(words, _)| words));
    // Own secrets first: they are known exactly, and a URL or a pattern might leave a piece of one.
    let text = redact_with(&text, own).text;
    let words: Vec<&str> = text.split(' ').map(|word| if word.contains("://") { "[link]" } else { word }).collect();
    end_cut(&words.join(" "), 200)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_has_no_breaks_and_nothing_that_deceives() {
        assert_eq!(line("x\r\nBcc: a@b\u{2028}c\td"), "x Bcc: a@b c d");
        assert_eq!(line("invoice\u{202e}gpj.exe \u{2066}x\u{2069}"), "invoicegpj.exe x");
        assert_eq!(line("\u{1b}[2J\u{9b}31m \0"), "\\x1b[2J\\x9b31m \u{fffd}");
        assert_eq!(line("hi\u{e0041}\u{e0042}"), "hi");
        assert_eq!(line("   \n\t "), "");
    }

    #[test]
    fn a_long_text_says_how_much_is_left_out() {
        let text = "word ".repeat(1000);
        let cut = long_cut(text.trim_end(), 200);
        let kept = cut.lines().next().map(length).unwrap_or_default();
        assert_eq!(cut.lines().last(), Some(format!("… {} characters more in the run", grouped(4999 - kept)).as_str()));
        assert!(cut.starts_with("word word") && !cut.contains("wor\n"), "{cut}");
    }

    #[test]
    fn a_detail_keeps_its_head_and_its_tail() {
        let text = format!("Traceback\n{}ValueError: no such card", "  File x\n".repeat(1000));
        let cut = middle_long_cut(&text, 300);
        assert!(cut.starts_with("Traceback\n  File x") && cut.ends_with("\nValueError: no such card"), "{cut}");
        assert!(length(&cut) <= 300);
    }

    #[test]
    fn names_are_cut_in_the_middle_and_never_inside_a_grapheme() {
        assert_eq!(middle_cut("charge-card-of-the-customer", 11), "charg…tomer");
        assert_eq!(end_cut("e\u{301}e\u{301}e\u{301}", 4), "e\u{301}…");
        assert_eq!(head(&format!("e{}", "\u{301}".repeat(99)), 5), "e\u{301}\u{301}\u{301}\u{301}");
    }

    #[test]
    fn a_reason_holds_no_url() {
        let none = Secrets::default();
        assert_eq!(reason("see https://hooks.slack.com/services/T/B/x\nnow", &none), "see [link] now");
    }

    #[test]
    fn a_reason_holds_no_secret_of_ours_and_none_of_theirs() {
        let own = Secrets::new(["tok-of-ours-17"]);
        let answer = "HTTP 400: invalid token Bearer tok-of-ours-17 (dG9rLW9mLW91cnMtMTc=) password=hunter22";
        let reason = reason(answer, &own);
        assert!(reason.starts_with("HTTP 400: invalid token"), "{reason}");
        for secret in ["tok-of-ours-17", "dG9rLW9m", "hunter22"] {
            assert!(!reason.contains(secret), "{reason}");
        }
    }

    #[test]
    fn a_reason_ends_with_no_piece_of_a_secret() {
        let own = Secrets::new(["correct-horse-battery-staple"]);
        for before in [180, 190, 1_980, 1_990] {
            let answer = format!("{} correct-horse-battery-staple", "x ".repeat(before / 2));
            assert!(!reason(&answer, &own).contains("correct"), "{before}");
        }
    }

    proptest! {
        #[test]
        fn no_cut_is_longer_than_its_budget(text in any::<String>(), max in 60_usize..400) {
            let text = block(&text.repeat(20));
            for cut in [end_cut(&text, max), middle_cut(&text, max), long_cut(&text, max), middle_long_cut(&text, max)] {
                prop_assert!(length(&cut) <= max, "{} > {max}: {cut:?}", length(&cut));
            }
        }
    }
}
