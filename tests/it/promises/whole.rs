//! What is asked of all kinds at once: that none is missing here, and that readiness names each that takes nothing any more.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ALL;
use super::fault::Fault;
use super::stand_in::StandIn;
use crate::support::daemon::{Daemon, run};
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::webhook::Webhook;

/// The console is where nothing can be refused.
const NOT_HERE: [&str; 1] = ["console"];

#[test]
fn every_kind_of_receiver_makes_these_promises() {
    let setup = Setup::new().toml("[receivers.it]\ntype = \"no such kind\"");
    setup.write();
    let said = run(setup.folder(), &["check"], None).all();
    // The mistake names every kind that there is.
    let (_, list) = said.split_once("known are: ").unwrap_or_else(|| panic!("`check` names no kinds:\n{said}"));
    let list = list.lines().next().unwrap_or_default();
    let known: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let here: BTreeSet<&str> = ALL.iter().map(|service| service.kind).chain(NOT_HERE).collect();
    assert_eq!(known, here, "each kind has a stand-in, and each stand-in a kind");
}

#[tokio::test]
async fn readiness_names_every_receiver_that_refuses_for_good() {
    let backup = Webhook::start(Duration::ZERO).await;
    let names: Vec<&str> = ALL.iter().map(|service| service.name).collect();
    let mut setup = Setup::new().defaults(&names, "10m").webhook("backup", &backup, "");
    let mut stand_ins = Vec::new();
    for service in ALL {
        let stand_in = StandIn::start(service).await;
        stand_in.always(Some(Fault::Gone));
        setup = stand_in.add_to(setup, service.name, "fallback = \"backup\"");
        stand_ins.push(stand_in);
    }
    let daemon = Daemon::start(&setup).await;
    // The first may be about one message; after the second it is the receiver.
    daemon.ingest(&failed("r1", "orphan-one")).await;
    daemon.ingest(&failed("r2", "orphan-two")).await;
    daemon.wait_unready().await;
    let all = async |daemon: &Daemon| {
        let ready = daemon.get("/readyz").await.json();
        let entries = ready["receivers"].as_array().cloned().unwrap_or_default();
        names.iter().all(|name| entries.iter().any(|entry| entry["name"] == **name && entry["ok"] == false))
    };
    daemon.poll("every receiver named in /readyz", all).await;
    let said = daemon.get("/readyz").await.text;
    for service in ALL {
        assert!(service.secret.is_empty() || !said.contains(service.secret), "{}: {said}", service.name);
    }
}
