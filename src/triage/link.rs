//! Checks the links that an engine reports, so that every receiver may render them. It must not know what they lead to.

use std::fmt::Write as _;

use url::Url;

use super::redact::redact;

/// The longest link, in bytes.
const MAX: usize = 2_000;

/// A link that is safe to render, with how many secrets were taken out; nothing unless it is http or https, without
/// user-info and short enough.
pub(super) fn checked(link: &str) -> Option<(String, u32)> {
    let link = link.trim();
    if link.len() > MAX || link.contains(|c: char| c.is_control() || c == '\\') {
        return None;
    }
    let url = Url::parse(link).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if !plain || url.host_str().is_none_or(str::is_empty) {
        return None;
    }
    let (url, encoded) = without_encoded(url);
    let redacted = redact(url.as_str());
    let text = if redacted.count == 0 { redacted.text.into_owned() } else { without_brackets(&redacted.text) };
    let text = escaped(&text);
    (text.len() <= MAX).then_some((text, encoded + redacted.count))
}

/// Takes out the parts of a link that hold a secret once they are decoded, which a reader's browser does.
fn without_encoded(mut url: Url) -> (Url, u32) {
    let mut count = 0;
    let mut without = |part: &str| {
        let found = redact(part).count;
        count += found;
        found > 0
    };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let secret: Vec<bool> = pairs
        .iter()
        .map(|(name, value)| {
            without(value) || without(name) || (!value.is_empty() && without(&format!("{name}={value}")))
        })
        .collect();
    if secret.contains(&true) {
        let shown = pairs.iter().zip(secret).map(|((name, value), secret)| match (secret, redact(name).count) {
            (false, _) => (name.as_str(), value.as_str()),
            (true, 0) => (name.as_str(), REDACTED),
            (true, _) => (REDACTED, REDACTED),
        });
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(shown).finish();
        url.set_query(Some(&query));
    }
    let segments: Vec<String> = url.path_segments().into_iter().flatten().map(str::to_owned).collect();
    let path: Vec<&str> =
        segments.iter().map(|segment| if without(&decoded(segment)) { REDACTED } else { segment.as_str() }).collect();
    if path.iter().zip(&segments).any(|(shown, segment)| shown != segment) {
        url.set_path(&path.join("/"));
    }
    if url.fragment().is_some_and(|fragment| without(&decoded(fragment))) {
        url.set_fragment(Some(REDACTED));
    }
    (url, count)
}

/// What stands where a part was.
const REDACTED: &str = "REDACTED";

/// A part of a link without its percent-encoding.
fn decoded(part: &str) -> String {
    if !part.contains('%') {
        return part.to_owned();
    }
    // The decoder of forms has three characters more that mean something.
    let plain = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(plain.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

/// A marker's brackets have no place in a link.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, marker)) = rest.split_once("[REDACTED:") {
        out.push_str(before);
        out.push_str(REDACTED);
        rest = marker.split_once(']').map_or("", |(_, after)| after);
    }
    out + rest
}

/// Percent-encodes what could end a link in some format: the URL standard leaves these as they are.
fn escaped(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.chars() {
        if matches!(c, '\'' | '"' | '<' | '>' | '|' | '(' | ')' | '`' | '{' | '}' | '^' | '*' | ' ') {
            // Writing to a string can't fail.
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_links_pass() {
        for link in [
            "javascript:alert(1)",
            "https://prefect.example@evil.example/runs/1",
            "https://u:p@x.example/",
            "file:///etc/passwd",
            "/runs/1",
            "https://",
            "https://x.example/\nb",
            "",
        ] {
            assert_eq!(checked(link), None, "{link}");
        }
        assert_eq!(checked(&format!("https://x.example/{}", "a".repeat(MAX))), None);
        assert_eq!(checked(" https://[::1]:42/r?a=1#b "), Some(("https://[::1]:42/r?a=1#b".to_owned(), 0)));
    }

    #[test]
    fn nothing_in_a_link_can_end_it() {
        let (link, _) = checked("https://ok.example/run/1\" onclick='x'|<y>(z)?q=a b'|#f'`>").unwrap();
        assert!(!link.contains(['"', '\'', '<', '>', '|', ' ', '(', ')', '`']), "{link}");
    }

    #[test]
    fn secrets_in_a_link_go() {
        let (link, count) = checked("https://x.example/r?token=abcdefgh1234&tab=logs").unwrap();
        assert_eq!((link.as_str(), count), ("https://x.example/r?token=REDACTED&tab=logs", 1));
    }

    #[test]
    fn secrets_go_however_a_link_encodes_them() {
        let token = format!("Bear{} {}", "er", "a7Kq2Zx9Bv4Lm8Rt3Wp6");
        let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let in_path = encoded.replace('+', "%20");
        for link in [
            format!("https://x.example/r?note={encoded}&tab=logs"),
            format!("https://x.example/{in_path}/x"),
            format!("https://x.example/r#{in_path}"),
            format!("https://x.example/r?{encoded}"),
        ] {
            let (shown, count) = checked(&link).unwrap();
            assert!(!shown.contains("a7Kq2Zx9") && shown.contains("REDACTED") && count > 0, "{shown}");
        }
        let plain = "https://x.example/a%20b/r?q=a%2Bb+c&flag#part%20two";
        assert_eq!(checked(plain), Some((plain.to_owned(), 0)), "what holds no secret stays as it is");
    }
}
