//! What a service refuses: for now, for good, or because somebody else answers in its place.

use std::time::Duration;

use super::fault::Fault;
use super::service::{Door, Effect, Service};
use super::stand_in::{RECEIVER, StandIn};
use super::table::Tally;
use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::http::{self, Answer};
use crate::support::record::Record;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::webhook::{Hit, Webhook};

/// How many seconds a service asks to wait.
const WAIT: u64 = 2;

/// No call before the time that it asked for is over, whatever it is about.
pub(crate) async fn later(service: &'static Service) -> Tally {
    let stand_in = StandIn::start(service).await;
    let daemon = Daemon::start(&stand_in.setup()).await;
    stand_in.script([Fault::Busy(WAIT)]);
    daemon.ingest(&failed("r1", "limited-one")).await;
    // Said once the whole lane knows that it has to wait.
    daemon.wait_log("is tried again").await;
    daemon.ingest(&failed("r2", "limited-two")).await;
    stand_in.wait_about("limited-one").await;
    stand_in.wait_about("limited-two").await;
    if let Door::Http(_) = service.door {
        let calls = stand_in.calls();
        let refused = calls.iter().position(|call| call.told.effect != Effect::Look).expect("it was called");
        let waited = calls[refused + 1].at - calls[refused].at;
        assert!(waited >= Duration::from_secs(WAIT), "{}: only {waited:?} after the 429", service.name);
    }
    for limited in ["limited-one", "limited-two"] {
        assert_eq!(posts(&stand_in, limited), 1, "{}:{}", service.name, stand_in.summary());
    }
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// How many messages or alerts there are about `needle`.
pub(super) fn posts(stand_in: &StandIn, needle: &str) -> usize {
    stand_in.about(needle).iter().filter(|told| matches!(told.effect, Effect::Post | Effect::Open)).count()
}

fn says(needle: &str) -> impl Fn(&[Hit]) -> bool + '_ {
    move |hits| hits.iter().any(|hit| hit.taken && hit.body.to_string().contains(needle))
}

/// It goes to the fallback at once, and somebody is told that the receiver does not take it.
pub(crate) async fn for_good(service: &'static Service) -> Tally {
    let name = service.name;
    let (stand_in, backup) = (StandIn::start(service).await, Webhook::start(Duration::ZERO).await);
    let setup = Setup::new().defaults(&[RECEIVER], "10m").webhook("backup", &backup, "");
    let daemon = Daemon::start(&stand_in.add_to(setup, RECEIVER, "fallback = \"backup\"")).await;
    stand_in.always(Some(Fault::Gone));
    daemon.ingest(&failed("r1", "orphan")).await;
    for needle in ["orphan", "Notifications to `it`"] {
        let came = backup.wait(SOON, says(needle)).await;
        assert!(came.is_some(), "{name}: nothing about {needle:?} at the fallback; it got:{}", stand_in.summary());
    }
    // Once, and once more plainly where the words leave it open what was refused.
    assert!(stand_in.calls().len() <= 2, "{name}: hammered although it refused for good:{}", stand_in.summary());
    assert!(stand_in.stored().is_empty());
    let secret = service.secret;
    assert!(secret.is_empty() || !says(secret)(&backup.hits()), "{name}: the report holds the secret");
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// A redirect leads nowhere, and a page that says 200 is not the service's yes.
pub(crate) async fn somebody_else(service: &'static Service) -> Tally {
    let stand_in = StandIn::start(service).await;
    let Door::Http(_) = service.door else { return Tally::none() };
    let stolen = Record::default();
    let seen = stolen.clone();
    let thief = http::serve(move |asked| {
        seen.push(asked.uri.to_string());
        async { Answer::text(200, "ok") }
    })
    .await;
    let daemon = Daemon::start(&stand_in.setup()).await;
    stand_in.script([Fault::Redirect(format!("http://{}/", thief.address))]);
    let faults = if service.any_2xx { 1 } else { 2 };
    if !service.any_2xx {
        stand_in.script([Fault::Page]);
    }
    daemon.ingest(&failed("r1", "not-for-thieves")).await;
    stand_in.wait_about("not-for-thieves").await;
    assert_eq!(stolen.all(), Vec::<String>::new(), "{}: a redirect was followed", service.name);
    let refused = stand_in.calls().iter().filter(|call| !call.stored && call.told.effect != Effect::Look).count();
    assert_eq!(refused, faults, "{}:{}", service.name, stand_in.summary());
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}
