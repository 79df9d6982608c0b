//! Slack by an app with a bot token: the Web API, where a no is `ok: false` in a 200. It drops no repeats, and can be asked what stands there.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::blocks;
use crate::support::http::{Answer, Asked};

const TOKEN: &str = "xoxb-test-botTokenNeverShown";
pub(in crate::promises) const AUTHORIZATION: &str = "Bearer xoxb-test-botTokenNeverShown";
pub(in crate::promises) const CHANNEL: &str = "C0PROMISES";
/// `text` of `chat.update`, in bytes: above it `msg_too_long`.
const MOST_BYTES: usize = 4_000;

pub(crate) static SERVICE: Service = Service {
    name: "slack_bot",
    kind: "slack",
    section: |base| format!("bot_token = \"{TOKEN}\"\nchannel = \"{CHANNEL}\"\napi_url = \"{base}/api/\""),
    secret: TOKEN,
    door: Door::Http(Http {
        judge,
        busy: |seconds| super::after(seconds, &json!({"ok": false, "error": "ratelimited"})),
        gone: || no("channel_not_found"),
        malformed: || no("invalid_blocks"),
    }),
    keeps: Keeps::Edits,
    repeats: Repeats::LookedUp,
    hears_acknowledged: true,
    any_2xx: false,
    form: Some(Form { is_rich, refusal: || no("invalid_blocks") }),
};

fn no(word: &str) -> Answer {
    Answer::json(200, &json!({"ok": false, "error": word}))
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    check.that(asked.header("authorization") == AUTHORIZATION, "not_authed");
    let method = asked.uri.path().strip_prefix("/api/").unwrap_or("?").to_owned();
    match method.as_str() {
        "chat.postMessage" => post(check, asked, before),
        "chat.update" => update(check, asked, before),
        "conversations.history" | "conversations.replies" => look(check, asked, before, &method),
        other => {
            check.wrong(format!("unknown_method {other}"));
            told(check, Effect::Post, String::new(), Value::Null)
        }
    }
}

fn told(check: Check, effect: Effect, ts: String, body: Value) -> Judged {
    let yes = Answer::json(200, &json!({"ok": true, "channel": CHANNEL, "ts": ts, "message": {"text": body["text"]}}));
    let told = Told { effect, thing: ts, key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes }
}

fn post(mut check: Check, asked: &Asked, before: &[Told]) -> Judged {
    let body = check.json(asked, "POST");
    check.that(body["channel"] == CHANNEL, "channel_not_found");
    check.all(blocks::mistakes(&without(&body, &["channel", "reply_broadcast"])));
    let thread = &body["thread_ts"];
    let known = thread.is_null() || before.iter().any(|told| told.thing == *thread);
    check.that(known, format!("thread_not_found: {thread}"));
    let effect = if thread.is_null() { Effect::Post } else { Effect::Reply };
    told(check, effect, format!("1795342442.{:06}", 100 + before.len()), body)
}

fn update(mut check: Check, asked: &Asked, before: &[Told]) -> Judged {
    let body = check.json(asked, "POST");
    check.that(body["channel"] == CHANNEL, "channel_not_found");
    let mut form = without(&body, &["channel", "ts", "metadata"]);
    // Not an argument of this method.
    for flag in ["unfurl_links", "unfurl_media"] {
        check.that(form.get(flag).is_none(), format!("invalid_arguments: {flag}"));
        form[flag] = json!(false);
    }
    check.all(blocks::mistakes(&form));
    let bytes = body["text"].as_str().unwrap_or_default().len();
    check.that(bytes <= MOST_BYTES, format!("msg_too_long: {bytes} bytes"));
    let ts = body["ts"].as_str().unwrap_or_default().to_owned();
    check.that(before.iter().any(|told| told.thing == ts), format!("message_not_found: {ts}"));
    told(check, Effect::Edit, ts, body)
}

/// What stands there, as its last edit left it, with its metadata.
fn look(mut check: Check, asked: &Asked, before: &[Told], method: &str) -> Judged {
    let arguments: Vec<(String, String)> = form_urlencoded::parse(&asked.body).into_owned().collect();
    let argument = |name: &str| arguments.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    check.that(argument("channel") == Some(CHANNEL), "channel_not_found");
    check.that(argument("include_all_metadata") == Some("true"), "without the metadata nothing is recognised");
    let wanted = if method.ends_with("history") { None } else { argument("ts") };
    let messages: Vec<Value> = before
        .iter()
        .filter(|told| matches!(told.effect, Effect::Post | Effect::Reply))
        .filter(|told| told.body["thread_ts"].as_str() == wanted || (wanted == Some(told.thing.as_str())))
        .map(|told| json!({"type": "message", "ts": told.thing, "text": told.body["text"], "metadata": told.body["metadata"]}))
        .collect();
    let yes = json!({"ok": true, "messages": messages, "has_more": false, "response_metadata": {"next_cursor": ""}});
    let told =
        Told { effect: Effect::Look, thing: String::new(), key: String::new(), text: String::new(), body: Value::Null };
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(200, &yes) }
}

fn without(body: &Value, names: &[&str]) -> Value {
    let mut body = body.clone();
    for name in names {
        body.as_object_mut().map(|fields| fields.remove(*name));
    }
    body
}

fn is_rich(asked: &Asked) -> bool {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body.get("blocks").is_some() || body.get("attachments").is_some()
}
