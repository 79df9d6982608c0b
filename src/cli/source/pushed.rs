//! What to send where, for a source that is pushed to. It sends nothing.

use serde_json::json;

use super::super::remote::address;
use super::super::{Failure, Format, output};
use crate::config::{PushFormat, ServerSettings, SourceKind, WebhookAuth, WebhookSource};

/// A run that says that nothing is wrong, to try it out with.
const EXAMPLE: &str = r#"{"id": "test-1", "workflow": {"name": "Test"}, "status": "completed"}"#;

pub(super) fn say(name: &str, kind: &SourceKind, server: &ServerSettings, format: Format) -> Result<(), Failure> {
    let base = match &server.public_url {
        Some(url) => url.to_string(),
        // Any port: the daemon's log says which.
        None if server.listen.port() == 0 => "http://ADDRESS".to_owned(),
        None => address(server.listen)?.to_string(),
    };
    let url = format!("{}/ingest/{name}", base.trim_end_matches('/'));
    let (what, content) = form(kind);
    let proof = match kind {
        SourceKind::Webhook(own) => proof(&own.auth),
        // What an engine's own webhooks are signed with.
        _ => "signed by the engine with this source's webhook secret".to_owned(),
    };
    match format {
        Format::Json => output::say_json(&json!({
            "source": name, "ok": true, "pushed": { "method": "POST", "url": url, "contentType": content, "proof": proof, "form": what },
        }))?,
        Format::Text => {
            output::say(&format!(
                "{name} is pushed to: firstred asks nothing of it.\n\n  POST {url}\n  Content-Type: {content}\n  {proof}\n\n{what}. A 200 says that all of it is in the ledger."
            ));
            if let SourceKind::Webhook(own) = kind {
                example(own, &url);
            }
        }
    }
    Ok(())
}

/// How to try it out by hand, where that needs no signature.
fn example(own: &WebhookSource, url: &str) {
    let token = match (&own.auth, own.format, &own.filter) {
        (WebhookAuth::Open, PushFormat::Native, None) => "",
        (WebhookAuth::Bearer(_), PushFormat::Native, None) => " \\\n    -H \"Authorization: Bearer $TOKEN\"",
        _ => return,
    };
    output::say(&format!(
        "\nTo try it while the daemon runs, with a run that tells nobody anything:\n\n  curl {url}{token} \\\n    \
         -H 'Content-Type: application/json' -d '{EXAMPLE}'"
    ));
}

/// What a body has to be, and its content type.
fn form(kind: &SourceKind) -> (&'static str, &'static str) {
    let SourceKind::Webhook(own) = kind else {
        return ("Let the engine send its webhooks there; its page in docs/sources says which", "application/json");
    };
    match (own.format, own.filter.is_some()) {
        (PushFormat::Native, false) => {
            ("Send native runs (docs/native-run.md): one, an array, or one a line", "application/json")
        }
        (PushFormat::Native, true) => ("Send what the source's `filter` turns into native runs", "application/json"),
        (PushFormat::CloudEvents, _) => ("Send CloudEvents 1.0, one or a batch", "application/cloudevents+json"),
        (PushFormat::CdEvents, _) => ("Send CDEvents", "application/json"),
        (PushFormat::OpenLineage, _) => ("Send OpenLineage run events", "application/json"),
    }
}

/// How a caller proves itself. The secrets themselves are not said.
fn proof(auth: &WebhookAuth) -> String {
    match auth {
        WebhookAuth::Bearer(_) => "Authorization: Bearer (its `token`)".to_owned(),
        WebhookAuth::Signature(_) => {
            "webhook-id, webhook-timestamp, webhook-signature: Standard Webhooks, signed with its `secret`".to_owned()
        }
        WebhookAuth::Header { name, .. } => format!("{name}: (its `token`)"),
        WebhookAuth::Hmac { name, prefix, .. } => {
            format!("{name}: {prefix}(hex HMAC-SHA256 of the body by its `hmac_secret`)")
        }
        WebhookAuth::Open => "no proof is asked for, because the server listens on loopback only".to_owned(),
    }
}
