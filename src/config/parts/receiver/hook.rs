//! The receivers that are one incoming webhook and nothing else: Teams, Discord, Mattermost, Rocket.Chat. Its URL is a secret.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::refuse_connector;
use crate::config::read::{At, Section, is_loopback, parse_http_url, secret};
use crate::config::{DiscordReceiver, MattermostReceiver, RocketChatReceiver, TeamsReceiver};

pub(super) fn teams(section: &Section<'_>) -> Option<TeamsReceiver> {
    let help = "write webhook_url = { env = \"TEAMS_WEBHOOK_URL\" }";
    let webhook_url = section.need("webhook_url", help, |at| {
        hosted(at, "copy it whole from the flow \"Send webhook alerts to a channel\" in Teams' Workflows", |_| None)
    });
    Some(TeamsReceiver { webhook_url: webhook_url? })
}

pub(super) fn discord(section: &Section<'_>) -> Option<DiscordReceiver> {
    let help = "write webhook_url = { env = \"DISCORD_WEBHOOK_URL\" }";
    let form = "copy it whole from the channel's settings: https://discord.com/api/webhooks/ID/TOKEN";
    let wrong = |url: &Url| {
        let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            // The doors for other services' messages: what is sent here is Discord's own.
            [.., "slack" | "github"] => Some("this is Discord's door for the messages of another service"),
            [.., "webhooks", id, _] if id.bytes().all(|digit| digit.is_ascii_digit()) => None,
            _ => Some("this is no webhook of Discord"),
        }
    };
    let webhook_url = section.need("webhook_url", help, |at| hosted(at, form, wrong));
    Some(DiscordReceiver { webhook_url: webhook_url? })
}

pub(super) fn mattermost(section: &Section<'_>) -> Option<MattermostReceiver> {
    let help = "write webhook_url = { env = \"MATTERMOST_WEBHOOK_URL\" }";
    let webhook_url = section.need("webhook_url", help, |at| own(at, "https://mattermost.example.com/hooks/ID"));
    Some(MattermostReceiver { webhook_url: webhook_url? })
}

pub(super) fn rocketchat(section: &Section<'_>) -> Option<RocketChatReceiver> {
    let help = "write webhook_url = { env = \"ROCKETCHAT_WEBHOOK_URL\" }";
    let webhook_url = section.need("webhook_url", help, |at| own(at, "https://chat.example.com/hooks/ID/TOKEN"));
    Some(RocketChatReceiver { webhook_url: webhook_url? })
}

/// A webhook at a service in the internet: https only. `wrong` says what is wrong with the URL.
fn hosted(at: &At<'_>, help: &str, wrong: impl Fn(&Url) -> Option<&'static str>) -> Option<SecretString> {
    let secret = secret(at)?;
    let url = match parse_http_url(secret.expose_secret()) {
        Ok(url) => url,
        Err((message, _)) => return at.fail(message, Some(help.to_owned())),
    };
    refuse_connector(at, &url)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return at.fail("this webhook is reached by https only", Some("write https://".to_owned()));
    }
    match wrong(&url) {
        Some(message) => at.fail(message, Some(help.to_owned())),
        None => Some(secret),
    }
}

/// A webhook at a server of one's own, which may be in a network that has no certificates.
fn own(at: &At<'_>, form: &str) -> Option<SecretString> {
    let secret = secret(at)?;
    match parse_http_url(secret.expose_secret()) {
        Ok(url) => {
            refuse_connector(at, &url)?;
            Some(secret)
        }
        Err((message, _)) => at.fail(message, Some(format!("copy it whole: {form}"))),
    }
}
