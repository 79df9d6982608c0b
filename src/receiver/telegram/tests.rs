//! Tests of the Telegram receiver: its form against Telegram's limits, its calls against a server of our own.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::engine::{Kind, Notification};
use crate::receiver::samples::incidents;
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{answer, at, card, delivery, http_server, of_card, samples};

fn form(notification: &Notification, write: impl Fn(&Draft<'_>) -> String) -> String {
    write(&Composer::default().draft(&delivery(notification.clone())))
}

#[test]
fn the_messages_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_snapshot!(format!("telegram_{name}"), form(&notification, html::card));
    }
}

#[test]
fn the_short_messages_and_the_plain_form_are_as_they_were() {
    for (name, notification) in incidents::samples() {
        if must_be_seen(notification.kind) {
            insta::assert_snapshot!(format!("telegram_short_{name}"), form(&notification, html::pointer));
        }
    }
    insta::assert_snapshot!(form(&of_card(card()), html::plain));
}

/// Reads `html` as Telegram does: only its tags, each closed where it was opened, only its entities; and gives back what is outside of code.
fn check(html: &str) -> String {
    let (mut open, mut rest, mut units, mut loose) = (Vec::new(), html, 0, String::new());
    while let Some(c) = rest.chars().next() {
        let (shown, after) = match c {
            '<' => {
                let (tag, after) = rest[1..].split_once('>').expect("an end");
                match tag.strip_prefix('/') {
                    Some(name) => assert_eq!(open.pop(), Some(name), "{html}"),
                    None => open.push(tag.split(' ').next().expect("a name")),
                }
                let known = ["b", "i", "s", "a", "code", "pre"];
                assert!(open.iter().all(|name| known.contains(name)), "{tag} in {html}");
                rest = after;
                continue;
            }
            '&' => {
                let (name, after) = rest[1..].split_once(';').expect("an entity");
                (["lt", "gt", "amp", "quot"].contains(&name).then_some('&').expect("a known one"), after)
            }
            c => (c, &rest[c.len_utf8()..]),
        };
        units += shown.len_utf16();
        if !open.iter().any(|name| ["code", "pre", "a"].contains(name)) {
            loose.push(shown);
        }
        rest = after;
    }
    assert!(open.is_empty() && (1..=4_096).contains(&units), "{units} units, {open:?} open");
    assert!(!html.contains("></"), "an empty element in {html}");
    loose
}

fn links_nothing(loose: &str) {
    let live = regex::Regex::new(r"@[\pL\pN_]|://|[\pL\pN]\.[\pL]").expect("a pattern");
    assert!(!live.is_match(loose), "{:?} in {loose:?}", live.find(loose));
}

#[test]
fn hostile_texts_stay_texts_and_within_the_limits() {
    for notification in everything() {
        links_nothing(&check(&form(&notification, html::card)));
        links_nothing(&check(&form(&notification, html::pointer)));
        let plain = form(&notification, html::plain);
        assert!((1..=4_096).contains(&plain.encode_utf16().count()));
        let rest: Vec<&str> = plain.lines().filter(|line| !line.contains("  http")).collect();
        links_nothing(&rest.join("\n"));
    }
}

#[test]
fn an_owner_with_a_username_is_called() {
    let (_, mut opened) = incidents::samples().remove(0);
    opened.owner.as_mut().expect("an owner").mention = Some("@growth_team".to_owned());
    assert!(form(&opened, html::card).contains(" @growth_team\n"));
    assert!(form(&opened, html::pointer).ends_with("\n@growth_team"));
}

async fn attempt(answers: Vec<(u16, &str)>, kind: Kind, post: Option<&str>) -> (Outcome, Vec<(String, Value)>) {
    let answers = answers.into_iter().map(|(status, body)| answer(status, "", body)).collect();
    let (url, mut asked, server) = http_server(answers).await;
    let settings = TelegramReceiver {
        token: SecretString::from("123:tok_en-SECRET"),
        chat_id: "-100".to_owned(),
        topic: Some(9),
        api_url: Url::parse(&url).expect("a URL").join("/").expect("a root"),
    };
    let telegram = Telegram::build(&settings, &Common::patient(Duration::from_secs(20))).expect("a receiver");
    let (_, notification) = incidents::samples().into_iter().find(|(_, said)| said.kind == kind).expect("a sample");
    let delivery = Delivery { post: post.map(str::to_owned), ..delivery(notification) };
    let outcome = telegram.send(&delivery, at("2026-11-22T10:14:03Z")).await;
    server.abort();
    let mut requests = Vec::new();
    while let Ok(request) = asked.try_recv() {
        let (head, body) = request.split_once("\r\n\r\n").expect("a body");
        let method = head.split(' ').nth(1).and_then(|path| path.rsplit_once('/')).expect("a method").1;
        requests.push((method.to_owned(), serde_json::from_str(body).expect("JSON")));
    }
    (outcome, requests)
}

const POSTED: &str = r#"{"ok":true,"result":{"message_id":5,"chat":{"id":-100}}}"#;
const REPLIED: &str = r#"{"ok":true,"result":{"message_id":6,"chat":{"id":-100}}}"#;
const MOVED: &str = r#"{"ok":false,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1009}}"#;

fn said_in(message: i64, post: &str) -> Outcome {
    Outcome::Delivered { receipt: format!("message {message}"), plain: false, post: Some(post.to_owned()) }
}

#[tokio::test]
async fn the_first_message_is_posted_and_its_place_is_kept() {
    let (outcome, asked) = attempt(vec![(200, POSTED)], Kind::Failed, None).await;
    assert_eq!(outcome, said_in(5, "-100/5"));
    let (method, body) = &asked[0];
    assert_eq!(
        (method.as_str(), &body["chat_id"], &body["message_thread_id"]),
        ("sendMessage", &json!(-100), &json!(9))
    );
    assert_eq!(body["link_preview_options"]["is_disabled"], true);
}

#[tokio::test]
async fn what_changes_without_news_is_edited_and_an_edit_that_changes_nothing_is_one() {
    let unchanged =
        r#"{"ok":false,"description":"Bad Request: message is not modified: specified new message content"}"#;
    for answer in [(200, POSTED), (400, unchanged)] {
        let (outcome, asked) = attempt(vec![answer], Kind::Resolved, Some("-100/5")).await;
        assert_eq!(outcome, said_in(5, "-100/5"));
        assert_eq!((asked[0].0.as_str(), &asked[0].1["message_id"]), ("editMessageText", &json!(5)));
    }
}

#[tokio::test]
async fn what_people_must_see_is_said_in_a_reply() {
    for kind in [Kind::Reopened, Kind::Escalated, Kind::StillOpen] {
        let (outcome, asked) = attempt(vec![(200, POSTED), (200, REPLIED)], kind, Some("-100/5")).await;
        assert_eq!(outcome, said_in(6, "-100/5"));
        assert_eq!((asked[0].0.as_str(), asked[1].0.as_str()), ("editMessageText", "sendMessage"));
        assert_eq!(asked[1].1["reply_parameters"], json!({ "message_id": 5, "allow_sending_without_reply": true }));
    }
}

#[tokio::test]
async fn a_message_that_somebody_deleted_is_posted_anew() {
    let gone = (400, r#"{"ok":false,"description":"Bad Request: message to edit not found"}"#);
    let (outcome, asked) = attempt(vec![gone, (200, REPLIED)], Kind::Resolved, Some("-100/5")).await;
    assert_eq!(outcome, said_in(6, "-100/6"));
    assert_eq!(asked[1].0, "sendMessage");
}

#[tokio::test]
async fn a_message_in_the_chat_of_another_configuration_is_left_alone() {
    let (outcome, asked) = attempt(vec![(200, REPLIED)], Kind::Resolved, Some("-777/5")).await;
    assert_eq!(outcome, said_in(6, "-100/6"));
    assert_eq!((asked[0].0.as_str(), &asked[0].1["chat_id"]), ("sendMessage", &json!(-100)));
}

#[tokio::test]
async fn a_group_that_got_another_number_is_followed() {
    let there = r#"{"ok":true,"result":{"message_id":2,"chat":{"id":-1009}}}"#;
    for (kind, post) in [(Kind::Failed, None), (Kind::Resolved, Some("-100/5"))] {
        let (outcome, asked) = attempt(vec![(400, MOVED), (200, there)], kind, post).await;
        assert_eq!(outcome, said_in(2, "-1009/2"));
        assert_eq!((asked[1].0.as_str(), &asked[1].1["chat_id"]), ("sendMessage", &json!(-1009)));
    }
    let (outcome, asked) = attempt(vec![(400, MOVED), (400, MOVED), (400, MOVED)], Kind::Failed, None).await;
    assert!(matches!(outcome, Outcome::Refused { permanent: false, .. }) && asked.len() == 3, "{outcome:?}");
}

#[tokio::test]
async fn what_the_marks_break_still_goes_out_as_plain_text() {
    let refused = (400, r#"{"ok":false,"description":"Bad Request: can't parse entities: Unsupported start tag"}"#);
    let (outcome, asked) = attempt(vec![refused, (200, POSTED)], Kind::Failed, None).await;
    assert!(
        matches!(&outcome, Outcome::Delivered { plain: true, post: Some(post), .. } if post == "-100/5"),
        "{outcome:?}"
    );
    assert!(asked[0].1["parse_mode"] == "HTML" && asked[1].1.get("parse_mode").is_none());
    let (outcome, asked) = attempt(vec![refused, refused], Kind::Failed, None).await;
    assert!(matches!(outcome, Outcome::Refused { permanent: true, .. }) && asked.len() == 2, "{outcome:?}");
}

#[tokio::test]
async fn no_reason_repeats_the_token() {
    let echo = (401, r#"{"ok":false,"description":"Unauthorized: bot123:tok_en-SECRET is unknown"}"#);
    let (outcome, _) = attempt(vec![echo], Kind::Failed, None).await;
    let Outcome::Refused { permanent: true, reason, .. } = outcome else { panic!("{outcome:?}") };
    assert!(!reason.contains("SECRET"), "{reason}");
}
