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
    let redacted = redact(url.as_str());
    let text = if redacted.count == 0 { redacted.text.into_owned() } else { without_brackets(&redacted.text) };
    let text = escaped(&text);
    (text.len() <= MAX).then_some((text, redacted.count))
}

/// A marker's brackets have no place in a link.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, marker)) = rest.split_once("[REDACTED:") {
        out.push_str(before);
        out.push_str("REDACTED");
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
}
