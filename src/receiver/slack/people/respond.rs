//! Answers at a `response_url`: an address that came from outside, and is asked only where it is Slack's. It knows no message.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value as Json;
use url::Url;

use crate::net::{Client, Request};

/// Where Slack takes answers (docs.slack.dev, "Handling user interaction"); the second is that of its government cloud.
const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];
const TIMEOUT: Duration = Duration::from_secs(10);

/// The address, where it is Slack's own; `near`: or this machine's, where the Web API is there as well.
pub(super) fn checked(url: &str, near: bool) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = url.host_str()?;
    let slacks = url.scheme() == "https" && url.port().is_none() && HOSTS.contains(&host);
    let ours = near && url.scheme() == "http" && is_loopback(&url);
    (slacks || ours).then_some(url)
}

/// Whether the URL's host is an address of this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Sends an answer. It is a courtesy: what was asked for is done, whether or not it arrives.
pub(super) async fn respond(client: &Client, url: Url, answer: &Json) {
    let request = Request {
        method: Method::POST,
        url,
        headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))],
        body: answer.to_string().into_bytes(),
        timeout: TIMEOUT,
        body_cap: 4_096,
    };
    match client.send(request).await {
        Ok(answer) if answer.status == 200 => {}
        Ok(answer) => tracing::warn!(status = answer.status, "Slack did not take the answer to what somebody did"),
        Err(error) => tracing::warn!(%error, "the answer to what somebody did in Slack did not arrive"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slack_is_answered() {
        assert!(checked("https://hooks.slack.com/actions/T0/1/x", false).is_some());
        for evil in [
            "http://hooks.slack.com/actions/T0/1/x",
            "https://hooks.slack.com.evil.example/x",
            "https://hooks.slack.com@evil.example/x",
            "https://user:pass@hooks.slack.com/x",
            "https://hooks.slack.com:8443/x",
            "https://evil.example/hooks.slack.com",
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1:9/x",
            "file:///etc/passwd",
            "hooks.slack.com",
            "",
        ] {
            assert_eq!(checked(evil, false), None, "{evil}");
        }
        assert!(checked("http://127.0.0.1:9/actions/1", true).is_some());
        assert_eq!(checked("http://10.0.0.1:9/actions/1", true), None);
    }
}
