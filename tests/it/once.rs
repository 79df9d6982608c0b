//! Told once: whatever the order, the number of tellers, or the number of deaths.
//!
//! That nothing more was said is shown by a sentinel: one more failure, pushed last. Slack is sent one message at a time and in
//! order, so what had to come before the sentinel has come.

use serde_json::Value;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::{at, failed, in_status, retrying, with};
use crate::support::setup::{Setup, TOKEN};
use crate::support::slack::Slack;

fn setup(slack: &Slack) -> Setup {
    Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", slack, "")
        .toml(&format!("[sources.second]\ntype = \"webhook\"\ntoken = {TOKEN:?}"))
}

async fn start() -> (Slack, Daemon) {
    let slack = Slack::start().await;
    let daemon = Daemon::start(&setup(&slack)).await;
    (slack, daemon)
}

/// How many messages about `workflow` stand in the channel once a sentinel has come through.
async fn count(slack: &Slack, daemon: &Daemon, workflow: &str) -> usize {
    daemon.ingest(&failed(&format!("sentinel-of-{workflow}"), &format!("the-sentinel-of-{workflow}"))).await;
    slack.wait_about(&format!("the-sentinel-of-{workflow}"), SOON).await;
    slack.assert_well_formed();
    let sentinel = format!("the-sentinel-of-{workflow}");
    slack.about(workflow).into_iter().filter(|post| !post.says(&sentinel)).count()
}

#[tokio::test]
async fn the_same_failure_pushed_five_times_is_told_once() {
    let (slack, daemon) = start().await;
    let run = failed("r1", "invoices");
    for _ in 0..5 {
        daemon.ingest(&run).await;
    }
    assert_eq!(count(&slack, &daemon, "invoices").await, 1);
}

#[tokio::test]
async fn a_run_that_is_told_of_in_disorder_is_told_once() {
    let (slack, daemon) = start().await;
    let ended = failed("r1", "orders");
    let started = with(in_status("r1", "orders", "running"), "updatedAt", at(-8));
    let queued = with(in_status("r1", "orders", "pending"), "updatedAt", at(-20));
    for run in [&ended, &started, &queued, &ended, &started, &ended] {
        daemon.ingest(run).await;
    }
    assert_eq!(count(&slack, &daemon, "orders").await, 1);
}

#[tokio::test]
async fn a_failure_that_two_sources_report_is_told_once() {
    let (slack, daemon) = start().await;
    let run = failed("r1", "payroll");
    let token = format!("Bearer {TOKEN}");
    daemon.ingest(&run).await;
    let answer = daemon.push_with("second", &[("authorization", &token)], run.to_string()).await;
    assert!(answer.accepted(), "{answer:?}");
    assert_eq!(count(&slack, &daemon, "payroll").await, 1);
}

#[tokio::test]
async fn a_failure_is_not_told_again_after_a_kill_and_a_restart() {
    let (slack, mut daemon) = start().await;
    let run = failed("r1", "backups");
    daemon.ingest(&run).await;
    slack.wait_about("backups", SOON).await;
    // The receiver's yes must be in the ledger before the kill, else one repeat is right: a second delivery shows it.
    assert_eq!(count(&slack, &daemon, "backups").await, 1);
    daemon.crash().await;
    daemon.ingest(&run).await;
    daemon.ingest(&failed("r2", "after-the-kill")).await;
    slack.wait_about("after-the-kill", SOON).await;
    let told = slack.about("backups").into_iter().filter(|post| !post.says("the-sentinel-of-backups")).count();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn a_run_that_fails_runs_again_and_fails_again_is_told_again_as_an_update() {
    let slack = Slack::start().await;
    let rule = "[[rules]]\nname = \"all\"\nnotify = [\"oncall\"]\nupdate_every = \"1s\"";
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").toml(rule);
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "exports")).await;
    slack.wait_about("exports", SOON).await;
    let again = |status: &str| with(in_status("r1", "exports", status), "startedAt", at(1));
    daemon.ingest(&with(again("running"), "attempt", 2)).await;
    let mut second = with(with(failed("r1", "exports"), "attempt", 2), "startedAt", at(1));
    second["completedAt"] = at(3).into();
    second["updatedAt"] = at(3).into();
    second["steps"][1]["completedAt"] = at(3).into();
    daemon.ingest(&second).await;
    daemon.ingest(&second).await;
    daemon.poll("the update", async |_: &Daemon| slack.about("exports").len() >= 2).await;
    assert_eq!(count(&slack, &daemon, "exports").await, 2);
}

#[tokio::test]
async fn what_is_not_a_failure_is_not_told() {
    let (slack, daemon) = start().await;
    for status in ["cancelled", "paused", "waiting", "pending", "running", "completed"] {
        daemon.ingest(&in_status(&format!("r-{status}"), "quiet", status)).await;
    }
    // A cancelled run whose step is red was cancelled all the same.
    daemon.ingest(&with(failed("r-red", "quiet"), "status", "cancelled")).await;
    // A failed step that the workflow tolerates is no failure of the run.
    daemon.ingest(&with(tolerated("r-tolerated"), "status", "completed")).await;
    assert_eq!(count(&slack, &daemon, "quiet").await, 0);
}

fn tolerated(id: &str) -> Value {
    let mut run = failed(id, "quiet");
    run["steps"][1]["tolerated"] = true.into();
    run
}

#[tokio::test]
async fn a_run_that_recovers_on_a_retry_is_not_told() {
    let (slack, daemon) = start().await;
    daemon.ingest(&retrying("r1", "flaky", 1, 3, 5)).await;
    daemon.ingest(&in_status("r1", "flaky", "running")).await;
    daemon.ingest(&with(in_status("r1", "flaky", "completed"), "updatedAt", at(1))).await;
    assert_eq!(count(&slack, &daemon, "flaky").await, 0);
}

#[tokio::test]
async fn a_run_that_fails_after_its_retries_is_told_once() {
    let (slack, daemon) = start().await;
    daemon.ingest(&retrying("r1", "stubborn", 1, 2, 1)).await;
    daemon.ingest(&failed("r1", "stubborn")).await;
    assert_eq!(count(&slack, &daemon, "stubborn").await, 1);
}
