//! Slack by an app: a problem is one message from its first failure to its end, whatever goes wrong on the way.

use crate::support::daemon::Daemon;
use crate::support::runs::{at, failed, failed_with, in_status};
use crate::support::setup::Setup;
use crate::support::slack_app::{CHANNEL, Next, SIGNING, SlackApp, send_signed};
use serde_json::{Value, json};

async fn start(more: &str) -> (SlackApp, Daemon) {
    let app = SlackApp::start().await;
    let receiver = app.receiver("oncall", &format!("signing_secret = {SIGNING:?}\n{more}"));
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .toml("[[rules]]\nname = \"all\"\nnotify = [\"oncall\"]\nupdate_every = \"1s\"")
        .toml(&receiver);
    let daemon = Daemon::start(&setup).await;
    (app, daemon)
}

/// A run that proves the workflow works again.
fn passed(id: &str, workflow: &str) -> Value {
    let mut run = in_status(id, workflow, "completed");
    run["startedAt"] = at(0).into();
    run
}

async fn delivered(daemon: &Daemon, run: &str) {
    let done = async |daemon: &Daemon| {
        let why = daemon.command(&["why", run, "--format", "json"]).json();
        why[0]["deliveries"]
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["state"] == "done"))
    };
    daemon.poll("all deliveries on record", done).await;
}

/// Waits until so many things that were said of the only problem are on record as delivered. An update may be told by time, and is then
/// of no run.
async fn told(daemon: &Daemon, count: usize) {
    let done = async |daemon: &Daemon| {
        let all = daemon.command(&["incidents", "--all", "--format", "json"]).json();
        let id = all[0]["id"].as_str().unwrap_or_default().to_owned();
        let story = daemon.command(&["incidents", &id, "--format", "json"]).json();
        story["deliveries"]
            .as_array()
            .is_some_and(|all| all.len() == count && all.iter().all(|one| one["state"] == "done"))
    };
    daemon.poll("all that was said on record", done).await;
}

#[tokio::test]
async fn a_problem_is_one_message_that_is_edited_until_it_is_over() {
    let (app, daemon) = start("").await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    app.wait("a message", |app| app.roots().len() == 1).await;
    let root = app.roots().remove(0);
    assert!(root.says("AUTH_MISSING") && root.says("Create contact"), "{root:#?}");
    assert_eq!(root.buttons(), ["firstred.acknowledge", "firstred.open", "firstred.more"]);

    daemon.ingest(&failed("r2", "lead-sync")).await;
    app.wait("an edit and a reply", |app| app.replies().len() == 1).await;
    let root = app.roots().remove(0);
    assert!(root.edits == 1 && root.says("2 runs failed"), "{root:#?}");
    let reply = app.replies().remove(0);
    assert!(reply.says("1 more failure") && reply.body["thread_ts"] == root.ts.as_str(), "{reply:#?}");

    let clicked = send_signed(&daemon, "oncall", &app.click(&root, "firstred.acknowledge", None)).await;
    assert_eq!((clicked.status, clicked.text.as_str()), (200, ""));
    app.wait("the acknowledgement", |app| app.replies().len() == 2).await;
    let root = app.roots().remove(0);
    assert!(root.says("ada (U012AB3CD)"), "{root:#?}");
    assert_eq!(root.buttons(), ["firstred.open", "firstred.more"]);
    let incidents = daemon.api("GET", "incidents", None).await.json();
    assert_eq!(incidents[0]["acknowledged"]["by"], "ada (U012AB3CD)", "{incidents:#}");

    daemon.ingest(&passed("r3", "lead-sync")).await;
    app.wait("the end", |app| app.replies().len() == 3).await;
    let roots = app.roots();
    assert_eq!(roots.len(), 1, "{roots:#?}");
    assert!(roots[0].says("recovered") && roots[0].buttons().is_empty(), "{:#?}", roots[0]);
    assert!(roots[0].body.to_string().contains("\"strike\":true"), "{:#?}", roots[0]);
    assert_eq!(roots[0].body["attachments"][0]["color"], "#2eb886");
    app.assert_well_formed();
    assert!(!daemon.log().contains("s3cr3t"), "no token in the log");
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_one_message() {
    let faults = [Next::DropAfterStoring, Next::ErrorAfterStoring, Next::HangAfterStoring];
    for fault in faults {
        let (app, daemon) = start("").await;
        app.script("chat.postMessage", [fault]);
        daemon.ingest(&failed("r1", "lead-sync")).await;
        delivered(&daemon, "r1").await;
        assert_eq!(app.roots().len(), 1, "{fault:?}: {:#?}", app.roots());
        // The message that was found is the one that is edited.
        app.script("chat.postMessage", [fault]);
        daemon.ingest(&passed("r2", "lead-sync")).await;
        delivered(&daemon, "r1").await;
        app.wait("the end", |app| app.roots()[0].says("recovered")).await;
        told(&daemon, 2).await;
        assert_eq!((app.roots().len(), app.replies().len()), (1, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_before_anything_was_stored_loses_no_message() {
    let (app, daemon) = start("").await;
    app.script("chat.postMessage", [Next::Drop, Next::Word("internal_error")]);
    daemon.ingest(&failed("r1", "lead-sync")).await;
    delivered(&daemon, "r1").await;
    assert_eq!(app.roots().len(), 1);
}

#[tokio::test]
async fn without_the_scope_to_look_at_most_one_repeat_is_there_and_the_log_says_so() {
    let (app, daemon) = start("").await;
    app.forbid_looking();
    app.script("chat.postMessage", [Next::DropAfterStoring]);
    daemon.ingest(&failed("r1", "lead-sync")).await;
    delivered(&daemon, "r1").await;
    assert_eq!(app.roots().len(), 2);
    daemon.wait_log("channels:history").await;
}

#[tokio::test]
async fn a_kill_between_two_effects_posts_nothing_twice() {
    let (app, mut daemon) = start("").await;
    // The message is posted, and its answer is on the wire, when the process dies.
    app.script("chat.postMessage", [Next::HangAfterStoring]);
    daemon.ingest(&failed("r1", "lead-sync")).await;
    app.wait("a message", |app| app.roots().len() == 1).await;
    daemon.crash().await;
    delivered(&daemon, "r1").await;
    assert_eq!(app.roots().len(), 1, "{:#?}", app.roots());
    // The message is edited, and the reply on the wire.
    app.script("chat.postMessage", [Next::HangAfterStoring]);
    daemon.ingest(&failed("r2", "lead-sync")).await;
    app.wait("a reply", |app| app.replies().len() == 1).await;
    daemon.crash().await;
    told(&daemon, 2).await;
    assert_eq!((app.roots().len(), app.replies().len()), (1, 1), "{:#?}", app.messages());
    // Between the edit and the reply.
    app.script("chat.postMessage", [Next::Drop]);
    daemon.ingest(&failed("r3", "lead-sync")).await;
    app.wait("an edit", |app| app.roots()[0].says("3 runs failed")).await;
    daemon.crash().await;
    app.wait("the reply", |app| app.replies().len() == 2).await;
    assert_eq!(app.roots().len(), 1);
    app.assert_well_formed();
}

#[tokio::test]
async fn a_limit_is_waited_for_and_a_message_that_somebody_deleted_is_posted_anew() {
    let (app, daemon) = start("").await;
    app.script("chat.postMessage", [Next::RateLimited(1)]);
    daemon.ingest(&failed("r1", "lead-sync")).await;
    delivered(&daemon, "r1").await;
    let root = app.roots().remove(0);
    app.delete(&root.ts);
    daemon.ingest(&failed("r2", "lead-sync")).await;
    app.wait("a new message", |app| app.roots().len() == 1).await;
    told(&daemon, 2).await;
    daemon.ingest(&passed("r3", "lead-sync")).await;
    app.wait("the end", |app| app.roots().len() == 1 && app.roots()[0].says("recovered")).await;
    assert_ne!(app.roots()[0].ts, root.ts);
}

#[tokio::test]
async fn a_long_error_is_in_the_thread_in_full_and_fits() {
    let (app, daemon) = start("").await;
    let detail = format!("Traceback\n{}ValueError: the last line", "  File \"x.py\", line 1 <!channel>\n".repeat(100));
    let run = failed_with("r1", "lead-sync", json!({ "code": "HUGE", "message": "It broke.", "detail": detail }));
    daemon.ingest(&run).await;
    app.wait("a reply", |app| app.replies().len() == 1).await;
    let reply = app.replies().remove(0);
    assert!(reply.says("Traceback") && reply.says("ValueError: the last line"), "{reply:#?}");
    delivered(&daemon, "r1").await;
    app.assert_well_formed();
}

#[tokio::test]
async fn what_slack_refuses_as_blocks_goes_out_as_plain_text() {
    let (app, daemon) = start("").await;
    app.script("chat.postMessage", [Next::Word("invalid_blocks")]);
    daemon.ingest(&failed("r1", "lead-sync")).await;
    delivered(&daemon, "r1").await;
    let root = app.roots().remove(0);
    assert!(root.body.get("blocks").is_none() && root.says("AUTH_MISSING"), "{root:#?}");
}

#[tokio::test]
async fn a_channel_that_is_gone_goes_to_the_fallback() {
    let (app, backup) = (SlackApp::start().await, SlackApp::start().await);
    app.script("chat.postMessage", [Next::Word("is_archived")]);
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .toml(&app.receiver("oncall", "fallback = \"backup\""))
        .toml(&backup.receiver("backup", ""));
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    backup.wait("the message", |app| app.roots().iter().any(|root| root.says("lead-sync"))).await;
    backup.wait("the trouble", |app| app.roots().iter().any(|root| root.says("do not arrive"))).await;
    assert!(backup.roots().iter().all(|root| root.buttons().is_empty() && root.body["channel"] == CHANNEL));
}
