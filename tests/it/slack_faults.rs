//! Slack says no, says nothing, or lies: the message still arrives, and at the right pace.

use std::time::Duration;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::{failed, failed_with};
use crate::support::setup::Setup;
use crate::support::slack::{Next, Slack};
use serde_json::json;

async fn start(more: &str) -> (Slack, Daemon) {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, &format!("timeout = \"2s\"\n{more}"));
    let daemon = Daemon::start(&setup).await;
    (slack, daemon)
}

#[tokio::test]
async fn a_message_that_meets_errors_is_sent_again_until_it_arrives() {
    let (slack, daemon) = start("").await;
    slack.script([Next::Status(500, "rollup_error"), Next::Status(503, "")]);
    daemon.ingest(&failed("r1", "tenacious")).await;
    slack.wait_about("tenacious", SOON).await;
    assert_eq!(slack.attempts().len(), 3);
    assert_eq!(slack.messages().len(), 1);
}

#[tokio::test]
async fn a_page_that_answers_200_but_not_ok_is_not_a_delivery() {
    let (slack, daemon) = start("").await;
    slack.script([Next::Html200]);
    daemon.ingest(&failed("r1", "behind-a-portal")).await;
    slack.wait_about("behind-a-portal", SOON).await;
    assert_eq!(slack.attempts().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_before_retry_after_has_passed() {
    let (slack, daemon) = start("").await;
    slack.script([Next::RateLimited(3)]);
    daemon.ingest(&json!([failed("r1", "limited-one"), failed("r2", "limited-two")])).await;
    slack.wait_about("limited-one", SOON).await;
    slack.wait_about("limited-two", SOON).await;
    assert_eq!(slack.ignored_retry_after(), 0);
    let attempts = slack.attempts();
    let waited = attempts[1].at - attempts[0].at;
    assert!(waited >= Duration::from_secs(3), "only {waited:?} after the 429");
}

#[tokio::test]
async fn by_default_slack_is_sent_one_message_a_second() {
    let slack = Slack::start().await;
    slack.enforce_pace();
    let url = slack.url();
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .toml(&format!("[receivers.oncall]\ntype = \"slack\"\nwebhook_url = {url:?}"));
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&json!([failed("r1", "paced-1"), failed("r2", "paced-2"), failed("r3", "paced-3")])).await;
    slack.wait_for(3, SOON).await;
    assert_eq!(slack.attempts().len(), 3, "no post met a 429");
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_repeated_at_most_once() {
    let (slack, daemon) = start("").await;
    slack.script([Next::DropAfterStoring]);
    daemon.ingest(&failed("r1", "answer-lost")).await;
    slack.wait_attempts(2, SOON).await;
    daemon.ingest(&failed("r2", "sentinel")).await;
    slack.wait_about("sentinel", SOON).await;
    assert_eq!(slack.about("answer-lost").len(), 2, "at least once, and one repeat for the one that was on the wire");
}

#[tokio::test]
async fn a_hook_that_never_answers_is_given_up_at_the_deadline_and_tried_again() {
    let (slack, daemon) = start("").await;
    slack.script([Next::Hang]);
    daemon.ingest(&failed("r1", "patience")).await;
    slack.wait_about("patience", SOON).await;
    let attempts = slack.attempts();
    let waited = attempts[1].at - attempts[0].at;
    assert!(waited >= Duration::from_millis(1_900), "the second came while the first was open, after {waited:?}");
}

#[tokio::test]
async fn what_slack_refuses_as_blocks_goes_out_as_plain_text() {
    let (slack, daemon) = start("").await;
    slack.script([Next::NoBlocks, Next::NoBlocks]);
    daemon.ingest(&failed("r1", "plain-at-last")).await;
    let post = slack.wait_about("plain-at-last", SOON).await;
    assert!(post.body.get("blocks").is_none(), "{:#}", post.body);
    assert!(post.text().contains("AUTH_MISSING"), "{}", post.text());
}

#[tokio::test]
async fn a_hook_that_is_gone_is_reported_once_by_its_fallback_and_in_readiness_until_it_is_back() {
    let (dead, fallback) = (Slack::start().await, Slack::start().await);
    dead.script(std::iter::repeat_n(Next::Status(404, "no_service"), 3));
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &dead, "fallback = \"backup\"")
        .slack("backup", &fallback, "");
    let daemon = Daemon::start(&setup).await;
    for number in 1..=3 {
        daemon.ingest(&failed(&format!("r{number}"), &format!("orphan-{number}"))).await;
        let post = fallback.wait_about(&format!("orphan-{number}"), SOON).await;
        assert!(post.says("Create contact"));
    }
    // That the hook is dead is said as well, once, and it is not hammered.
    fallback.wait_about("do not arrive", SOON).await;
    assert_eq!(dead.attempts().len(), 3, "each message was tried once");
    daemon.wait_unready().await;
    let readiness = daemon.get("/readyz").await;
    assert!(readiness.text.contains("oncall") && !readiness.text.contains("s3cr3tHookPart"), "{readiness:?}");
    daemon.ingest(&failed("r4", "back-again")).await;
    dead.wait_about("back-again", SOON).await;
    daemon.wait_ready().await;
    assert_eq!(fallback.messages().len(), 4, "three failures and one trouble");
    assert!(fallback.messages().iter().all(|post| !post.says("s3cr3tHookPart")));
    assert!(!daemon.log().contains("s3cr3tHookPart"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (slack, thief) = (Slack::start().await, Slack::start().await);
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "");
    let daemon = Daemon::start(&setup).await;
    slack.script([Next::Redirect(thief.url())]);
    daemon.ingest(&failed("r1", "not-for-thieves")).await;
    slack.wait_attempts(1, SOON).await;
    // Judged: whatever follows a redirect would have been followed by now.
    daemon.wait_metric("firstred_delivery_attempts_total", "receiver=\"oncall\"", 1.0).await;
    assert!(thief.attempts().is_empty());
}

#[tokio::test]
async fn one_dead_receiver_does_not_slow_the_other() {
    let (dead, fine) = (Slack::start().await, Slack::start().await);
    dead.script(std::iter::repeat_n(Next::Hang, 50));
    let setup = Setup::new()
        .defaults(&["dead", "fine"], "10m")
        .slack("dead", &dead, "timeout = \"10s\"")
        .slack("fine", &fine, "");
    let daemon = Daemon::start(&setup).await;
    for number in 0..10 {
        daemon.ingest(&failed(&format!("r{number}"), &format!("both-{number}"))).await;
    }
    let began = std::time::Instant::now();
    fine.wait_for(10, SOON).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_error_of_a_megabyte_becomes_a_message_that_slack_takes() {
    let (slack, daemon) = start("").await;
    let message = "<!channel> ``` & \u{202e} \u{1b}[31m 漢字 ".repeat(6_000);
    let run = failed_with("r1", "huge", json!({"code": "HUGE", "message": message, "detail": {"body": message}}));
    assert!(run.to_string().len() < 1 << 20, "it fits into a body");
    daemon.ingest(&run).await;
    slack.wait_about("huge", SOON).await;
    slack.assert_well_formed();
}
