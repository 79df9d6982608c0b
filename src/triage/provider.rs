//! Reads out of an error's text which service the failed step called. It must not know which engine wrote the text, nor what
//! follows from it; where the text leaves room for doubt it says nothing, for a wrong name would tie strangers together.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::Cause;

/// More of a text than this is not looked at, in bytes.
const MAX: usize = 8_000;
/// The longest DNS name.
const NAME: usize = 253;
/// How much of the line before a link says what it is for, in bytes.
const BEFORE: usize = 48;

/// What stands right before the host of a service that was called. The first two are links.
const MARKS: [&str; 26] = [
    "https://",
    "http://",
    "connectionpool(host=",
    "econnrefused ",
    "econnreset ",
    "ehostunreach ",
    "enetunreach ",
    "enotfound ",
    "eai_again ",
    "etimedout ",
    "name or service not known: ",
    "nodename nor servname provided, or not known: ",
    "no address associated with hostname: ",
    "getaddrinfo failed for ",
    "could not resolve host: ",
    "could not resolve: ",
    "failed to resolve ",
    "failed to look up ",
    "unknownhostexception: ",
    "unknown host: ",
    "no such host: ",
    "cannot connect to host ",
    "open tcp connection to ",
    "dial tcp: lookup ",
    "translate host name ",
    "connection to server at ",
];

static FOUND: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(MARKS).ok()
});

/// What a link follows that is there to be read, not one that was called.
const LESSONS: [&str; 16] = [
    "information",
    "more info",
    "background",
    "documentation",
    "docs",
    "see ",
    "see: ",
    "visit",
    "refer",
    "learn more",
    "help",
    "read ",
    "report",
    "xmlns",
    "schema",
    "\"type\"",
];
/// How the names of pages begin, not of services.
const PAGES: [&str; 12] = [
    "dashboard",
    "developer",
    "developers",
    "doc",
    "docs",
    "errors",
    "help",
    "learn",
    "schema",
    "schemas",
    "support",
    "wiki",
];
/// Names without a service behind them, or with another one on each machine.
const NOWHERE: [&str; 12] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "svc",
];
/// Sites that are only ever cited.
const CITED: [&str; 8] = [
    "datatracker.ietf.org",
    "httpstatuses.com",
    "json-schema.org",
    "sqlalche.me",
    "stackoverflow.com",
    "tools.ietf.org",
    "www.rfc-editor.org",
    "www.w3.org",
];

/// The host of the service that failed, in lower case. `own` are links to the engine itself: its host is never meant.
pub(super) fn of(cause: &Cause, own: [Option<&str>; 2]) -> Option<String> {
    let error = cause.error()?;
    let own = own.map(|link| link.and_then(host_of_link));
    [Some(error.message.as_str()), error.detail.as_deref()]
        .into_iter()
        .flatten()
        .find_map(|text| first(text, &own))
        .flatten()
}

/// The first host that the text names as called. `Some(None)` ends the search: something was called, and it has no public name.
#[expect(clippy::option_option, reason = "nothing was called, and nothing with a name was called, are two things")]
fn first(text: &str, own: &[Option<String>]) -> Option<Option<String>> {
    let text = &text[..text.floor_char_boundary(MAX)];
    let mut from = 0;
    while let Some(found) = FOUND.as_ref()?.find(text.get(from..)?) {
        let (start, end) = (from + found.start(), from + found.end());
        let is_link = found.pattern().as_usize() < 2;
        let rest = &text[end..];
        from = end + if is_link { link(rest).len() } else { 0 };
        let authority = authority(rest);
        let host = host(authority);
        let known = |host: &String| own.iter().flatten().any(|own| own == host);
        match host {
            Some(host) if known(&host) || (is_link && is_to_be_read(&text[..start], &host)) => {}
            Some(host) => return Some(Some(host)),
            None if is_loopback(authority) => {}
            // After the words of an error, what is no name may be the next word of the sentence.
            None if is_link || authority.contains(['.', '[']) => return Some(None),
            None => {}
        }
    }
    None
}

/// Whether a link only points at something to read.
fn is_to_be_read(before: &str, host: &str) -> bool {
    let line = &before[before.ceil_char_boundary(before.len().saturating_sub(BEFORE))..];
    let line = line.rsplit('\n').next().unwrap_or_default().to_ascii_lowercase();
    let first_label = host.split('.').next().unwrap_or_default();
    LESSONS.iter().any(|word| line.contains(word)) || PAGES.contains(&first_label) || CITED.contains(&host)
}

/// The host of a link that was already checked.
fn host_of_link(link: &str) -> Option<String> {
    let (_, rest) = link.split_once("://")?;
    host(authority(rest))
}

/// All of a link behind its `://`, so that a link within its query is not taken for another.
fn link(rest: &str) -> &str {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\'));
    &rest[..end.unwrap_or(rest.len())]
}

/// Host and port, and user-info where there is some, of what stands behind a mark.
fn authority(rest: &str) -> &str {
    let rest = rest.strip_prefix(['"', '\'', '`']).unwrap_or(rest);
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '/' | '?' | '#' | '\\' | '"' | '\'' | '<' | '>' | '`' | '{' | '}' | '|' | '^' | ',' | ';' | ')' | '('
            )
    };
    // A redacted password is longer than it looks; a whole name is not.
    let near = &rest[..rest.floor_char_boundary(2 * NAME)];
    let end = near.find(ends).unwrap_or(near.len());
    near[..end].trim_end_matches(['.', ':', '!', ']', '*'])
}

/// The name in an authority: only a DNS name with a dot and letters at its end, which can be somebody else's.
fn host(authority: &str) -> Option<String> {
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.len() <= 5 && port.bytes().all(|c| c.is_ascii_digit()) => host,
        Some(_) => return None,
        None => host,
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let (_, last) = host.rsplit_once('.')?;
    let letters = last.len() >= 2 && last.bytes().all(|c| c.is_ascii_lowercase());
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let named = host.len() <= NAME && (letters || last.starts_with("xn--")) && host.split('.').all(label);
    (named && !NOWHERE.contains(&last)).then_some(host)
}

fn is_loopback(authority: &str) -> bool {
    let host = authority.rsplit('@').next().unwrap_or_default();
    ["localhost", "127.", "[::1", "0.0.0.0"].iter().any(|own| host.starts_with(own))
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
