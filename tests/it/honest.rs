//! What firstred says of itself: the heartbeat, the line of the day, its receivers; and the way out to the network.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::support::SOON;
use crate::support::api::redacted;
use crate::support::daemon::{Daemon, run};
use crate::support::engine::{EngineApi, Fault};
use crate::support::http::{self, Answer, Server};
use crate::support::proxy::Proxy;
use crate::support::record::Record;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::{Next, Slack};
use crate::support::tls::Authority;
use crate::support::webhook::Webhook;

/// A part of the heartbeat's URL that nobody may see.
const PING: &str = "0b7e3c1a-ping-s3cret";

/// A dead man's switch: what it was asked, by method and path.
async fn dead_mans_switch(status: u16) -> (Server, Record<String>) {
    let beats = Record::<String>::default();
    let seen = beats.clone();
    let server = http::serve(move |asked| {
        seen.push(format!("{} {}", asked.method, asked.uri.path()));
        async move { Answer::text(status, "OK") }
    })
    .await;
    (server, beats)
}

fn heartbeat(server: &Server, more: &str) -> String {
    format!("[heartbeat]\nurl = \"http://{}/{PING}\"\nevery = \"1s\"\n{more}", server.address)
}

#[tokio::test]
async fn the_heartbeat_stops_while_a_source_can_not_be_read_and_goes_on_by_itself() {
    let (slack, engine) = (Slack::start().await, EngineApi::start(100).await);
    let (server, beats) = dead_mans_switch(200).await;
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "")
        .engine("prod", &engine)
        .toml(&heartbeat(&server, ""));
    let daemon = Daemon::start(&setup).await;
    beats.wait_for(2, SOON).await.expect("it beats");
    assert_eq!(beats.all()[0], format!("GET /{PING}"));
    let beat = daemon.get("/readyz").await.json()["heartbeat"].clone();
    assert!(beat["ok"] == true && beat["lastSuccess"].is_string(), "{beat}");
    let metric = daemon.metric("firstred_heartbeat_last_success_timestamp_seconds", "").await;
    assert!(metric.is_some_and(|at| at > 1.7e9), "{metric:?}");

    engine.break_page(0, Some(Fault::Status(500)));
    daemon.wait_log("the heartbeat is held back").await;
    let held = beats.all().len();
    engine.wait_polls(2, SOON).await;
    assert_eq!(beats.all().len(), held, "it is silent while firstred is blind");
    let beat = daemon.get("/readyz").await.json()["heartbeat"].clone();
    assert_eq!((&beat["ok"], &beat["error"]), (&json!(false), &json!("source prod was not read lately")), "{beat}");

    engine.break_page(0, None);
    beats.wait_for(held + 2, SOON).await.expect("it beats again");
    daemon.wait_log("the heartbeat goes on").await;
    assert_eq!(daemon.log().matches("the heartbeat is held back").count(), 1, "said once");
    assert!(!daemon.log().contains(PING));
}

#[tokio::test]
async fn the_heartbeat_stops_while_a_receiver_refuses_everything() {
    let (slack, backup) = (Slack::start().await, Slack::start().await);
    let (server, beats) = dead_mans_switch(200).await;
    slack.script(std::iter::repeat_n(Next::Status(404, "no_service"), 2));
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "fallback = \"backup\"")
        .slack("backup", &backup, "")
        .toml(&heartbeat(&server, "method = \"POST\""));
    let daemon = Daemon::start(&setup).await;
    beats.wait_for(1, SOON).await.expect("it beats");
    assert_eq!(beats.all()[0], format!("POST /{PING}"));
    daemon.ingest(&failed("r1", "first-end")).await;
    daemon.ingest(&failed("r2", "second-end")).await;
    daemon.wait_log("receiver oncall takes nothing").await;
    daemon.ingest(&failed("r3", "third-end")).await;
    slack.wait_about("third-end", SOON).await;
    daemon.wait_log("the heartbeat goes on").await;
}

#[tokio::test]
async fn a_heartbeat_that_is_not_taken_is_said_once_and_never_where_it_went() {
    let slack = Slack::start().await;
    let (server, beats) = dead_mans_switch(404).await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").toml(&heartbeat(&server, ""));
    let daemon = Daemon::start(&setup).await;
    beats.wait_for(3, SOON).await.expect("it tries again");
    let readiness = daemon.get("/readyz").await;
    assert!(readiness.accepted(), "it is another path: {}", readiness.text);
    assert_eq!(readiness.json()["heartbeat"], json!({"ok": false, "error": "HTTP 404"}));
    assert_eq!(daemon.log().matches("the heartbeat was not taken").count(), 1);
    assert!(!daemon.log().contains(PING) && !readiness.text.contains(PING));
}

/// Makes the ledger of a daemon that is down believe that its last line was a year ago.
fn a_year_ago(setup: &Setup) {
    let db = Connection::open(setup.folder().join("firstred.db")).expect("the ledger");
    let changed = db.execute("UPDATE facts SET value = value - 10000 WHERE name = 'daily_date'", []).expect("SQL");
    assert_eq!(changed, 1, "a day is on record from the first start on");
}

#[tokio::test]
async fn the_line_of_the_day_is_said_once_over_restarts_and_says_what_was_seen() {
    let (slack, hook) = (Slack::start().await, Webhook::start(Duration::ZERO).await);
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "")
        .webhook("hook", &hook, "")
        .toml("[daily]\nat = \"08:00\"\nzone = \"Europe/Berlin\"\nnotify = [\"oncall\", \"hook\"]");
    let mut daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "nightly-load")).await;
    slack.wait_about("nightly-load", SOON).await;
    assert!(!daemon.log().contains("firstred saw") && hook.hits().is_empty(), "the first start says nothing");
    daemon.kill9();
    a_year_ago(&setup);
    daemon.restart().await;
    let post = slack.wait_about("1 run, 1 failed, 1 told", SOON).await;
    assert!(post.says("Sources and receivers are well") && post.says("1 problem is open"), "{:#}", post.body);
    let hits = hook.wait(SOON, |hits| !hits.is_empty()).await.expect("the webhook is told");
    assert_eq!(hits[0].body["type"], "firstred.daily");
    assert_eq!(
        (&hits[0].body["data"]["daily"]["runs"], &hits[0].body["data"]["daily"]["told"]),
        (&json!(1), &json!(1))
    );
    daemon.wait_log("saw 1 run, 1 failed, 1 told; 1 problem open; sources and receivers are well").await;
    // What is on the wire when the process is killed is sent again: that is another promise.
    let on_record = async |daemon: &Daemon| {
        let shown = daemon.api("GET", "receivers", None).await.json();
        shown.as_array().is_some_and(|all| all.iter().all(|one| one["waiting"] == 0))
    };
    daemon.poll("everything on record", on_record).await;
    for _ in 0..2 {
        daemon.crash().await;
        daemon.wait_ready().await;
    }
    // The next failure comes after whatever was due before it.
    daemon.ingest(&failed("r2", "sentinel-end")).await;
    slack.wait_about("sentinel-end", SOON).await;
    assert_eq!(slack.about("1 told").len(), 1, "once");
    slack.assert_well_formed();

    // A day on which nothing happened has its line, too.
    daemon.kill9();
    a_year_ago(&setup);
    let db = Connection::open(setup.folder().join("firstred.db")).expect("the ledger");
    // The day that has its line by now is another day's: its notification would be known already.
    db.execute_batch(
        "DELETE FROM facts WHERE name LIKE 'day:%';
         DELETE FROM deliveries WHERE notification IN (SELECT id FROM notifications WHERE body LIKE '%\"kind\":\"daily\"%');
         DELETE FROM notifications WHERE body LIKE '%\"kind\":\"daily\"%';",
    )
    .expect("SQL");
    drop(db);
    daemon.restart().await;
    let post = slack.wait_about("0 runs, none failed", SOON).await;
    assert!(post.says("Nothing came from source events"), "{:#}", post.body);
}

#[tokio::test]
async fn the_receivers_are_shown_with_what_they_took_and_what_they_refused() {
    let (slack, backup) = (Slack::start().await, Slack::start().await);
    slack.script([Next::Status(404, "no_service"), Next::Status(404, "no_service")]);
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "fallback = \"backup\"\nbudget = { messages = 20, within = \"5m\" }")
        .slack("backup", &backup, "");
    let mut daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "first-end")).await;
    backup.wait_about("first-end", SOON).await;
    daemon.ingest(&failed("r2", "second-end")).await;
    backup.wait_about("second-end", SOON).await;
    daemon.wait_unready().await;
    let on_record = async |daemon: &Daemon| {
        let shown = daemon.api("GET", "receivers", None).await.json();
        shown[0]["lastGood"].is_string() && shown[0]["waiting"] == 0
    };
    daemon.poll("the deliveries on record", on_record).await;
    // How wide a column is depends on how long ago something was.
    let words =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" | ");
    let table = redacted(&daemon.command(&["receivers"]).out);
    insta::assert_snapshot!("receivers", table.lines().map(words).collect::<Vec<_>>().join("\n"));
    let shown = daemon.api("GET", "receivers", None).await.json();
    let refusals = &shown[1]["refusals"];
    assert_eq!((&refusals[0]["word"], &refusals[0]["count"]), (&json!("no_service"), &json!(2)), "{shown:#}");
    assert_eq!((&shown[1]["receiver"], &shown[1]["ok"]), (&json!("oncall"), &json!(false)));
    assert_eq!(daemon.metric("firstred_receiver_refusals_total", "no_service").await, Some(2.0));
    let readiness = daemon.get("/readyz").await.json();
    assert_eq!((&readiness["receivers"][1]["refused"], &readiness["receivers"][0]["ok"]), (&json!(2), &json!(true)));
    assert!(readiness["receivers"][0]["lastGood"].is_string(), "{readiness:#}");

    // Without a daemon the ledger says the same, and another daemon remembers when they last took something.
    daemon.kill9();
    let offline = daemon.command(&["receivers", "--format", "json"]).json();
    assert_eq!(offline, shown);
    daemon.restart().await;
    let known = async |daemon: &Daemon| {
        let at = daemon.metric("firstred_receiver_last_success_timestamp_seconds", "backup").await;
        at.is_some_and(|at| at > 1.7e9)
    };
    daemon.poll("the last success of an earlier life", known).await;
}

#[tokio::test]
async fn deliveries_go_through_the_proxy_that_is_configured_by_name_and_by_tunnel() {
    let hook = Webhook::start(Duration::ZERO).await;
    let target = hook.url().trim_start_matches("http://").trim_end_matches("/hook").parse().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "hook.example.com");
    let proxy = Proxy::start(target, Some(authority.acceptor.clone())).await;
    let secret = crate::support::webhook::SECRET;
    let setup = Setup::new().defaults(&["plain", "tunnel"], "10m").toml(&format!(
        "[http]\nproxy = {:?}\nno_proxy = \"10.0.0.0/8\"\n\n\
         [receivers.plain]\ntype = \"webhook\"\nurl = \"http://hook.internal/plain\"\nsecret = {secret:?}\n\n\
         [receivers.tunnel]\ntype = \"webhook\"\nurl = \"https://hook.example.com/tunnel?key=urlS3cret\"\nsecret = {secret:?}\nca_file = {:?}\n",
        proxy.url(),
        authority.ca_file,
    ));
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "through-the-wall")).await;
    hook.wait(SOON, |hits| hits.len() >= 2).await.expect("both arrive");
    hook.assert_signed();
    let mut asked: Vec<String> =
        proxy.asked().iter().filter_map(|head| head.lines().next().map(str::to_owned)).collect();
    asked.sort();
    assert_eq!(asked, ["CONNECT hook.example.com:443 HTTP/1.1", "POST http://hook.internal/plain HTTP/1.1"]);
    assert!(proxy.asked().iter().all(|head| head.to_lowercase().contains("proxy-authorization: basic ")));
    assert!(!daemon.log().contains("pr0xyPassword") && !daemon.log().contains("urlS3cret"));
}

#[tokio::test]
async fn a_metadata_service_is_asked_by_no_part_of_firstred() {
    for part in [
        "[receivers.x]\ntype = \"webhook\"\nurl = \"http://169.254.169.254/latest/meta-data\"",
        "[receivers.x]\ntype = \"webhook\"\nurl = \"http://[fd00:ec2::254]/\"\nallow_link_local = true",
        "[sources.x]\ntype = \"http\"\nurl = \"http://metadata.google.internal/\"",
        "[sources.x]\ntype = \"prefect\"\nurl = \"http://169.254.170.2/api\"",
        "[heartbeat]\nurl = \"http://169.254.169.254/\"",
        "[http]\nproxy = \"http://169.254.169.254:3128\"",
    ] {
        let setup = Setup::new().toml("[receivers.ops]\ntype = \"console\"").defaults(&["ops"], "10m").toml(part);
        setup.write();
        let said = run(setup.folder(), &["check"], None);
        assert_eq!(said.code, Some(2), "{part}: {said:#?}");
        assert!(said.all().contains("never asked"), "{part}: {said:#?}");
    }
}
