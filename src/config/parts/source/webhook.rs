//! `type = "webhook"`: who may post, and in which form.

use std::net::SocketAddr;

use reqwest::header::HeaderName;

use crate::config::read::{At, Section, filter, header_secret, secrets, signing_secret, text, word};
use crate::config::{PushFormat, WebhookAuth, WebhookSource};

const FORMATS: [(&str, PushFormat); 4] = [
    ("native", PushFormat::Native),
    ("cloudevents", PushFormat::CloudEvents),
    ("cdevents", PushFormat::CdEvents),
    ("openlineage", PushFormat::OpenLineage),
];

pub(super) fn source(section: &Section<'_>, listen: Option<SocketAddr>) -> Option<WebhookSource> {
    let form = word("\"native\", \"cloudevents\", \"cdevents\" or \"openlineage\"", &FORMATS);
    let format = section.get("format", form).unwrap_or_default();
    let program = section.get("filter", filter);
    if section.has("filter") && matches!(format, PushFormat::CdEvents | PushFormat::OpenLineage) {
        let help = "leave one of the two out; with format = \"cloudevents\" a filter sees each event".to_owned();
        section.at().fail::<()>("this format is mapped already: the filter would see nothing", Some(help));
    }
    let auth = auth(section, listen);
    Some(WebhookSource { auth: auth?, format, filter: program })
}

/// How a caller proves itself. Nobody has to where nobody else can call.
fn auth(section: &Section<'_>, listen: Option<SocketAddr>) -> Option<WebhookAuth> {
    let auth = proof(section)?;
    if matches!(auth, WebhookAuth::Open) && listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        section.at().cx.missing(
            section.path(),
            "anybody could post to this source: it has no `token` and no `secret`, and the server listens beyond \
             this machine"
                .to_owned(),
            Some("add token = { env = \"NAME\" }, or listen on 127.0.0.1".to_owned()),
        );
        return None;
    }
    Some(auth)
}

/// The proof that a caller has to give; [`WebhookAuth::Open`] where none is asked for.
pub(super) fn proof(section: &Section<'_>) -> Option<WebhookAuth> {
    let tokens = section.get("token", secrets(header_secret));
    let token_header = section.get("token_header", header_name);
    let signing = section.get("secret", secrets(signing_secret));
    let hmac = section.get("hmac_secret", secrets(header_secret));
    let hmac_header = section.get("hmac_header", header_name);
    let prefix = section.get("hmac_prefix", text).unwrap_or_default();
    let ways = ["token", "secret", "hmac_secret"].into_iter().filter(|way| section.has(way)).count();
    if ways > 1 {
        return section.at().fail(
            "a source has one of `token`, `secret` and `hmac_secret`",
            Some("keep `secret` when the caller signs by Standard Webhooks, `hmac_secret` when it signs the body, else `token`".to_owned()),
        );
    }
    for (part, whole) in [("token_header", "token"), ("hmac_header", "hmac_secret"), ("hmac_prefix", "hmac_secret")] {
        if section.has(part) && !section.has(whole) {
            let help = Some(format!("write {whole} = {{ env = \"NAME\" }} beside it"));
            section.at().cx.error(
                &section.path().key(part),
                format!("there is no `{whole}` that it could belong to"),
                help,
            );
        }
    }
    if section.has("hmac_secret") {
        let help =
            "write hmac_header = \"X-Hub-Signature-256\", and hmac_prefix = \"sha256=\" if the caller writes one";
        if !section.has("hmac_header") {
            section.at().cx.missing(
                section.path(),
                "`hmac_secret` needs `hmac_header`: where the signature stands".to_owned(),
                Some(help.to_owned()),
            );
        }
        return Some(WebhookAuth::Hmac { name: hmac_header?, prefix, secrets: hmac? });
    }
    match (section.has("token"), section.has("secret")) {
        (true, _) if section.has("token_header") => Some(WebhookAuth::Header { name: token_header?, tokens: tokens? }),
        (true, _) => Some(WebhookAuth::Bearer(tokens?)),
        (false, true) => Some(WebhookAuth::Signature(signing?)),
        (false, false) => Some(WebhookAuth::Open),
    }
}

fn header_name(at: &At<'_>) -> Option<HeaderName> {
    let written = text(at)?;
    written.parse().ok().or_else(|| at.fail(format!("{written:?} is no name of an HTTP header"), None))
}
