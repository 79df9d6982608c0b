//! `type = "goalert"`: where it is, and the key of a service.

use super::api::own_url;
use crate::config::GoalertReceiver;
use crate::config::parts::source::warn_clear_text;
use crate::config::read::{Section, secret};

pub(super) fn goalert(section: &Section<'_>) -> Option<GoalertReceiver> {
    let url = section.alias(&["url", "api_url"], own_url("/api/v2/generic/incoming"));
    if !section.has("url") && !section.has("api_url") {
        let help = "write where your GoAlert is: url = \"https://goalert.example.com\"".to_owned();
        section.at().cx.missing(section.path(), "the key `url` is missing".to_owned(), Some(help));
    }
    let token = section.need("token", "write token = { env = \"GOALERT_TOKEN\" }", secret);
    if let Some(url) = &url {
        warn_clear_text(section, url);
    }
    Some(GoalertReceiver { url: url?, token: token? })
}
