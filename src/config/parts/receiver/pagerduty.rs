//! `type = "pagerduty"`: the key of a service.

use secrecy::{ExposeSecret, SecretString};

use super::api::vendor_url;
use crate::config::PagerdutyReceiver;
use crate::config::read::{At, Section, secret};

/// How long a routing key is (Events API v2).
const KEY: usize = 32;

pub(super) fn pagerduty(section: &Section<'_>) -> Option<PagerdutyReceiver> {
    let help = "write routing_key = { env = \"PAGERDUTY_ROUTING_KEY\" }";
    let routing_key = section.need("routing_key", help, routing_key);
    let api_url = vendor_url(section, "https://events.pagerduty.com", "/v2/enqueue");
    Some(PagerdutyReceiver { routing_key: routing_key?, api_url: api_url? })
}

fn routing_key(at: &At<'_>) -> Option<SecretString> {
    let key = secret(at)?;
    let text = key.expose_secret();
    if text.len() == KEY && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(key);
    }
    let help = "copy the integration key of an \"Events API V2\" integration of the service";
    at.fail(format!("a routing key has {KEY} letters and digits"), Some(help.to_owned()))
}
