//! `type = "n8n"`: an n8n instance, 2.x or 1.x.

use url::Url;

use super::http::warn_clear_text;
use super::{polling, webhook};
use crate::config::parts::network::way;
use crate::config::read::{At, Section, boolean, header_secret, http_url};
use crate::config::{N8nSource, WebhookAuth};
use crate::net::Proxy;

pub(super) fn source(section: &Section<'_>, proxy: &Proxy) -> Option<N8nSource> {
    let url = section.need("url", "write where n8n is, such as \"http://127.0.0.1:5678\"", instance_url);
    let ui_url = section.get("ui_url", http_url);
    let help = "make one under Settings > n8n API with the scopes execution:list and execution:read, and write \
                api_key = { env = \"NAME\" }";
    let api_key = section.need("api_key", help, header_secret);
    if let Some(url) = &url {
        warn_clear_text(section, url);
    }
    let tell_timeouts = section.get("tell_timeouts", boolean).unwrap_or(false);
    let proof = webhook::proof(section);
    let polling = polling(section);
    let way = way(section, proxy);
    let url = url?;
    let ui_url = ui_url.unwrap_or_else(|| url.clone());
    // What nobody has to prove is not taken at all.
    let push = proof.map(|proof| (!matches!(proof, WebhookAuth::Open)).then_some(proof))?;
    Some(N8nSource { url, ui_url, api_key: api_key?, tell_timeouts, push, polling, way })
}

/// The instance. Whoever writes down its API means the same.
fn instance_url(at: &At<'_>) -> Option<Url> {
    let mut url = http_url(at)?;
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("the address of n8n has no `?` and no `#`", None);
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v1").unwrap_or(path).to_owned();
    url.set_path(&path);
    Some(url)
}
