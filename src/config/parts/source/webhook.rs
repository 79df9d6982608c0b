//! `type = "webhook"`: who may post.

use std::net::SocketAddr;

use crate::config::read::{Section, header_secret, secrets, signing_secret};
use crate::config::{WebhookAuth, WebhookSource};

pub(super) fn source(section: &Section<'_>, listen: Option<SocketAddr>) -> Option<WebhookSource> {
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
