//! Mattermost by an incoming webhook: Markdown, and what it still reads of Slack's marks.

use serde_json::{Value, json};

use crate::promises::check::{Check, text_of};
use crate::promises::rendered::chat_markdown;
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

pub(in crate::promises) const HOOK: &str = "/hooks/mattermostNeverShown0123456789";
/// Longer posts are split.
const MOST: usize = 16_383;

pub(crate) static SERVICE: Service = Service {
    name: "mattermost",
    kind: "mattermost",
    section: |base| format!("webhook_url = \"{base}{HOOK}\""),
    secret: "mattermostNeverShown",
    door: Door::Http(Http {
        judge,
        busy: |seconds| super::after(seconds, &json!("limit exceeded")),
        gone: || refused(404, "web.incoming_webhook.invalid.app_error", "Invalid webhook."),
        malformed: || refused(400, "web.incoming_webhook.text.app_error", "No text specified."),
    }),
    keeps: Keeps::Posts,
    repeats: Repeats::Seen,
    hears_acknowledged: false,
    any_2xx: false,
    form: Some(Form {
        is_rich,
        refusal: || refused(400, "web.incoming_webhook.parse.app_error", "Unable to parse incoming data."),
    }),
};

fn refused(status: u16, id: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"id": id, "message": message, "request_id": "x", "status_code": status}))
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == HOOK, format!("posted to {}", asked.uri.path()));
    check.fields("", &body, &["text"], &["attachments", "username", "icon_url", "props", "priority", "type"]);
    check.text("text", &body["text"], 1, MOST);
    posted(&mut check, &body);
    let text = text_of(&body);
    let told = Told { effect: Effect::Post, thing: format!("post {}", before.len()), key: String::new(), text, body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::text(200, "ok") }
}

/// What people see of a post with attachments.
pub(super) fn posted(check: &mut Check, body: &Value) {
    check.all(chat_markdown(body["text"].as_str().unwrap_or_default()));
    for attachment in body["attachments"].as_array().into_iter().flatten() {
        for name in ["pretext", "text", "title"] {
            check.all(chat_markdown(attachment[name].as_str().unwrap_or_default()));
        }
        for field in attachment["fields"].as_array().into_iter().flatten() {
            check.all(chat_markdown(field["value"].as_str().unwrap_or_default()));
        }
        for link in ["title_link", "author_link"] {
            check.link(link, &attachment[link]);
        }
        for image in ["image_url", "thumb_url"] {
            check.that(attachment[image].is_null(), "an image");
        }
    }
}

pub(super) fn is_rich(asked: &Asked) -> bool {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body.get("attachments").is_some()
}
