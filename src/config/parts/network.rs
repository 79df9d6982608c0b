//! `[http]`, and what every section that is reached over the network may say of its way: authority, proxy, addresses of the local link.

use secrecy::ExposeSecret as _;
use toml::Value;
use url::Url;

use crate::config::Way;
use crate::config::read::{At, Section, boolean, certificate, one_or_many, secret, text};
use crate::net::{Proxy, ProxyServer, check_url};

const FORMS: &str = "write \"http://proxy.example.com:3128\", \"none\" or \"environment\"";

/// `[http]`: the proxy of everything that says none of its own.
pub(in crate::config) fn network(at: &At<'_>) -> Option<Proxy> {
    let section = Section::open(at, "http")?;
    let own = section.get("proxy", proxy);
    let except = section.get("no_proxy", one_or_many(host)).unwrap_or_default();
    let path = section.path().key("no_proxy");
    let has_proxy = section.has("proxy");
    section.finish();
    match own {
        Some(Proxy::Through(server)) => return Some(Proxy::Through(server.except(&except))),
        Some(Proxy::Environment) if !except.is_empty() => {
            let help = Some("set NO_PROXY where firstred is started, or write the proxy here".to_owned());
            at.cx.error(&path, "the environment says its own exceptions".to_owned(), help);
        }
        Some(Proxy::None) | None if !except.is_empty() && (own.is_some() || !has_proxy) => {
            let help = Some("write `proxy`, or leave it out".to_owned());
            at.cx.warning(&path, "there is no proxy to go past".to_owned(), help);
        }
        _ => {}
    }
    own
}

/// `ca_file`, `proxy` and `allow_link_local`. `default` is the proxy of `[http]`.
pub(super) fn way(section: &Section<'_>, default: &Proxy) -> Way {
    let ca_file = section.get("ca_file", certificate);
    let own = section.get("proxy", proxy);
    let allow_link_local = section.get("allow_link_local", boolean).unwrap_or(false);
    if !allow_link_local {
        refuse_local_links(section.at());
    }
    Way { ca_file, proxy: own.unwrap_or_else(|| default.clone()), allow_link_local }
}

/// The way of what speaks no HTTP: a proxy that is asked for would be passed by in silence.
pub(super) fn no_proxy(section: &Section<'_>, why: &str) {
    let asked = section.value("proxy").filter(|at| at.value.as_str() != Some("none"));
    if let Some(at) = asked {
        at.fail::<()>(why.to_owned(), Some("leave `proxy` out here".to_owned()));
    }
}

/// A proxy: its URL, `"none"` or `"environment"`.
fn proxy(at: &At<'_>) -> Option<Proxy> {
    let written = secret(at)?;
    match written.expose_secret().trim() {
        "none" => Some(Proxy::None),
        "environment" => Some(Proxy::Environment),
        _ => match ProxyServer::parse(&written) {
            Ok(server) => Some(Proxy::Through(server)),
            Err(message) => at.fail(message, Some(FORMS.to_owned())),
        },
    }
}

/// A host name, an address, or a network.
fn host(at: &At<'_>) -> Option<String> {
    let written = text(at)?;
    let name = written.trim_start_matches("*.").trim_start_matches('.');
    let address = name.parse::<std::net::IpAddr>().is_ok();
    let network = name.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 128)
    });
    let domain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if address || network || domain {
        return Some(name.to_owned());
    }
    let help = "write a name (with all below it), an address or a network: \"internal.example.com\", \"10.0.0.0/8\"";
    at.fail(format!("expected a host that is reached without the proxy, found {written:?}"), Some(help.to_owned()))
}

/// Addresses of the local link in the URLs that stand here. Those in secrets are refused when they are asked.
fn refuse_local_links(at: &At<'_>) {
    match at.value {
        Value::String(text) if text.starts_with("http") => {
            let link = |url: &Url| check_url(url, true).is_ok() && check_url(url, false).is_err();
            if Url::parse(text).as_ref().is_ok_and(link) {
                let help = Some("write allow_link_local = true beside it, if that is meant".to_owned());
                at.fail::<()>("addresses of the local link are not asked", help);
            }
        }
        Value::Table(table) => {
            // `ui_url` is shown to people and never asked.
            table.iter().filter(|(key, _)| *key != "ui_url").for_each(|(key, value)| {
                refuse_local_links(&at.entry(key, value));
            });
        }
        _ => {}
    }
}
