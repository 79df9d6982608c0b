//! What people do in Slack: clicks and commands, by signed requests and by Socket Mode; and who may do what.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::runs::{failed, with};
use crate::support::setup::Setup;
use crate::support::slack_app::{APP_TOKEN, SIGNING, SlackApp, send_as, send_signed};
use crate::support::slack_socket::SlackSocket;

async fn start(more: &str) -> (SlackApp, Daemon) {
    let app = SlackApp::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").toml(&app.receiver("oncall", more));
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    app.wait("a message", |app| app.roots().len() == 1).await;
    (app, daemon)
}

async fn incident(daemon: &Daemon) -> Value {
    daemon.api("GET", "incidents", None).await.json()[0].clone()
}

#[tokio::test]
async fn a_click_by_socket_mode_is_acknowledged_to_slack_and_done_and_a_lost_connection_comes_back() {
    let (app, socket) = (SlackApp::start().await, SlackSocket::start().await);
    app.set_socket(socket.url());
    let setup =
        Setup::new().defaults(&["oncall"], "10m").toml(&app.receiver("oncall", &format!("app_token = {APP_TOKEN:?}")));
    let mut daemon = Daemon::start(&setup).await;
    socket.wait_connection(1).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    app.wait("a message", |app| app.roots().len() == 1).await;
    // What is no click is acknowledged as well, or Slack would send it again and again.
    socket.envelope("e0", "events_api", &json!({ "type": "event_callback" })).await;
    let click = app.click(&app.roots()[0], "firstred.acknowledge", None);
    assert_eq!(socket.envelope("e1", "interactive", &click).await, json!({ "envelope_id": "e1" }));
    app.wait("the edit", |app| app.roots()[0].says("ada (U012AB3CD)")).await;
    // The connection breaks, and Slack wants another one: the next click comes through the third.
    socket.cut().await;
    socket.wait_connection(2).await;
    socket.send(&json!({ "type": "disconnect", "reason": "refresh_requested" })).await;
    socket.wait_connection(3).await;
    let said = socket.envelope("e2", "slash_commands", &app.command("")).await;
    assert!(said["payload"].to_string().contains("lead-sync"), "{said:#}");
    assert_eq!(said["payload"]["response_type"], "ephemeral");
    let log = daemon.log();
    assert!(!log.contains("s3cr3t"), "no token and no ticket in the log");
    let (status, _) = daemon.terminate(std::time::Duration::from_secs(10)).await;
    assert!(status.success());
}

#[tokio::test]
async fn a_problem_is_silenced_and_explained_from_its_message() {
    let (app, daemon) = start(&format!("signing_secret = {SIGNING:?}")).await;
    let root = app.roots().remove(0);
    let quiet = app.click(&root, "firstred.more", Some("Silence for 1 h"));
    for _ in 0..2 {
        assert_eq!(send_signed(&daemon, "oncall", &quiet).await.status, 200);
    }
    app.wait_answer("is silent until").await;
    let silences = daemon.api("GET", "silences", None).await.json();
    assert_eq!(silences.as_array().map(Vec::len), Some(1), "an impatient finger makes one silence: {silences:#}");
    assert_eq!(silences[0]["by"], "ada (U012AB3CD)");
    send_signed(&daemon, "oncall", &app.click(&root, "firstred.more", Some("Why was this told?"))).await;
    app.wait_answer("Told by").await;
    // A link is opened by the browser; that Slack tells us of it means nothing.
    assert_eq!(send_signed(&daemon, "oncall", &app.click(&root, "firstred.open", None)).await.status, 200);
    send_signed(&daemon, "oncall", &app.click(&root, "firstred.acknowledge", None)).await;
    app.wait("the edit", |app| app.roots()[0].edits == 1).await;
    send_signed(&daemon, "oncall", &app.click(&root, "firstred.acknowledge", None)).await;
    app.wait_answer("was acknowledged already").await;
}

#[tokio::test]
async fn a_command_lists_acknowledges_silences_and_explains() {
    let (app, daemon) = start(&format!("signing_secret = {SIGNING:?}")).await;
    let id = incident(&daemon).await["id"].as_str().expect("an id").to_owned();
    for (text, says) in [
        (String::new(), "lead-sync"),
        ("help".to_owned(), "firstred silence ID 2h"),
        ("dance".to_owned(), "Nothing was done"),
        (format!("why {}", &id[..10]), "First error"),
        (format!("ack {id}"), "is acknowledged by ada (U012AB3CD)"),
        (format!("ack {id}"), "was acknowledged already"),
        (format!("silence {id} 2h"), "is silent until"),
        (format!("silence {id} 4000h"), "90 days at most"),
        ("ack i_ffff".to_owned(), "No incident that was told here"),
    ] {
        let answer = send_signed(&daemon, "oncall", &app.command(&text)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.text.contains(says) && answer.json()["response_type"] == "ephemeral", "{text}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_slack_did_not_sign_lately_is_refused() {
    let (app, daemon) = start(&format!("signing_secret = {SIGNING:?}")).await;
    let click = app.click(&app.roots()[0], "firstred.acknowledge", None);
    assert_eq!(send_as(&daemon, "oncall", &click, "another-secret", 0).await.status, 401);
    assert_eq!(send_as(&daemon, "oncall", &click, SIGNING, 400).await.status, 401);
    assert_eq!(send_as(&daemon, "oncall", &click, SIGNING, -400).await.status, 401);
    assert_eq!(send_as(&daemon, "nobody", &click, SIGNING, 0).await.status, 404);
    assert_eq!(daemon.get("/slack/oncall").await.status, 405);
    assert!(incident(&daemon).await.get("acknowledged").is_none());
    assert_eq!(send_signed(&daemon, "oncall", &json!({ "type": "view_closed" })).await.status, 200);
}

#[tokio::test]
async fn nobody_sees_or_changes_what_was_told_in_another_channel() {
    let (acme, bolt) = (SlackApp::start().await, SlackApp::start().await);
    let setup = Setup::new()
        .defaults(&["acme", "bolt"], "10m")
        .toml(&acme.receiver("acme", &format!("workspaces = [\"acme\"]\nsigning_secret = {SIGNING:?}")))
        .toml(&bolt.receiver("bolt", "workspaces = [\"bolt\"]\nsigning_secret = \"of-the-other-app-s3cr3t\""));
    let daemon = Daemon::start(&setup).await;
    daemon
        .ingest(&json!([
            with(failed("r1", "lead-sync"), "workspace", "acme"),
            with(failed("r2", "payroll"), "workspace", "bolt"),
        ]))
        .await;
    acme.wait("a message", |app| app.roots().len() == 1).await;
    bolt.wait("a message", |app| app.roots().len() == 1).await;
    let theirs = daemon.api("GET", "incidents", None).await.json();
    let theirs = theirs.as_array().expect("a list").iter().find(|one| one["workspace"] == "bolt").expect("one").clone();
    let id = theirs["id"].as_str().expect("an id");
    let listed = send_signed(&daemon, "acme", &acme.command("")).await;
    assert!(listed.text.contains("lead-sync") && !listed.text.contains("payroll"), "{}", listed.text);
    for text in [format!("ack {id}"), format!("why {id}"), format!("silence {id} 2h"), "why i_".to_owned()] {
        let answer = send_signed(&daemon, "acme", &acme.command(&text)).await;
        assert!(!answer.text.contains("payroll"), "{text}: {}", answer.text);
    }
    // A click with a value that was made up.
    let mut click = acme.click(&acme.roots()[0], "firstred.acknowledge", None);
    click["actions"][0]["value"] = id.into();
    send_signed(&daemon, "acme", &click).await;
    acme.wait_answer("No incident that was told here").await;
    // In a channel of nobody.
    let mut elsewhere = acme.command("");
    elsewhere["channel_id"] = "C0ELSEWHERE".into();
    let answer = send_signed(&daemon, "acme", &elsewhere).await;
    assert!(answer.text.contains("no receiver of firstred is known to post to this channel"), "{}", answer.text);
    let theirs = daemon.api("GET", &format!("incidents/{id}"), None).await.json();
    assert!(theirs.get("acknowledged").is_none(), "{theirs:#}");
    assert_eq!(daemon.api("GET", "silences", None).await.json(), json!([]));
}
