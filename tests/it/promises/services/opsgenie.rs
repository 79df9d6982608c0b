//! Opsgenie, and JSM Operations, which speaks the same: an alert for each alias. A repeat of an open one is only counted.

use serde_json::{Value, json};

use super::after;
use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Effect, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const KEY: &str = "genie-key-never-shown-4b1d-9c2e";
pub(in crate::promises) const AUTHORIZATION: &str = "GenieKey genie-key-never-shown-4b1d-9c2e";
const ALERTS: &str = "/v2/alerts";

pub(crate) static SERVICE: Service = Service {
    name: "opsgenie",
    kind: "opsgenie",
    section: |base| format!("api_key = \"{KEY}\"\napi_url = \"{base}\""),
    secret: KEY,
    door: Door::Http(Http {
        judge,
        busy: |seconds| {
            after(seconds, &json!({"message": "You are making too many requests!", "took": 0.0, "requestId": "r-1"}))
        },
        gone: || {
            let said = "You can not use this key: the integration is disabled";
            Answer::json(403, &json!({"message": said, "took": 0.0, "requestId": "r-1"}))
        },
        malformed: || {
            let said = "Request body is not processable. Please check the errors.";
            Answer::json(422, &json!({"message": said, "errors": {}, "took": 0.0, "requestId": "r-1"}))
        },
    }),
    keeps: Keeps::Alert,
    repeats: Repeats::Recognised,
    hears_acknowledged: true,
    any_2xx: false,
    form: None,
};

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    let authorization = asked.header("authorization");
    check.that(authorization == AUTHORIZATION, "no key");
    let path = asked.uri.path();
    let rest = path.find(ALERTS).map_or("?", |at| &path[at + ALERTS.len()..]);
    let (effect, thing) = match rest.trim_start_matches('/').split_once('/') {
        None => {
            check.that(rest.is_empty(), format!("posted to {path}"));
            create(&mut check, &body);
            (Effect::Open, body["alias"].as_str().unwrap_or_default().to_owned())
        }
        Some((alias, action)) => {
            check.that(asked.query("identifierType").as_deref() == Some("alias"), "identifierType is not alias");
            check.fields("", &body, &[], &["user", "source", "note"]);
            check.text("note", &body["note"], 1, 25_000);
            check.text("user", &body["user"], 1, 100);
            check.text("source", &body["source"], 1, 100);
            let alias = percent_encoding(alias);
            let effect = match action {
                "close" => Effect::Resolve,
                "acknowledge" => Effect::Acknowledge,
                "notes" => Effect::Note,
                other => {
                    check.wrong(format!("no such action: {other}"));
                    Effect::Note
                }
            };
            check.that(
                before.iter().any(|told| told.thing == alias),
                format!("{action} of {alias}, which was never opened"),
            );
            (effect, alias)
        }
    };
    let told = Told { effect, thing, key: String::new(), text: text_of(&body), body };
    let yes = json!({"result": "Request will be processed", "took": 0.01, "requestId": "r-2"});
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(202, &yes) }
}

/// A part of a path, decoded.
fn percent_encoding(part: &str) -> String {
    // A `+` is itself in a path.
    let pair = format!("x={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn create(check: &mut Check, body: &Value) {
    let known = [
        "description",
        "responders",
        "visibleTo",
        "actions",
        "tags",
        "details",
        "entity",
        "source",
        "priority",
        "user",
        "note",
    ];
    check.fields("", body, &["message", "alias"], &known);
    let limits = [
        ("message", 130),
        ("alias", 512),
        ("description", 15_000),
        ("entity", 512),
        ("source", 100),
        ("user", 100),
        ("note", 25_000),
    ];
    for (name, most) in limits {
        check.text(name, &body[name], 1, most);
    }
    check.word("priority", &body["priority"], &["P1", "P2", "P3", "P4", "P5"]);
    let tags: Vec<&Value> = body["tags"].as_array().into_iter().flatten().collect();
    check.that(tags.len() <= 20, format!("{} tags", tags.len()));
    for tag in tags {
        check.text("tags", tag, 1, 50);
    }
    let details = body["details"].as_object().cloned().unwrap_or_default();
    check.that(details.values().all(Value::is_string), "details hold more than texts");
    let length = |value: &Value| value.as_str().unwrap_or_default().chars().count();
    let size: usize = details.iter().map(|(name, value)| name.chars().count() + length(value)).sum();
    check.that(size <= 8_000, format!("details of {size} characters"));
}
