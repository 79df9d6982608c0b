//! Tests of the Teams receiver: its card against the schema and the size, its answers.

use serde_json::Value;

use super::card::{MOST_BYTES, payload as write, short_payload, stored};
use super::*;
use crate::engine::Notification;
use crate::receiver::heard::table::{meant, told};
use crate::receiver::samples::incidents;
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{delivery, samples};

fn payload(notification: &Notification) -> Value {
    write(&Composer::default().draft(&delivery(notification.clone())))
}

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_json_snapshot!(format!("teams_{name}"), payload(&notification));
    }
}

/// What the schema of Adaptive Cards 1.4 and Teams demand, and what we demand of ourselves.
fn check(payload: &Value) {
    assert!(stored(payload) <= MOST_BYTES, "{} bytes", stored(payload));
    let content = &payload["attachments"][0]["content"];
    assert_eq!((&content["version"], &content["msteams"]["width"]), (&Value::from("1.4"), &Value::from("Full")));
    let fallback = content["fallbackText"].as_str().expect("a fallback");
    assert!(!fallback.is_empty() && fallback.chars().count() <= 120);
    let body = content["body"].as_array().expect("a body");
    assert!(!body.is_empty());
    for block in
        body.iter().flat_map(|block| block["items"].as_array().map_or(vec![block], |items| items.iter().collect()))
    {
        // Markdown is read in nothing that holds a text from outside.
        assert_eq!(block["type"], "RichTextBlock", "{block}");
        let runs = block["inlines"].as_array().expect("runs");
        assert!(!runs.is_empty(), "an empty block in {payload}");
        for run in runs {
            assert!(
                run["text"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty() && !text.contains(['\0', '\r', '\u{1b}', '\u{202e}']))
            );
            let url = run.pointer("/selectAction/url").and_then(Value::as_str);
            assert!(url.is_none_or(|url| url.starts_with("http")));
        }
    }
    for action in content["actions"].as_array().expect("actions") {
        assert!(action["url"].as_str().is_some_and(|url| url.starts_with("http")), "{action}");
    }
}

#[test]
fn hostile_texts_stay_texts_and_within_the_size() {
    for notification in everything() {
        check(&payload(&notification));
        check(&short_payload(&Composer::default().draft(&delivery(notification))));
    }
}

#[test]
fn the_owner_is_called_as_teams_knows_people() {
    let (_, mut opened) = incidents::samples().remove(0);
    opened.owner.as_mut().expect("an owner").mention = Some("<at>Anna Smith|anna@example.com</at>".to_owned());
    let payload = payload(&opened);
    let content = &payload["attachments"][0]["content"];
    let entity = &content["msteams"]["entities"][0];
    assert_eq!(entity["text"], "<at>Anna Smith</at>");
    assert_eq!(entity["mentioned"]["id"], "anna@example.com");
    assert!(content["body"].as_array().expect("a body").iter().any(|block| block["text"] == "<at>Anna Smith</at>"));
}

#[test]
fn every_known_answer_has_its_meaning() {
    let rows = [
        (202, "", "taken"),
        (200, "1", "taken"),
        (200, "<html>Sign in to the guest network</html>", "transient"),
        (
            400,
            r#"{"error":{"code":"InvalidRequestContent","message":"The input body is not valid JSON."}}"#,
            "rephrase",
        ),
        (413, "", "rephrase"),
        (400, r#"{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"The flow is off."}}"#, "permanent"),
        (400, r#"{"error":{"code":"TriggerInputSchemaMismatch"}}"#, "permanent"),
        (401, r#"{"error":{"code":"DirectApiAuthorizationRequired"}}"#, "permanent"),
        (403, "<html>blocked by the proxy</html>", "transient"),
        (404, r#"{"error":{"code":"WorkflowNotFound"}}"#, "permanent"),
        (410, "", "permanent"),
        (429, r#"{"error":{"code":"TooManyRequests"}}"#, "wait 30"),
        (302, "", "transient"),
        (502, r#"{"error":{"code":"NoResponse"}}"#, "transient"),
        (504, "", "transient"),
    ];
    for (status, body, expected) in rows {
        assert_eq!(told(status, body, |heard| meant(&meaning(heard))), expected, "{status} {body}");
    }
}
