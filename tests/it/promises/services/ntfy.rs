//! ntfy by JSON to its root: 4096 bytes, and a `sequence_id` by which a phone replaces what it showed.

use serde_json::json;

use crate::promises::check::{Check, text_of};
use crate::promises::rendered::markdown;
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const TOKEN: &str = "tk_ntfyTokenNeverShown0123456789";
pub(in crate::promises) const AUTHORIZATION: &str = "Bearer tk_ntfyTokenNeverShown0123456789";
pub(in crate::promises) const TOPIC: &str = "alerts-8f3c21";
/// Longer messages become an attachment.
const MOST_BYTES: usize = 4_096;

pub(crate) static SERVICE: Service = Service {
    name: "ntfy",
    kind: "ntfy",
    section: |base| format!("url = \"{base}\"\ntopic = \"{TOPIC}\"\ntoken = \"{TOKEN}\""),
    secret: TOKEN,
    door: Door::Http(Http {
        judge,
        busy: |seconds| super::after(seconds, &error(42_901, 429, "limit reached: too many requests, please be nice")),
        gone: || Answer::json(403, &error(40_301, 403, "forbidden")),
        malformed: || Answer::json(400, &error(40_018, 400, "invalid request: actions invalid")),
    }),
    keeps: Keeps::Posts,
    repeats: Repeats::Recognised,
    hears_acknowledged: false,
    any_2xx: false,
    form: Some(Form {
        is_rich: |asked| {
            serde_json::from_slice::<serde_json::Value>(&asked.body).is_ok_and(|body| body.get("actions").is_some())
        },
        refusal: || Answer::json(400, &error(40_018, 400, "invalid request: actions invalid")),
    }),
};

fn error(code: u32, http: u16, said: &str) -> serde_json::Value {
    json!({"code": code, "http": http, "error": said, "link": "https://ntfy.sh/docs/publish/"})
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == "/", format!("posted to {}", asked.uri.path()));
    check.that(asked.header("authorization") == AUTHORIZATION, "no token");
    let known = ["title", "tags", "priority", "actions", "click", "sequence_id", "markdown", "icon", "delay"];
    check.fields("", &body, &["topic", "message"], &known);
    check.that(body["topic"] == TOPIC, "another topic");
    let said = body["message"].as_str().unwrap_or_default();
    check.that(said.len() <= MOST_BYTES, format!("{} bytes", said.len()));
    check.that(
        body["priority"].is_null() || body["priority"].as_u64().is_some_and(|number| (1..=5).contains(&number)),
        "priority",
    );
    check.link("click", &body["click"]);
    let actions: Vec<_> = body["actions"].as_array().into_iter().flatten().collect();
    check.that(actions.len() <= 3, format!("{} actions", actions.len()));
    for action in actions {
        check.fields("actions", action, &["action", "label", "url"], &["clear"]);
        check.word("actions/action", &action["action"], &["view"]);
        check.link("actions/url", &action["url"]);
    }
    if body["markdown"] == true {
        check.all(markdown(said));
    }
    let sequence = body["sequence_id"].as_str().unwrap_or_default();
    let fits = sequence.len() <= 64 && sequence.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    check.that(fits, format!("sequence_id {sequence:?}"));
    let thing = if sequence.is_empty() { format!("post {}", before.len()) } else { sequence.to_owned() };
    let yes =
        json!({"id": format!("m{}", before.len()), "time": 0, "event": "message", "topic": TOPIC, "message": said});
    let told = Told { effect: Effect::Post, thing, key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(200, &yes) }
}
