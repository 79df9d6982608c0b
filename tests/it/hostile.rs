//! Texts that want to be more than text: each goes through ingest to Slack and mail, and stays text. `tests/vectors/hostile.jsonl`.

use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::blocks;
use crate::support::daemon::Daemon;
use crate::support::runs::failed_with;
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use crate::support::smtp::Smtp;

#[tokio::test]
async fn no_hostile_text_breaks_or_forges_a_message() {
    let (slack, smtp) = (Slack::start().await, Smtp::start().await);
    let setup = Setup::new().defaults(&["oncall", "mail"], "10m").slack("oncall", &slack, "").email(
        "mail",
        &smtp,
        &["data@example.com"],
        "",
    );
    let daemon = Daemon::start(&setup).await;
    let vectors: Vec<Value> = include_str!("../vectors/hostile.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a vector is JSON"))
        .collect();
    for (number, vector) in vectors.iter().enumerate() {
        let text = vector["text"].as_str().unwrap_or_default();
        let mut run = failed_with(
            &format!("r{number}"),
            &format!("hostile-{number}-end"),
            json!({"code": "HOSTILE", "message": text, "detail": text}),
        );
        run["steps"][1]["title"] = json!(text);
        daemon.ingest(&run).await;
    }
    for number in 0..vectors.len() {
        let name = format!("hostile-{number}-end");
        slack.wait_about(&name, SOON).await;
        let mail = smtp.wait_about(&name, SOON).await;
        assert_eq!(mail.to, ["data@example.com"]);
        assert!(!mail.subject().contains(['\r', '\n']), "{:?}", mail.subject());
        assert!(!mail.headers.contains_key("bcc"), "{:?}", mail.headers);
        assert!(!mail.html.contains("<script"), "{}", mail.html);
    }
    for post in slack.attempts() {
        assert_eq!(blocks::mistakes(&post.body), Vec::<String>::new(), "{:#}", post.body);
    }
    assert_eq!(smtp.offences(), Vec::<String>::new());
    let control = daemon.log().chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "the log holds control characters");
}
