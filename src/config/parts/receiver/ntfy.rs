//! `type = "ntfy"`: the server, the topic, and how one signs in.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::read::{At, Section, header_secret, http_url, secret, text};
use crate::config::{NtfyLogin, NtfyReceiver};

pub(super) fn ntfy(section: &Section<'_>) -> Option<NtfyReceiver> {
    let topic = section.need("topic", "write topic = { env = \"NTFY_TOPIC\" }", topic);
    let url = section.get("url", http_url).or_else(|| Url::parse("https://ntfy.sh").ok());
    let (token, user) = (section.get("token", header_secret), section.get("username", user));
    let password = section.get("password", secret);
    if section.has("username") != section.has("password") {
        let message = "`username` and `password` go together".to_owned();
        section.at().cx.missing(section.path(), message, None);
    }
    let login = match (token, user.zip(password)) {
        (Some(_), Some(_)) => {
            let message = "`token` stands beside `username` and `password`";
            return section.at().fail(message, Some("keep one way to sign in".to_owned()));
        }
        (Some(token), None) => NtfyLogin::Token(token),
        (None, Some((user, password))) => NtfyLogin::User(user, password),
        (None, None) => NtfyLogin::Nobody,
    };
    if let Some(url) = &url
        && !matches!(login, NtfyLogin::Nobody)
    {
        crate::config::parts::source::warn_clear_text(section, url);
    }
    Some(NtfyReceiver { url: url?, topic: topic?, login })
}

/// Letters, digits, `-` and `_`, at most 64 (ntfy docs, "Publishing").
fn topic(at: &At<'_>) -> Option<SecretString> {
    let secret = secret(at)?;
    let name = secret.expose_secret();
    if name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Some(secret);
    }
    at.fail("this is no topic of ntfy", Some("letters, digits, - and _, at most 64 of them; no URL".to_owned()))
}

/// A name that Basic authentication can carry (RFC 7617: no colon).
fn user(at: &At<'_>) -> Option<String> {
    let name = text(at)?;
    let fits = !name.is_empty() && !name.chars().any(|c| c == ':' || c.is_control());
    if fits { Some(name) } else { at.fail("a user's name is not empty and holds no colon", None) }
}
