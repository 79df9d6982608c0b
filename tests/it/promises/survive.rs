//! What is left when the answer never comes: because the connection is cut, or because firstred is killed.

use super::fault::Fault;
use super::refuse::posts;
use super::service::{Effect, Repeats, Service};
use super::stand_in::StandIn;
use super::table::Tally;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;

/// The connection is cut before the service has it, and again after, in place of the answer.
pub(crate) async fn a_lost_answer(service: &'static Service) -> Tally {
    let stand_in = StandIn::start(service).await;
    let daemon = Daemon::start(&stand_in.setup()).await;
    stand_in.script([Fault::Cut, Fault::CutAfter]);
    daemon.ingest(&failed("r1", "answer-lost")).await;
    daemon.wait_metric("firstred_delivery_attempts_total", "receiver=\"it\",outcome=\"delivered\"", 1.0).await;
    after(&stand_in, &daemon, "answer-lost").await;
    if service.repeats == Repeats::LookedUp {
        assert_eq!(posts(&stand_in, "answer-lost"), 1, "{}: it was there:{}", service.name, stand_in.summary());
    }
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// Killed while the request is on the wire and the service does not have it.
pub(crate) async fn killed_before(service: &'static Service) -> Tally {
    let stand_in = StandIn::start(service).await;
    let mut daemon = Daemon::start(&stand_in.setup()).await;
    stand_in.script([Fault::Hang]);
    daemon.ingest(&failed("r1", "killed")).await;
    stand_in.wait_called().await;
    daemon.crash().await;
    stand_in.next_life();
    after(&stand_in, &daemon, "killed").await;
    assert_eq!(posts(&stand_in, "killed"), 1, "{}:{}", service.name, stand_in.summary());
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// Killed after the service has it and before it could say so.
pub(crate) async fn killed_after(service: &'static Service) -> Tally {
    let stand_in = StandIn::start(service).await;
    let mut daemon = Daemon::start(&stand_in.setup()).await;
    stand_in.script([Fault::HangAfter]);
    daemon.ingest(&failed("r1", "killed")).await;
    stand_in.wait_about("killed").await;
    daemon.crash().await;
    stand_in.next_life();
    daemon.wait_metric("firstred_delivery_attempts_total", "receiver=\"it\",outcome=\"delivered\"", 1.0).await;
    after(&stand_in, &daemon, "killed").await;
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// It is there, at most one repeat is, and who can tell a repeat is told that it is one.
async fn after(stand_in: &StandIn, daemon: &Daemon, needle: &str) {
    let name = stand_in.service.name;
    stand_in.wait_about(needle).await;
    daemon.ingest(&failed("last", "sentinel")).await;
    stand_in.wait_about("sentinel").await;
    let came = stand_in.about(needle);
    let posted: Vec<_> = came.iter().filter(|told| matches!(told.effect, Effect::Post | Effect::Open)).collect();
    assert!((1..=2).contains(&posted.len()), "{name}: {} times:{}", posted.len(), stand_in.summary());
    if stand_in.service.repeats == Repeats::Recognised {
        let same = posted.iter().all(|told| told.thing == posted[0].thing && told.key == posted[0].key);
        assert!(same, "{name}: a repeat can't be told from news:{}", stand_in.summary());
    }
}
