//! incident.io, alert events by HTTP: an alert for each `deduplication_key`, firing or resolved.

use serde_json::json;

use super::after;
use crate::promises::check::{Check, text_of};
use crate::promises::rendered::markdown;
use crate::promises::service::{Door, Effect, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const TOKEN: &str = "incidentio-token-never-shown";
pub(in crate::promises) const AUTHORIZATION: &str = "Bearer incidentio-token-never-shown";
pub(in crate::promises) const TO: &str = "/v2/alert_events/http/01GW2G3V0S59R238FAHPDS1R66";

pub(crate) static SERVICE: Service = Service {
    name: "incidentio",
    kind: "incidentio",
    section: |base| format!("token = \"{TOKEN}\"\nalert_source = \"01GW2G3V0S59R238FAHPDS1R66\"\napi_url = \"{base}\""),
    secret: TOKEN,
    door: Door::Http(Http {
        judge,
        busy: |seconds| after(seconds, &json!({"type": "rate_limit_error", "status": 429})),
        gone: || Answer::json(401, &json!({"type": "authentication_error", "status": 401, "errors": []})),
        malformed: || Answer::json(422, &json!({"type": "validation_error", "status": 422, "errors": []})),
    }),
    keeps: Keeps::Alert,
    repeats: Repeats::Recognised,
    hears_acknowledged: false,
    any_2xx: false,
    form: None,
};

fn judge(asked: &Asked, _: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == TO, format!("posted to {}", asked.uri.path()));
    check.that(asked.header("authorization") == AUTHORIZATION, "no token");
    check.that(asked.body.len() <= 512 * 1024, format!("{} bytes", asked.body.len()));
    check.fields("", &body, &["title", "status", "deduplication_key"], &["description", "source_url", "metadata"]);
    check.text("title", &body["title"], 1, 1_024);
    check.word("status", &body["status"], &["firing", "resolved"]);
    check.link("source_url", &body["source_url"]);
    check.all(markdown(body["description"].as_str().unwrap_or_default()));
    let effect = if body["status"] == "resolved" { Effect::Resolve } else { Effect::Open };
    let thing = body["deduplication_key"].as_str().unwrap_or_default().to_owned();
    let yes = json!({"deduplication_key": thing, "message": "Event accepted for processing", "status": "success"});
    let told = Told { effect, thing, key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(202, &yes) }
}
