//! Tests of the Opsgenie receiver: its requests, and what its answers mean.

use secrecy::SecretString;

use super::*;
use crate::config::ReceiverKind;
use crate::receiver::test_oncall::{
    Answers, all, assert_clean, attempt, delivered, hostile_ones, reason, sample, word,
};
use crate::receiver::test_support::{answer, at, delivery};

const KEY: &str = "0f3c1b2a-9d8e-4f70-a1b2-c3d4e5f60718";
const NOW: &str = "2026-11-22T10:15:00Z";
const YES: &str = r#"{"result":"Request will be processed","took":0.01,"requestId":"43a29c5c"}"#;

fn kind(base: &str) -> ReceiverKind {
    let api_url = Url::parse(&format!("{base}/v2/alerts")).expect("a URL");
    ReceiverKind::Opsgenie(OpsgenieReceiver { api_key: SecretString::from(KEY), api_url })
}

fn bodies(delivery: &Delivery) -> [Value; 2] {
    let composer = Composer::default();
    let draft = composer.draft(delivery);
    [Alert::of(&draft, Budget::FULL), Alert::plain(&draft)].map(|alert| match alert.action {
        Action::Trigger => create(&alert),
        Action::Acknowledge | Action::Resolve => change(&alert),
    })
}

#[test]
fn the_bodies_are_as_they_were() {
    for (name, notification) in all() {
        insta::assert_json_snapshot!(format!("opsgenie_{name}"), bodies(&delivery(notification))[0]);
    }
    insta::assert_json_snapshot!("opsgenie_plainly", bodies(&delivered("opened"))[1]);
}

#[test]
fn hostile_texts_stay_texts_within_the_limits() {
    for notification in hostile_ones() {
        for body in bodies(&delivery(notification)) {
            assert_clean(&body);
            let long = |field: &str, most: usize| body[field].as_str().is_none_or(|said| text::length(said) <= most);
            assert!(long("message", 130) && long("alias", 512) && long("description", 15_000) && long("note", 25_000));
            assert!(long("entity", 512) && long("source", 100) && long("user", 100), "{body}");
            let tags = body["tags"].as_array().cloned().unwrap_or_default();
            assert!(tags.len() <= 20 && tags.iter().all(|tag| tag.as_str().is_some_and(|tag| text::length(tag) <= 50)));
            let details = body["details"].as_object().cloned().unwrap_or_default();
            let all: usize = details
                .iter()
                .map(|(name, said)| text::length(name) + text::length(said.as_str().expect("text")))
                .sum();
            assert!(all <= 8_000, "{all}");
        }
    }
}

#[tokio::test]
async fn an_alert_is_opened_noted_acknowledged_and_closed_by_its_alias() {
    let lines = |name: &'static str, count: usize| async move {
        let (outcome, asked) = attempt(vec![answer(202, "", YES); count], kind, &delivered(name), at(NOW)).await;
        assert_eq!(reason(&outcome), "HTTP 202: request 43a29c5c");
        assert!(asked.iter().all(|asked| asked.head.contains(&format!("authorization: GenieKey {KEY}"))));
        asked.into_iter().map(|asked| asked.line).collect::<Vec<_>>()
    };
    let key = Alert::of(&Composer::default().draft(&delivered("opened")), Budget::FULL).key;
    let of = |action: &str| format!("POST /v2/alerts/{key}/{action}?identifierType=alias");
    assert_eq!(lines("opened", 1).await, ["POST /v2/alerts"]);
    assert_eq!(lines("updated", 2).await, ["POST /v2/alerts".to_owned(), of("notes")]);
    assert_eq!(lines("escalated", 2).await, ["POST /v2/alerts".to_owned(), of("notes")]);
    assert_eq!(lines("acknowledged", 1).await, [of("acknowledge")]);
    assert_eq!(lines("resolved", 1).await, [of("close")]);
    assert_eq!(lines("reopened", 1).await, ["POST /v2/alerts"]);
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let invalid = r#"{"message":"Request body is not processable.","errors":{"message":"too long"},"requestId":"x"}"#;
    let no = r#"{"message":"You are not authorized","took":0.0,"requestId":"x"}"#;
    let slow = r#"{"message":"You are making too many requests!","requestId":"x"}"#;
    let rows: &[(&str, Answers<'_>, &str)] = &[
        ("opened", &[(202, "", YES)], "delivered"),
        ("opened", &[(200, "", "<html>Sign in</html>")], "again"),
        ("opened", &[(202, "", "")], "again"),
        ("opened", &[(422, "", invalid), (202, "", YES)], "plain"),
        ("opened", &[(422, "", invalid), (422, "", invalid)], "permanent"),
        ("opened", &[(401, "", no)], "permanent"),
        ("opened", &[(403, "", no)], "permanent"),
        ("opened", &[(403, "", "<html>")], "again"),
        ("opened", &[(404, "", no)], "permanent"),
        ("opened", &[(429, "", slow)], "wait 30"),
        ("opened", &[(429, "retry-after: 7\r\n", slow)], "wait 7"),
        ("opened", &[(503, "", "")], "again"),
        ("resolved", &[(404, "", no)], "delivered"),
        ("resolved", &[(404, "", "<html>")], "permanent"),
        ("acknowledged", &[(404, "", no)], "delivered"),
        ("updated", &[(202, "", YES), (500, "", "")], "delivered"),
        ("updated", &[(503, "", "")], "again"),
    ];
    for (name, answers, expected) in rows {
        let count = answers.len();
        let answers = answers.iter().map(|(status, head, body)| answer(*status, head, body)).collect();
        let (outcome, asked) = attempt(answers, kind, &delivered(name), at(NOW)).await;
        assert_eq!((word(&outcome).as_str(), asked.len()), (*expected, count), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_alert_stands_though_its_note_is_lost_and_its_receipt_says_so() {
    let (outcome, _) =
        attempt(vec![answer(202, "", YES), answer(422, "", "no note")], kind, &delivered("updated"), at(NOW)).await;
    assert_eq!(reason(&outcome), "HTTP 202: request 43a29c5c (without its note, for HTTP 422: no note)");
}

#[tokio::test]
async fn its_key_is_in_no_reason() {
    let said = answer(401, "", &format!(r#"{{"message":"Key format is not valid: {KEY}"}}"#));
    let (outcome, _) = attempt(vec![said], kind, &delivered("opened"), at(NOW)).await;
    assert!(
        reason(&outcome).starts_with("HTTP 401: Key format") && !reason(&outcome).contains("0f3c1b2a"),
        "{outcome:?}"
    );
}

#[test]
fn who_acknowledged_is_the_user_of_the_change() {
    assert_eq!(bodies(&delivery(sample("acknowledged")))[0]["user"], "anna");
    assert_eq!(bodies(&delivery(sample("resolved")))[0]["user"], "firstred");
}
