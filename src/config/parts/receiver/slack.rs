//! `type = "slack"`: how Slack is reached, by an incoming webhook or by an app with a bot token.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::refuse_connector;
use crate::config::read::{At, Section, header_secret, http_url, is_loopback, parse_http_url, secret, text};
use crate::config::{SlackBot, SlackReceiver};

/// Where Slack's Web API is (docs.slack.dev, "Using the Slack Web API").
const API: &str = "https://slack.com/api/";
/// What only an app has.
const OF_A_BOT: [&str; 4] = ["channel", "api_url", "app_token", "signing_secret"];
/// The longest name of a channel: 80 characters (docs.slack.dev, conversations.create).
const LONGEST_NAME: usize = 80;

pub(super) fn slack(section: &Section<'_>) -> Option<SlackReceiver> {
    let webhook_url = section.get("webhook_url", slack_url);
    let token = section.get("bot_token", |at| token_of(at, "xoxb-", "the bot token begins with xoxb-"));
    let channel = section.get("channel", channel);
    let api_url = section.get("api_url", api_url);
    let app_token = section.get("app_token", |at| token_of(at, "xapp-", "an app-level token begins with xapp-"));
    let signing_secret = section.get("signing_secret", secret);
    match (section.has("webhook_url"), section.has("bot_token")) {
        (true, true) => {
            let help =
                "keep `bot_token` to edit one message as a problem changes, `webhook_url` for posts alone".to_owned();
            section.at().fail("`webhook_url` and `bot_token` are two ways to one channel", Some(help))
        }
        (false, false) => {
            let message = "neither `webhook_url` nor `bot_token` is there".to_owned();
            let help = "write webhook_url = { env = \"SLACK_WEBHOOK_URL\" }, or bot_token = { env = \"SLACK_BOT_TOKEN\" } and \
                        channel = \"C0123ABCD\""
                .to_owned();
            section.at().cx.missing(section.path(), message, Some(help));
            None
        }
        (true, false) => {
            for key in OF_A_BOT.into_iter().filter(|key| section.has(key)) {
                let help = "give a `bot_token` instead of `webhook_url`, or leave it out".to_owned();
                section.at().cx.error(&section.path().key(key), format!("`{key}` needs a `bot_token`"), Some(help));
            }
            Some(SlackReceiver::Webhook(webhook_url?))
        }
        (false, true) => {
            if !section.has("channel") {
                let help =
                    "write the channel's id, channel = \"C0123ABCD\", or its name, channel = \"#alerts\"".to_owned();
                section.at().cx.missing(section.path(), "the key `channel` is missing".to_owned(), Some(help));
            }
            let api_url = match api_url {
                Some(url) => url,
                None if section.has("api_url") => return None,
                None => Url::parse(API).ok()?,
            };
            let bot = SlackBot { token: token?, channel: channel?, api_url, app_token, signing_secret };
            Some(SlackReceiver::Bot(Box::new(bot)))
        }
    }
}

fn slack_url(at: &At<'_>) -> Option<SecretString> {
    let secret = secret(at)?;
    let url = match parse_http_url(secret.expose_secret()) {
        Ok(url) => url,
        Err((message, _)) => {
            let help = "copy it whole from Slack: https://hooks.slack.com/services/…".to_owned();
            return at.fail(message, Some(help));
        }
    };
    refuse_connector(at, &url)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return at.fail("a Slack webhook is reached by https only", Some("write https://".to_owned()));
    }
    Some(secret)
}

/// A token of the kind that is wanted: one for another does not work, and Slack would say so only at the first incident.
fn token_of(at: &At<'_>, begins: &str, says: &str) -> Option<SecretString> {
    let token = header_secret(at)?;
    if token.expose_secret().starts_with(begins) {
        return Some(token);
    }
    let help = "the app's pages at api.slack.com/apps show both: xoxb- under \"OAuth & Permissions\", xapp- under \"Basic \
                Information\", \"App-Level Tokens\"";
    at.fail(format!("this is another token: {says}"), Some(help.to_owned()))
}

/// An id or a name; a name may have its `#`.
fn channel(at: &At<'_>) -> Option<String> {
    let written = text(at)?;
    let name = written.trim().trim_start_matches('#');
    let is_name = !name.is_empty()
        && name.chars().count() <= LONGEST_NAME
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if is_name {
        return Some(name.to_owned());
    }
    at.fail(
        format!("expected a channel, found {written:?}"),
        Some("write its id, \"C0123ABCD\" (in the channel's details), or its name, \"#alerts\"".to_owned()),
    )
}

/// The Web API, or a proxy before it.
fn api_url(at: &At<'_>) -> Option<Url> {
    let mut url = http_url(at)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return at.fail("Slack is reached by https only: the tokens go there", Some("write https://".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("the address of an API ends with its path", Some(format!("write it as \"{API}\"")));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}
