//! SIGTERM: what is in flight ends, the rest waits in the ledger, and the process ends in time.

use std::time::Duration;

use serde_json::Value;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::{Next, Slack};
use crate::support::webhook::Webhook;

/// How long a shutdown may take.
const IN_TIME: Duration = Duration::from_secs(10);

#[tokio::test]
async fn under_load_it_exits_0_within_ten_seconds_and_nothing_is_lost_or_repeated() {
    let hook = Webhook::start(Duration::from_millis(20)).await;
    let setup = Setup::new().defaults(&["hook"], "10m").webhook("hook", &hook, "");
    let mut daemon = Daemon::start(&setup).await;
    let runs: Vec<Value> = (0..500).map(|number| failed(&format!("r{number}"), &format!("wf-{number}"))).collect();
    daemon.ingest(&Value::Array(runs)).await;
    assert!(hook.wait(SOON, |hits| hits.len() >= 5).await.is_some(), "deliveries have begun");
    let (status, took) = daemon.terminate(IN_TIME).await;
    assert!(status.success(), "{status} after {took:?}");
    daemon.restart().await;
    hook.wait(SOON, |hits| hits.len() >= 500).await;
    daemon.ingest(&failed("last", "sentinel")).await;
    let sentinel =
        |hits: &[crate::support::webhook::Hit]| hits.iter().any(|hit| hit.body.to_string().contains("sentinel"));
    assert!(hook.wait(SOON, sentinel).await.is_some());
    let by_id = hook.by_id();
    assert_eq!(by_id.len(), 501);
    assert!(by_id.values().all(|hits| hits.len() == 1), "a clean shutdown repeats nothing");
    hook.assert_signed();
}

#[tokio::test]
async fn a_receiver_that_never_answers_does_not_keep_it_alive() {
    let slack = Slack::start().await;
    slack.script(std::iter::repeat_n(Next::Hang, 10));
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "timeout = \"1m\"");
    let mut daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "stuck")).await;
    slack.wait_attempts(1, SOON).await;
    let (status, _) = daemon.terminate(IN_TIME).await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn an_idle_daemon_ends_at_once() {
    let mut daemon =
        Daemon::start(&Setup::new().toml("[receivers.out]\ntype = \"console\"").defaults(&["out"], "1m")).await;
    let (status, took) = daemon.terminate(IN_TIME).await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}
