//! Text that must stay text where a channel makes links and calls out of what only looks like one. It knows no channel and no marks.

/// An invisible character that keeps two others apart and breaks no line (U+2060, WORD JOINER).
const JOINER: char = '\u{2060}';

/// `text` in which nothing is a link or calls anybody: a joiner stands inside every `://`, between `@` and a name, and in every dot
/// that a domain could have (`www.example.com`, but not `12.4 s`). What a reader sees stays the same.
pub(crate) fn defused(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        let next = chars.peek().copied();
        let breaks = match c {
            '@' => next.is_some_and(|next| next.is_alphanumeric() || next == '_'),
            ':' => next == Some('/'),
            '.' => next.is_some_and(char::is_alphabetic) && before.is_some_and(char::is_alphanumeric),
            _ => false,
        };
        if breaks {
            out.push(JOINER);
        }
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::defused;

    #[test]
    fn no_link_no_address_and_no_call_is_left_and_numbers_are_not_touched() {
        for text in ["https://evil.example", "www.evil.com", "evil.com/login", "@channel @here", "a@b.org", "tg://user"]
        {
            let said = defused(text);
            assert_eq!(said.replace('\u{2060}', ""), text);
            for live in ["://", "www.e", ".com", "@c", "@h", "@b", ".org"] {
                assert!(!said.contains(live), "{said:?} has {live}");
            }
        }
        assert_eq!(defused("ran 12.4 s. Then: 3 of 5 @ 10:14."), "ran 12.4 s. Then: 3 of 5 @ 10:14.");
    }
}
