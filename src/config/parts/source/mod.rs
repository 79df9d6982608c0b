//! `[sources.NAME]`: what all of them share; one file for each kind.

mod airflow;
mod dagster;
mod detail;
mod github;
mod http;
mod n8n;
mod prefect;
mod webhook;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{check_name, workspaces};
use crate::config::read::{At, Section, duration, text, word};
use crate::config::{Polling, SourceKind, SourceSettings};
use crate::engine::Tenancy;
use crate::net::Proxy;

pub(in crate::config::parts) use http::{warn_clear_text, warn_open};

/// The sources, each with what the engine knows of it.
pub(in crate::config) type Sources = BTreeMap<String, (SourceSettings, Tenancy)>;

#[derive(Clone, Copy)]
enum Type {
    Webhook,
    Http,
    Airflow,
    GitHub,
    Prefect,
    N8n,
    Dagster,
}

const TYPES: [(&str, Type); 7] = [
    ("webhook", Type::Webhook),
    ("http", Type::Http),
    ("airflow", Type::Airflow),
    ("github", Type::GitHub),
    ("prefect", Type::Prefect),
    ("dagster", Type::Dagster),
    ("n8n", Type::N8n),
];

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
    let help = "write type = \"webhook\", \"http\", \"airflow\", \"github\", \"prefect\", \"dagster\" or \"n8n\"";
    // Which keys are known hangs on the type: without one, nothing more can be said.
    let kind = section.need("type", help, word("a type of source", &TYPES))?;
    // One of GitHub without a token is only pushed to.
    let pushed = matches!(kind, Type::Webhook) || (matches!(kind, Type::GitHub) && !section.has("token"));
    let tenancy = Tenancy { polled: !pushed, ..tenancy(&section) };
    let kind = match kind {
        Type::Webhook => {
            section.rescope("sources.webhook");
            webhook::source(&section, listen).map(SourceKind::Webhook)
        }
        Type::Http => {
            section.rescope("sources.http");
            http::source(&section, proxy).map(|source| SourceKind::Http(Box::new(source)))
        }
        Type::Airflow => {
            section.rescope("sources.airflow");
            airflow::source(&section, proxy).map(|source| SourceKind::Airflow(Box::new(source)))
        }
        Type::GitHub => {
            section.rescope("sources.github");
            github::source(&section, proxy).map(|source| SourceKind::GitHub(Box::new(source)))
        }
        Type::Prefect => {
            section.rescope("sources.prefect");
            prefect::source(&section, proxy).map(|source| SourceKind::Prefect(Box::new(source)))
        }
        Type::N8n => {
            section.rescope("sources.n8n");
            n8n::source(&section, proxy).map(|source| SourceKind::N8n(Box::new(source)))
        }
        Type::Dagster => {
            section.rescope("sources.dagster");
            dagster::source(&section, proxy).map(|source| SourceKind::Dagster(Box::new(source)))
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

/// What all polled sources share.
fn polling(section: &Section<'_>) -> Polling {
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
