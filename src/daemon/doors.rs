//! Who is let in: the callers of ingest, source by source, those of the API, and who has a link.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::header::HeaderName;
use secrecy::SecretString;
use tokio::sync::Notify;

use super::StartError;
use crate::config::{Config, GitHubSource, SourceKind, WebhookAuth, WebhookSource};
use crate::net::permit::{Issuer, Key};
use crate::server::{Gate, Gates, Keys};
use crate::source::{github, n8n, push::Reader};

/// The daemon's own token and those of the configuration.
pub(super) fn keys(own: &SecretString, config: &Config) -> Keys {
    Keys::new(std::iter::once(own).chain(&config.server.api_token))
}

/// Who makes the links to the pages of incidents, and takes them back; nobody where nobody knows how this daemon is reached.
pub(super) fn issuer(key: &Key, config: &Config) -> Option<Issuer> {
    config.server.public_url.clone().map(|base| Issuer::new(base, key.clone()))
}

/// The sources that are pushed to. `wakes`: the pollers of those that are asked as well. `mails`: where what is pushed to them is put.
///
/// # Errors
/// When a signing secret can't be used.
pub(super) fn gates(
    config: &Config,
    wakes: &BTreeMap<String, Arc<Notify>>,
    mails: &BTreeMap<String, n8n::Mail>,
) -> Result<Gates, StartError> {
    let mut gates = BTreeMap::new();
    for (name, settings) in &config.sources {
        let made = match &settings.kind {
            SourceKind::Webhook(webhook) => pushed(name, webhook)?,
            SourceKind::N8n(n8n) => match (&n8n.push, mails.get(name)) {
                (Some(auth), Some(mail)) => gate(name, auth)?.reading(Arc::new(mail.clone())),
                _ => continue,
            },
            SourceKind::GitHub(github) if !github.webhook_secrets.is_empty() => of_github(name, github)?,
            SourceKind::GitHub(_)
            | SourceKind::Airflow(_)
            | SourceKind::Http(_)
            | SourceKind::Prefect(_)
            | SourceKind::Dagster(_) => continue,
        };
        let made = match wakes.get(name) {
            Some(wake) => made.waking(Arc::clone(wake)),
            None => made,
        };
        gates.insert(name.clone(), made);
    }
    Ok(gates)
}

fn pushed(name: &str, webhook: &WebhookSource) -> Result<Gate, StartError> {
    let gate = gate(name, &webhook.auth)?;
    let reader = Reader::new(webhook).map_err(|error| broken(name, error.to_string()))?;
    Ok(match reader {
        Some(reader) => gate.reading(Arc::new(reader)),
        None => gate,
    })
}

/// GitHub signs what it sends, with the secret of the webhook.
fn of_github(name: &str, github: &GitHubSource) -> Result<Gate, StartError> {
    let auth = WebhookAuth::Hmac {
        name: HeaderName::from_static("x-hub-signature-256"),
        prefix: "sha256=".to_owned(),
        secrets: github.webhook_secrets.clone(),
    };
    Ok(gate(name, &auth)?.reading(Arc::new(github::Reader::new(github))))
}

fn gate(name: &str, auth: &WebhookAuth) -> Result<Gate, StartError> {
    Gate::new(auth).map_err(|error| broken(name, error.to_string()))
}

fn broken(name: &str, reason: String) -> StartError {
    StartError::Credentials { source_name: name.to_owned(), reason }
}
