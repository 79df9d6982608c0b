//! `type = "slack"`: how Slack is reached.

use secrecy::{ExposeSecret, SecretString};

use super::refuse_connector;
use crate::config::SlackReceiver;
use crate::config::read::{At, Section, is_loopback, parse_http_url, secret};

pub(super) fn slack(section: &Section<'_>) -> Option<SlackReceiver> {
    let help = "write webhook_url = { env = \"SLACK_WEBHOOK_URL\" }";
    let webhook_url = section.need("webhook_url", help, slack_url);
    Some(SlackReceiver { webhook_url: webhook_url? })
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
