//! Rocket.Chat by an incoming webhook.

use serde_json::json;

use super::mattermost::{is_rich, posted};
use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

pub(in crate::promises) const HOOK: &str = "/hooks/65a1b2c3d4e5/rocketchatTokenNeverShown0123456789";
/// The default of the server's setting.
const MOST: usize = 5_000;

pub(crate) static SERVICE: Service = Service {
    name: "rocketchat",
    kind: "rocketchat",
    section: |base| format!("webhook_url = \"{base}{HOOK}\""),
    secret: "rocketchatTokenNeverShown",
    door: Door::Http(Http {
        judge,
        busy: |seconds| super::after(seconds, &json!({"success": false, "error": "Error, too many requests."})),
        gone: || refused(404, "Invalid integration id or token provided."),
        malformed: || refused(400, "error-message-size-exceeded"),
    }),
    keeps: Keeps::Posts,
    repeats: Repeats::Seen,
    hears_acknowledged: false,
    any_2xx: false,
    form: Some(Form { is_rich, refusal: || refused(400, "error-message-size-exceeded") }),
};

fn refused(status: u16, error: &str) -> Answer {
    Answer::json(status, &json!({"success": false, "error": error}))
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == HOOK, format!("posted to {}", asked.uri.path()));
    check.fields("", &body, &["text"], &["attachments", "alias", "emoji", "avatar", "channel", "parseUrls"]);
    check.text("text", &body["text"], 1, MOST);
    for attachment in body["attachments"].as_array().into_iter().flatten() {
        check.text("attachments/text", &attachment["text"], 0, MOST);
    }
    posted(&mut check, &body);
    let text = text_of(&body);
    let told = Told { effect: Effect::Post, thing: format!("post {}", before.len()), key: String::new(), text, body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::json(200, &json!({"success": true})) }
}
