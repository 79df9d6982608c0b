//! Links that may be shown: http or https, without user-info. It knows no channel.

use url::Url;

/// The longest link that is shown. Slack takes 3,000 in a button (`@slack/types` 3.2.0); a cut link leads nowhere.
const LONGEST: usize = 1_000;

/// The link in its normal form, or nothing where it must not be shown: another scheme than http and https, user-info (which
/// makes `https://bank.example@evil.example` look like the bank), white space or control characters, or far too long.
pub(crate) fn checked(text: &str) -> Option<String> {
    if text.len() > LONGEST || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let shown = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    // Every character that ends a link in one of the channels: Slack's `|` and `>`, the quotes of HTML, brackets of Markdown.
    let encoded = ['|', '<', '>', '"', '\'', '`', '\\', '(', ')']
        .iter()
        .fold(String::from(url), |link, c| link.replace(*c, &format!("%{:02X}", u32::from(*c))));
    (shown && encoded.len() <= LONGEST).then_some(encoded)
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn only_plain_web_links_are_shown() {
        for refused in [
            "javascript:alert(document.cookie)",
            "https://prefect.example@evil.example/runs/1",
            "https://a:b@evil.example/",
            "https://ok.example/run/1\" onclick=\"alert(1)",
            "data:text/html,x",
            "/runs/1",
            "https://ok.example/\nBcc: x",
            "",
        ] {
            assert_eq!(checked(refused), None, "{refused}");
        }
        assert_eq!(checked("https://ok.example/a|b>c"), Some("https://ok.example/a%7Cb%3Ec".to_owned()));
        assert_eq!(checked(&format!("https://ok.example/{}", "a".repeat(2_000))), None);
    }
}
