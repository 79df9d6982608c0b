//! What is gone ends no message in silence: a receiver that left the configuration, a notification that can't be read any more, a
//! ledger that was removed.

use std::iter::repeat_n;
use std::time::Duration;

use rusqlite::Connection;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::webhook::{Hit, Webhook};

const TO_OLD: &str = "[[rules]]\nname = \"all\"\nmatch = { workflow = \"*\" }\nnotify = [\"old\"]";

fn says(needle: &str) -> impl Fn(&[Hit]) -> bool + '_ {
    move |hits| hits.iter().any(|hit| hit.taken && hit.body.to_string().contains(needle))
}

/// A daemon whose only receiver does not take the failure of `waits-here`, and a hook that will be put in its place.
async fn start() -> (Webhook, Webhook, Setup, Daemon) {
    let (old, new) = (Webhook::start(Duration::ZERO).await, Webhook::start(Duration::ZERO).await);
    old.script(repeat_n(500, 10_000));
    let setup = Setup::new().webhook("old", &old, "").toml(TO_OLD);
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "waits-here")).await;
    assert!(old.wait(SOON, |hits| !hits.is_empty()).await.is_some(), "no attempt");
    (old, new, setup, daemon)
}

fn rename(setup: &mut Setup, old: &Webhook, new: &Webhook) {
    setup.rewrite(|toml| {
        *toml = toml
            .replace("[receivers.old]", "[receivers.new]")
            .replace("[\"old\"]", "[\"new\"]")
            .replace(&old.url(), &new.url());
    });
}

async fn assert_handed_on(new: &Webhook, daemon: &Daemon) {
    assert!(new.wait(SOON, says("waits-here")).await.is_some(), "it waits for ever");
    assert!(new.wait(SOON, says("`old` is no longer configured")).await.is_some(), "nobody is told why");
    daemon.ingest(&failed("last", "sentinel")).await;
    assert!(new.wait(SOON, says("sentinel")).await.is_some());
    assert_eq!(new.hits().iter().filter(|hit| hit.body.to_string().contains("waits-here")).count(), 1);
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_a_reload_takes_away_goes_to_whom_the_rules_name_now() {
    let (old, new, mut setup, daemon) = start().await;
    rename(&mut setup, &old, &new);
    daemon.signal("HUP");
    assert_handed_on(&new, &daemon).await;
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_is_gone_at_the_start_goes_to_whom_the_rules_name_now() {
    let (old, new, mut setup, mut daemon) = start().await;
    daemon.kill9();
    rename(&mut setup, &old, &new);
    daemon.restart().await;
    assert_handed_on(&new, &daemon).await;
}

#[tokio::test]
async fn a_notification_that_can_not_be_read_is_reported_with_its_run_and_holds_up_nothing() {
    let (old, new, mut setup, mut daemon) = start().await;
    daemon.kill9();
    let db = Connection::open(setup.folder().join("firstred.db")).expect("the ledger");
    assert_eq!(db.execute("UPDATE notifications SET body = '{'", []).expect("SQL"), 1);
    drop(db);
    setup.rewrite(|toml| *toml = toml.replace(&old.url(), &new.url()));
    daemon.restart().await;
    daemon.ingest(&failed("r2", "the-next-one")).await;
    assert!(new.wait(SOON, says("the-next-one")).await.is_some());
    assert!(new.wait(SOON, says("about run r1 can't be read")).await.is_some());
    daemon.wait_metric("firstred_deliveries_waiting", "old", 0.0).await;
}

#[tokio::test]
async fn a_ledger_that_was_removed_is_reported() {
    let (old, new, mut setup, mut daemon) = start().await;
    daemon.kill9();
    for name in ["firstred.db", "firstred.db-wal", "firstred.db-shm"] {
        // What is not there need not be removed.
        let _ = std::fs::remove_file(setup.folder().join(name));
    }
    setup.rewrite(|toml| *toml = toml.replace(&old.url(), &new.url()));
    daemon.restart().await;
    assert!(new.wait(SOON, says("begins anew")).await.is_some());
}
