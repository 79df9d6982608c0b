//! The addresses of one run's requests: a template, and what stands in it. An id is the engine's word, and leads to no other place
//! than the template means. It sends nothing.

use regex::Regex;
use url::Url;

/// Where the requests for one run may go.
pub(super) struct Addresses {
    /// The list: what is relative is relative to it, and nothing leaves its host.
    list: Url,
    /// Takes an id apart.
    parts: Option<Regex>,
}

impl Addresses {
    pub(super) fn new(list: Url, parts: Option<Regex>) -> Self {
        Self { list, parts }
    }

    /// The address of a run by a template with placeholders.
    pub(super) fn of(&self, template: &str, id: &str) -> Option<Url> {
        let parts = self.parts.as_ref().map(|parts| parts.captures(id).ok_or(())).transpose().ok()?;
        let of = |word: &str| match word {
            "id" => Some(id),
            part => Some(parts.as_ref()?.name(part)?.as_str()),
        };
        self.on_the_host(&filled(template, of)?)
    }

    /// An address that the engine's own answer led to, whole or relative to the list.
    pub(super) fn on_the_host(&self, text: &str) -> Option<Url> {
        let url = self.list.join(text).ok()?;
        (url.origin() == self.list.origin()).then_some(url)
    }
}

/// A template with its placeholders filled: `{id}` is one piece of an address, `{+id}` keeps its slashes and what is percent-encoded
/// already (as in RFC 6570).
fn filled<'a>(template: &str, of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let template = template.replace("%7B", "{").replace("%7D", "}");
    let (mut text, mut rest) = (String::new(), template.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let (word, after) = after.split_once('}')?;
        let pieces: Vec<String> = match word.strip_prefix('+') {
            Some(word) => of(word)?.split('/').map(with_triplets).collect(),
            None => vec![percent_encoded(of(word)?)],
        };
        if pieces.iter().any(|piece| is_another_place(piece)) {
            return None;
        }
        text.push_str(before);
        text.push_str(&pieces.join("/"));
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// Nothing, `.` and `..` would be another place.
fn is_another_place(piece: &str) -> bool {
    piece.to_ascii_lowercase().replace("%2e", ".").bytes().all(|byte| byte == b'.')
}

/// Percent-encoded, but for what is already.
fn with_triplets(text: &str) -> String {
    let mut encoded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        encoded.push_str(&percent_encoded(before));
        let is_triplet = after.as_bytes().get(1..3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        let (one, after) = after.split_at(if is_triplet { 3 } else { 1 });
        encoded.push_str(&if is_triplet { one.to_owned() } else { percent_encoded(one) });
        rest = after;
    }
    encoded + &percent_encoded(rest)
}

/// Everything but the unreserved characters of RFC 3986.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(parts: Option<&str>) -> Addresses {
        let parts = parts.map(|parts| Regex::new(parts).unwrap());
        Addresses::new("https://engine.example.com/api/v4/runs?page=1".parse().unwrap(), parts)
    }

    fn of(parts: Option<&str>, template: &str, id: &str) -> Option<String> {
        addresses(parts).of(template, id).map(String::from)
    }

    #[test]
    fn a_relative_address_is_relative_to_the_list() {
        assert_eq!(of(None, "runs/{id}", "7").unwrap(), "https://engine.example.com/api/v4/runs/7");
        assert_eq!(
            of(None, "../logs/{id}?level=ERROR", "a b/c").unwrap(),
            "https://engine.example.com/api/logs/a%20b%2Fc?level=ERROR"
        );
        assert_eq!(
            of(None, "runs/{id}", "http://evil/").unwrap(),
            "https://engine.example.com/api/v4/runs/http%3A%2F%2Fevil%2F"
        );
    }

    #[test]
    fn parts_of_an_id_stand_where_the_engine_wants_them() {
        let parts = Some("^(?<space>[^/]+)/(?<name>[^/]+)/(?<uid>.+)$");
        assert_eq!(
            of(parts, "workflows/{space}/{name}?uid={uid}", "argo/hello/6f3b").unwrap(),
            "https://engine.example.com/api/v4/workflows/argo/hello?uid=6f3b"
        );
        assert_eq!(of(parts, "workflows/{space}/{name}?uid={uid}", "hello"), None, "an id of another form");
    }

    #[test]
    fn a_path_keeps_its_slashes_and_its_encoding_and_never_climbs() {
        let path = |id| of(None, "../{+id}/api/json", id);
        assert_eq!(
            path("job/Test%20Work flow/15").unwrap(),
            "https://engine.example.com/api/job/Test%20Work%20flow/15/api/json"
        );
        for climbs in ["../admin", "job/../../x", "job/%2e%2E/x", "//evil.example.com/x", "", "job/./x"] {
            assert_eq!(path(climbs), None, "{climbs}");
        }
        assert_eq!(path("100%").unwrap(), "https://engine.example.com/api/100%25/api/json");
    }

    #[test]
    fn nothing_leaves_the_host_of_the_list() {
        for elsewhere in [
            "https://evil.example.com/x",
            "//evil.example.com/x",
            "http://engine.example.com/x",
            "ftp://engine.example.com/",
        ] {
            assert_eq!(addresses(None).on_the_host(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(addresses(None).on_the_host("/job/1/log").unwrap().as_str(), "https://engine.example.com/job/1/log");
    }
}
