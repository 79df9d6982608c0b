//! SIGHUP: a good file replaces the rules, a bad one never does.

use std::time::Duration;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use crate::support::webhook::Webhook;

const TO_ONE: &str = "[[rules]]\nname = \"all\"\nmatch = { workflow = \"*\" }\nnotify = [\"one\"]";

async fn start() -> (Slack, Slack, Setup, Daemon) {
    let (one, two) = (Slack::start().await, Slack::start().await);
    let setup = Setup::new().slack("one", &one, "").slack("two", &two, "").toml(TO_ONE);
    let daemon = Daemon::start(&setup).await;
    (one, two, setup, daemon)
}

#[tokio::test]
async fn a_good_file_replaces_the_rules() {
    let (one, two, mut setup, daemon) = start().await;
    daemon.ingest(&failed("r1", "before")).await;
    one.wait_about("before", SOON).await;
    setup.rewrite(|toml| *toml = toml.replace("notify = [\"one\"]", "notify = [\"two\"]"));
    daemon.signal("HUP");
    // When the reload is done is nowhere answered: failures are pushed until one comes out at the new place.
    let mut number = 0;
    while two.messages().is_empty() {
        number += 1;
        assert!(number < 500, "the new rules never came to force");
        daemon.ingest(&failed(&format!("n{number}"), "after")).await;
    }
    two.wait_about("after", SOON).await;
    assert_eq!(daemon.metric("firstred_config_ok", "").await.map(|ok| ok > 0.0), Some(true));
}

#[tokio::test]
async fn a_bad_file_leaves_the_old_rules_in_force_and_says_so() {
    let (one, _two, mut setup, mut daemon) = start().await;
    setup.rewrite(|toml| *toml = toml.replace("notify = [\"one\"]", "notify = [\"nobody-of-this-name\"]"));
    daemon.signal("HUP");
    daemon.wait_metric("firstred_config_ok", "", 0.0).await;
    daemon.wait_log("nobody-of-this-name").await;
    daemon.ingest(&failed("r1", "still-routed")).await;
    one.wait_about("still-routed", SOON).await;
    daemon.assert_alive();

    setup.rewrite(|toml| *toml = toml.replace("nobody-of-this-name", "one"));
    daemon.signal("HUP");
    daemon.wait_metric("firstred_config_ok", "", 1.0).await;
}

#[tokio::test]
async fn a_file_that_is_no_toml_is_refused_as_well() {
    let (one, _two, setup, daemon) = start().await;
    std::fs::write(setup.file(), "[receivers.one\n").expect("the folder is writable");
    daemon.signal("HUP");
    daemon.wait_metric("firstred_config_ok", "", 0.0).await;
    daemon.ingest(&failed("r1", "still-routed")).await;
    one.wait_about("still-routed", SOON).await;
}

#[tokio::test]
async fn what_is_on_the_wire_when_its_receiver_changes_arrives_once() {
    let hook = Webhook::start(Duration::from_millis(1_500)).await;
    let mut setup = Setup::new().defaults(&["hook"], "10m").webhook("hook", &hook, "timeout = \"20s\"");
    let daemon = Daemon::start(&setup).await;
    for number in 0..6 {
        daemon.ingest(&failed(&format!("r{number}"), &format!("on-the-wire-{number}"))).await;
    }
    assert!(hook.wait(SOON, |hits| !hits.is_empty()).await.is_some());
    setup.rewrite(|toml| *toml = toml.replace("timeout = \"20s\"", "timeout = \"25s\""));
    daemon.signal("HUP");
    daemon.wait_log("read anew").await;
    daemon.ingest(&failed("last", "sentinel")).await;
    assert!(hook.wait(SOON, |hits| hits.iter().any(|hit| hit.body.to_string().contains("sentinel"))).await.is_some());
    assert!(hook.wait(SOON, |hits| hits.len() >= 7).await.is_some());
    daemon.wait_metric("firstred_delivery_attempts_total", "outcome=\"delivered\"", 7.0).await;
    assert_eq!(hook.by_id().len(), 7);
    assert_eq!(hook.hits().len(), 7, "nothing was cut off and sent again");
}

#[tokio::test]
async fn a_reload_repeats_and_loses_nothing() {
    let (one, _two, mut setup, daemon) = start().await;
    for number in 0..30 {
        daemon.ingest(&failed(&format!("r{number}"), &format!("under-reload-{number}-end"))).await;
        if number % 10 == 5 {
            setup.rewrite(|toml| toml.push_str("\n# touched\n"));
            daemon.signal("HUP");
        }
    }
    one.wait_for(30, SOON).await;
    for number in 0..30 {
        assert_eq!(one.about(&format!("under-reload-{number}-end")).len(), 1, "run {number}");
    }
}
