//! The services, one file each: what each documents of its requests and answers. They know no promise.

pub(super) mod alertmanager;
pub(super) mod discord;
pub(super) mod email;
pub(super) mod exec;
pub(super) mod goalert;
pub(super) mod incidentio;
pub(super) mod jsm;
pub(super) mod mattermost;
pub(super) mod ntfy;
pub(super) mod opsgenie;
pub(super) mod pagerduty;
pub(super) mod rocketchat;
pub(super) mod slack_bot;
pub(super) mod slack_webhook;
pub(super) mod teams;
pub(super) mod telegram;
pub(super) mod webhook;

use serde_json::Value;

use crate::support::http::Answer;

/// 429 with `Retry-After`.
fn after(seconds: u64, body: &Value) -> Answer {
    let headers = [("retry-after", seconds.to_string()), ("content-type", "application/json".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Answer::make(429, &headers, axum::body::Body::from(body.to_string()))
}
