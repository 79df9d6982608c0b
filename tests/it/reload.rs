//! SIGHUP: a good file replaces the rules, a bad one never does.

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::Slack;

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
