//! Any HTTP endpoint that speaks Standard Webhooks 1.0: it tells a repeat by its `webhook-id`, and any 2xx is its yes.

use serde_json::{Value, json};

use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Effect, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};
use crate::support::webhook::{SECRET, check_signature};

/// Standard Webhooks 1.0: "under 20 KB".
const MOST_BYTES: usize = 20_000;

pub(crate) static SERVICE: Service = Service {
    name: "webhook",
    kind: "webhook",
    section: |base| format!("url = \"{base}/hook\"\nsecret = \"{SECRET}\""),
    secret: SECRET,
    door: Door::Http(Http {
        judge,
        busy: |seconds| Answer::make(429, &[("retry-after", &seconds.to_string())], axum::body::Body::empty()),
        gone: || Answer::text(410, "gone"),
        malformed: || Answer::json(422, &json!({"error": "not what was agreed"})),
    }),
    keeps: Keeps::Alert,
    repeats: Repeats::Recognised,
    hears_acknowledged: true,
    any_2xx: true,
    form: None,
};

fn judge(asked: &Asked, _: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.all(check_signature(asked).err());
    check.that(asked.body.len() < MOST_BYTES, format!("{} bytes", asked.body.len()));
    let key = asked.header("webhook-id").to_owned();
    let told = Told {
        effect: effect(&body),
        thing: body["data"]["dedupKey"].as_str().unwrap_or_default().to_owned(),
        key,
        text: text_of(&body),
        body,
    };
    Judged { told, mistakes: check.mistakes(), yes: Answer::text(204, "") }
}

/// What the payload of firstred says that it is.
pub(super) fn effect(body: &Value) -> Effect {
    match body["type"].as_str().unwrap_or_default() {
        "incident.resolved" => Effect::Resolve,
        "incident.acknowledged" => Effect::Acknowledge,
        "incident.updated" | "incident.still_open" => Effect::Note,
        _ => Effect::Open,
    }
}
