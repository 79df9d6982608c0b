//! What the on-call receivers share: where an API is, by default the vendor's own, and the one path that is posted to.

use secrecy::ExposeSecret;
use toml::Value;
use url::Url;

use crate::config::read::{At, Section, http_url, is_loopback, parse_http_url, secret};

/// `api_url`: the vendor's API, or what stands in for it. The secret goes there, so that it is https, or http on this machine.
pub(super) fn vendor_url(section: &Section<'_>, vendor: &str, path: &str) -> Option<Url> {
    if !section.has("api_url") {
        // Asked for all the same, so that the key is known.
        let _ = section.value("api_url");
        return Url::parse(vendor).ok().map(|base| with_path(base, path));
    }
    section.get("api_url", |at| {
        let base = base_url(at)?;
        if base.scheme() != "https" && !is_loopback(&base) {
            return at.fail("it is reached by https only", Some("write https://".to_owned()));
        }
        Some(with_path(base, path))
    })
}

/// Where one of your own is, written out or as a secret: without the path of its API, or with it.
pub(super) fn own_url(path: &'static str) -> impl Fn(&At<'_>) -> Option<Url> {
    move |at| base_url(at).map(|base| with_path(base, path))
}

fn base_url(at: &At<'_>) -> Option<Url> {
    let written = at.value.as_str().unwrap_or_default();
    if written.contains(['?', '#']) {
        // What stands behind it may be a token.
        at.cx.hide(&at.path);
        let help = "write it without what begins with `?` or `#`; a token has a key of its own".to_owned();
        return at.fail("this is the URL of an API, which has no query", Some(help));
    }
    let url = match at.value {
        Value::Table(_) => match parse_http_url(secret(at)?.expose_secret()) {
            Ok(url) => url,
            Err((message, help)) => return at.fail(message, help),
        },
        _ => http_url(at)?,
    };
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("this is the URL of an API, which has no query", None);
    }
    Some(url)
}

/// `base` with `path` behind it, unless it already ends so.
fn with_path(mut base: Url, path: &str) -> Url {
    let own = base.path().trim_end_matches('/');
    let whole = if own.ends_with(path) { own.to_owned() } else { format!("{own}{path}") };
    base.set_path(&whole);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        let whole = |base: &str| with_path(Url::parse(base).expect("a URL"), "/v2/alerts").to_string();
        for base in [
            "https://a.example.com",
            "https://a.example.com/",
            "https://a.example.com/v2/alerts",
            "https://a.example.com/v2/alerts/",
        ] {
            assert_eq!(whole(base), "https://a.example.com/v2/alerts");
        }
        assert_eq!(whole("http://127.0.0.1:9093/am/"), "http://127.0.0.1:9093/am/v2/alerts");
    }
}
