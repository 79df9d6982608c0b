//! Makes untrusted text harmless to show, for every receiver at once: no control reaches a terminal, a log, a database
//! or an eye. Escaping for a format (HTML, Slack) stays with the receivers.

use std::borrow::Cow;

/// Keeps text, newlines and tabs. NUL becomes U+FFFD; other controls become visible (`\x1b`), except colours, which only
/// decorate; direction and tag characters and blanks of no width go, for they show something else than is there.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    // All that is taken out or replaced is a C0 control or starts with one of four bytes; most texts have none.
    let suspicious = |byte: &u8| matches!(byte, 0..=8 | 11..=31 | 127 | 0xC2 | 0xD8 | 0xE2 | 0xEF | 0xF3);
    if !text.as_bytes().iter().any(suspicious) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(colour) = colour(rest) {
            rest = &rest[colour..];
            continue;
        }
        let mut taken = c.len_utf8();
        match c {
            '\0' => out.push('\u{FFFD}'),
            '\n' | '\t' => out.push(c),
            '\r' => {
                out.push('\n');
                taken += usize::from(rest[1..].starts_with('\n'));
            }
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            c if c.is_control() => {
                out.push_str("\\x");
                for nibble in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('?'));
                }
            }
            c if is_hiding(c) => {}
            c => out.push(c),
        }
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

/// [`clean`], on one line: for titles, codes and labels.
#[must_use]
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let cleaned = clean(text);
    let trimmed = cleaned.trim();
    if trimmed.len() == cleaned.len() && !cleaned.contains(['\n', '\t']) {
        return cleaned;
    }
    Cow::Owned(trimmed.replace(['\n', '\t'], " "))
}

/// The length of the colour sequence (`ESC [ … m`) that `text` begins with.
fn colour(text: &str) -> Option<usize> {
    let (prefix, rest) =
        text.strip_prefix("\u{1b}[").map(|rest| (2, rest)).or_else(|| Some((2, text.strip_prefix('\u{9b}')?)))?;
    let parameters = rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    (parameters <= 32 && rest.as_bytes().get(parameters) == Some(&b'm')).then_some(prefix + parameters + 1)
}

/// Characters that change how others are read without being seen. Joiners stay: emoji and scripts need them.
fn is_hiding(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controls_become_visible_and_hiding_characters_go() {
        for (dirty, shown) in [
            ("before\0after", "before\u{FFFD}after"),
            ("\u{1b}[2J\u{1b}[H all good", "\\x1b[2J\\x1b[H all good"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{9b}31mred \u{9d}0;t\u{9c}", "red \\x9d0;t\\x9c"),
            ("invoice\u{202e}gpj.exe \u{2066}x\u{2069}", "invoicegpj.exe x"),
            ("hi\u{e0041}\u{e0042}", "hi"),
            ("a\r\nb\rc\u{2028}d\te", "a\nb\nc\nd\te"),
            ("naïve – 👩‍🔬 ok", "naïve – 👩‍🔬 ok"),
            ("\u{1b}[\u{1b}[31mm", "\\x1b[m"),
        ] {
            assert_eq!(clean(dirty), shown, "{dirty:?}");
        }
        assert_eq!(clean_line(" a\nb "), "a b");
    }

    proptest! {
        #[test]
        fn cleaning_clean_text_changes_nothing(text in "\\PC*|[\\x00-\\x20\\[m0-9é\u{9b}\u{200b}]*") {
            let once = clean(&text).into_owned();
            prop_assert_eq!(clean(&once), once.as_str());
            prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
