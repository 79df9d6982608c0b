//! `type = "prefect"`: a Prefect 3 server or Prefect Cloud.

use secrecy::ExposeSecret;
use url::Url;

use super::http::warn_clear_text;
use super::polling;
use crate::config::parts::network::way;
use crate::config::read::{At, Section, boolean, header_secret, http_url};
use crate::config::{PrefectAuth, PrefectSource};
use crate::net::Proxy;

pub(super) fn source(section: &Section<'_>, proxy: &Proxy) -> Option<PrefectSource> {
    let url = section.need("url", "write the API, such as \"http://127.0.0.1:4200/api\"", api_url);
    let ui_url = section.get("ui_url", http_url);
    let api_key = section.get("api_key", header_secret);
    let auth_string = section.get("auth_string", |at| {
        let secret = header_secret(at)?;
        if secret.expose_secret().contains(':') {
            return Some(secret);
        }
        at.fail("expected `user:password`, as in PREFECT_SERVER_API_AUTH_STRING", None)
    });
    if section.has("api_key") && section.has("auth_string") {
        let help = "keep `api_key` for Prefect Cloud, `auth_string` for a server of your own".to_owned();
        section.at().fail::<()>("two ways to sign in", Some(help));
    }
    if let Some(url) = &url
        && (api_key.is_some() || auth_string.is_some())
    {
        warn_clear_text(section, url);
    }
    let auth = match (api_key, auth_string) {
        (Some(key), _) => PrefectAuth::Bearer(key),
        (None, Some(auth)) => PrefectAuth::Basic(auth),
        (None, None) => PrefectAuth::None,
    };
    let events = section.get("events", boolean).unwrap_or(true);
    let polling = polling(section);
    let way = way(section, proxy);
    let url = url?;
    let ui_url = ui_url.unwrap_or_else(|| ui_of(&url));
    Some(PrefectSource { url, ui_url, auth, events, polling, way })
}

fn api_url(at: &At<'_>) -> Option<Url> {
    let mut url = http_url(at)?;
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("the API's URL has no `?` and no `#`", None);
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    if path.is_empty() {
        at.warn("the API of a Prefect server ends in /api", Some(format!("did you mean \"{url}api\"?")));
    }
    Some(url)
}

/// Where people look at what the API at `api` tells.
fn ui_of(api: &Url) -> Url {
    let mut ui = api.clone();
    let path = api.path();
    if api.host_str() == Some("api.prefect.cloud") && ui.set_host(Some("app.prefect.cloud")).is_ok() {
        // Prefect Cloud says /api/accounts/A/workspaces/W here and /account/A/workspace/W there.
        let path =
            path.trim_start_matches("/api").replace("/accounts/", "/account/").replace("/workspaces/", "/workspace/");
        ui.set_path(&path);
    } else {
        ui.set_path(path.strip_suffix("/api").unwrap_or(path));
    }
    ui
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ui_follows_from_the_api() {
        let ui = |api: &str| ui_of(&Url::parse(api).expect("a URL")).to_string();
        assert_eq!(ui("http://127.0.0.1:4200/api"), "http://127.0.0.1:4200/");
        assert_eq!(ui("https://p.example.com/prefect/api"), "https://p.example.com/prefect");
        assert_eq!(
            ui("https://api.prefect.cloud/api/accounts/a/workspaces/w"),
            "https://app.prefect.cloud/account/a/workspace/w"
        );
    }
}
