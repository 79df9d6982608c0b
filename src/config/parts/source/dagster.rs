//! `type = "dagster"`: a Dagster webserver or a deployment of Dagster+.

use url::Url;

use super::http::{headers, warn_clear_text};
use super::polling;
use crate::config::DagsterSource;
use crate::config::parts::network::way;
use crate::config::read::{At, Section, header_secret, http_url};
use crate::net::Proxy;

pub(super) fn source(section: &Section<'_>, proxy: &Proxy) -> Option<DagsterSource> {
    let help = "write the webserver, such as \"http://127.0.0.1:3000\", or \"https://ORG.dagster.cloud/prod\"";
    let url = section.need("url", help, webserver);
    let ui_url = section.get("ui_url", http_url);
    let token = section.get("token", header_secret);
    let headers = section.get("headers", headers).unwrap_or_default();
    if section.has("token") && headers.keys().any(|name| name.eq_ignore_ascii_case("dagster-cloud-api-token")) {
        let help = "keep `token`; `headers` are for whatever guards an open-source webserver".to_owned();
        section.at().cx.error(&section.path().key("headers"), "two say Dagster-Cloud-Api-Token".to_owned(), Some(help));
    }
    if let Some(url) = &url
        && (token.is_some() || !headers.is_empty())
    {
        warn_clear_text(section, url);
    }
    let polling = polling(section);
    let way = way(section, proxy);
    let url = url?;
    let ui_url = ui_url.unwrap_or_else(|| url.clone());
    Some(DagsterSource { url, ui_url, token, headers, polling, way })
}

/// The webserver's address. People copy that of its GraphQL page as well.
fn webserver(at: &At<'_>) -> Option<Url> {
    let mut url = http_url(at)?;
    if url.query().is_some() || url.fragment().is_some() {
        return at.fail("the webserver's URL has no `?` and no `#`", None);
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/graphql").unwrap_or(path).to_owned();
    url.set_path(&path);
    Some(url)
}
