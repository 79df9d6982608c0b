//! Tests of the `GoAlert` receiver: its requests, and what its answers mean.

use secrecy::SecretString;

use super::*;
use crate::config::ReceiverKind;
use crate::receiver::test_oncall::{Answers, all, assert_clean, attempt, delivered, hostile_ones, reason, word};
use crate::receiver::test_support::{answer, at, delivery};

const KEY: &str = "5f60718a-0f3c-4b2a-9d8e-a1b2c3d4e5f6";
const NOW: &str = "2026-11-22T10:15:00Z";

fn kind(base: &str) -> ReceiverKind {
    let api = Url::parse(&format!("{base}/api/v2/generic/incoming")).expect("a URL");
    ReceiverKind::Goalert(GoalertReceiver { url: api, token: SecretString::from(KEY) })
}

fn bodies(delivery: &Delivery) -> [Value; 2] {
    let composer = Composer::default();
    let draft = composer.draft(delivery);
    [Alert::of(&draft, Budget::FULL), Alert::plain(&draft)].map(|alert| body(&alert))
}

#[test]
fn the_bodies_are_as_they_were() {
    for (name, notification) in all().into_iter().filter(|(name, _)| *name != "acknowledged") {
        insta::assert_json_snapshot!(format!("goalert_{name}"), bodies(&delivery(notification))[0]);
    }
    insta::assert_json_snapshot!("goalert_plainly", bodies(&delivered("opened"))[1]);
}

#[test]
fn hostile_texts_stay_texts_within_the_limits() {
    for notification in hostile_ones() {
        for body in bodies(&delivery(notification)) {
            assert_clean(&body);
            assert!(text::length(body["summary"].as_str().expect("a summary")) <= 118);
            assert!(body["details"].as_str().is_some_and(|details| details.len() <= 6 * 1_024));
            let said = body["details"].as_str().expect("text");
            let fence = said.split("text\n").next().expect("a fence");
            assert!(
                fence.len() >= 3 && said.ends_with(&format!("\n{fence}")) && said.matches(fence).count() == 2,
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn an_alert_opens_goes_on_closes_and_opens_again_under_one_key() {
    let key = bodies(&delivered("opened"))[0]["dedup"].clone();
    let said = async |name: &str| {
        let (outcome, mut asked) = attempt(vec![answer(204, "", "")], kind, &delivered(name), at(NOW)).await;
        assert_eq!(word(&outcome), "delivered");
        let asked = asked.remove(0);
        assert_eq!(asked.body["dedup"], key);
        (asked.line, asked.body["action"].clone())
    };
    assert_eq!(said("opened").await, (format!("POST /api/v2/generic/incoming?token={KEY}"), Value::Null));
    assert_eq!(said("updated").await.1, Value::Null);
    assert_eq!(said("resolved").await.1, "close");
    assert_eq!(said("reopened").await.1, Value::Null);
}

#[tokio::test]
async fn an_acknowledgement_opens_nothing_again() {
    let (outcome, asked) = attempt(Vec::new(), kind, &delivered("acknowledged"), at(NOW)).await;
    assert_eq!((word(&outcome).as_str(), asked.len()), ("delivered", 0));
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let rows: &[(&str, Answers<'_>, &str)] = &[
        ("opened", &[(204, "", "")], "delivered"),
        ("opened", &[(200, "", "{\"AlertID\":10,\"IsNew\":true}")], "delivered"),
        ("opened", &[(200, "", "<html>Sign in</html>")], "again"),
        ("opened", &[(400, "", "create alert: invalid value"), (204, "", "")], "plain"),
        ("opened", &[(400, "", "bad"), (400, "", "bad")], "permanent"),
        ("opened", &[(401, "", "unauthorized")], "again"),
        ("opened", &[(404, "", "")], "permanent"),
        ("opened", &[(429, "retry-after: 7\r\n", "slow down")], "wait 7"),
        ("opened", &[(503, "", "")], "again"),
        ("resolved", &[(302, "location: http://127.0.0.1:1/\r\n", "")], "again"),
    ];
    for (name, answers, expected) in rows {
        let count = answers.len();
        let answers = answers.iter().map(|(status, head, body)| answer(*status, head, body)).collect();
        let (outcome, asked) = attempt(answers, kind, &delivered(name), at(NOW)).await;
        assert_eq!((word(&outcome).as_str(), asked.len()), (*expected, count), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn its_token_is_in_no_reason() {
    let said = answer(404, "", &format!("nothing at /x?token={KEY} for Bearer {KEY}"));
    let (outcome, _) = attempt(vec![said], kind, &delivered("opened"), at(NOW)).await;
    assert!(!reason(&outcome).contains("5f60718a") && reason(&outcome).starts_with("HTTP 404"), "{outcome:?}");
}
