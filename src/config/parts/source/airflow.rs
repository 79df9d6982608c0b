//! `type = "airflow"`: Apache Airflow 3 or 2.

use url::Url;

use super::http::warn_clear_text;
use super::polling;
use crate::config::parts::network::way;
use crate::config::read::{At, Section, boolean, header_secret, http_url, text};
use crate::config::{AirflowAuth, AirflowSource};
use crate::net::Proxy;

pub(super) fn source(section: &Section<'_>, proxy: &Proxy) -> Option<AirflowSource> {
    let url = section.need("url", "write the server, such as \"http://127.0.0.1:8080\"", root_url);
    let ui_url = section.get("ui_url", root_url);
    let user = section.get("username", user_name);
    let password = section.get("password", header_secret);
    let token = section.get("token", header_secret);
    let import_errors = section.get("import_errors", boolean);
    if section.has("token") && (section.has("username") || section.has("password")) {
        let help =
            "keep `token` for one that somebody made, `username` and `password` for a user of Airflow".to_owned();
        section.at().fail::<()>("two ways to sign in", Some(help));
    } else if section.has("username") != section.has("password") {
        let help = "write both, or a `token` instead".to_owned();
        section.at().fail::<()>("`username` and `password` go together", Some(help));
    }
    if let Some(url) = &url
        && (password.is_some() || token.is_some())
    {
        warn_clear_text(section, url);
    }
    let auth = match (token, user, password) {
        (Some(token), ..) => AirflowAuth::Token(token),
        (None, Some(user), Some(password)) => AirflowAuth::Password { user, password },
        _ => AirflowAuth::None,
    };
    let polling = polling(section);
    let way = way(section, proxy);
    let url = url?;
    let ui_url = ui_url.unwrap_or_else(|| url.clone());
    Some(AirflowSource { url, ui_url, auth, import_errors: import_errors.unwrap_or(true), polling, way })
}

fn user_name(at: &At<'_>) -> Option<String> {
    let name = text(at)?;
    if name.contains(':') {
        return at.fail("a user's name has no colon", None);
    }
    Some(name)
}

fn root_url(at: &At<'_>) -> Option<Url> {
    let mut url = http_url(at)?;
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("the server's URL has no `?` and no `#`", None);
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    let root = ["/api/v1", "/api/v2", "/api"].iter().find_map(|end| path.strip_suffix(end));
    if let Some(root) = root {
        url.set_path(root);
        at.warn(
            "firstred finds the API by itself, and which version of it is spoken",
            Some(format!("write the server's root: \"{}\"", url.as_str().trim_end_matches('/'))),
        );
    }
    Some(url)
}
