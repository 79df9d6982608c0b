//! The doubles are strict: each is shown a good client and a bad one.

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde_json::json;
use std::time::Duration;

use super::SOON;
use super::client::Client;
use super::engine::{EngineApi, Fault, TOKEN};
use super::slack::{Next, Slack};
use super::smtp::{PASSWORD, Protection, Smtp, USER};
use super::webhook::{Webhook, sign, sign_with};

#[tokio::test]
async fn the_slack_double_posts_what_is_good_and_refuses_what_is_not() {
    let slack = Slack::start().await;
    let client = Client::default();
    let post = async |body: serde_json::Value| {
        let headers = [("content-type", "application/json")];
        client.post(&slack.url(), &headers, body.to_string().into_bytes()).await
    };
    let good = json!({"text": "a failed", "unfurl_links": false, "unfurl_media": false});
    let answer = post(good.clone()).await.expect("an answer");
    assert_eq!((answer.status, answer.text.as_str()), (200, "ok"));
    let bad = post(json!({"text": "b failed", "blocks": [{"type": "section"}]})).await.expect("an answer");
    assert_eq!((bad.status, bad.text.as_str()), (400, "invalid_blocks"));
    slack.script([Next::DropAfterStoring, Next::RateLimited(1)]);
    assert!(post(good.clone()).await.is_err(), "the connection is cut");
    assert_eq!(post(good.clone()).await.expect("an answer").status, 429);
    assert_eq!(post(good.clone()).await.expect("an answer").status, 200);
    assert_eq!(slack.ignored_retry_after(), 1);
    slack.enforce_pace();
    assert_eq!(post(good).await.expect("an answer").status, 429, "two in a second");
    assert_eq!(slack.wait_for(3, SOON).await.len(), 3);
    assert_eq!(slack.attempts().len(), 6);
    let elsewhere = client.post(&slack.url().replace("B0", "B1"), &[], Vec::new()).await.expect("an answer");
    assert_eq!((elsewhere.status, elsewhere.text.as_str()), (404, "no_service"));
}

fn mail(to: &str) -> Message {
    Message::builder()
        .from("firstred <firstred@example.com>".parse().expect("a mailbox"))
        .to(to.parse::<Mailbox>().expect("a mailbox"))
        .subject("[firstred] ö failed")
        .multipart(lettre::message::MultiPart::alternative_plain_html(
            "text\n.\nend".to_owned(),
            "<p>html</p>".to_owned(),
        ))
        .expect("a message")
}

#[tokio::test]
async fn the_smtp_double_speaks_tls_and_auth_and_keeps_what_it_takes() {
    for protection in [Protection::StartTls, Protection::Implicit] {
        let folder = tempfile::tempdir().expect("a folder");
        let smtp = Smtp::start_protected(protection, folder.path()).await;
        let pem = std::fs::read(smtp.ca_file()).expect("written");
        let trust = TlsParameters::builder("localhost".to_owned())
            .add_root_certificate(Certificate::from_pem(&pem).expect("PEM"))
            .build()
            .expect("parameters");
        let tls = if protection == Protection::StartTls { Tls::Required(trust) } else { Tls::Wrapper(trust) };
        let port = smtp.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let transport = |password: &str, tls: Tls| {
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
                .port(port)
                .tls(tls)
                .credentials(Credentials::new(USER.to_owned(), password.to_owned()))
                .build()
        };
        transport(PASSWORD, tls.clone()).send(mail("ann@example.com")).await.expect("taken");
        transport("wrong", tls).send(mail("ann@example.com")).await.expect_err("a wrong password");
        let mails = smtp.wait_for(1, SOON).await;
        assert_eq!((mails.len(), mails[0].subject()), (1, "[firstred] ö failed"));
        assert!(
            mails[0].encrypted && mails[0].text.contains("\n.\n") && mails[0].html.contains("<p>html</p>"),
            "{mails:?}"
        );
        assert_eq!(smtp.offences(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_smtp_double_refuses_greylists_and_hangs_up() {
    let smtp = Smtp::start().await;
    let port = smtp.url().rsplit([':', '?']).nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port).build();
    smtp.script(|script| {
        script.refused.insert("gone@example.com".to_owned());
        script.greylisted.insert("grey@example.com".to_owned());
    });
    assert!(transport.send(mail("gone@example.com")).await.expect_err("refused").is_permanent());
    assert!(transport.send(mail("grey@example.com")).await.expect_err("greylisted").is_transient());
    transport.send(mail("grey@example.com")).await.expect("taken on the second try");
    smtp.script(|script| script.drops_after_dot = 1);
    transport.send(mail("ann@example.com")).await.expect_err("no answer after the dot");
    assert_eq!(smtp.mails().len(), 2, "kept all the same");
    smtp.script(|script| script.too_busy = 1);
    assert!(transport.send(mail("ann@example.com")).await.expect_err("busy").is_transient());
}

#[tokio::test]
async fn the_webhook_double_wants_a_signature_of_now() {
    let hook = Webhook::start(Duration::ZERO).await;
    let client = Client::default();
    let body = r#"{"type":"t","timestamp":"2026-11-22T00:00:00Z","data":{}}"#.as_bytes();
    let now = firstred::clock::now().as_second();
    for (stamp, tampered, status) in [(now, false, 204), (now, true, 401), (now - 400, false, 401)] {
        let stamp = stamp.to_string();
        let signature = sign("d_1", &stamp, if tampered { b"{}" } else { body });
        let headers = [("webhook-id", "d_1"), ("webhook-timestamp", &stamp), ("webhook-signature", &signature)];
        assert_eq!(client.post(&hook.url(), &headers, body.to_vec()).await.expect("an answer").status, status);
    }
    hook.script([500]);
    assert_eq!(hook.by_id()["d_1"].len(), 1);
    assert_eq!(hook.next_life(), 1);
}

/// The known answer of the Standard Webhooks reference libraries.
#[test]
fn the_signature_is_the_one_of_the_specification() {
    let signature = sign_with(
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        "1731705121",
        br#"{"event_type":"ping","data":{"success":true}}"#,
    );
    assert_eq!(signature, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
}

#[tokio::test]
async fn the_engine_double_pages_and_breaks() {
    let engine = EngineApi::start(2).await;
    for id in ["a", "b", "c"] {
        engine.set(id, "wf", "error");
    }
    let get = async |url: String| {
        #[expect(
            clippy::disallowed_methods,
            reason = "this request needs a header that the tests' client has no use for"
        )]
        let request = reqwest::Client::new().get(url).header("authorization", format!("Bearer {TOKEN}"));
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a body");
        (status, serde_json::from_str::<serde_json::Value>(&body).unwrap_or_default())
    };
    let (status, first) = get(engine.url()).await;
    assert_eq!((status, &first["next"], first["entries"][0]["uid"].as_str()), (200, &json!("c1"), Some("c")));
    assert!(first["entries"][0].get("nodes").is_none());
    let (_, second) = get(format!("{}?cursor=c1", engine.url())).await;
    assert_eq!((&second["next"], second["entries"][0]["uid"].as_str()), (&json!(null), Some("a")));
    let (_, detail) = get(format!("{}/a", engine.url())).await;
    assert_eq!(detail["nodes"][1]["fault"]["code"], "QUOTA_EXCEEDED");
    engine.script([Fault::Status(500)]);
    assert_eq!(get(engine.url()).await.0, 500);
    engine.break_page(1, Some(Fault::WrongShape));
    assert!(get(format!("{}?cursor=c1", engine.url())).await.1["entries"].is_string());
    assert_eq!(Client::default().get(&engine.url()).await.expect("an answer").status, 401);
}
