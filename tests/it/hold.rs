//! A retry may still repair it: quiet until the hold ends, and then said once.

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::{at, failed, in_status, retrying, with};
use crate::support::setup::Setup;
use crate::support::slack::Slack;

#[tokio::test]
async fn a_run_that_still_retries_when_the_hold_ends_is_told_as_still_retrying_once() {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "1s").slack("oncall", &slack, "");
    let daemon = Daemon::start(&setup).await;
    for _ in 0..3 {
        daemon.ingest(&retrying("r1", "slow-repair", 1, 5, 600)).await;
    }
    let post = slack.wait_about("slow-repair", SOON).await;
    assert!(post.text().to_lowercase().contains("still retrying"), "{}", post.text());
    assert!(post.says("Create contact"), "{:#}", post.body);
    // The next try fails as well: nothing new to say.
    daemon.ingest(&with(retrying("r1", "slow-repair", 2, 5, 600), "updatedAt", at(1))).await;
    daemon.ingest(&failed("r2", "sentinel")).await;
    slack.wait_about("sentinel", SOON).await;
    assert_eq!(slack.about("slow-repair").len(), 1);
    slack.assert_well_formed();
}

#[tokio::test]
async fn a_hold_goes_on_after_a_kill() {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "2s").slack("oncall", &slack, "");
    let mut daemon = Daemon::start(&setup).await;
    daemon.ingest(&retrying("r1", "slow-repair", 1, 5, 600)).await;
    daemon.crash().await;
    let post = slack.wait_about("slow-repair", SOON).await;
    assert!(post.text().to_lowercase().contains("still retrying"), "{}", post.text());
}

#[tokio::test]
async fn the_hold_of_the_rule_wins_over_the_default() {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "1h").slack("oncall", &slack, "").toml(
        "[[rules]]\nname = \"impatient\"\nmatch = { workflow = \"urgent-*\" }\nnotify = [\"oncall\"]\nhold = \"1s\"",
    );
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&retrying("r1", "patient-job", 1, 5, 600)).await;
    daemon.ingest(&retrying("r2", "urgent-job", 1, 5, 600)).await;
    slack.wait_about("urgent-job", SOON).await;
    assert!(slack.about("patient-job").is_empty());
}

#[tokio::test]
async fn a_run_that_ends_well_during_the_hold_is_never_told() {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "1s").slack("oncall", &slack, "");
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&retrying("r1", "healed", 1, 5, 600)).await;
    daemon.ingest(&with(in_status("r1", "healed", "completed"), "updatedAt", at(1))).await;
    // Its hold would have ended before this one's, which began later.
    daemon.ingest(&retrying("r2", "not-healed", 1, 5, 600)).await;
    slack.wait_about("not-healed", SOON).await;
    assert!(slack.messages().iter().all(|post| !post.text().contains("healed") || post.text().contains("not-healed")));
}
