//! URLs, and whether a host is this machine.

use std::net::IpAddr;

use toml::Value;
use url::Url;

use super::At;
use crate::net::check_url;

/// How an http(s) URL looks.
pub(in crate::config) const HTTP_URL: &str = "an http or https URL such as \"https://host.example.com/path\"";

/// An http or https URL without user-info.
pub(in crate::config) fn http_url(at: &At<'_>) -> Option<Url> {
    let Value::String(text) = at.value else {
        return at.wrong(HTTP_URL);
    };
    match parse_http_url(text) {
        Ok(url) => Some(url),
        Err((message, help)) => at.fail(message, help),
    }
}

/// Reads an http or https URL without user-info. No message holds the URL: it may be a secret.
pub(in crate::config) fn parse_http_url(text: &str) -> Result<Url, (String, Option<String>)> {
    let url = Url::parse(text).map_err(|error| {
        let help = (!text.contains("://")).then(|| "begin it with https://".to_owned());
        (format!("expected {HTTP_URL}: {error}"), help)
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err((format!("expected {HTTP_URL}, found the scheme `{}`", url.scheme()), None));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err((
            "a URL here holds no user and password: they would end in logs".to_owned(),
            Some("send them by a `token` or by `headers`, where they are secrets".to_owned()),
        ));
    }
    if let Err(refused) = check_url(&url, true) {
        return Err((format!("this address is never asked: {refused}"), None));
    }
    Ok(url)
}

/// Whether the URL's host is this machine.
pub(in crate::config) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(loopback_host)
}

/// Whether a host is this machine by its name or address.
pub(in crate::config) fn loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
