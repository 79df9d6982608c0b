//! GoAlert, generic API: an alert for each `dedup`, closed by `action=close`.

use serde_json::json;

use super::after;
use crate::promises::check::{Check, text_of};
use crate::promises::rendered::markdown;
use crate::promises::service::{Door, Effect, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const TOKEN: &str = "6f1b2c3d-goalert-never-shown";
pub(in crate::promises) const TO: &str = "/api/v2/generic/incoming?token=6f1b2c3d-goalert-never-shown";

pub(crate) static SERVICE: Service = Service {
    name: "goalert",
    kind: "goalert",
    section: |base| format!("url = \"{base}\"\ntoken = \"{TOKEN}\""),
    secret: TOKEN,
    door: Door::Http(Http {
        judge,
        busy: |seconds| after(seconds, &json!("Too Many Requests")),
        gone: || Answer::text(404, "Not Found"),
        malformed: || Answer::text(400, "invalid value for 'Summary'"),
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
    check.that(asked.uri.path() == "/api/v2/generic/incoming", format!("posted to {}", asked.uri.path()));
    check.that(asked.query("token").as_deref() == Some(TOKEN), "no token");
    check.fields("", &body, &["dedup"], &["summary", "details", "action", "meta"]);
    check.text("summary", &body["summary"], 1, 1_024);
    check.text("details", &body["details"], 0, 6_144);
    check.text("dedup", &body["dedup"], 1, 512);
    check.word("action", &body["action"], &["close"]);
    check.that(body["action"] == "close" || body["summary"].is_string(), "no summary");
    // The details are shown as Markdown.
    check.all(markdown(body["details"].as_str().unwrap_or_default()));
    let effect = if body["action"] == "close" { Effect::Resolve } else { Effect::Open };
    let thing = body["dedup"].as_str().unwrap_or_default().to_owned();
    let told = Told { effect, thing, key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::text(204, "") }
}
