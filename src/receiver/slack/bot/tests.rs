//! Tests of the bot: the form of every kind of message as it is edited, and what it does when Slack says no, or nothing.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use url::Url;

use super::*;
use crate::engine::{Kind, Notification};
use crate::receiver::message::text::length;
use crate::receiver::samples::incidents;
use crate::receiver::slack::blocks::MOST_JSON;
use crate::receiver::slack::tests::{check, no_live_token};
use crate::receiver::test_hostile::hostile;
use crate::receiver::test_support::{HOSTILE, answer, at, card_with, delivery, http_server};

fn draft_of<T>(notification: &Notification, look: impl FnOnce(&crate::receiver::draft::Draft<'_>) -> T) -> T {
    look(&Composer::default().draft(&delivery(notification.clone())))
}

fn opened() -> Notification {
    incidents::samples().remove(0).1
}

fn sample(name: &str) -> Notification {
    let found = incidents::samples().into_iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1
}

#[test]
fn every_kind_of_message_has_its_edited_form() {
    for (name, notification) in incidents::samples() {
        let said = draft_of(&notification, |draft| form::present(draft, Some("oncall")));
        insta::assert_json_snapshot!(format!("present_{name}"), said.rich);
    }
}

#[test]
fn an_acknowledgement_shows_who_and_takes_its_button_away() {
    let acknowledged = Notification { kind: Kind::Acknowledged, ..sample("still_open_acknowledged") };
    insta::assert_json_snapshot!(
        "present_acknowledged",
        draft_of(&acknowledged, |draft| form::present(draft, Some("oncall"))).rich
    );
    insta::assert_json_snapshot!("change_acknowledged", draft_of(&acknowledged, form::change).rich);
}

#[test]
fn every_change_has_its_reply() {
    for (name, notification) in incidents::samples() {
        let said = draft_of(&notification, form::change);
        insta::assert_json_snapshot!(format!("change_{name}"), said.rich);
    }
}

/// What Slack demands of a whole message, and what we demand of ourselves.
fn fits(said: &form::Said) {
    let mut rich = said.rich.clone();
    let all = length(&rich.to_string());
    assert!(all < MOST_JSON, "{all} characters");
    let blocks = rich["blocks"].as_array_mut().expect("blocks");
    for actions in blocks.iter().filter(|block| block["type"] == "actions") {
        let elements = actions["elements"].as_array().expect("elements");
        assert!((1..=3).contains(&elements.len()), "{actions:#}");
        for element in elements {
            assert!(element["value"].as_str().is_none_or(|value| value.len() <= 75), "{element:#}");
            assert!(element["url"].as_str().is_none_or(|url| url.starts_with("http") && url.len() <= 3_000));
            assert!(element["options"].as_array().is_none_or(|options| (1..=5).contains(&options.len())));
        }
    }
    blocks.retain(|block| block["type"] != "actions");
    check(&rich);
    for text in [&said.rich["text"], &said.plain["text"]] {
        let text = text.as_str().expect("text");
        assert!(!text.is_empty() && text.len() <= 4_000, "{} bytes", text.len());
        no_live_token(text);
    }
}

fn all_fit(notification: &Notification) {
    draft_of(notification, |draft| {
        fits(&form::present(draft, Some("oncall")));
        fits(&form::change(draft));
        if let Some(detail) = form::detail(draft) {
            let size = length(&detail.rich.to_string());
            assert!(size < MOST_JSON, "{size}");
            assert!(detail.plain["text"].as_str().is_some_and(|text| text.len() <= 40_000));
        }
    });
}

#[test]
fn hostile_texts_stay_texts_and_within_the_limits() {
    let texts = ["&".repeat(2_000), "\"\\".repeat(1_000), "\u{301}".repeat(2_000), "漢字\n".repeat(700)];
    for text in HOSTILE.map(str::to_owned).into_iter().chain(texts) {
        for mut notification in hostile(&text) {
            notification.owner = None;
            all_fit(&notification);
        }
        let mut opened = opened();
        opened.owner = None;
        opened.subject = crate::engine::Subject::Run(Box::new(card_with(&text)));
        all_fit(&opened);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn any_text_stays_within_the_limits(text in "(\\PC|[<>&\"\\\\|`!@#\r\n\u{202e}\u{1b}]){0,60}", times in 1_usize..60) {
        let mut opened = opened();
        opened.owner = None;
        opened.subject = crate::engine::Subject::Run(Box::new(card_with(&text.repeat(times))));
        all_fit(&opened);
    }
}

#[test]
fn there_are_buttons_where_something_can_be_done() {
    let buttons = |name: &str| {
        let said = draft_of(&sample(name), |draft| form::present(draft, Some("oncall")));
        said.rich["blocks"].to_string()
    };
    assert!(buttons("updated").contains("firstred.acknowledge"));
    assert!(!buttons("still_open_acknowledged").contains("firstred.acknowledge"), "somebody did");
    assert!(buttons("still_open_acknowledged").contains("firstred.more"));
    assert!(!buttons("resolved").contains("\"actions\""));
    let bare = draft_of(&opened(), |draft| form::present(draft, None));
    assert!(!bare.rich.to_string().contains("\"actions\""), "nobody would hear a click");
}

const PATIENT: Duration = Duration::from_secs(20);

fn bot(url: &str, timeout: Duration) -> Bot {
    let api_url = Url::parse(url).expect("a URL").join("/api/").expect("a URL");
    let settings = SlackBot {
        token: SecretString::from("xoxb-SECRET"),
        channel: "C0TEST0001".to_owned(),
        api_url,
        app_token: None,
        signing_secret: Some(SecretString::from("SECRET-of-the-app")),
    };
    Bot::build("oncall", &settings, &Common::patient(timeout)).expect("a bot")
}

/// A delivery that nobody tried before.
fn fresh(notification: Notification) -> Delivery {
    Delivery { created_at: clock::now() + Duration::from_hours(1), ..delivery(notification) }
}

fn placed(notification: Notification) -> Delivery {
    let post =
        Place { channel: "C0TEST0001".to_owned(), ts: "1.000001".to_owned(), to: "C0TEST0001".to_owned() }.write();
    Delivery { post, ..fresh(notification) }
}

fn yes(ts: &str) -> String {
    answer(200, "", &format!(r#"{{"ok": true, "channel": "C0TEST0001", "ts": "{ts}"}}"#))
}

fn no(word: &str) -> String {
    answer(200, "", &format!(r#"{{"ok": false, "error": "{word}"}}"#))
}

/// The methods that were called, and their bodies.
async fn attempt(delivery: &Delivery, answers: Vec<String>) -> (Outcome, Vec<(String, Json)>) {
    let (url, asked, server) = http_server(answers).await;
    let outcome = bot(&url, PATIENT).send(delivery, at("2026-11-22T10:14:03Z")).await;
    server.abort();
    (outcome, calls(asked))
}

fn calls(mut asked: tokio::sync::mpsc::UnboundedReceiver<String>) -> Vec<(String, Json)> {
    let mut calls = Vec::new();
    while let Ok(request) = asked.try_recv() {
        let method = request.split(['/', ' ']).nth(3).unwrap_or_default().to_owned();
        let body = request.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        calls.push((method, serde_json::from_str(body).unwrap_or(Json::Null)));
    }
    calls
}

fn methods(calls: &[(String, Json)]) -> Vec<&str> {
    calls.iter().map(|(method, _)| method.as_str()).collect()
}

#[tokio::test]
async fn an_incident_is_posted_once_with_what_finds_it_again() {
    let (outcome, calls) = attempt(&fresh(opened()), vec![yes("1.000001")]).await;
    let Outcome::Delivered { plain: false, post: Some(post), .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(post, r#"{"channel":"C0TEST0001","ts":"1.000001","to":"C0TEST0001"}"#);
    assert_eq!(methods(&calls), ["chat.postMessage"]);
    let metadata = &calls[0].1["metadata"];
    assert_eq!(metadata["event_type"], "firstred_incident");
    assert_eq!(metadata["event_payload"]["delivery"], fresh(opened()).idempotency_key());
}

#[tokio::test]
async fn a_change_edits_the_message_and_is_told_in_its_thread() {
    let (outcome, calls) = attempt(&placed(sample("updated")), vec![yes("1.000001"), yes("1.000002")]).await;
    assert!(
        matches!(&outcome, Outcome::Delivered { post: Some(post), .. } if post.contains("1.000001")),
        "{outcome:?}"
    );
    assert_eq!(methods(&calls), ["chat.update", "chat.postMessage"]);
    assert_eq!((&calls[0].1["ts"], &calls[1].1["thread_ts"]), (&json!("1.000001"), &json!("1.000001")));
    assert!(calls[1].1.get("reply_broadcast").is_none());
    let (_, calls) = attempt(&placed(sample("escalated")), vec![yes("1.000001"), yes("1.000002")]).await;
    assert_eq!(calls[1].1["reply_broadcast"], true);
}

#[tokio::test]
async fn a_message_that_is_gone_is_posted_anew() {
    for word in ["message_not_found", "cant_update_message", "edit_window_closed"] {
        let (outcome, calls) = attempt(&placed(sample("resolved")), vec![no(word), yes("2.000001")]).await;
        assert!(
            matches!(&outcome, Outcome::Delivered { post: Some(post), .. } if post.contains("2.000001")),
            "{outcome:?}"
        );
        assert_eq!(methods(&calls), ["chat.update", "chat.postMessage"]);
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_looked_for_and_not_posted_again() {
    let again = Delivery { attempts: 1, ..fresh(opened()) };
    let key = again.idempotency_key();
    let found = json!({
        "ok": true,
        "messages": [
            { "ts": "1.000008", "metadata": { "event_type": "other", "event_payload": { "delivery": key, "part": "message" } } },
            { "ts": "1.000009", "metadata": { "event_type": "firstred_incident", "event_payload": { "delivery": key, "part": "message" } } },
        ],
    });
    let (outcome, calls) = attempt(&again, vec![answer(200, "", &found.to_string())]).await;
    assert!(
        matches!(&outcome, Outcome::Delivered { post: Some(post), .. } if post.contains("1.000009")),
        "{outcome:?}"
    );
    assert_eq!(methods(&calls), ["conversations.history"]);
    // What an earlier process was about to send is looked for as well: it may have been killed with the answer on the wire.
    let old = Delivery { created_at: at("2026-11-22T10:14:02Z"), ..fresh(opened()) };
    let nothing = json!({ "ok": true, "messages": [] });
    let (_, calls) = attempt(&old, vec![answer(200, "", &nothing.to_string()), yes("1.000001")]).await;
    assert_eq!(methods(&calls), ["conversations.history", "chat.postMessage"]);
}

#[tokio::test]
async fn without_the_scope_to_look_the_message_goes_out_and_may_be_there_twice() {
    let again = Delivery { attempts: 1, ..fresh(opened()) };
    let (outcome, calls) = attempt(&again, vec![no("missing_scope"), yes("1.000001")]).await;
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    assert_eq!(methods(&calls), ["conversations.history", "chat.postMessage"]);
}

#[tokio::test]
async fn a_look_that_fails_is_made_again_before_anything_is_posted() {
    let again = Delivery { attempts: 1, ..fresh(opened()) };
    let limited = answer(429, "retry-after: 30\r\n", r#"{"ok": false, "error": "ratelimited"}"#);
    let (outcome, calls) = attempt(&again, vec![limited]).await;
    assert!(matches!(outcome, Outcome::Refused { permanent: false, retry_after: Some(30), .. }), "{outcome:?}");
    assert_eq!(methods(&calls), ["conversations.history"]);
}

#[tokio::test]
async fn an_answer_that_leaves_it_open_is_unknown() {
    for answers in [vec![String::new()], vec![no("internal_error")], vec![no("fatal_error")]] {
        let (outcome, _) = attempt(&fresh(opened()), answers).await;
        assert!(matches!(&outcome, Outcome::Unknown { reason } if !reason.contains("SECRET")), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_the_blocks_break_still_goes_out_as_plain_text_and_an_edit_clears_them() {
    let (outcome, calls) = attempt(&fresh(opened()), vec![no("invalid_blocks"), yes("1.000001")]).await;
    assert!(matches!(outcome, Outcome::Delivered { plain: true, .. }), "{outcome:?}");
    assert!(calls[1].1.get("blocks").is_none() && calls[1].1.get("attachments").is_none());
    let (outcome, calls) =
        attempt(&placed(sample("resolved")), vec![no("msg_blocks_too_long"), yes("1.000001"), yes("1.000002")]).await;
    assert!(matches!(outcome, Outcome::Delivered { plain: true, .. }), "{outcome:?}");
    assert_eq!((&calls[1].1["blocks"], &calls[1].1["attachments"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_channel_that_is_gone_is_refused_for_good() {
    for word in ["channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "missing_scope"] {
        let (outcome, _) = attempt(&fresh(opened()), vec![no(word)]).await;
        assert!(matches!(outcome, Outcome::Refused { permanent: true, .. }), "{word}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_acknowledgement_of_what_was_told_in_a_summary_posts_nothing() {
    let (outcome, calls) = attempt(&fresh(Notification { kind: Kind::Acknowledged, ..opened() }), Vec::new()).await;
    assert!(matches!(outcome, Outcome::Delivered { post: None, .. }), "{outcome:?}");
    assert!(calls.is_empty());
}

#[tokio::test]
async fn a_reply_that_fails_after_the_message_was_posted_does_not_post_the_message_again() {
    let mut notification = opened();
    notification.subject = crate::engine::Subject::Run(Box::new(card_with(&"a long detail of it ".repeat(200))));
    let limited = answer(429, "retry-after: 1\r\n", r#"{"ok": false, "error": "ratelimited"}"#);
    // Nobody may look: all there is, is what this process remembers.
    let answers = vec![yes("1.000001"), limited, no("missing_scope"), yes("1.000002")];
    let (url, asked, server) = http_server(answers).await;
    let bot = bot(&url, PATIENT);
    let first = bot.send(&fresh(notification.clone()), at("2026-11-22T10:14:03Z")).await;
    assert!(matches!(first, Outcome::Refused { permanent: false, retry_after: Some(1), .. }), "{first:?}");
    let again = Delivery { attempts: 1, ..fresh(notification) };
    let second = bot.send(&again, at("2026-11-22T10:14:05Z")).await;
    server.abort();
    assert!(matches!(&second, Outcome::Delivered { post: Some(post), .. } if post.contains("1.000001")), "{second:?}");
    let calls = calls(asked);
    assert_eq!(methods(&calls), ["chat.postMessage", "chat.postMessage", "conversations.replies", "chat.postMessage"]);
    assert!(calls[3].1["thread_ts"] == "1.000001");
}
