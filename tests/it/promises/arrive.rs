//! A failure is delivered once, and a whole life leaves the service in the right state; in the order in which it happened.

use super::fault::Fault;
use super::service::{Effect, Keeps, Service};
use super::stand_in::StandIn;
use super::table::Tally;
use crate::support::daemon::Daemon;
use crate::support::runs::{at, failed, in_status, with};

/// The news of a problem comes as soon as a test can wait for it.
const RULE: &str = "[[rules]]\nname = \"all\"\nnotify = [\"it\"]\nupdate_every = \"1s\"";

/// What the next thing said of a problem does.
struct Steps {
    more: &'static [Effect],
    acknowledged: &'static [Effect],
    over: &'static [Effect],
    again: &'static [Effect],
}

fn steps(keeps: Keeps) -> Steps {
    match keeps {
        Keeps::Posts => {
            Steps { more: &[Effect::Post], acknowledged: &[], over: &[Effect::Post], again: &[Effect::Post] }
        }
        Keeps::Alert => Steps {
            more: &[Effect::Open, Effect::Note],
            acknowledged: &[Effect::Acknowledge],
            over: &[Effect::Resolve],
            again: &[Effect::Open],
        },
        Keeps::Edits => Steps {
            more: &[Effect::Edit],
            acknowledged: &[Effect::Edit],
            over: &[Effect::Edit],
            // People must see it.
            again: &[Effect::Post, Effect::Reply],
        },
    }
}

/// Failed, failed more, acknowledged, resolved, failed again.
pub(crate) async fn a_whole_life(service: &'static Service) -> Tally {
    let name = service.name;
    let stand_in = StandIn::start(service).await;
    let daemon = Daemon::start(&stand_in.setup().toml(RULE)).await;
    let steps = steps(service.keeps);

    daemon.ingest(&failed("r1", "life")).await;
    let opened = stand_in.wait_about("life").await;
    let seen = stand_in.stored().len();
    daemon.ingest(&again("r2")).await;
    stand_in.wait_next("life", seen, steps.more).await;

    let seen = stand_in.stored().len();
    let said = daemon.tell(&["ack", &incident(&daemon), "--by", "ada"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    if service.hears_acknowledged {
        let told = stand_in.wait_next("", seen, steps.acknowledged).await;
        assert!(
            told.text.contains("ada") || service.keeps == Keeps::Alert,
            "{name}: who it was is not said: {told:#?}"
        );
    }

    let seen = stand_in.stored().len();
    daemon.ingest(&passed("r3")).await;
    let over = stand_in.wait_next("", seen, steps.over).await;
    if service.keeps == Keeps::Alert {
        assert_eq!(over.thing, opened.thing, "{name}: another alert was resolved than was opened");
    } else {
        assert!(over.text.contains("recovered"), "{name}: it does not say that it is over: {}", over.text);
    }
    let standing = things(&stand_in);

    let seen = stand_in.stored().len();
    daemon.ingest(&again("r4")).await;
    stand_in.wait_next("life", seen, steps.again).await;
    daemon.ingest(&failed("last", "sentinel")).await;
    stand_in.wait_about("sentinel").await;

    let stored = stand_in.stored();
    match service.keeps {
        // Somebody who looks after it is told to those who show it; the others hear four things.
        Keeps::Posts => {
            let posts = stored.iter().filter(|told| told.text.contains("life")).count();
            assert_eq!(posts, 4, "{name}: opened, more, over, again; it got:{}", stand_in.summary());
        }
        Keeps::Alert => {
            assert_eq!(standing, std::slice::from_ref(&opened.thing), "{name}: one problem is one alert");
            let last = stored.iter().rfind(|told| told.thing == opened.thing).map(|told| told.effect);
            assert_eq!(last, Some(Effect::Open), "{name}: it failed again and is not open: {}", stand_in.summary());
        }
        Keeps::Edits => assert_eq!(standing, [opened.thing], "{name}: one problem is one message"),
    }
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// The opening fails at first, and the problem is over before it is tried again.
pub(crate) async fn in_order(service: &'static Service) -> Tally {
    let name = service.name;
    let stand_in = StandIn::start(service).await;
    let mut daemon = Daemon::start(&stand_in.setup().toml(RULE)).await;
    stand_in.script([Fault::Down]);
    daemon.ingest(&failed("r1", "life")).await;
    daemon.wait_metric("firstred_delivery_attempts_total", "receiver=\"it\"", 1.0).await;
    daemon.ingest(&passed("r2")).await;
    daemon.crash().await;
    stand_in.next_life();
    let opened = stand_in.wait_about("life").await;
    let is_over = |told: &super::service::Told| told.effect == Effect::Resolve || told.text.contains("recovered");
    let calls = stand_in.wait("the end", |calls| calls.iter().any(|call| call.stored && is_over(&call.told))).await;
    let over: Vec<bool> = calls.iter().filter(|call| call.stored).map(|call| is_over(&call.told)).collect();
    assert!(over.is_sorted(), "{name}: the end came before the beginning: {}", stand_in.summary());
    assert!(!is_over(&opened), "{name}: {}", stand_in.summary());
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// The alerts or messages that stand there.
fn things(stand_in: &StandIn) -> Vec<String> {
    let mut things: Vec<String> = Vec::new();
    for told in stand_in.stored() {
        if matches!(told.effect, Effect::Post | Effect::Open) && !things.contains(&told.thing) {
            things.push(told.thing);
        }
    }
    things
}

/// A run of the same workflow that failed just now.
fn again(id: &str) -> serde_json::Value {
    let run = with(failed(id, "life"), "startedAt", at(0));
    with(with(run, "completedAt", at(0)), "updatedAt", at(0))
}

/// A later run that passed.
fn passed(id: &str) -> serde_json::Value {
    with(in_status(id, "life", "completed"), "startedAt", at(0))
}

/// The only incident.
fn incident(daemon: &Daemon) -> String {
    let said = daemon.command(&["incidents", "--all", "--format", "json"]).json();
    said[0]["id"].as_str().expect("an incident has an id").to_owned()
}
