//! The webhook receiver: signed, and recognisable when it comes again.

use std::time::Duration;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::webhook::{Hit, Webhook, leaves};

async fn start(hook: &Webhook, more: &str) -> Daemon {
    Daemon::start(&Setup::new().defaults(&["hook"], "10m").webhook("hook", hook, more)).await
}

#[tokio::test]
async fn a_notification_is_signed_and_holds_the_card() {
    let hook = Webhook::start(Duration::ZERO).await;
    let daemon = start(&hook, "").await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let hits = hook.wait(SOON, |hits| !hits.is_empty()).await.expect("a notification");
    hook.assert_signed();
    let leaves = leaves(&hits[0].body);
    for needle in ["r1", "lead-sync", "Create contact", "AUTH_MISSING", "authorization"] {
        assert!(leaves.contains(&needle), "no {needle:?} in {:#}", hits[0].body);
    }
}

#[tokio::test]
async fn every_attempt_carries_the_same_id() {
    let hook = Webhook::start(Duration::ZERO).await;
    hook.script([500, 503]);
    let daemon = start(&hook, "").await;
    daemon.ingest(&failed("r1", "again")).await;
    let taken = |hits: &[Hit]| hits.iter().any(|hit| hit.taken);
    let hits = hook.wait(SOON, taken).await.expect("it arrives in the end");
    assert_eq!(hits.len(), 3);
    assert!(hits.iter().all(|hit| hit.id == hits[0].id), "{hits:#?}");
}

#[tokio::test]
async fn two_failures_carry_two_ids() {
    let hook = Webhook::start(Duration::ZERO).await;
    let daemon = start(&hook, "").await;
    daemon.ingest(&failed("r1", "one")).await;
    daemon.ingest(&failed("r2", "two")).await;
    assert!(hook.wait(SOON, |hits| hits.len() >= 2).await.is_some());
    assert_eq!(hook.by_id().len(), 2);
}
