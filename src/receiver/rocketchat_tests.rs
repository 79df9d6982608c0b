//! Tests of the Rocket.Chat receiver: its form, its answers.

use serde_json::Value;

use super::*;
use crate::engine::Notification;
use crate::receiver::form::harmless::harmless_markdown;
use crate::receiver::heard::table::{meant, told};
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{card, delivery, of_card, samples};

fn written(notification: &Notification, write: impl Fn(&Draft<'_>) -> Json) -> Value {
    write(&Composer::default().draft(&delivery(notification.clone())))
}

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_json_snapshot!(format!("rocketchat_{name}"), written(&notification, payload));
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
        assert!((1..=MOST_PLAIN).contains(&text::length(said)));
        harmless_markdown(said);
        // Taken from the raw text, whatever stands around it.
        for text in [rich["text"].as_str().expect("a text"), said] {
            let calls = text.split('@').skip(1).any(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert!(!calls, "{text:?}");
        }
    }
}

#[test]
fn every_known_answer_has_its_meaning() {
    let said = |error: &str| format!(r#"{{"success":false,"error":"{error}"}}"#);
    let rows = [
        (200, r#"{"success":true}"#.to_owned(), "taken"),
        (200, said("error-message-size-exceeded"), "rephrase"),
        (200, "<html>Sign in</html>".to_owned(), "transient"),
        (400, said("error-message-size-exceeded"), "rephrase"),
        (400, said("No text or attachments"), "rephrase"),
        (400, said("invalid-channel"), "permanent"),
        (401, said("unauthorized"), "permanent"),
        (404, said("Invalid integration id or token provided."), "permanent"),
        (413, String::new(), "rephrase"),
        (429, String::new(), "wait 30"),
        (302, String::new(), "transient"),
        (503, String::new(), "transient"),
    ];
    for (status, body, expected) in rows {
        assert_eq!(told(status, &body, |heard| meant(&meaning(heard))), expected, "{status} {body}");
    }
}
