//! `type = "webhook"`: where to POST, and how it is signed.

use secrecy::ExposeSecret;
use toml::Value;
use url::Url;

use super::refuse_connector;
use crate::config::WebhookReceiver;
use crate::config::parts::source;
use crate::config::read::{At, Section, header_secret, http_url, parse_http_url, secret, secrets, signing_secret};

pub(super) fn webhook(section: &Section<'_>) -> Option<WebhookReceiver> {
    let url = section.need("url", "write where to POST", webhook_url);
    let secrets = section.alias(&["secrets", "secret"], secrets(signing_secret));
    let token = section.get("token", header_secret);
    if let Some(url) = &url {
        let what = if token.is_some() { "the secret goes" } else { "what fails, and why, goes" };
        source::warn_open(section, url, &format!("{what} over the network in clear text"));
    }
    Some(WebhookReceiver { url: url?, secrets: secrets.unwrap_or_default(), token })
}

/// A URL, written out or as a secret: for many services it is one.
fn webhook_url(at: &At<'_>) -> Option<Url> {
    let url = match at.value {
        Value::Table(_) => {
            let secret = secret(at)?;
            match parse_http_url(secret.expose_secret()) {
                Ok(url) => url,
                Err((message, help)) => return at.fail(message, help),
            }
        }
        _ => http_url(at)?,
    };
    refuse_connector(at, &url)?;
    if url.host_str() == Some("hooks.slack.com") {
        let help = "write type = \"slack\" and webhook_url".to_owned();
        at.warn("Slack does not understand this receiver's JSON", Some(help));
    }
    Some(url)
}
