//! Teams by a Workflows webhook: an Adaptive Card 1.4. Its yes says nothing about delivery, so the stand-in checks what the flow would find
//! out later.

use serde_json::{Value, json};

use crate::promises::check::{Check, text_of};
use crate::promises::rendered::markdown;
use crate::promises::service::{Door, Effect, Form, Http, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::{Answer, Asked};

const SECRET: &str = "sigNeverShown-teams-0123456789abcdef";
pub(in crate::promises) const TO: &str =
    "/workflows/0/triggers/manual/paths/invoke?sig=sigNeverShown-teams-0123456789abcdef";
/// Stored, a message is at most 28,672 bytes; what was sent as 24,453 was stored as 28,897.
const MOST_BYTES: usize = 24_000;

pub(crate) static SERVICE: Service = Service {
    name: "teams",
    kind: "teams",
    section: |base| {
        let path = "workflows/0123456789abcdef/triggers/manual/paths/invoke";
        format!(
            "webhook_url = \"{base}/{path}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SECRET}\""
        )
    },
    secret: SECRET,
    door: Door::Http(Http {
        judge,
        busy: |seconds| {
            super::after(seconds, &json!({"error": {"code": "TooManyRequests", "message": "Rate limit is exceeded."}}))
        },
        gone: || {
            let said = "The workflow is not found.";
            Answer::json(404, &json!({"error": {"code": "WorkflowNotFound", "message": said}}))
        },
        malformed: too_large,
    }),
    keeps: Keeps::Posts,
    repeats: Repeats::Seen,
    hears_acknowledged: false,
    any_2xx: false,
    form: Some(Form { is_rich, refusal: too_large }),
};

fn too_large() -> Answer {
    Answer::json(413, &json!({"error": {"code": "RequestEntityTooLarge", "message": "The card is too large."}}))
}

fn judge(asked: &Asked, before: &[Told]) -> Judged {
    let mut check = Check::default();
    let body = check.json(asked, "POST");
    check.that(asked.query("sig").as_deref() == Some(SECRET), "no signature");
    check.that(asked.body.len() <= MOST_BYTES, format!("{} bytes", asked.body.len()));
    check.fields("", &body, &["type", "attachments"], &[]);
    check.that(body["type"] == "message", "not a message");
    let attachments = body["attachments"].as_array().cloned().unwrap_or_default();
    check.that(attachments.len() == 1, format!("{} attachments", attachments.len()));
    for attachment in &attachments {
        check.fields("attachments", attachment, &["contentType", "content"], &["contentUrl"]);
        let kind = "application/vnd.microsoft.card.adaptive";
        check.that(attachment["contentType"] == kind, "not an Adaptive Card");
        card(&mut check, &attachment["content"]);
    }
    let text = text_of(&body);
    let told = Told { effect: Effect::Post, thing: format!("post {}", before.len()), key: String::new(), text, body };
    Judged { told, mistakes: check.mistakes(), yes: Answer::text(202, "") }
}

fn card(check: &mut Check, card: &Value) {
    let known = ["$schema", "fallbackText", "body", "actions", "msteams", "speak", "lang"];
    check.fields("card", card, &["type", "version", "body", "fallbackText"], &known);
    check.that(card["type"] == "AdaptiveCard", "card: type");
    check.word("card/version", &card["version"], &["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]);
    for element in card["body"].as_array().into_iter().flatten() {
        self::element(check, element);
    }
    for action in card["actions"].as_array().into_iter().flatten() {
        self::action(check, action);
    }
    check.that(card["actions"].as_array().is_none_or(|actions| actions.len() <= 6), "Teams shows six actions");
    // A name that is called must stand in `msteams.entities`; without them nobody is.
    check.that(card["msteams"]["entities"].as_array().is_none_or(Vec::is_empty), "somebody is called");
}

fn element(check: &mut Check, element: &Value) {
    let text = |name: &str| element[name].as_str().unwrap_or_default();
    match text("type") {
        "TextBlock" => {
            check.that(!text("text").is_empty(), "an empty TextBlock");
            check.that(element["wrap"] == true, "a TextBlock that is cut at one line");
            check.all(markdown(text("text")));
        }
        "FactSet" => {
            for fact in element["facts"].as_array().into_iter().flatten() {
                check.fields("fact", fact, &["title", "value"], &[]);
                check.all(markdown(fact["value"].as_str().unwrap_or_default()));
            }
        }
        "RichTextBlock" => {
            for run in element["inlines"].as_array().into_iter().flatten() {
                check.that(run.is_string() || run["type"] == "TextRun", "an inline that is no TextRun");
                if let Some(pressed) = run.get("selectAction") {
                    action(check, pressed);
                }
            }
        }
        "Container" | "Column" => {
            for item in element["items"].as_array().into_iter().flatten() {
                self::element(check, item);
            }
        }
        "ColumnSet" => {
            for column in element["columns"].as_array().into_iter().flatten() {
                self::element(check, column);
            }
        }
        "ActionSet" => {
            for action in element["actions"].as_array().into_iter().flatten() {
                self::action(check, action);
            }
        }
        other => check.wrong(format!("unknown element {other:?}")),
    }
}

fn action(check: &mut Check, action: &Value) {
    // Behind a webhook is no bot: nothing else does anything.
    check.that(action["type"] == "Action.OpenUrl", format!("action {}", action["type"]));
    check.link("action", &action["url"]);
    check.that(action["url"].is_string(), "an action without url");
}

fn is_rich(asked: &Asked) -> bool {
    asked.body.len() > 3_000
}
