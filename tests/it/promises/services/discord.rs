//! Discord by a webhook: embeds within their limits, a message that is edited by its id.

use serde_json::{Value, json};

use crate::promises::check::{Check, text_of};
use crate::promises::rendered::markdown;
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const HOOK: &str = "/api/webhooks/1101234567890123456/tokenNEVERshown-discord-0123456789";
pub(in crate::promises) const TO: &str =
    "/api/webhooks/1101234567890123456/tokenNEVERshown-discord-0123456789?wait=true";
/// Titles, descriptions, fields, footers and authors of all embeds together.
const MOST_IN_ALL: usize = 6_000;

pub(crate) static SERVICE: Service = Service {
    name: "discord",
    kind: "discord",
    section: |base| format!("webhook_url = \"{base}{HOOK}\""),
    secret: "tokenNEVERshown-discord",
    door: Door::Http(Http {
        judge,
        busy: |seconds| {
            let body = json!({"message": "You are being rate limited.", "retry_after": seconds, "global": false});
            super::after(seconds, &body)
        },
        gone: || Answer::json(404, &json!({"message": "Unknown Webhook", "code": 10_015})),
        malformed: invalid,
    }),
    keeps: Keeps::Edits,
    repeats: Repeats::Seen,
    hears_acknowledged: true,
    any_2xx: false,
    form: Some(Form { is_rich, refusal: invalid }),
};

fn invalid() -> Answer {
    Answer::json(400, &json!({"message": "Invalid Form Body", "code": 50_035, "errors": {"embeds": ["0"]}}))
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    if asked.method == "GET" {
        check.that(asked.uri.path() == HOOK, format!("asked {}", asked.uri.path()));
        let told = Told {
            effect: Effect::Look,
            thing: String::new(),
            key: String::new(),
            text: String::new(),
            body: Value::Null,
        };
        let yes =
            json!({"id": "1101234567890123456", "type": 1, "guild_id": "99", "channel_id": "77", "name": "firstred"});
        return Judged { told, mistakes: check.mistakes(), yes: Answer::json(200, &yes) };
    }
    let edited = asked.uri.path().strip_prefix(HOOK).and_then(|rest| rest.strip_prefix("/messages/"));
    let body = check.json(asked, if edited.is_some() { "PATCH" } else { "POST" });
    let (effect, thing) = if let Some(id) = edited {
        check.that(before.iter().any(|told| told.thing == id), format!("no message {id}"));
        (Effect::Edit, id.to_owned())
    } else {
        check.that(asked.uri.path() == HOOK, format!("posted to {}", asked.uri.path()));
        check.that(asked.query("wait").as_deref() == Some("true"), "without wait=true an error is not said");
        (Effect::Post, format!("{}", 1_000 + before.len()))
    };
    message(&mut check, &body);
    let yes = json!({"id": thing, "channel_id": "77", "type": 0, "content": body["content"]});
    let told = Told { effect, thing, key: String::new(), text: text_of(&body), body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(200, &yes) }
}

fn message(check: &mut Check, body: &Value) {
    check.fields("", body, &["allowed_mentions"], &["content", "embeds", "username", "avatar_url", "flags"]);
    check.that(body["allowed_mentions"] == json!({"parse": []}), "whatever the text says may call somebody");
    units(check, "content", &body["content"], 2_000);
    check.all(markdown(body["content"].as_str().unwrap_or_default()));
    let embeds: Vec<&Value> = body["embeds"].as_array().into_iter().flatten().collect();
    check.that(embeds.len() <= 10, format!("{} embeds", embeds.len()));
    let says = body["content"].as_str().is_some_and(|said| !said.trim().is_empty());
    check.that(says || !embeds.is_empty(), "Cannot send an empty message");
    let mut all = 0;
    for embed in embeds {
        let known = ["title", "type", "description", "url", "timestamp", "color", "footer", "author", "fields"];
        check.fields("embeds", embed, &[], &known);
        all += units(check, "title", &embed["title"], 256);
        all += units(check, "description", &embed["description"], 4_096);
        all += units(check, "footer", &embed["footer"]["text"], 2_048);
        all += units(check, "author", &embed["author"]["name"], 256);
        check.link("url", &embed["url"]);
        check.time("timestamp", &embed["timestamp"]);
        let colour = embed["color"].as_u64();
        check.that(colour.is_none_or(|colour| colour <= 0xff_ffff), "color");
        let fields: Vec<&Value> = embed["fields"].as_array().into_iter().flatten().collect();
        check.that(fields.len() <= 25, format!("{} fields", fields.len()));
        for field in fields {
            all += units(check, "name", &field["name"], 256) + units(check, "value", &field["value"], 1_024);
            check.all(markdown(field["value"].as_str().unwrap_or_default()));
        }
        for part in ["title", "description"] {
            check.all(markdown(embed[part].as_str().unwrap_or_default()));
        }
    }
    check.that(all <= MOST_IN_ALL, format!("{all} characters in all"));
}

fn units(check: &mut Check, at: &str, value: &Value, most: usize) -> usize {
    let units = value.as_str().unwrap_or_default().encode_utf16().count();
    check.that(units <= most, format!("{at}: {units} characters of {most}"));
    units
}

fn is_rich(asked: &Asked) -> bool {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty())
}
