//! Who may send.

use secrecy::SecretString;

use super::*;
use crate::clock;
use crate::net::signature::{Secret, sign};

#[tokio::test]
async fn a_bearer_token_is_needed_and_any_of_the_list_will_do() {
    let daemon = start().await;
    for good in ["Bearer old token", "Bearer new token", "bearer new token"] {
        let reply = daemon.post("tokens", &format!("authorization: {good}\r\n"), RUN).await;
        assert_eq!(reply.status, 200, "{good}");
    }
    for bad in ["Bearer old", "Bearer ", "Basic old token", "old token", "Bearer OLD TOKEN", "Bearer old token2"] {
        let reply = daemon.post("tokens", &format!("authorization: {bad}\r\n"), RUN).await;
        assert_eq!(reply.status, 401, "{bad}");
        assert!(reply.head.contains("www-authenticate: bearer\r\n"), "{}", reply.head);
    }
    assert_eq!(daemon.post("tokens", "", RUN).await.status, 401);
    assert_eq!(daemon.inlet.indexes(), [0, 0, 0]);
}

#[tokio::test]
async fn a_stranger_is_answered_before_the_body_is_asked_for() {
    let daemon = start().await;
    let asks_first = "POST /ingest/tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n";
    assert_eq!(daemon.raw(asks_first).await.status, 401);
    let reply = daemon.post("tokens", "", vec![b' '; 199_000]).await;
    assert_eq!(reply.status, 401, "the answer is not lost in a reset");
}

#[tokio::test]
async fn a_reload_changes_who_may_send_on_open_connections_too() {
    let daemon = start().await;
    let mut stream = daemon.connect().await;
    let request = post("tokens", "authorization: Bearer old token\r\n", RUN);
    stream.write_all(&request).await.unwrap();
    assert_eq!(reply(&mut stream).await.status, 200);
    daemon.gates.send_replace(gates(&[("tokens", WebhookAuth::Bearer(vec!["new token".into()]))]));
    stream.write_all(&request).await.unwrap();
    assert_eq!(reply(&mut stream).await.status, 401);
    assert_eq!(daemon.post("tokens", "authorization: Bearer new token\r\n", RUN).await.status, 200);
    assert_eq!(daemon.post("open", "", RUN).await.status, 404, "that source is gone");
}

fn signed(secret: &str, id: &str, at: i64, body: &[u8]) -> String {
    let secret = Secret::parse(&SecretString::from(secret)).unwrap();
    let signature = sign(&[secret], id, at, body);
    format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n")
}

#[tokio::test]
async fn a_signature_must_be_right_and_fresh() {
    let daemon = start().await;
    let now = clock::now().as_second();
    let good = "a secret of sixteen bytes or more";
    let headers = signed(good, "m1", now, RUN.as_bytes());
    assert_eq!(daemon.post("signed", &headers, RUN).await.status, 200);
    for (headers, why) in [
        (signed("another secret of enough bytes", "m1", now, RUN.as_bytes()), "another's"),
        (signed(good, "m1", now, b"{}"), "another body"),
        (signed(good, "m1", now - 400, RUN.as_bytes()), "replayed later"),
        (signed(good, "m1", now + 400, RUN.as_bytes()), "from the future"),
        (headers.replace("webhook-id: m1", "webhook-id: m2"), "another id"),
        (String::new(), "unsigned"),
    ] {
        let reply = daemon.post("signed", &headers, RUN).await;
        assert_eq!((reply.status, reply.json()["error"].is_string()), (401, true), "{why}");
    }
    assert_eq!(daemon.inlet.indexes(), [0]);
}
