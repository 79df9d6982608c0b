//! `type = "github"`: GitHub Actions, on github.com or an Enterprise Server.

use std::time::Duration;

use url::Url;

use super::http::warn_clear_text;
use super::polling;
use crate::config::parts::network::way;
use crate::config::read::{At, Section, header_secret, http_url, one_or_many, secrets, text};
use crate::config::{GitHubSource, Polling};
use crate::net::Proxy;

/// A token has 5,000 requests an hour for everything that it is used for.
const EVERY: Duration = Duration::from_secs(30);

pub(super) fn source(section: &Section<'_>, proxy: &Proxy) -> Option<GitHubSource> {
    let url = section.get("url", api_url);
    let token = section.get("token", header_secret);
    let webhook_secrets = section.get("webhook_secret", secrets(header_secret));
    let repositories = section.get("repositories", one_or_many(repository));
    let path = section.path();
    if !section.has("token") && !section.has("webhook_secret") {
        let help = "write token = { env = \"NAME\" } to ask GitHub, webhook_secret = { env = \"NAME\" } for what it pushes, or both";
        let message = "nothing says how runs get here: it has no `token` and no `webhook_secret`".to_owned();
        section.at().cx.missing(path, message, Some(help.to_owned()));
    }
    if section.has("token") && !section.has("repositories") {
        let help = "write repositories = [\"owner/name\"]".to_owned();
        section.at().cx.missing(path, "a `token` needs `repositories`: which to ask about".to_owned(), Some(help));
    }
    if let (Some(names), Some(at)) = (&repositories, section.value("repositories")) {
        let twice = names
            .iter()
            .enumerate()
            .find(|(index, name)| names.iter().take(*index).any(|other| other.eq_ignore_ascii_case(name)));
        if let Some((_, name)) = twice {
            return at.fail(format!("{name:?} stands here twice"), None);
        }
    }
    if let Some(url) = url.as_ref().filter(|_| token.is_some()) {
        warn_clear_text(section, url);
    }
    let polling = polling(section);
    let polling = if section.has("every") { polling } else { Polling { every: EVERY, ..polling } };
    let way = way(section, proxy);
    let url = url.or_else(|| Url::parse("https://api.github.com").ok())?;
    let webhook_secrets = webhook_secrets.unwrap_or_default();
    let repositories = repositories.unwrap_or_default();
    Some(GitHubSource { url, repositories, token, webhook_secrets, polling, way })
}

/// `owner/name`: what stands behind the host in the address of a repository.
fn repository(at: &At<'_>) -> Option<String> {
    let written = text(at)?;
    let help = || Some("write \"owner/name\", as behind github.com/ in its address".to_owned());
    let part = |part: &str| {
        !part.is_empty()
            && !matches!(part, "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match written.trim().split_once('/') {
        Some((owner, name)) if part(owner) && part(name) => Some(format!("{owner}/{name}")),
        _ => at.fail(format!("expected a repository, found {written:?}"), help()),
    }
}

fn api_url(at: &At<'_>) -> Option<Url> {
    let mut url = http_url(at)?;
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("the API's URL has no `?` and no `#`", None);
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    if matches!(host.as_str(), "github.com" | "www.github.com") {
        let help = Some("leave `url` out, or write \"https://api.github.com\"".to_owned());
        return at.fail("this is where people look, not the API", help);
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    let at_root = host == "api.github.com" || (host.starts_with("api.") && host.ends_with(".ghe.com"));
    if path.is_empty() && !at_root && !crate::config::read::is_loopback(&url) {
        at.warn("the API of an Enterprise Server ends in /api/v3", Some(format!("did you mean \"{url}api/v3\"?")));
    }
    Some(url)
}
