//! `[heartbeat]` and `[daily]`: how firstred says of itself that it is there.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::network::way;
use super::receiver_names;
use super::source::warn_clear_text;
use crate::config::read::{At, Section, day_time, duration, parse_http_url, secret, word, zone};
use crate::config::{Daily, Heartbeat};
use crate::net::Proxy;

/// `[heartbeat]`
pub(in crate::config) fn heartbeat(at: &At<'_>, default: &Proxy) -> Option<Heartbeat> {
    let section = Section::open(at, "heartbeat")?;
    let url = section.need("url", "write url = { env = \"HEARTBEAT_URL\" }", |at| {
        let secret = secret(at)?;
        match parse_http_url(secret.expose_secret()) {
            Ok(url) => Some((SecretString::from(url.as_str()), url)),
            Err((message, help)) => at.fail(message, help),
        }
    });
    let every = section.get("every", duration(Duration::from_secs(1)));
    let post = section.get("method", word("\"GET\" or \"POST\"", &[("GET", false), ("POST", true)]));
    let timeout = section.get("timeout", duration(Duration::from_millis(100)));
    let way = way(&section, default);
    if let Some((_, url)) = &url {
        warn_clear_text(&section, url);
    }
    section.finish();
    let (url, _) = url?;
    Some(Heartbeat {
        url,
        every: every.unwrap_or(Duration::from_mins(1)),
        post: post.unwrap_or(false),
        timeout: timeout.unwrap_or(Duration::from_secs(10)),
        way,
    })
}

/// `[daily]`. Without a `notify` of its own it goes to whom `defaults` names.
pub(in crate::config) fn daily(at: &At<'_>, defaults: &[String]) -> Option<Daily> {
    let section = Section::open(at, "daily")?;
    let usual = Daily::default();
    let time = section.get("at", day_time);
    let clock = section.get("zone", zone);
    let notify = section.get("notify", receiver_names);
    section.finish();
    Some(Daily {
        at: time.unwrap_or(usual.at),
        zone: clock.unwrap_or(usual.zone),
        notify: notify.unwrap_or_else(|| defaults.to_vec()),
    })
}
