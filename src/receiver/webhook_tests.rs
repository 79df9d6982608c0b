//! Tests of the webhook receiver: the payload, the headers, the answers.

use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::net::signature::verify;
use crate::receiver::test_hostile::hostile;
use crate::receiver::test_support::{HOSTILE, answer, at, card, delivery, hostile_with, http_server, of_card, samples};

const NOW: &str = "2026-11-22T10:15:00Z";
const PATIENT: Duration = Duration::from_secs(20);

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        let value: Value = serde_json::from_str(&payload::json(&notification)).expect("JSON");
        insta::assert_json_snapshot!(format!("webhook_{name}"), value);
    }
}

#[test]
fn a_payload_is_under_20_kb_and_the_same_each_time() {
    for text in HOSTILE.map(str::to_owned).into_iter().chain(["\"\\".repeat(100_000), "é\n".repeat(9_000)]) {
        let body = payload::json(&hostile_with(&text));
        assert!(body.len() < payload::MOST_BYTES, "{}", body.len());
        assert_eq!(body, payload::json(&hostile_with(&text)));
        assert!(body.chars().all(|c| !c.is_control()), "{body}");
    }
    let mut many = card();
    many.run.labels = (0..5_000).map(|n| (format!("label{n}"), "x".to_owned())).collect();
    assert!(payload::json(&of_card(many)).len() < payload::MOST_BYTES);
}

#[test]
fn a_payload_of_a_huge_incident_is_under_20_kb_and_keeps_its_counts() {
    for text in HOSTILE.map(str::to_owned).into_iter().chain(["\"\\".repeat(500), "漢字".repeat(500)]) {
        for notification in hostile(&text) {
            let body = payload::json(&notification);
            assert!(body.len() < payload::MOST_BYTES, "{}", body.len());
            let value: Value = serde_json::from_str(&body).expect("JSON");
            let counts = [value.pointer("/data/incident/runs"), value.pointer("/data/summary/runs")];
            assert!(counts.into_iter().flatten().any(Value::is_u64), "{body}");
        }
    }
}

#[test]
fn from_opened_to_resolved_an_incident_has_one_dedup_key() {
    let billing = crate::engine::IncidentId::of_parts(&["billing"]);
    let mut keys: Vec<String> = samples()
        .iter()
        .filter(|(_, said)| said.incident.as_ref().is_some_and(|note| note.id == billing))
        .map(|(_, said)| payload::dedup_key(said))
        .collect();
    keys.dedup();
    assert_eq!(keys, [format!("firstred:incident:{}", billing.as_str())]);
}

#[test]
fn two_problems_never_share_a_dedup_key() {
    let key = |workflow: &str, step: &str| {
        let mut card = card();
        card.run.workflow.id = Some(workflow.to_owned());
        if let crate::triage::Cause::Step { title, .. } = &mut card.cause {
            *title = step.to_owned();
        }
        payload::dedup_key(&of_card(card))
    };
    assert_eq!(key("billing-sync", "charge-card"), "firstred:run:acme:billing-sync:charge-card:CARD_DECLINED");
    assert_ne!(key("a:b", "c"), key("a", "b:c"));
    assert!(key(&"w".repeat(400), "x").len() <= 255);
}

async fn attempt(answers: Vec<String>) -> (Outcome, Option<String>) {
    let (url, mut asked, server) = http_server(answers).await;
    let settings = WebhookReceiver {
        url: Url::parse(&url).expect("a URL"),
        secrets: ["an old secret of 24 bytes", "a new secret of 24 bytes"].map(SecretString::from).to_vec(),
        token: Some(SecretString::from("tok_1-of-ours")),
    };
    let webhook = Webhook::build(&settings, &Common::patient(PATIENT)).expect("a receiver");
    let outcome = webhook.send(&delivery(of_card(card())), at(NOW)).await;
    server.abort();
    (outcome, asked.try_recv().ok())
}

#[tokio::test]
async fn what_is_sent_verifies_with_either_secret() {
    let (outcome, request) = attempt(vec![answer(204, "", "")]).await;
    assert_eq!(outcome, Outcome::delivered("HTTP 204"));
    let request = request.expect("a request");
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    };
    assert_eq!(header("authorization"), Some("Bearer tok_1-of-ours"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("webhook-timestamp"), Some(at(NOW).as_second().to_string().as_str()));
    assert_eq!(header("webhook-id"), Some(delivery(of_card(card())).idempotency_key().as_str()));
    for secret in ["an old secret of 24 bytes", "a new secret of 24 bytes"] {
        let secret = Secret::parse(&SecretString::from(secret)).expect("a secret");
        let (id, time, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        assert_eq!(verify(&[secret], id, time, signature, body.as_bytes(), at(NOW)), Ok(()));
    }
}

#[test]
fn every_status_has_its_meaning() {
    let meaning = |status| {
        let headers = [("retry-after", "30")]
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let answer =
            Answer { status, headers: headers.collect(), body: b"see https://x.example/?token=1".to_vec(), cut: false };
        match outcome(&answer, Timestamp::UNIX_EPOCH, &Secrets::default()) {
            Outcome::Delivered { .. } => "delivered",
            Outcome::Refused { permanent: true, retry_after: None, reason } if !reason.contains("token") => "permanent",
            Outcome::Refused { permanent: false, retry_after: Some(30), reason } if !reason.contains("token") => {
                "transient"
            }
            _ => "wrong",
        }
    };
    for (expected, statuses) in [
        ("delivered", vec![200, 201, 202, 204]),
        ("permanent", vec![400, 404, 405, 410, 413, 422, 451]),
        ("transient", vec![301, 302, 307, 401, 403, 408, 425, 429, 500, 502, 503, 504]),
    ] {
        for status in statuses {
            assert_eq!(meaning(status), expected, "{status}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (outcome, _) = attempt(vec![answer(302, "location: http://127.0.0.1:1/\r\n", "")]).await;
    let reason = "HTTP 302: a redirect, which is not followed".to_owned();
    assert_eq!(outcome, Outcome::Refused { permanent: false, reason, retry_after: None });
}

#[tokio::test]
async fn an_answer_that_got_lost_leaves_it_open_whether_it_arrived() {
    let (outcome, _) = attempt(vec![String::new()]).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_text_gives_json_under_20_kb(text in any::<String>(), times in 1_usize..400) {
        let body = payload::json(&hostile_with(&text.repeat(times)));
        prop_assert!(body.len() < payload::MOST_BYTES);
        prop_assert!(serde_json::from_str::<Value>(&body).is_ok());
    }
}

#[tokio::test]
async fn an_answer_that_repeats_our_token_or_holds_a_secret_is_taken_without_them() {
    let (outcome, _) =
        attempt(vec![answer(400, "", "bad Bearer tok_1-of-ours password=hunter22 an old secret of 24 bytes")]).await;
    let Outcome::Refused { permanent: true, reason, .. } = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("HTTP 400: bad"), "{reason}");
    for secret in ["tok_1-of-ours", "hunter22", "an old secret"] {
        assert!(!reason.contains(secret), "{reason}");
    }
}
