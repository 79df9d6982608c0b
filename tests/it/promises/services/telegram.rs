//! Telegram's Bot API: HTML that it can parse, 4096 UTF-16 units after that, a message that is edited by its id.

use serde_json::{Value, json};

use crate::promises::check::{Check, is_ours};
use crate::promises::rendered::telegram_html;
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};
use crate::support::webhook::leaves;

const TOKEN: &str = "123456789:AAtelegramTokenNeverShown-0123456789";
pub(in crate::promises) const TO: &str = "/bot123456789:AAtelegramTokenNeverShown-0123456789/sendMessage";
pub(in crate::promises) const CHAT: &str = "-1001234567890";
/// "1-4096 characters after entities parsing"
const MOST: usize = 4_096;

pub(crate) static SERVICE: Service = Service {
    name: "telegram",
    kind: "telegram",
    section: |base| format!("token = \"{TOKEN}\"\nchat_id = {CHAT}\napi_url = \"{base}\""),
    secret: "AAtelegramTokenNeverShown",
    door: Door::Http(Http {
        judge,
        busy: |seconds| {
            let said = format!("Too Many Requests: retry after {seconds}");
            let body =
                json!({"ok": false, "error_code": 429, "description": said, "parameters": {"retry_after": seconds}});
            Answer::json(429, &body)
        },
        gone: || no(403, "Forbidden: bot was kicked from the supergroup chat"),
        malformed: || no(400, "Bad Request: can't parse entities: unsupported start tag"),
    }),
    keeps: Keeps::Edits,
    repeats: Repeats::Seen,
    hears_acknowledged: true,
    any_2xx: false,
    form: Some(Form {
        is_rich,
        refusal: || no(400, "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""),
    }),
};

fn no(code: u16, said: &str) -> Answer {
    Answer::json(code, &json!({"ok": false, "error_code": code, "description": said}))
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    let method = asked.uri.path().strip_prefix(&format!("/bot{TOKEN}/")).unwrap_or("?").to_owned();
    check
        .that(body["chat_id"].as_i64().map_or_else(|| body["chat_id"] == CHAT, |id| id.to_string() == CHAT), "chat_id");
    let shared = ["parse_mode", "entities", "link_preview_options", "reply_markup"];
    let (effect, thing) = match method.as_str() {
        "sendMessage" => {
            let own = ["disable_notification", "reply_parameters", "message_thread_id", "protect_content"];
            check.fields("", &body, &["chat_id", "text"], &[&shared[..], &own].concat());
            let reply = &body["reply_parameters"];
            let to = reply["message_id"].to_string();
            let known = reply.is_null()
                || before.iter().any(|told| told.thing == to)
                || reply["allow_sending_without_reply"] == true;
            check.that(known, format!("message to be replied not found: {to}"));
            (if reply.is_null() { Effect::Post } else { Effect::Reply }, format!("{}", 500 + before.len()))
        }
        "editMessageText" => {
            check.fields("", &body, &["chat_id", "text", "message_id"], &shared);
            let id = body["message_id"].to_string();
            check.that(before.iter().any(|told| told.thing == id), format!("message to edit not found: {id}"));
            (Effect::Edit, id)
        }
        other => {
            check.wrong(format!("no such method: {other}"));
            (Effect::Post, String::new())
        }
    };
    let text = text(&mut check, &body);
    let same = before.iter().rfind(|told| told.thing == thing).is_some_and(|told| told.body["text"] == body["text"]);
    let yes = if effect == Effect::Edit && same {
        no(
            400,
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same",
        )
    } else {
        let id: i64 = thing.parse().unwrap_or_default();
        Answer::json(
            200,
            &json!({"ok": true, "result": {"message_id": id, "chat": {"id": -1_001_234_567_890_i64}, "date": 0}}),
        )
    };
    let told = Told { effect, thing, key: String::new(), text, body };
    Judged { told, mistakes: check.mistakes(), yes }
}

/// What is read after parsing.
fn text(check: &mut Check, body: &Value) -> String {
    let raw = body["text"].as_str().unwrap_or_default();
    let parsed = match body["parse_mode"].as_str() {
        Some("HTML") => {
            telegram_html(raw).map_err(|error| check.wrong(format!("can't parse entities: {error} in {raw}")))
        }
        None => Ok((raw.to_owned(), Vec::new())),
        Some(other) => {
            check.wrong(format!("parse_mode {other:?}"));
            return raw.to_owned();
        }
    };
    let Ok((text, links)) = parsed else { return raw.to_owned() };
    let units = text.encode_utf16().count();
    check.that((1..=MOST).contains(&units), format!("{units} UTF-16 units"));
    for link in links {
        check.that(is_ours(&link), format!("a link to {link:?}"));
    }
    check.that(body["link_preview_options"]["is_disabled"] == true, "a link in it is looked at by Telegram");
    let buttons = leaves(&body["reply_markup"]).into_iter().filter(|leaf| leaf.contains("://"));
    for link in buttons {
        check.that(is_ours(link), format!("a button to {link:?}"));
    }
    text
}

fn is_rich(asked: &Asked) -> bool {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body.get("parse_mode").is_some()
}
