//! `type = "http"`: any JSON API that lists runs; its pages and its detail request.

use std::collections::BTreeMap;

use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use toml::Value;
use url::Url;

use super::detail::detail;
use super::polling;
use crate::config::parts::network::way;
use crate::config::read::{At, Section, count, filter, header_secret, http_url, is_loopback, text, word};
use crate::config::{HttpSource, Pagination, suggest};
use crate::net::Proxy;

#[derive(Clone, Copy)]
enum Pages {
    None,
    Link,
    Cursor,
    Page,
    Offset,
}

const PAGES: [(&str, Pages); 5] = [
    ("none", Pages::None),
    ("link", Pages::Link),
    ("cursor", Pages::Cursor),
    ("page", Pages::Page),
    ("offset", Pages::Offset),
];

pub(super) fn source(section: &Section<'_>, proxy: &Proxy) -> Option<HttpSource> {
    let url = section.need("url", "write the URL that lists the runs", list_url);
    let token = section.get("token", header_secret);
    let token_scheme = section.get("token_scheme", scheme);
    let basic_auth = section.get("basic_auth", user_and_password);
    let headers = section.get("headers", headers).unwrap_or_default();
    one_way_to_sign_in(section, &headers);
    if let Some(url) = &url
        && (token.is_some() || basic_auth.is_some() || !headers.is_empty())
    {
        warn_clear_text(section, url);
    }
    let program = section.get("filter", filter);
    let pagination = section.get("pagination", pagination);
    let detail = section.get("detail", |at| detail(at, url.as_ref()));
    let max_pages = section.get("max_pages", count(1, 100_000));
    let polling = polling(section);
    let way = way(section, proxy);
    Some(HttpSource {
        url: url?,
        token,
        token_scheme: token_scheme.unwrap_or_else(|| "Bearer".to_owned()),
        basic_auth,
        headers,
        filter: program,
        pagination: pagination.unwrap_or(Pagination::None),
        detail,
        max_pages: max_pages.unwrap_or(50),
        polling,
        way,
    })
}

fn one_way_to_sign_in(section: &Section<'_>, headers: &BTreeMap<String, SecretString>) {
    let in_headers = headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
    let report = |key: &'static str, message: &str, help: &str| {
        section.at().cx.error(&section.path().key(key), message.to_owned(), Some(help.to_owned()));
    };
    if section.has("token") && section.has("basic_auth") {
        report("basic_auth", "two ways to sign in", "keep `basic_auth` for a user and a password, `token` for a token");
    }
    if in_headers && (section.has("token") || section.has("basic_auth")) {
        let help = "keep `token` for `Authorization: Bearer`, the header for anything else";
        report("headers", "two say Authorization", help);
    }
    if section.has("token_scheme") && !section.has("token") {
        let help = "write token = { env = \"NAME\" } beside it";
        report("token_scheme", "there is no `token` that it could belong to", help);
    }
}

/// The word before a token.
fn scheme(at: &At<'_>) -> Option<String> {
    let written = text(at)?;
    let is_word = written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_word { Some(written) } else { at.fail("expected one word, such as \"Token\"", None) }
}

fn user_and_password(at: &At<'_>) -> Option<SecretString> {
    let secret = header_secret(at)?;
    if secret.expose_secret().contains(':') {
        return Some(secret);
    }
    at.fail("expected `user:password`, or `user:token`", None)
}

/// A secret over plain http is anybody's on the way.
pub(in crate::config::parts) fn warn_clear_text(section: &Section<'_>, url: &Url) {
    warn_open(section, url, "the secret goes over the network in clear text");
}

/// What is sent over plain http is anybody's on the way. A private name or address may be a trusted network; a public one isn't.
pub(in crate::config::parts) fn warn_open(section: &Section<'_>, url: &Url, message: &str) {
    let inside = match url.host() {
        Some(url::Host::Domain(name)) => {
            !name.contains('.') || matches!(name.rsplit('.').next(), Some("local" | "internal"))
        }
        Some(url::Host::Ipv4(address)) => address.is_private() || address.is_link_local(),
        Some(url::Host::Ipv6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        None => false,
    };
    if url.scheme() == "http" && !is_loopback(url) && !inside {
        let help = Some("write https://".to_owned());
        section.at().cx.warning(&section.path().key("url"), message.to_owned(), help);
    }
}

/// What stands for the time since which the list is asked for.
const SINCE: [&str; 3] = ["since", "since_ms", "since_s"];

fn list_url(at: &At<'_>) -> Option<Url> {
    let url = http_url(at)?;
    let written = at.value.as_str().unwrap_or_default();
    if let Some(wrong) = placeholders(written).find(|word| !SINCE.contains(word)) {
        return at.fail(
            format!("`{{{wrong}}}` is no placeholder"),
            suggest::nearest(wrong, SINCE)
                .map(|near| format!("did you mean `{{{near}}}`?"))
                .or_else(|| Some("only `{since}`, `{since_ms}` and `{since_s}` are replaced here".to_owned())),
        );
    }
    let in_query = |word: &str| url.query().is_some_and(|query| query.contains(&format!("{{{word}}}")));
    if let Some(word) = placeholders(written).find(|word| !in_query(word)) {
        return at.fail(format!("`{{{word}}}` can stand in the query only"), Some(format!("write ?since={{{word}}}")));
    }
    Some(url)
}

/// The words in braces.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(word, _)| word)
}

pub(super) fn headers(at: &At<'_>) -> Option<BTreeMap<String, SecretString>> {
    let Value::Table(table) = at.value else {
        return at.wrong("a table of headers, each with its value as a secret");
    };
    let mut headers = BTreeMap::new();
    for (name, value) in table {
        let entry = at.entry(name, value);
        if HeaderName::try_from(name).is_err() {
            at.cx.wrong_key(&entry.path, "this is no name of an HTTP header".to_owned(), None);
        }
        if let Some(secret) = header_secret(&entry) {
            headers.insert(name.clone(), secret);
        }
    }
    Some(headers)
}

/// `"none"`, `"link"`, or a table with a `type`.
fn pagination(at: &At<'_>) -> Option<Pagination> {
    let help = "write \"none\", \"link\", or { type = \"cursor\", next = \".next\" }, { type = \"page\" }, { type = \"offset\" }";
    match at.value {
        Value::String(_) => match word("a kind of pagination", &PAGES)(at)? {
            Pages::None => Some(Pagination::None),
            Pages::Link => Some(Pagination::Link),
            Pages::Cursor => {
                at.fail("a cursor needs to be found", Some("write { type = \"cursor\", next = \".next\" }".to_owned()))
            }
            Pages::Page => Some(Pagination::Page { param: "page".to_owned(), first: 1, size: None }),
            Pages::Offset => Some(offset("offset", "limit", 100)),
        },
        Value::Table(_) => {
            let mut section = Section::open(at, "pagination")?;
            let kind = section.need("type", help, word("a kind of pagination", &PAGES))?;
            let read = pages(&mut section, kind);
            section.finish();
            read
        }
        _ => at.fail("this is no pagination", Some(help.to_owned())),
    }
}

fn pages(section: &mut Section<'_>, kind: Pages) -> Option<Pagination> {
    match kind {
        Pages::None => Some(Pagination::None),
        Pages::Link => Some(Pagination::Link),
        Pages::Cursor => {
            section.rescope("pagination.cursor");
            let next = section.need("next", "write the jq filter that finds the cursor, such as \".next\"", filter);
            let param = section.get("param", text).unwrap_or_else(|| "cursor".to_owned());
            Some(Pagination::Cursor { next: next?, param })
        }
        Pages::Page => {
            section.rescope("pagination.page");
            let param = section.get("param", text).unwrap_or_else(|| "page".to_owned());
            let first = section.get("first", count(0, 1)).unwrap_or(1);
            let name = section.get("size_param", text);
            let size = section.get("size", count(1, 10_000));
            if section.has("size_param") != section.has("size") {
                let message = "`size_param` and `size` go together: the query parameter, and what it says".to_owned();
                section.at().cx.missing(section.path(), message, None);
            }
            Some(Pagination::Page { param, first, size: name.zip(size) })
        }
        Pages::Offset => {
            section.rescope("pagination.offset");
            let param = section.get("param", text);
            let limit_param = section.get("limit_param", text);
            let limit = section.get("limit", count(1, 10_000)).unwrap_or(100);
            Some(offset(param.as_deref().unwrap_or("offset"), limit_param.as_deref().unwrap_or("limit"), limit))
        }
    }
}

fn offset(param: &str, limit_param: &str, limit: u32) -> Pagination {
    Pagination::Offset { param: param.to_owned(), limit_param: limit_param.to_owned(), limit }
}
