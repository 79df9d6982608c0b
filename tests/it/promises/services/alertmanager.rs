//! Alertmanager, API v2: an alert is its labels; it is over when its end has passed.

use firstred::clock;
use regex::Regex;
use serde_json::{Value, json};

use super::after;
use crate::promises::check::{Check, text_of, time};
use crate::promises::service::{Door, Effect, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const TOKEN: &str = "alertmanager-token-never-shown";
pub(in crate::promises) const AUTHORIZATION: &str = "Bearer alertmanager-token-never-shown";

pub(crate) static SERVICE: Service = Service {
    name: "alertmanager",
    kind: "alertmanager",
    section: |base| format!("url = \"{base}\"\ntoken = \"{TOKEN}\""),
    secret: TOKEN,
    door: Door::Http(Http {
        judge,
        busy: |seconds| after(seconds, &json!("too many requests")),
        gone: || Answer::text(404, "404 page not found"),
        malformed: || Answer::json(400, &json!("bad request: start time must be before end time")),
    }),
    keeps: Keeps::Alert,
    repeats: Repeats::Recognised,
    // It has silences, which are for people.
    hears_acknowledged: false,
    any_2xx: false,
    form: None,
};

fn judge(asked: &Asked, _: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == "/api/v2/alerts", format!("posted to {}", asked.uri.path()));
    check.that(asked.header("authorization") == AUTHORIZATION, "no token");
    let alerts = body.as_array().cloned().unwrap_or_default();
    check.that(!alerts.is_empty(), "no array of alerts");
    for alert in &alerts {
        one(&mut check, alert);
    }
    // The last is the one that is told of; one before it makes room for it.
    let alert = alerts.last().cloned().unwrap_or_default();
    let over = time(&alert["endsAt"]).is_some_and(|end| end <= clock::now());
    let effect = if over { Effect::Resolve } else { Effect::Open };
    let told = Told { effect, thing: alert["labels"].to_string(), key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::text(200, "") }
}

fn one(check: &mut Check, alert: &Value) {
    check.fields("", alert, &["labels"], &["annotations", "startsAt", "endsAt", "generatorURL"]);
    let name = Regex::new("^[a-zA-Z_][a-zA-Z0-9_]*$").expect("a pattern");
    for part in ["labels", "annotations"] {
        for (key, value) in alert[part].as_object().into_iter().flatten() {
            check.that(name.is_match(key), format!("{part}: no name: {key:?}"));
            check.that(value.is_string(), format!("{part}: {key} is no text"));
            // The labels are what the alert is: a run's own would make each run an alert of its own.
            let of_a_run = part == "labels" && value.as_str().is_some_and(|value| matches!(value, "r1" | "r2" | "r4"));
            check.that(!of_a_run, format!("labels: {key} is the id of a run"));
        }
    }
    check.that(alert["labels"]["alertname"].is_string(), "labels: no alertname");
    for name in ["startsAt", "endsAt"] {
        check.time(name, &alert[name]);
    }
    check.that(alert["endsAt"].is_string(), "no endsAt: it resolves by itself after five minutes");
    if let (Some(start), Some(end)) = (time(&alert["startsAt"]), time(&alert["endsAt"])) {
        check.that(start <= end, "start time must be before end time");
    }
    check.link("generatorURL", &alert["generatorURL"]);
}
