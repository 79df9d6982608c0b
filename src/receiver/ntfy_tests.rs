//! Tests of the ntfy receiver: its form against ntfy's limits, how it signs in, its answers.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::receiver::heard::table::{meant, told};
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{answer, at, card, delivery, http_server, of_card, samples};

fn written(notification: &Notification) -> Value {
    payload(&Composer::default().draft(&delivery(notification.clone())), "ops")
}

#[test]
fn the_payloads_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_json_snapshot!(format!("ntfy_{name}"), written(&notification));
    }
}

#[test]
fn hostile_texts_stay_texts_and_within_the_limits() {
    for notification in everything() {
        let payload = written(&notification);
        let message = payload["message"].as_str().expect("a message");
        assert!((1..=4_096).contains(&message.len()), "{} bytes", message.len());
        assert!(!message.contains(['\0', '\r', '\u{1b}', '\u{202e}']));
        let title = payload["title"].as_str().expect("a title");
        assert!(text::length(title) <= 120 && !title.contains('\n'));
        for action in payload["actions"].as_array().into_iter().flatten() {
            assert!(action["url"].as_str().is_some_and(|url| url.starts_with("http")), "{action}");
        }
        assert!(payload["actions"].as_array().is_none_or(|actions| actions.len() <= MOST_ACTIONS));
    }
}

#[test]
fn an_incident_is_one_notification_whatever_its_id_holds() {
    assert_eq!(sequence("i_0f"), "i_0f");
    assert_eq!(sequence("a/b c:ä"), "a_b_c__");
    assert_eq!(sequence(&"x".repeat(100)).len(), 64);
}

async fn signed_in(login: NtfyLogin) -> String {
    let (url, mut asked, server) = http_server(vec![answer(200, "", r#"{"id":"abc"}"#)]).await;
    let settings = NtfyReceiver { url: Url::parse(&url).expect("a URL"), topic: SecretString::from("ops"), login };
    let ntfy = Ntfy::build(&settings, &Common::patient(Duration::from_secs(20))).expect("a receiver");
    let outcome = ntfy.send(&delivery(of_card(card())), at("2026-11-22T10:14:03Z")).await;
    assert_eq!(outcome, Outcome::delivered("message abc"));
    server.abort();
    let request = asked.try_recv().expect("a request");
    let header = request.lines().find(|line| line.to_lowercase().starts_with("authorization: "));
    header.map(|line| line.split_once(": ").expect("a value").1.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_token_or_a_user_signs_in() {
    assert_eq!(signed_in(NtfyLogin::Nobody).await, "");
    assert_eq!(signed_in(NtfyLogin::Token(SecretString::from("tk_1"))).await, "Bearer tk_1");
    let user = NtfyLogin::User("phil".to_owned(), SecretString::from("my:pass"));
    assert_eq!(signed_in(user).await, "Basic cGhpbDpteTpwYXNz");
}

#[test]
fn every_known_answer_has_its_meaning() {
    let said = |code: i64| format!(r#"{{"code":{code},"http":400,"error":"e"}}"#);
    let rows = [
        (200, r#"{"id":"hwQ2YpKdmg","event":"message"}"#.to_owned(), "taken"),
        (200, "<html>Sign in</html>".to_owned(), "transient"),
        (400, said(40_009), "permanent"),
        (400, said(40_018), "rephrase"),
        (400, said(40_024), "rephrase"),
        (401, said(40_101), "permanent"),
        (403, said(40_301), "permanent"),
        (403, "<html>blocked</html>".to_owned(), "transient"),
        (404, said(40_401), "permanent"),
        (413, said(41_301), "rephrase"),
        (429, said(42_901), "wait 30"),
        (307, String::new(), "transient"),
        (500, said(50_001), "transient"),
        (507, said(50_701), "transient"),
    ];
    for (status, body, expected) in rows {
        assert_eq!(told(status, &body, |heard| meant(&meaning(heard))), expected, "{status} {body}");
    }
}
