//! Slack by an incoming webhook: Block Kit, `ok`, and bare words for everything else.

use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::blocks;
use crate::support::http::{Answer, Asked};
use crate::support::slack::SECRET_PATH;

pub(crate) static SERVICE: Service = Service {
    name: "slack_webhook",
    kind: "slack",
    section: |base| format!("webhook_url = \"{base}{SECRET_PATH}\""),
    secret: "s3cr3tHookPart",
    door: Door::Http(Http {
        judge,
        busy: |seconds| {
            Answer::make(429, &[("retry-after", &seconds.to_string())], axum::body::Body::from("rate_limited"))
        },
        gone: || Answer::text(404, "no_service"),
        malformed: || Answer::text(400, "invalid_blocks"),
    }),
    keeps: Keeps::Posts,
    repeats: Repeats::Seen,
    hears_acknowledged: false,
    any_2xx: false,
    form: Some(Form { is_rich, refusal: || Answer::text(400, "invalid_blocks") }),
};

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.uri.path() == SECRET_PATH, format!("no hook at {}", asked.uri.path()));
    check.all(blocks::mistakes(&body));
    let text = text_of(&body);
    let told = Told { effect: Effect::Post, thing: format!("post {}", before.len()), key: String::new(), text, body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::text(200, "ok") }
}

fn is_rich(asked: &Asked) -> bool {
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body.get("blocks").is_some() || body.get("attachments").is_some()
}
