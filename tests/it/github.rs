//! GitHub Actions end to end: asked, pushed to, and both, through the real program.

use std::time::Instant;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::github::{GitHub, REPOSITORY, SECRET, failed, job, push, push_signed, run};
use crate::support::setup::Setup;
use crate::support::slack::Slack;

async fn start(slack: &Slack, source: &str) -> Daemon {
    Daemon::start(&Setup::new().defaults(&["oncall"], "10m").slack("oncall", slack, "").toml(source)).await
}

#[tokio::test]
async fn a_signed_push_makes_the_poll_prompt_and_the_failure_is_told_once_with_step_and_annotation() {
    let (slack, github) = (Slack::start().await, GitHub::start().await);
    // Polling alone would see it in an hour.
    let source = github.source(&format!("every = \"1h\"\nwebhook_secret = {SECRET:?}"));
    let daemon = start(&slack, &source).await;
    daemon.wait_ready().await;
    github.set(&failed(1001, "checkout"));
    let pushed = Instant::now();
    for _ in 0..3 {
        // GitHub's own redelivery is the same body again.
        assert!(push(&daemon, "workflow_run", "completed", &failed(1001, "checkout")).await.status == 200);
    }
    let post = slack.wait_about("checkout", SOON).await;
    eprintln!("told {:?} after the push", pushed.elapsed());
    for needle in [
        "test (ubuntu-latest) › Run npm test",
        "EXIT_1",
        "src/cart.test.ts:41 Expected 12.50, received 12.05",
        "https://github.com/acme/shop/actions/runs/1001/job/10010#step:2:1",
    ] {
        assert!(post.says(needle), "no {needle:?} in {:#}", post.body);
    }
    github.wait_unchanged(0).await;
    assert_eq!(slack.messages().len(), 1);
    slack.assert_well_formed();
}

#[tokio::test]
async fn polling_at_rest_is_answered_by_304_and_a_failure_is_told_once() {
    let (slack, github) = (Slack::start().await, GitHub::start().await);
    for id in 1..=20 {
        github.set(&run(id, "nightly", "completed", Some("success")));
    }
    let daemon = start(&slack, &github.source("every = \"1s\"")).await;
    daemon.wait_ready().await;
    github.wait_unchanged(10).await;
    let asked = github.asked();
    let paid = asked.iter().filter(|(_, status)| *status == 200).count();
    // Each of the five lists is read whole once; the first contact shares its answer with one of them.
    assert_eq!(paid, 5, "{asked:#?}");
    github.set(&failed(21, "nightly"));
    slack.wait_about("nightly", SOON).await;
    github.wait_unchanged(10).await;
    assert_eq!(slack.messages().len(), 1);
}

#[tokio::test]
async fn without_a_token_what_is_pushed_is_told_with_the_step_that_failed() {
    let slack = Slack::start().await;
    let daemon = start(&slack, &format!("[sources.ci]\ntype = \"github\"\nwebhook_secret = {SECRET:?}")).await;
    for (event, action, what) in [
        ("ping", "", run(1, "", "", None)),
        ("workflow_job", "completed", job(1001)),
        ("workflow_run", "completed", failed(1001, "checkout")),
        ("workflow_run", "in_progress", run(1001, "checkout", "in_progress", None)),
        ("workflow_run", "completed", failed(1001, "checkout")),
    ] {
        let answer = push(&daemon, event, action, &what).await;
        assert_eq!(answer.status, 200, "{event} {action}: {answer:?}");
    }
    let post = slack.wait_about("checkout", SOON).await;
    assert!(post.says("test (ubuntu-latest) › Run npm test"), "{:#}", post.body);
    push(&daemon, "workflow_run", "completed", &failed(1002, "release")).await;
    slack.wait_about("release", SOON).await;
    assert_eq!(slack.about("checkout").len(), 1);
}

#[tokio::test]
async fn what_another_secret_signed_is_refused_and_tells_nothing() {
    let slack = Slack::start().await;
    let daemon = start(&slack, &format!("[sources.ci]\ntype = \"github\"\nwebhook_secret = {SECRET:?}")).await;
    let forged = push_signed(&daemon, "workflow_run", "completed", &failed(1, "forged"), "another secret").await;
    assert_eq!(forged.status, 401, "{forged:?}");
    push(&daemon, "workflow_run", "completed", &failed(2, "genuine")).await;
    slack.wait_about("genuine", SOON).await;
    assert!(slack.about("forged").is_empty());
}

#[tokio::test]
async fn a_token_that_is_not_taken_makes_the_source_unready_and_says_why() {
    let (slack, github) = (Slack::start().await, GitHub::start().await);
    let source = github.source("every = \"1s\"").replace("github_pat_", "github_bad_");
    let daemon = start(&slack, &source).await;
    daemon.wait_log("is the token right").await;
    assert!(!daemon.log().contains("github_bad_"), "the token is in the log");
    assert!(daemon.log().contains(REPOSITORY));
}
