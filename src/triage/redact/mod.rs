//! Takes secrets out of texts, and makes texts harmless to show. It must not know what a run is: text goes in, text
//! comes out. Errs on the side of taking out: a secret that leaks is worse than a word that is missing.

mod apply;
mod clean;
mod rules;
mod secrets;
#[cfg(test)]
mod vectors;
mod view;

use std::borrow::Cow;

pub use clean::{clean, clean_line};
pub use secrets::Secrets;

/// More than this is cut away before any work, in bytes.
pub(crate) const MAX_TEXT: usize = 64 * 1024;

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text; each secret in it is now `[REDACTED:{kind}]`.
    pub text: Cow<'a, str>,
    /// How many secrets were taken out.
    pub count: u32,
}

/// Takes out everything that looks like a secret. Redacting redacted text changes nothing. Only the first 64 KiB are
/// looked at, and only they come back.
#[must_use]
pub fn redact(text: &str) -> Redacted<'_> {
    apply::redact(bounded(text))
}

/// Takes out the configured secrets, wherever and however encoded they stand, then everything that looks like one.
#[must_use]
pub fn redact_with<'a>(text: &'a str, secrets: &Secrets) -> Redacted<'a> {
    let exact = secrets.take_out(bounded(text));
    let Cow::Owned(owned) = exact.text else {
        return apply::redact(bounded(text));
    };
    let rest = apply::redact(&owned);
    Redacted { count: exact.count + rest.count, text: Cow::Owned(rest.text.into_owned()) }
}

/// The ids of all rules, as they stand in markers: the kinds of secrets that are known.
pub fn rule_ids() -> impl Iterator<Item = &'static str> {
    rules::all().map(|rule| rule.id)
}

/// The part of a text that is worked on. It ends at a space where there is one near, for half a token might no longer
/// look like the secret that it is.
fn bounded(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let head = &text[..text.floor_char_boundary(MAX_TEXT)];
    let near = head.floor_char_boundary(MAX_TEXT - 2048);
    head[near..].rfind(char::is_whitespace).map_or(head, |space| &head[..near + space])
}
