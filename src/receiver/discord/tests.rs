//! Tests of the Discord receiver: its form against Discord's limits, its calls against a server of our own.

use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::engine::{Kind, Notification};
use crate::receiver::form::harmless::harmless_markdown;
use crate::receiver::samples::incidents;
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{answer, at, card, delivery, http_server, of_card, samples};

fn payload(notification: &Notification) -> Value {
    embed::payload(&Composer::default().draft(&delivery(notification.clone())))
}

fn plain(notification: &Notification) -> Value {
    embed::plain_payload(&Composer::default().draft(&delivery(notification.clone())))
}

fn pointer(notification: &Notification) -> Value {
    embed::pointer(
        &Composer::default().draft(&delivery(notification.clone())),
        Some("https://discord.com/channels/1/2/3"),
    )
}

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_json_snapshot!(format!("discord_{name}"), payload(&notification));
    }
}

#[test]
fn the_short_messages_and_the_plain_form_are_as_they_were() {
    for (name, notification) in incidents::samples() {
        if must_be_seen(notification.kind) {
            let said = pointer(&notification)["content"].as_str().expect("content").to_owned();
            insta::assert_snapshot!(format!("discord_short_{name}"), said);
        }
    }
    insta::assert_snapshot!(plain(&of_card(card()))["content"].as_str().expect("content"));
}

/// What Discord's documentation demands, and what we demand of ourselves.
fn check(payload: &Value) {
    let length =
        |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).map_or(0, |text| text.encode_utf16().count());
    assert!(length("/content") <= 2_000);
    let embed = [("/embeds/0/title", 256), ("/embeds/0/description", 4_096), ("/embeds/0/footer/text", 2_048)];
    for (part, most) in embed {
        assert!(length(part) <= most, "{part} has {}", length(part));
        // Discord reads no marks in the footer.
        if !part.contains("footer") {
            harmless_markdown(payload.pointer(part).and_then(Value::as_str).unwrap_or_default());
        }
    }
    assert!(embed.iter().map(|(part, _)| length(part)).sum::<usize>() <= 6_000);
    assert_eq!(payload["allowed_mentions"], serde_json::json!({ "parse": [] }));
}

#[test]
fn hostile_texts_stay_texts_and_within_the_limits() {
    for notification in everything() {
        check(&payload(&notification));
        for form in [plain(&notification), pointer(&notification)] {
            let said = form["content"].as_str().expect("content");
            assert!(!said.trim().is_empty() && said.encode_utf16().count() <= 2_000);
            harmless_markdown(&said.replace("https://discord.com/channels/1/2/3", ""));
        }
    }
}

#[test]
fn the_owner_and_nobody_else_is_called() {
    let (_, mut opened) = incidents::samples().remove(0);
    opened.owner.as_mut().expect("an owner").mention = Some("<@&4567>".to_owned());
    for payload in [payload(&opened), plain(&opened), pointer(&opened)] {
        assert_eq!(payload["allowed_mentions"], serde_json::json!({ "parse": [], "roles": ["4567"] }));
        assert!(payload["content"].as_str().is_some_and(|said| said.contains("<@&4567>")), "{payload}");
    }
}

const POSTED: &str = r#"{"id":"11","channel_id":"7"}"#;

async fn attempt(answers: Vec<(u16, &str)>, kind: Kind, post: Option<&str>) -> (Outcome, Vec<String>) {
    let answers = answers.into_iter().map(|(status, body)| answer(status, "", body)).collect();
    let (url, mut asked, server) = http_server(answers).await;
    let settings = DiscordReceiver { webhook_url: SecretString::from(format!("{url}?thread_id=5")) };
    let discord = Discord::build(&settings, &Common::patient(Duration::from_secs(20))).expect("a receiver");
    let (_, notification) = incidents::samples().into_iter().find(|(_, said)| said.kind == kind).expect("a sample");
    let delivery = Delivery { post: post.map(str::to_owned), ..delivery(notification) };
    let outcome = discord.send(&delivery, at("2026-11-22T10:14:03Z")).await;
    server.abort();
    let mut lines = Vec::new();
    while let Ok(request) = asked.try_recv() {
        lines.push(request.lines().next().expect("a request line").trim_end_matches(" HTTP/1.1").to_owned());
    }
    (outcome, lines)
}

fn said_in(message: &str, post: &str) -> Outcome {
    Outcome::Delivered { receipt: format!("message {message}"), plain: false, post: Some(post.to_owned()) }
}

#[tokio::test]
async fn the_first_message_is_posted_and_its_place_is_kept() {
    let (outcome, asked) = attempt(vec![(200, POSTED)], Kind::Failed, None).await;
    assert_eq!(outcome, said_in("11", "7/11"));
    assert_eq!(asked, ["POST /hook/SECRET?thread_id=5&wait=true"]);
}

#[tokio::test]
async fn what_changes_without_news_is_edited_without_a_sound() {
    for kind in [Kind::Updated, Kind::Resolved] {
        let (outcome, asked) = attempt(vec![(200, POSTED)], kind, Some("7/11")).await;
        assert_eq!(outcome, said_in("11", "7/11"));
        assert_eq!(asked, ["PATCH /hook/SECRET/messages/11?thread_id=5&wait=true"]);
    }
}

#[tokio::test]
async fn what_people_must_see_is_said_in_a_message_of_its_own_that_leads_to_the_first() {
    let answers = vec![(200, POSTED), (200, r#"{"guild_id":"3"}"#), (200, r#"{"id":"12","channel_id":"7"}"#)];
    for kind in [Kind::Reopened, Kind::Escalated, Kind::StillOpen] {
        let (outcome, asked) = attempt(answers.clone(), kind, Some("7/11")).await;
        assert_eq!(outcome, said_in("12", "7/11"));
        assert_eq!(asked.len(), 3);
        assert!(
            asked[0].starts_with("PATCH") && asked[1].starts_with("GET") && asked[2].starts_with("POST /hook/SECRET?")
        );
    }
}

#[tokio::test]
async fn a_message_that_somebody_deleted_is_posted_anew() {
    let gone = (404, r#"{"message":"Unknown Message","code":10008}"#);
    let (outcome, asked) =
        attempt(vec![gone, (200, r#"{"id":"13","channel_id":"7"}"#)], Kind::Resolved, Some("7/11")).await;
    assert_eq!(outcome, said_in("13", "7/13"));
    assert!(asked[1].starts_with("POST"));
}

#[tokio::test]
async fn what_the_embed_breaks_still_goes_out_as_plain_text() {
    let refused = (400, r#"{"message":"Invalid Form Body","code":50035}"#);
    let (outcome, _) = attempt(vec![refused, (200, POSTED)], Kind::Failed, None).await;
    let receipt = "message 11 (plain, for HTTP 400: Invalid Form Body)".to_owned();
    assert_eq!(outcome, Outcome::Delivered { receipt, plain: true, post: Some("7/11".to_owned()) });
    let (outcome, asked) = attempt(vec![refused, refused], Kind::Failed, None).await;
    assert!(matches!(outcome, Outcome::Refused { permanent: true, .. }) && asked.len() == 2, "{outcome:?}");
}

#[tokio::test]
async fn an_edit_that_fails_says_nothing_and_is_tried_again() {
    let (outcome, asked) = attempt(vec![(429, r#"{"retry_after":1.2}"#)], Kind::Escalated, Some("7/11")).await;
    assert!(matches!(outcome, Outcome::Refused { permanent: false, retry_after: Some(2), .. }), "{outcome:?}");
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn no_reason_repeats_the_webhook() {
    let echo = (404, r#"{"message":"no /hook/SECRET?thread_id=5 here","code":10015}"#);
    let (outcome, _) = attempt(vec![echo], Kind::Failed, None).await;
    let Outcome::Refused { permanent: true, reason, .. } = outcome else { panic!("{outcome:?}") };
    assert!(!reason.contains("SECRET"), "{reason}");
}
