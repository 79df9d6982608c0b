//! Tests of the Slack receiver: its form against Slack's limits, its answers against a server of our own.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::Value;

use super::blocks::{self, MOST_JSON};
use super::*;
use crate::engine::Notification;
use crate::net::permit::{Issuer, Key};
use crate::receiver::draft::Composer;
use crate::receiver::links::{LABELS, Links as PageLinks};
use crate::receiver::message::text::length;
use crate::receiver::test_hostile::hostile;
use crate::receiver::test_support::{HOSTILE, answer, at, card, delivery, hostile_with, http_server, of_card, samples};

fn payload(notification: &Notification) -> Value {
    blocks::payload(&Composer::default().draft(&delivery(notification.clone())))
}

fn plain_payload(notification: &Notification) -> Value {
    blocks::plain_payload(&Composer::default().draft(&delivery(notification.clone())))
}

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_json_snapshot!(format!("slack_{name}"), payload(&notification));
    }
}

#[test]
fn the_plain_form_says_the_same() {
    let notification = of_card(card());
    insta::assert_snapshot!(plain_payload(&notification)["text"].as_str().expect("text"));
}

#[test]
fn links_to_the_page_stand_in_the_text_of_a_webhook_and_not_beside_the_buttons_that_do_the_same() {
    let issuer = Issuer::new(url::Url::parse("https://red.example.com").expect("a URL"), Key::new(&[7; 32]));
    let composer = Composer { links: Some(PageLinks::new(issuer, "oncall")), template: None };
    for (name, mut notification) in samples().into_iter().filter(|(_, said)| said.incident.is_some()) {
        // What calls people is no matter of links, and `check` takes none.
        notification.owner = None;
        let delivery = delivery(notification);
        let draft = composer.draft(&delivery);
        let hook = blocks::payload(&draft);
        check(&hook);
        assert!(hook.to_string().contains("https://red.example.com/i/"), "{name}");
        let buttons = blocks::form(|budget| draft.message(budget), blocks::Links::Buttons, MOST_JSON);
        let buttons = Value::from(buttons.blocks).to_string();
        for label in LABELS {
            assert!(!buttons.contains(&format!("\"text\":\"{label}\"")), "{name}: {label}");
        }
    }
}

/// What Slack's documentation and `@slack/types` 3.2.0 demand, and what we demand of ourselves.
pub(super) fn check(payload: &Value) {
    let size = length(&payload["blocks"].to_string()) + length(&payload["attachments"].to_string());
    assert!(size < MOST_JSON, "{size} characters");
    let said = payload["text"].as_str().expect("text");
    assert!(!said.is_empty() && length(said) <= 4_000, "{said}");
    no_live_token(said);
    for block in payload["blocks"].as_array().expect("blocks") {
        for element in block["elements"].as_array().expect("elements") {
            let parts = element["elements"].as_array().expect("parts");
            if element["type"] == "rich_text_list" {
                parts.iter().flat_map(|part| part["elements"].as_array().expect("parts")).for_each(check_part);
            } else {
                assert!(!parts.is_empty());
                parts.iter().for_each(check_part);
            }
        }
    }
    for attachment in payload["attachments"].as_array().expect("attachments") {
        assert!(!attachment["fallback"].as_str().expect("a fallback").contains(['<', '>']));
        for element in attachment["blocks"].as_array().expect("blocks").iter().map(|block| &block["elements"][0]) {
            let said = element["text"].as_str().expect("mrkdwn");
            assert!((1..=3_000).contains(&length(said)), "{}: {said}", length(said));
            assert_eq!(element["verbatim"], true);
            no_live_token(said);
        }
    }
}

fn check_part(part: &Value) {
    if part["type"] == "date" {
        assert!(part["timestamp"].is_i64() && part["fallback"].is_string(), "{part}");
        return;
    }
    assert!(part["type"] == "text" || part["type"] == "link", "it calls people: {part}");
    assert!(part["text"].as_str().is_some_and(|text| !text.is_empty()), "{part}");
    if part["type"] == "link" {
        assert!(part["url"].as_str().is_some_and(|url| url.starts_with("http")), "{part}");
    }
}

pub(super) fn no_live_token(mrkdwn: &str) {
    static OURS: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"<!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[0-9: -]+ UTC>").expect("a pattern")
    });
    let rest = OURS.replace_all(mrkdwn, "");
    assert!(!rest.contains(['<', '>']), "{rest}");
    assert!(
        rest.matches('&').count()
            == rest.matches("&amp;").count() + rest.matches("&lt;").count() + rest.matches("&gt;").count()
    );
}

#[test]
fn hostile_texts_stay_texts() {
    for hostile in HOSTILE {
        let notification = hostile_with(hostile);
        check(&payload(&notification));
        no_live_token(plain_payload(&notification)["text"].as_str().expect("text"));
    }
    for huge in ["&".repeat(200_000), "\"\\".repeat(50_000), "\u{301}".repeat(9_000), "漢字\n".repeat(40_000)] {
        let notification = hostile_with(&huge);
        check(&payload(&notification));
        let plain = plain_payload(&notification);
        assert!(length(plain["text"].as_str().expect("text")) <= 3_500);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_in_every_field_stays_within_the_limits(
        text in "(\\PC|[<>&\"\\\\|`!@#\r\n\u{202e}\u{1b}]){0,60}",
        times in 1_usize..100,
    ) {
        let notification = hostile_with(&text.repeat(times));
        check(&payload(&notification));
        let plain = plain_payload(&notification);
        let said = plain["text"].as_str().expect("text");
        prop_assert!(length(said) <= 3_500);
        no_live_token(said);
    }
}

#[test]
fn a_hostile_incident_stays_within_the_limits_and_calls_nobody() {
    let texts = ["&".repeat(2_000), "\"\\".repeat(1_000), "\u{301}".repeat(2_000), "漢字\n".repeat(700)];
    for text in HOSTILE.map(str::to_owned).into_iter().chain(texts) {
        for notification in hostile(&text) {
            check(&payload(&notification));
            let plain = plain_payload(&notification);
            no_live_token(plain["text"].as_str().expect("text"));
        }
    }
}

#[test]
fn the_owner_is_called_in_blocks_and_in_the_plain_form() {
    let (_, opened) = crate::receiver::samples::incidents::samples().remove(0);
    assert!(payload(&opened).to_string().contains(r#"{"type":"usergroup","usergroup_id":"S012ABC"}"#));
    assert!(plain_payload(&opened)["text"].as_str().is_some_and(|text| text.ends_with("\n<!subteam^S012ABC>")));
}

async fn attempt(answers: Vec<String>, timeout: Duration) -> (Outcome, Vec<String>) {
    let (url, mut asked, server) = http_server(answers).await;
    let settings = SlackReceiver::Webhook(SecretString::from(url));
    let slack = Slack::build("oncall", &settings, &Common::patient(timeout)).expect("a receiver");
    let outcome = slack.send(&delivery(of_card(card())), at("2026-11-22T10:14:03Z")).await;
    server.abort();
    let mut requests = Vec::new();
    while let Ok(request) = asked.try_recv() {
        requests.push(request);
    }
    (outcome, requests)
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_200_that_says_ok_is_a_delivery() {
    let (outcome, requests) = attempt(vec![answer(200, "", "ok")], PATIENT).await;
    assert_eq!(outcome, Outcome::delivered("ok"));
    assert!(requests[0].starts_with("POST /hook/SECRET HTTP/1.1\r\n") && requests.len() == 1);
    assert!(requests[0].to_lowercase().contains("content-type: application/json; charset=utf-8\r\n"));
}

#[tokio::test]
async fn what_the_blocks_break_still_goes_out_as_plain_text() {
    let (outcome, requests) = attempt(vec![answer(400, "", "invalid_blocks"), answer(200, "", "ok")], PATIENT).await;
    let receipt = "ok (plain, for HTTP 400: invalid_blocks)".to_owned();
    assert_eq!(outcome, Outcome::Delivered { receipt, plain: true, post: None });
    assert!(requests[0].contains("\"blocks\"") && !requests[1].contains("\"blocks\""));
}

#[tokio::test]
async fn a_form_that_is_refused_twice_is_refused_for_good() {
    let (outcome, _) = attempt(vec![answer(400, "", "invalid_blocks"), answer(400, "", "no_text")], PATIENT).await;
    assert_eq!(
        outcome,
        Outcome::Refused { permanent: true, reason: "HTTP 400: no_text".to_owned(), retry_after: None }
    );
}

#[tokio::test]
async fn a_limit_is_waited_for_as_long_as_slack_asks() {
    let (outcome, _) = attempt(vec![answer(429, "retry-after: 17\r\n", "rate_limited")], PATIENT).await;
    let reason = "HTTP 429: rate_limited".to_owned();
    assert_eq!(outcome, Outcome::Refused { permanent: false, reason, retry_after: Some(17) });
}

#[tokio::test]
async fn an_answer_that_got_lost_leaves_it_open_whether_it_arrived() {
    let (outcome, requests) = attempt(vec![String::new()], PATIENT).await;
    assert!(matches!(&outcome, Outcome::Unknown { reason } if !reason.contains("SECRET")), "{outcome:?}");
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn a_slack_that_can_not_be_reached_is_tried_again_and_its_url_stays_secret() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook/SECRET", listener.local_addr().expect("an address"));
    drop(listener);
    let settings = SlackReceiver::Webhook(SecretString::from(url));
    let slack = Slack::build("oncall", &settings, &Common::patient(PATIENT)).expect("a receiver");
    let outcome = slack.send(&delivery(of_card(card())), at("2026-11-22T10:14:03Z")).await;
    let Outcome::Refused { permanent: false, reason, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(!reason.contains("SECRET"), "{reason}");
}
