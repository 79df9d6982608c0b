//! The secrets that the configuration holds, found wherever and however encoded they stand. It must not know what they
//! are for, and never prints them.

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::Redacted;
use super::apply::{Found, replace};

/// The kind in the marker of a configured secret.
pub(super) const ID: &str = "configured";

/// Shorter values are words that stand in any text.
const SHORTEST: usize = 6;

/// Configured secrets: matched exactly, URL-encoded, as JSON, and inside of base64 such as `user:password`.
#[derive(Clone, Default)]
pub struct Secrets {
    forms: Option<AhoCorasick>,
    /// For each form: whether it is a piece of base64, so that the text around it is part of the secret too.
    encoded: Vec<bool>,
    count: usize,
}

impl Secrets {
    /// Takes the values of the configured secrets. Values of less than six characters are left out.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<(String, bool)> = Vec::new();
        let mut count = 0;
        for value in values.into_iter().filter(|value| value.chars().count() >= SHORTEST) {
            count += 1;
            let json = serde_json::to_string(value).unwrap_or_default();
            let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let exact = [value.to_owned(), json.trim_matches('"').to_owned(), form.replace('+', "%20"), form];
            let lower = exact.clone().map(|text| lower_escapes(&text));
            forms.extend(exact.into_iter().chain(lower).map(|text| (text, false)));
            forms.extend(pieces(value).into_iter().map(|text| (text, true)));
        }
        forms.sort();
        forms.dedup_by(|next, kept| next.0 == kept.0);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms.iter().map(|f| &f.0));
        let encoded = forms.into_iter().map(|(_, encoded)| encoded).collect();
        Self { forms: automaton.ok().filter(|_| count > 0), encoded, count }
    }

    /// Takes out every form of every secret.
    pub(super) fn take_out<'a>(&self, text: &'a str) -> Redacted<'a> {
        let mut found = Vec::new();
        for form in self.forms.iter().flat_map(|forms| forms.find_iter(text)) {
            let mut at = form.range();
            if self.encoded.get(form.pattern().as_usize()).copied().unwrap_or_default() {
                at.start -= text.as_bytes()[..at.start].iter().rev().take_while(|byte| is_base64(**byte)).count();
                at.end += text.as_bytes()[at.end..].iter().take_while(|byte| is_base64(**byte) || **byte == b'=').count();
            }
            found.push(Found { at, order: 0, id: ID });
        }
        if found.is_empty() {
            return Redacted { text: Cow::Borrowed(text), count: 0 };
        }
        let (text, count) = replace(text, found);
        Redacted { text: Cow::Owned(text), count }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} values)", self.count)
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// `%3D` as `%3d`.
fn lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escape = 0;
    for c in text.chars() {
        escape = if c == '%' { 3 } else { escape };
        out.push(if escape > 0 { c.to_ascii_lowercase() } else { c });
        escape = u8::saturating_sub(escape, 1);
    }
    out
}

/// What base64 makes of a value at each of the three places that it may have in what is encoded, without the characters
/// that depend on its neighbours.
fn pieces(value: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for (pad, skip) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; pad];
        bytes.extend_from_slice(value.as_bytes());
        let whole = bytes.len() * 8 / 6;
        for mut text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            text.truncate(whole);
            if text.len() >= skip + SHORTEST {
                pieces.push(text.split_off(skip));
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::super::redact_with;
    use super::*;

    #[test]
    fn a_configured_secret_goes_in_every_form() {
        let value = "s/e+c r&t\"9";
        let secrets = Secrets::new([value, "abc", "another-one"]);
        for user in ["", "a:", "ab:", "svc:", "user:"] {
            let encoded = STANDARD.encode(format!("{user}{value}"));
            let text = format!("got {encoded} from us");
            assert_eq!(redact_with(&text, &secrets).text, "got [REDACTED:configured] from us", "{user}");
        }
        for text in ["x s/e+c r&t\"9 y", "x s/e+c r&t\\\"9 y", "x s%2Fe%2Bc+r%26t%229 y", "x s%2fe%2bc%20r%26t%229 y"] {
            let redacted = redact_with(text, &secrets);
            assert_eq!((redacted.text.as_ref(), redacted.count), ("x [REDACTED:configured] y", 1), "{text}");
        }
        assert_eq!(redact_with("abc stays", &secrets).text, "abc stays");
    }

    #[test]
    fn configured_secrets_never_print() {
        assert_eq!(format!("{:?}", Secrets::new(["correct horse"])), "Secrets(1 values)");
    }
}
