//! The view of a text in which vendor tokens are searched: escapes blanked, byte for byte. In `%3Dghp_…`, `\nghp_…` or
//! `\x1b[31mghp_…` the escape's last letter would hide where the token begins.

use std::borrow::Cow;

/// `text` with every percent, backslash and terminal escape replaced by as many `%`.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut view: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(step) = bytes[at..].iter().position(|byte| matches!(byte, b'%' | b'\\')) {
        let start = at + step;
        let length = escape(&bytes[start..]);
        if length > 1 {
            view.get_or_insert_with(|| bytes.to_vec())[start..start + length].fill(b'%');
        }
        at = start + length.max(1);
    }
    // Only whole runs of ASCII were replaced, so this is still UTF-8.
    view.and_then(|view| String::from_utf8(view).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The length of the escape that `bytes` begins with, or 0.
fn escape(bytes: &[u8]) -> usize {
    let hex = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match bytes {
        [b'%', b'2', b'5', ..] if hex(3..5) => 5,
        [b'%', ..] if hex(1..3) => 3,
        [b'\\', b'x', b'1', b'b', b'[', rest @ ..] => {
            let parameters = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'?')).count();
            5 + parameters + usize::from(rest.get(parameters).is_some_and(u8::is_ascii_alphabetic))
        }
        [b'\\', b'x', ..] if hex(2..4) => 4,
        [b'\\', b'u', ..] if hex(2..6) => 6,
        [b'\\', b'n' | b'r' | b't', ..] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_blanked_byte_for_byte() {
        for text in ["a%3Db", r"a\nb", r"\u003dx", r"\x1b[31mred", "%253Dé", r"é\\nü%", "%zz", "100% sure"] {
            assert_eq!(unescaped(text).len(), text.len(), "{text}");
        }
        assert_eq!(unescaped("a%3Db\\nc"), "a%%%b%%c");
        assert!(matches!(unescaped("nothing to do"), Cow::Borrowed(_)));
    }
}
