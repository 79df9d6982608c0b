//! `[server]`, `[ledger]`, `[log]`, `[defaults]` and `[classes]`. The first four come with every default filled in.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use super::field::fields;
use super::receiver_names;
use super::rhythm::rhythm_by_default;
use crate::config::read::{
    At, Section, count, duration, header_secret, http_url, log_level, path, secrets, size, span, text, word,
};
use crate::config::{LedgerSettings, LogSettings, ServerSettings};
use crate::engine::{Field, Rhythm};
use crate::triage::{Class, Classes};

/// The shortest token of the API.
const SHORTEST_TOKEN: usize = 16;

/// With what a link has behind it (see `net::permit`) it stays under the 1,000 characters of a link that is shown.
const LONGEST_PUBLIC_URL: usize = 200;

const NEVER_EMPTY: &str = "it has a default; leave it out";

/// The classes by their names.
pub(super) const CLASSES: [(&str, Class); 5] = [
    ("transient", Class::Transient),
    ("authorization", Class::Authorization),
    ("configuration", Class::Configuration),
    ("engine", Class::Engine),
    ("unknown", Class::Unknown),
];

/// `[defaults]`
pub(in crate::config) struct Defaults {
    pub(in crate::config) notify: Vec<String>,
    pub(in crate::config) hold: SignedDuration,
    pub(in crate::config) give_up_after: SignedDuration,
    pub(in crate::config) group_by: Vec<Field>,
    pub(in crate::config) rhythm: Rhythm,
}

/// `[server]`
pub(in crate::config) fn server(at: &At<'_>) -> Option<ServerSettings> {
    let section = Section::open(at, "server")?;
    let listen = section.need("listen", NEVER_EMPTY, address);
    let public_url = section.get("public_url", |at| {
        let url = http_url(at)?;
        if url.query().is_some() || url.fragment().is_some() {
            return at.fail("links begin with this URL, so it has no `?` and no `#`", None);
        }
        if url.as_str().len() > LONGEST_PUBLIC_URL {
            return at.fail(format!("links begin with this URL: it has {LONGEST_PUBLIC_URL} characters at most"), None);
        }
        Some(url)
    });
    let api_token = section.get("api_token", secrets(api_token));
    let lost = section.has("api_token") && api_token.is_none();
    let max_body = section.need("max_body", NEVER_EMPTY, size);
    let max_connections = section.need("max_connections", NEVER_EMPTY, count(1, 100_000));
    let queue = section.need("queue", NEVER_EMPTY, count(1, 10_000_000));
    section.finish();
    if lost {
        return None;
    }
    Some(ServerSettings {
        listen: listen?,
        api_token: api_token.unwrap_or_default(),
        public_url,
        max_body: max_body?,
        max_connections: max_connections?,
        queue: queue?,
    })
}

/// What opens the API: whoever has it reads every error and can silence everything.
fn api_token(at: &At<'_>) -> Option<SecretString> {
    let token = header_secret(at)?;
    if token.expose_secret().len() < SHORTEST_TOKEN {
        let help = format!("use at least {SHORTEST_TOKEN} characters that nobody can guess: openssl rand -hex 32");
        return at.fail("the token is too short", Some(help));
    }
    Some(token)
}

fn address(at: &At<'_>) -> Option<SocketAddr> {
    let written = text(at)?;
    written.parse().ok().or_else(|| {
        let help = match written.split_once(':') {
            Some(("", port)) => format!("write \"127.0.0.1:{port}\" for this machine, \"0.0.0.0:{port}\" for all"),
            Some(("localhost", port)) => format!("write \"127.0.0.1:{port}\""),
            _ => "write \"127.0.0.1:8686\" for this machine, \"0.0.0.0:8686\" for all".to_owned(),
        };
        at.fail(format!("expected an IP address and a port, found {written:?}"), Some(help))
    })
}

/// `[ledger]`
pub(in crate::config) fn ledger(at: &At<'_>) -> Option<LedgerSettings> {
    let section = Section::open(at, "ledger")?;
    let file = section.need("path", NEVER_EMPTY, path);
    let retention = section.need("retention", NEVER_EMPTY, duration(Duration::from_hours(1)));
    section.finish();
    Some(LedgerSettings { path: file?, retention: retention? })
}

/// `[log]`
pub(in crate::config) fn log(at: &At<'_>) -> Option<LogSettings> {
    let section = Section::open(at, "log")?;
    let json = section.need("format", NEVER_EMPTY, word("\"text\" or \"json\"", &[("text", false), ("json", true)]));
    let filter = section.need("level", NEVER_EMPTY, log_level);
    section.finish();
    Some(LogSettings { json: json?, filter: filter? })
}

/// `[defaults]`
pub(in crate::config) fn defaults(at: &At<'_>) -> Option<Defaults> {
    let section = Section::open(at, "defaults")?;
    let notify = section.need("notify", NEVER_EMPTY, receiver_names);
    let hold = section.need("hold", NEVER_EMPTY, span(Duration::ZERO));
    let give_up_after = section.need("give_up_after", NEVER_EMPTY, span(Duration::from_secs(1)));
    let group_by = section.need("group_by", NEVER_EMPTY, fields);
    let rhythm = rhythm_by_default(&section);
    section.finish();
    Some(Defaults { notify: notify?, hold: hold?, give_up_after: give_up_after?, group_by: group_by?, rhythm })
}

/// `[classes]`: a code, or a `*` glob of codes, to its class.
pub(in crate::config) fn classes(at: &At<'_>) -> Option<Classes> {
    let toml::Value::Table(table) = at.value else {
        return at.wrong("a table of codes, each with its class");
    };
    let mut classes = Classes::default();
    for (code, value) in table {
        let entry = at.entry(code, value);
        if code.trim().is_empty() || code.chars().any(char::is_control) {
            at.cx.wrong_key(&entry.path, "this is no code".to_owned(), None);
        }
        if let Some(class) = word("a class", &CLASSES)(&entry) {
            classes.overrides.insert(code.clone(), class);
        }
    }
    Some(classes)
}
