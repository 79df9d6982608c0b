//! `type = "alertmanager"`: where its instances are, and how to sign in.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::api::own_url;
use crate::config::parts::source::warn_clear_text;
use crate::config::read::{Section, header_secret, one_or_many, secret, span, text};
use crate::config::{AlertmanagerAuth, AlertmanagerReceiver};

/// How long an alert stays that nothing more is said of.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn alertmanager(section: &Section<'_>) -> Option<AlertmanagerReceiver> {
    let urls = section.alias(&["urls", "url", "api_url"], one_or_many(own_url(AlertmanagerReceiver::PATH)));
    if !["urls", "url", "api_url"].iter().any(|key| section.has(key)) {
        let help =
            "write where each instance is: urls = [\"http://alertmanager-0:9093\", \"http://alertmanager-1:9093\"]"
                .to_owned();
        section.at().cx.missing(section.path(), "the key `urls` is missing".to_owned(), Some(help));
    }
    let auth = auth(section);
    if let (Some(first), Ok(Some(_))) = (urls.iter().flatten().find(|url| url.scheme() == "http"), &auth) {
        warn_clear_text(section, first);
    }
    let lifetime = section.get("lifetime", span(Duration::from_mins(5)));
    let lifetime = lifetime.unwrap_or(LIFETIME);
    let cluster = AlertmanagerReceiver { urls: urls?, auth: auth.ok()?, lifetime };
    let mut known = BTreeSet::new();
    for (address, _) in cluster.instances() {
        if let Some(twice) = known.replace(address) {
            section.at().cx.error(&section.path().key("urls"), format!("{twice} is named twice"), None);
            return None;
        }
    }
    Some(cluster)
}

/// Whether to sign in, and how; an error where that is wrong, which is reported.
fn auth(section: &Section<'_>) -> Result<Option<AlertmanagerAuth>, ()> {
    let user = section.get("username", text);
    let password = section.get("password", secret);
    let token = section.get("token", header_secret);
    let basic = section.has("username") || section.has("password");
    if section.has("username") != section.has("password") {
        let message = "`username` and `password` go together".to_owned();
        section.at().cx.missing(section.path(), message, None);
        return Err(());
    }
    if basic && section.has("token") {
        let help = Some("keep `token`, or `username` and `password`".to_owned());
        section.at().cx.error(&section.path().key("token"), "two ways to sign in".to_owned(), help);
        return Err(());
    }
    if user.as_ref().is_some_and(|user| user.contains(':')) {
        section.at().cx.error(
            &section.path().key("username"),
            "a user's name holds no `:` (RFC 7617)".to_owned(),
            None,
        );
        return Err(());
    }
    match (user, password, token) {
        (Some(user), Some(password), _) => Ok(Some(AlertmanagerAuth::Basic { user, password })),
        (_, _, Some(token)) => Ok(Some(AlertmanagerAuth::Bearer(token))),
        _ if basic || section.has("token") => Err(()),
        _ => Ok(None),
    }
}
