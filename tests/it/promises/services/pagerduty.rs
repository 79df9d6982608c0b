//! PagerDuty, Events API v2: an alert for each `dedup_key`, opened, acknowledged, resolved.

use serde_json::{Value, json};

use super::after;
use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

pub(in crate::promises) const KEY: &str = "R0UT1NGKEYneverSHOWNinANYlog0001";

pub(crate) static SERVICE: Service = Service {
    name: "pagerduty",
    kind: "pagerduty",
    section: |base| format!("routing_key = \"{KEY}\"\napi_url = \"{base}\""),
    secret: KEY,
    door: Door::Http(Http {
        judge,
        busy: |seconds| {
            after(
                seconds,
                &json!({"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly. Please retry later."}),
            )
        },
        gone: || invalid("Invalid routing key"),
        malformed: || invalid("'payload.summary' is missing or blank"),
    }),
    keeps: Keeps::Alert,
    repeats: Repeats::Recognised,
    hears_acknowledged: true,
    any_2xx: false,
    form: Some(Form { is_rich, refusal: || invalid("'payload.custom_details' can't be read") }),
};

fn invalid(error: &str) -> Answer {
    Answer::json(400, &json!({"status": "invalid event", "message": "Event object is invalid", "errors": [error]}))
}

fn judge(asked: &Asked, _: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == "/v2/enqueue", format!("posted to {}", asked.uri.path()));
    check.that(asked.body.len() <= 512 * 1024, format!("{} bytes", asked.body.len()));
    let rest = ["dedup_key", "payload", "links", "images", "client", "client_url"];
    check.fields("", &body, &["routing_key", "event_action"], &rest);
    check.that(body["routing_key"] == KEY, "not the routing key");
    check.text("dedup_key", &body["dedup_key"], 1, 255);
    check.that(body["dedup_key"].is_string(), "no dedup_key: each repeat is another alert");
    let effect = match body["event_action"].as_str() {
        Some("acknowledge") => Effect::Acknowledge,
        Some("resolve") => Effect::Resolve,
        Some("trigger") => {
            payload(&mut check, &body["payload"]);
            Effect::Open
        }
        other => {
            check.wrong(format!("event_action {other:?}"));
            Effect::Open
        }
    };
    for link in body["links"].as_array().into_iter().flatten() {
        check.fields("links", link, &["href"], &["text"]);
        check.link("links/href", &link["href"]);
    }
    check.link("client_url", &body["client_url"]);
    let thing = body["dedup_key"].as_str().unwrap_or_default().to_owned();
    let yes = json!({"status": "success", "message": "Event processed", "dedup_key": thing});
    let told = Told { effect, thing, key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(202, &yes) }
}

fn payload(check: &mut Check, payload: &Value) {
    let rest = ["timestamp", "component", "group", "class", "custom_details"];
    check.fields("payload", payload, &["summary", "source", "severity"], &rest);
    check.text("payload/summary", &payload["summary"], 1, 1_024);
    check.text("payload/source", &payload["source"], 1, 1_024);
    check.word("payload/severity", &payload["severity"], &["critical", "error", "warning", "info"]);
    check.time("payload/timestamp", &payload["timestamp"]);
    let details = &payload["custom_details"];
    check.that(details.is_null() || details.is_object(), "payload/custom_details: not an object");
}

fn is_rich(asked: &Asked) -> bool {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body["payload"]["custom_details"].as_object().is_some_and(|details| details.len() > 3)
}
