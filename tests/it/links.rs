//! The links in messages: a scanner that follows all of them changes nothing, a person who presses a button does, and each address acts
//! in its own name.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::client::{Answered, Client};
use crate::support::daemon::Daemon;
use crate::support::runs::{at, failed, in_status, with};
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use crate::support::smtp::{Mail, Smtp};
use crate::support::webhook::{Webhook, leaves};

/// How people reach the daemon: through a proxy, under a path.
const PUBLIC: &str = "https://red.example.com/tools";

fn setup() -> Setup {
    Setup::new().public_url(PUBLIC)
}

async fn mailed(setup: Setup, to: &[&str]) -> (Smtp, Daemon) {
    let smtp = Smtp::start().await;
    let setup = setup.defaults(&["mail"], "10m").email("mail", &smtp, to, "timeout = \"3s\"");
    let daemon = Daemon::start(&setup).await;
    (smtp, daemon)
}

/// The links to pages in a text, as they stand there.
fn links(text: &str) -> Vec<String> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '#'));
    let start = format!("{PUBLIC}/i/");
    let after = text.split(&start).skip(1);
    after.map(|rest| format!("/i/{}", rest.split(ends).next().unwrap_or_default())).collect()
}

/// The page that a mail leads to.
fn page(mail: &Mail) -> String {
    let link = links(&mail.text).into_iter().next().expect("a link");
    link.split('#').next().unwrap_or_default().to_owned()
}

async fn to(smtp: &Smtp, address: &str, needle: &str) -> Mail {
    smtp.wait_for(2, SOON).await;
    smtp.about(needle).into_iter().find(|mail| mail.to == [address]).expect("a mail to this address")
}

async fn ask(daemon: &Daemon, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    let url = format!("{}{path}", daemon.base());
    Client::default().send(method, &url, headers, body.into()).await.expect("the daemon answers")
}

async fn press(daemon: &Daemon, path: &str, body: &str) -> Answered {
    // What a browser sends from our page, which gives no referrer.
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "null"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ];
    ask(daemon, "POST", path, &headers, body).await
}

async fn state(daemon: &Daemon) -> (Value, Value) {
    let incidents = daemon.api("GET", "incidents", None).await.json();
    (incidents[0]["acknowledged"]["by"].clone(), daemon.api("GET", "silences", None).await.json())
}

#[tokio::test]
async fn a_scanner_that_follows_every_link_changes_nothing_and_a_button_acknowledges_in_the_reader_s_name() {
    let (smtp, daemon) = mailed(setup(), &["ann@example.com", "bob@example.com"]).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let (ann, bob) = (to(&smtp, "ann@example.com", "lead-sync").await, to(&smtp, "bob@example.com", "lead-sync").await);
    for mail in [&ann, &bob] {
        let (text, html) = (links(&mail.text), links(&mail.html));
        assert_eq!((text.len(), &html), (3, &text), "Acknowledge, Silence, Why in both parts");
        for link in text {
            let path = link.split('#').next().unwrap_or_default();
            for path in
                [path.to_owned(), format!("{path}/ack"), format!("{path}/silence"), format!("{path}/ack?for=1h")]
            {
                for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
                    let answer = ask(&daemon, method, &path, &[], "").await;
                    assert!(matches!(answer.status, 200 | 303 | 405), "{method} {path}: {}", answer.status);
                }
            }
        }
    }
    assert_eq!(state(&daemon).await, (Value::Null, json!([])));
    assert_ne!(page(&ann), page(&bob));

    let shown = ask(&daemon, "GET", &page(&ann), &[], "").await.text;
    for needle in [
        "lead-sync",
        "AUTH_MISSING",
        "Create contact",
        "Nobody has acknowledged",
        "told mail that it failed",
        "ann@example.com",
    ] {
        assert!(shown.contains(needle), "no {needle:?} in\n{shown}");
    }
    assert!(shown.contains("href=\"https://flows.example.com/runs/r1\""), "{shown}");
    let pressed = press(&daemon, &format!("{}/ack", page(&ann)), "").await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    assert_eq!(pressed.location, format!("..{}?done=ack", page(&ann).replacen("/i", "", 1)));
    // A double click, and a colleague who was slower.
    for mail in [&ann, &bob] {
        let again = press(&daemon, &format!("{}/ack", page(mail)), "").await;
        assert!(again.status == 303 && again.location.ends_with("?done=known"), "{again:?}");
    }
    assert_eq!(state(&daemon).await, (json!("ann@example.com"), json!([])));
    let shown = ask(&daemon, "GET", &page(&bob), &[], "").await.text;
    assert!(shown.contains("Acknowledged by ann@example.com") && !shown.contains(">Acknowledge</button>"), "{shown}");
    assert!(!daemon.log().contains("/i/"), "no link in the log");
}

#[tokio::test]
async fn a_silence_from_a_link_is_made_once_and_what_it_holds_back_is_counted() {
    let (smtp, daemon) = mailed(setup(), &["ann@example.com"]).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let mail = smtp.wait_about("lead-sync", SOON).await;
    let path = format!("{}/silence", page(&mail));
    for _ in 0..2 {
        assert_eq!(press(&daemon, &path, "for=1h").await.status, 303);
    }
    let (_, silences) = state(&daemon).await;
    assert_eq!(silences.as_array().map(Vec::len), Some(1), "{silences:#}");
    assert_eq!(
        (&silences[0]["by"], &silences[0]["match"]["workflow"]),
        (&json!("ann@example.com"), &json!("lead-sync"))
    );
    let shown = ask(&daemon, "GET", &page(&mail), &[], "").await.text;
    assert!(shown.contains("Silenced by ann@example.com until"), "{shown}");
    assert_eq!(press(&daemon, &path, "for=10y").await.status, 400);
    assert_eq!(ask(&daemon, "POST", &path, &[("origin", "https://evil.example")], "for=24h").await.status, 403);
    assert_eq!(ask(&daemon, "POST", &path, &[("sec-fetch-site", "cross-site")], "for=24h").await.status, 403);
    assert_eq!(state(&daemon).await.1.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_link_outlives_the_daemon_but_not_its_key() {
    let (smtp, mut daemon) = mailed(setup(), &["ann@example.com"]).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let page = page(&smtp.wait_about("lead-sync", SOON).await);
    daemon.crash().await;
    assert_eq!(ask(&daemon, "GET", &page, &[], "").await.status, 200);
    let mut flipped = page.clone();
    let last = flipped.pop();
    flipped.push(if last == Some('A') { 'B' } else { 'A' });
    assert_eq!(ask(&daemon, "GET", &flipped, &[], "").await.status, 403);
    let key = daemon.folder().join("firstred.db.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&key).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    daemon.terminate(Duration::from_secs(15)).await;
    std::fs::remove_file(&key).expect("it is there");
    daemon.restart().await;
    assert_eq!(ask(&daemon, "GET", &page, &[], "").await.status, 403);
    assert_eq!(press(&daemon, &format!("{page}/ack"), "").await.status, 403);
    assert_eq!(state(&daemon).await.0, Value::Null);
}

#[tokio::test]
async fn what_is_over_shows_its_proof_and_has_no_buttons() {
    let (smtp, daemon) = mailed(setup(), &["ann@example.com"]).await;
    daemon.ingest(&with(failed("r1", "lead-sync"), "startedAt", at(-5))).await;
    let opened = page(&smtp.wait_about("lead-sync", SOON).await);
    let mut passed = in_status("r2", "lead-sync", "completed");
    passed["startedAt"] = at(0).into();
    daemon.ingest(&passed).await;
    let mails = smtp.wait_for(2, SOON).await;
    assert_eq!(links(&mails[1].text).len(), 1, "only Why: {}", mails[1].text);
    let shown = ask(&daemon, "GET", &opened, &[], "").await.text;
    assert!(shown.contains("RECOVERED") && shown.contains("AUTH_MISSING"), "{shown}");
    assert!(!shown.contains("<button"), "{shown}");
    let late = press(&daemon, &format!("{opened}/ack"), "").await;
    assert_eq!(late.status, 303, "{}", late.text);
    assert!(ask(&daemon, "GET", &format!("{opened}?done=known"), &[], "").await.text.contains("it is over"));
}

#[tokio::test]
async fn every_channel_has_the_links_and_a_log_has_none() {
    let (slack, webhook) = (Slack::start().await, Webhook::start(Duration::ZERO).await);
    let setup = setup()
        .defaults(&["oncall", "hook", "console"], "10m")
        .slack("oncall", &slack, "")
        .webhook("hook", &webhook, "")
        .toml("[receivers.console]\ntype = \"console\"");
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let post = slack.wait_about("lead-sync", SOON).await;
    slack.assert_well_formed();
    let said = leaves(&post.body).join("\n");
    assert_eq!(links(&said).len(), 3, "{said}");
    let first = said.find("https://flows.example.com/runs/r1").expect("the run");
    assert!(first < said.find(PUBLIC).expect("the page"), "the run comes first: {said}");
    let hits = webhook.wait(SOON, |hits| !hits.is_empty()).await.expect("a hit");
    let page = hits[0].body.pointer("/data/links/incident").and_then(Value::as_str).expect("a link").to_owned();
    webhook.assert_signed();
    let path = page.strip_prefix(PUBLIC).expect("our link");
    assert!(ask(&daemon, "GET", path, &[], "").await.text.contains("This link is for hook"));
    // What is printed by a command is put down to nobody in particular.
    let incidents = daemon.api("GET", "incidents", None).await.json();
    let said = daemon.command(&["incidents", incidents[0]["id"].as_str().expect("an id")]);
    let printed = links(&said.out);
    assert_eq!(printed.len(), 1, "{said:#?}");
    assert_eq!(press(&daemon, &format!("{}/ack", printed[0]), "").await.status, 303);
    assert_eq!(state(&daemon).await.0, json!("(the command line)"));
    assert!(!daemon.log().contains("/i/"), "{}", daemon.log());
}

#[tokio::test]
async fn without_a_public_url_there_are_no_links_and_no_pages_and_a_reload_brings_them() {
    let smtp = Smtp::start().await;
    let bare = Setup::new().defaults(&["mail"], "10m").email("mail", &smtp, &["ann@example.com"], "timeout = \"3s\"");
    let daemon = Daemon::start(&bare).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let mail = smtp.wait_about("lead-sync", SOON).await;
    assert!(!mail.says("/i/") && !mail.says("Acknowledge"), "{}", mail.text);
    assert_eq!(ask(&daemon, "GET", "/i/x", &[], "").await.status, 404);
    assert_eq!(ask(&daemon, "POST", "/i/x/ack", &[], "").await.status, 404);
    bare.public_url(PUBLIC).write();
    daemon.signal("HUP");
    daemon.wait_log("is in force").await;
    assert_eq!(ask(&daemon, "GET", "/i/x", &[], "").await.status, 403);
    daemon.ingest(&failed("r2", "other-sync")).await;
    let mail = smtp.wait_about("other-sync", SOON).await;
    assert_eq!(links(&mail.text).len(), 3, "{}", mail.text);
}

#[tokio::test]
async fn who_is_not_told_any_more_sees_and_does_nothing_by_an_old_link() {
    let smtp = Smtp::start().await;
    let both = ["ann@example.com", "bob@example.com"];
    let mut setup = setup().defaults(&["mail"], "10m").email("mail", &smtp, &both, "timeout = \"3s\"");
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let (ann, bob) = (to(&smtp, both[0], "lead-sync").await, to(&smtp, both[1], "lead-sync").await);
    assert_eq!(ask(&daemon, "GET", &page(&bob), &[], "").await.status, 200);
    setup.rewrite(|rest| *rest = rest.replace(", \"bob@example.com\"", ""));
    daemon.signal("HUP");
    daemon.wait_log("is in force").await;
    assert_eq!(ask(&daemon, "GET", &page(&bob), &[], "").await.status, 410);
    assert_eq!(press(&daemon, &format!("{}/ack", page(&bob)), "").await.status, 410);
    assert_eq!(state(&daemon).await.0, Value::Null);
    assert_eq!(ask(&daemon, "GET", &page(&ann), &[], "").await.status, 200);
}
