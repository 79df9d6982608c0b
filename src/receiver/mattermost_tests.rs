//! Tests of the Mattermost receiver: its form, its answers.

use serde_json::Value;

use super::*;
use crate::engine::Notification;
use crate::receiver::form::harmless::harmless_markdown;
use crate::receiver::heard::table::{meant, told};
use crate::receiver::samples::incidents;
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{card, delivery, of_card, samples};

fn written(notification: &Notification, write: impl Fn(&Draft<'_>) -> Json) -> Value {
    write(&Composer::default().draft(&delivery(notification.clone())))
}

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_json_snapshot!(format!("mattermost_{name}"), written(&notification, payload));
    }
    insta::assert_snapshot!(written(&of_card(card()), plain_payload)["text"].as_str().expect("text"));
}

#[test]
fn hostile_texts_stay_texts_and_within_the_limits() {
    for notification in everything() {
        let rich = written(&notification, payload);
        assert!(text::length(&rich.to_string()) <= MOST);
        for part in ["/text", "/attachments/0/text"] {
            harmless_markdown(rich.pointer(part).and_then(Value::as_str).expect("a text"));
        }
        let plain = written(&notification, plain_payload);
        let said = plain["text"].as_str().expect("a text");
        assert!((1..=4_000).contains(&text::length(said)));
        harmless_markdown(said);
    }
}

#[test]
fn the_owner_is_called_in_the_text() {
    let (_, mut opened) = incidents::samples().remove(0);
    opened.owner.as_mut().expect("an owner").mention = Some("@growth-team".to_owned());
    assert!(written(&opened, payload).to_string().contains("@growth-team"));
    for raw in ["@", "@a b", "@[x](y)", "<!subteam^S012ABC>", "growth"] {
        assert_eq!(mention(raw), None, "{raw}");
    }
}

#[test]
fn every_known_answer_has_its_meaning() {
    let said = |id: &str| format!(r#"{{"id":"{id}","message":"m","status_code":400}}"#);
    let rows = [
        (200, "ok".to_owned(), "taken"),
        (200, "<html>Sign in</html>".to_owned(), "transient"),
        (400, said("web.incoming_webhook.invalid.app_error"), "permanent"),
        (400, said("web.incoming_webhook.parse.app_error"), "rephrase"),
        (400, said("web.incoming_webhook.attachment.app_error"), "rephrase"),
        (400, said("web.incoming_webhook.text.app_error"), "rephrase"),
        (413, String::new(), "rephrase"),
        (403, said("web.incoming_webhook.permissions.app_error"), "permanent"),
        (404, said("web.incoming_webhook.channel.app_error"), "permanent"),
        (429, String::new(), "wait 30"),
        (302, String::new(), "transient"),
        (500, said("web.incoming_webhook.general.app_error"), "transient"),
        (502, "<html>".to_owned(), "transient"),
    ];
    for (status, body, expected) in rows {
        assert_eq!(told(status, &body, |heard| meant(&meaning(heard))), expected, "{status} {body}");
    }
}
