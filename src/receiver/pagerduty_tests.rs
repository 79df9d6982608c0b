//! Tests of the `PagerDuty` receiver: its events, and what its answers mean.

use super::*;
use crate::config::ReceiverKind;
use crate::receiver::test_oncall::{Answers, all, assert_clean, attempt, delivered, hostile_ones, reason, word};
use crate::receiver::test_support::{answer, at, delivery};

const KEY: &str = "R0UT1NGK3YR0UT1NGK3YR0UT1NGK3YAB";
const NOW: &str = "2026-11-22T10:15:00Z";
const YES: &str = r#"{"status":"success","message":"Event processed","dedup_key":"firstred:x"}"#;

fn kind(base: &str) -> ReceiverKind {
    let api_url = Url::parse(&format!("{base}/v2/enqueue")).expect("a URL");
    ReceiverKind::Pagerduty(PagerdutyReceiver { routing_key: SecretString::from(KEY), api_url })
}

fn events(delivery: &Delivery) -> [Value; 2] {
    let composer = Composer::default();
    let draft = composer.draft(delivery);
    [Alert::of(&draft, Budget::FULL), Alert::plain(&draft)]
        .map(|alert| event(&alert, KEY, delivery.notification.decided_at))
}

#[test]
fn the_events_are_as_they_were() {
    for (name, notification) in all() {
        insta::assert_json_snapshot!(format!("pagerduty_{name}"), events(&delivery(notification))[0]);
    }
    insta::assert_json_snapshot!("pagerduty_plainly", events(&delivered("opened"))[1]);
}

#[test]
fn hostile_texts_stay_texts_within_the_limits() {
    for notification in hostile_ones() {
        for event in events(&delivery(notification)) {
            assert_clean(&event);
            assert!(event.to_string().len() < 100_000, "the limit is 512 KB");
            assert!(event["dedup_key"].as_str().is_some_and(|key| !key.is_empty() && key.len() <= 255));
            if event["event_action"] == "trigger" {
                let summary = event["payload"]["summary"].as_str().expect("a summary");
                assert!(!summary.trim().is_empty() && text::length(summary) <= SUMMARY);
                assert!(event["payload"]["source"].as_str().is_some_and(|source| !source.trim().is_empty()));
            }
            for link in event["links"].as_array().into_iter().flatten() {
                assert!(link["href"].as_str().is_some_and(|url| url.starts_with("http")), "{link}");
            }
        }
    }
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let invalid =
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.severity' is invalid"]}"#;
    let key = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect"]}"#;
    let slow = r#"{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly."}"#;
    let rows: &[(Answers<'_>, &str)] = &[
        (&[(202, "", YES)], "delivered"),
        (&[(200, "", "<html>Sign in to the guest network</html>")], "again"),
        (&[(202, "", "")], "again"),
        (&[(400, "", invalid), (202, "", YES)], "plain"),
        (&[(400, "", invalid), (400, "", invalid)], "permanent"),
        (&[(413, "", invalid), (503, "", "")], "again"),
        (&[(400, "", key)], "permanent"),
        (&[(404, "", "")], "permanent"),
        (&[(401, "", "")], "again"),
        (&[(403, "", "")], "again"),
        (&[(429, "", slow)], "wait 30"),
        (&[(429, "retry-after: 7\r\n", slow)], "wait 7"),
        (&[(500, "", "")], "again"),
        (&[(503, "retry-after: 9\r\n", "")], "wait 9"),
        (&[(302, "location: http://127.0.0.1:1/\r\n", "")], "again"),
        (&[], "unknown"),
    ];
    for (answers, expected) in rows {
        let mut answers: Vec<String> = answers.iter().map(|(status, head, body)| answer(*status, head, body)).collect();
        if answers.is_empty() {
            answers.push(String::new());
        }
        let count = answers.len();
        let (outcome, asked) = attempt(answers, kind, &delivered("opened"), at(NOW)).await;
        assert_eq!((word(&outcome).as_str(), asked.len()), (*expected, count), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_is_refused_for_its_form_is_said_in_one_line_under_the_same_key() {
    let invalid = answer(400, "", r#"{"message":"Event object is invalid","errors":["'links[0].href' is missing"]}"#);
    let (outcome, asked) = attempt(vec![invalid, answer(202, "", YES)], kind, &delivered("opened"), at(NOW)).await;
    assert_eq!(
        reason(&outcome),
        "HTTP 202: firstred:x (plain, for HTTP 400: Event object is invalid; 'links[0].href' is missing)"
    );
    let [rich, plain] = asked.as_slice() else { panic!("two requests") };
    assert_eq!(rich.line, "POST /v2/enqueue");
    assert_eq!(
        (&rich.body["dedup_key"], &rich.body["payload"]["summary"]),
        (&plain.body["dedup_key"], &plain.body["payload"]["summary"])
    );
    assert!(rich.body.get("links").is_some() && plain.body.get("links").is_none());
}

#[tokio::test]
async fn its_key_is_in_no_reason() {
    let said = answer(404, "", &format!("no service has the key {KEY} at https://events.example.com/{KEY}"));
    let (outcome, asked) = attempt(vec![said], kind, &delivered("opened"), at(NOW)).await;
    assert_eq!(asked[0].body["routing_key"], KEY);
    assert!(!asked[0].head.contains(KEY) && !reason(&outcome).contains("R0UT1NG"), "{outcome:?}");
}
