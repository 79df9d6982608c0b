//! No secret of an error text reaches a message, the log or the ledger; what is no secret stays. `tests/vectors/secrets.jsonl`.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::{failed, failed_with};
use crate::support::setup::{Setup, TOKEN};
use crate::support::slack::{SECRET_PATH, Slack};
use crate::support::smtp::Smtp;
use crate::support::webhook::{SECRET, Webhook};

fn vectors() -> Vec<Value> {
    let lines = include_str!("../vectors/secrets.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("a vector is JSON")).collect()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn no_secret_reaches_a_message_the_log_or_the_ledger() {
    let (slack, smtp, hook) = (Slack::start().await, Smtp::start().await, Webhook::start(Duration::ZERO).await);
    let setup = Setup::new()
        .defaults(&["oncall", "mail", "hook"], "10m")
        .slack("oncall", &slack, "")
        .email("mail", &smtp, &["data@example.com"], "")
        .webhook("hook", &hook, "");
    let mut daemon = Daemon::start(&setup).await;
    let vectors = vectors();
    for (number, vector) in vectors.iter().enumerate() {
        let text = &vector["text"];
        let error = json!({"code": "LEAKY", "message": text, "detail": text});
        let mut run = failed_with(&format!("r{number}"), &format!("leak-{number}-end"), error);
        run["error"] = json!({"code": "LEAKY_RUN", "message": text});
        daemon.ingest(&run).await;
    }
    for number in 0..vectors.len() {
        let name = format!("leak-{number}-end");
        slack.wait_about(&name, SOON).await;
        smtp.wait_about(&name, SOON).await;
        let arrived = hook.wait(SOON, |hits| hits.iter().any(|hit| hit.body.to_string().contains(&name))).await;
        assert!(arrived.is_some(), "{name} at the webhook");
    }
    daemon.terminate(Duration::from_secs(10)).await;

    let seen = seen(&slack, &smtp, &hook, &daemon, setup.folder());
    let mut leaks = Vec::new();
    for vector in &vectors {
        for secret in texts(&vector["secrets"]) {
            let places = seen.iter().filter(|(_, text)| text.contains(&secret)).map(|(place, _)| *place);
            leaks.extend(places.map(|place| format!("{} ({}) in {place}", vector["id"], vector["rule"])));
        }
    }
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", leaks.len());
    for secret in [TOKEN, SECRET, SECRET_PATH] {
        for (place, text) in &seen {
            assert!(!text.contains(secret), "a secret of the configuration in {place}");
        }
    }
}

#[tokio::test]
async fn what_is_no_secret_can_still_be_read() {
    let hook = Webhook::start(Duration::ZERO).await;
    let setup = Setup::new().defaults(&["hook"], "10m").webhook("hook", &hook, "");
    let daemon = Daemon::start(&setup).await;
    let vectors = vectors();
    for (number, vector) in vectors.iter().enumerate() {
        let error = json!({"code": "FINE", "message": vector["text"]});
        daemon.ingest(&failed_with(&format!("r{number}"), &format!("keep-{number}-end"), error)).await;
    }
    daemon.ingest(&failed("last", "sentinel")).await;
    let mut lost = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        let name = format!("keep-{number}-end");
        let about = |hit: &crate::support::webhook::Hit| hit.body.to_string().contains(&name);
        let hits = hook.wait(SOON, |hits| hits.iter().any(about)).await.unwrap_or_default();
        let text: String = hits.iter().filter(|hit| about(hit)).map(|hit| all_text(&hit.body)).collect();
        let kept = if vector["kind"] == "negative" {
            vec![vector["text"].as_str().unwrap_or_default().to_owned()]
        } else {
            texts(&vector["must_keep"])
        };
        lost.extend(
            kept.into_iter().filter(|part| !text.contains(part)).map(|part| format!("{}: {part:?}", vector["id"])),
        );
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

fn all_text(value: &Value) -> String {
    crate::support::webhook::leaves(value).join("\n")
}

fn seen(slack: &Slack, smtp: &Smtp, hook: &Webhook, daemon: &Daemon, folder: &Path) -> Vec<(&'static str, String)> {
    let mut seen = vec![("the log", daemon.log())];
    seen.extend(slack.attempts().iter().map(|post| ("Slack", all_text(&post.body))));
    seen.extend(smtp.mails().iter().map(|mail| ("mail", format!("{}\n{}\n{}", mail.raw, mail.text, mail.html))));
    seen.extend(hook.hits().iter().map(|hit| ("the webhook", all_text(&hit.body))));
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.contains(".db") {
            let bytes = std::fs::read(&path).expect("readable");
            seen.push(("the ledger's files", String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    seen
}
