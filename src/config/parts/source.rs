//! `[sources.NAME]`: the table of sources, what all of them share, and those that are pushed to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{check_name, http, prefect, workspaces};
use crate::config::read::{At, Section, duration, header_secret, secrets, signing_secret, text, word};
use crate::config::{Polling, SourceKind, SourceSettings, WebhookAuth, WebhookSource};
use crate::engine::Tenancy;
use crate::net::Proxy;

/// The sources, each with what the engine knows of it.
pub(in crate::config) type Sources = BTreeMap<String, (SourceSettings, Tenancy)>;

#[derive(Clone, Copy)]
enum Type {
    Webhook,
    Http,
    Prefect,
}

const TYPES: [(&str, Type); 3] = [("webhook", Type::Webhook), ("http", Type::Http), ("prefect", Type::Prefect)];

/// `[sources]`. What listens where decides whether a source may be open.
pub(in crate::config) fn sources(at: &At<'_>, listen: Option<SocketAddr>, proxy: &Proxy) -> Option<Sources> {
    let toml::Value::Table(table) = at.value else {
        return at.wrong("a table for each source, [sources.NAME]");
    };
    let mut sources = Sources::new();
    for (name, value) in table {
        let entry = at.entry(name, value);
        check_name(&entry, name, "_-");
        if let Some(source) = source(&entry, listen, proxy) {
            sources.insert(name.clone(), source);
        }
    }
    Some(sources)
}

fn source(at: &At<'_>, listen: Option<SocketAddr>, proxy: &Proxy) -> Option<(SourceSettings, Tenancy)> {
    let mut section = Section::open(at, "sources")?;
    let help = "write type = \"webhook\", \"http\" or \"prefect\"";
    // Which keys are known hangs on the type: without one, nothing more can be said.
    let kind = section.need("type", help, word("a type of source", &TYPES))?;
    let tenancy = Tenancy { polled: !matches!(kind, Type::Webhook), ..tenancy(&section) };
    let kind = match kind {
        Type::Webhook => {
            section.rescope("sources.webhook");
            webhook(&section, listen).map(SourceKind::Webhook)
        }
        Type::Http => {
            section.rescope("sources.http");
            http::source(&section, proxy).map(|source| SourceKind::Http(Box::new(source)))
        }
        Type::Prefect => {
            section.rescope("sources.prefect");
            prefect::source(&section, proxy).map(|source| SourceKind::Prefect(Box::new(source)))
        }
    };
    section.finish();
    Some((SourceSettings { kind: kind? }, tenancy))
}

fn tenancy(section: &Section<'_>) -> Tenancy {
    let workspace = section.get("workspace", text);
    let all = section.get("workspaces", workspaces);
    if let (Some(own), Some(all)) = (&workspace, &all)
        && !all.contains(own)
    {
        section.at().cx.error(
            &section.path().key("workspace"),
            format!("{own:?} is not among this source's `workspaces`"),
            Some("add it there".to_owned()),
        );
    }
    Tenancy { workspace, workspaces: all, polled: false }
}

fn webhook(section: &Section<'_>, listen: Option<SocketAddr>) -> Option<WebhookSource> {
    let tokens = section.get("token", secrets(header_secret));
    let signing = section.get("secret", secrets(signing_secret));
    let auth = match (section.has("token"), section.has("secret")) {
        (true, true) => {
            return section.at().fail(
                "a source has a `token` or a `secret`, not both",
                Some("keep `secret` when the caller signs by Standard Webhooks, else `token`".to_owned()),
            );
        }
        (true, false) => WebhookAuth::Bearer(tokens?),
        (false, true) => WebhookAuth::Signature(signing?),
        (false, false) if listen.is_some_and(|listen| !listen.ip().is_loopback()) => {
            section.at().cx.missing(
                section.path(),
                "anybody could post to this source: it has no `token` and no `secret`, and the server listens beyond \
                 this machine"
                    .to_owned(),
                Some("add token = { env = \"NAME\" }, or listen on 127.0.0.1".to_owned()),
            );
            return None;
        }
        (false, false) => WebhookAuth::Open,
    };
    Some(WebhookSource { auth })
}

/// What all polled sources share.
pub(super) fn polling(section: &Section<'_>) -> Polling {
    let every = section.get("every", duration(Duration::from_secs(1)));
    let timeout = section.get("timeout", duration(Duration::from_millis(100)));
    let history = section.get("history", duration(Duration::ZERO));
    let overlap = section.get("overlap", duration(Duration::ZERO));
    Polling {
        every: every.unwrap_or(Duration::from_secs(10)),
        timeout: timeout.unwrap_or(Duration::from_secs(15)),
        history: history.unwrap_or(Duration::ZERO),
        overlap: overlap.unwrap_or(Duration::from_mins(10)),
    }
}
