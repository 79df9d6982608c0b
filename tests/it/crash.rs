//! kill -9 at random moments under load. Whatever was answered 2xx arrives; what repeats was on the wire when the process died.
//!
//! `FIRSTRED_KILLS` says how often (5 by default, 200 for the record), `FIRSTRED_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::{Setup, TOKEN};
use crate::support::webhook::{Hit, Webhook, leaves};

/// How many clients push at once.
const PUSHERS: usize = 4;
/// A delivery that was on the wire at a kill arrived at most this long before it: answer, commit, and two busy cores.
const ON_THE_WIRE: Duration = Duration::from_secs(2);

fn number(name: &str, default: u64) -> u64 {
    std::env::vars().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_accepted_before_a_kill_arrives_and_little_of_it_twice() {
    let kills = number("FIRSTRED_KILLS", 5);
    let seed = number("FIRSTRED_SEED", fastrand::u64(..));
    eprintln!("FIRSTRED_KILLS={kills} FIRSTRED_SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);

    let hook = Webhook::start(Duration::from_millis(15)).await;
    let setup = Setup::new().defaults(&["hook"], "10m").webhook("hook", &hook, "");
    let mut daemon = Daemon::start(&setup).await;

    let (base, accepted, stop) = (watch::Sender::new(daemon.base().to_owned()), Accepted::default(), Stop::default());
    let mut pushers = JoinSet::new();
    for pusher in 0..PUSHERS {
        pushers.spawn(push(pusher, base.subscribe(), Arc::clone(&accepted), Arc::clone(&stop)));
    }
    let mut deaths = Vec::new();
    for _ in 0..kills {
        // The moment is the point: time passes here on purpose, nothing is waited for.
        tokio::time::sleep(Duration::from_millis(chance.u64(20..600))).await;
        daemon.kill9();
        deaths.push(Instant::now());
        hook.next_life();
        daemon.restart().await;
        base.send_replace(daemon.base().to_owned());
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(pusher) = pushers.join_next().await {
        pusher.expect("no panic");
    }

    let accepted = accepted.lock().await.clone();
    assert!(!accepted.is_empty(), "the load never began");
    let all = |hits: &[Hit]| accepted.is_subset(&arrived(hits));
    let enough = Duration::from_secs(60 + kills);
    if hook.wait(enough, all).await.is_none() {
        let lost: Vec<_> = accepted.difference(&arrived(&hook.hits())).cloned().collect();
        panic!("{} of {} accepted failures never arrived: {lost:?}", lost.len(), accepted.len());
    }
    hook.assert_signed();
    let repeats = check_repeats(&hook.by_id(), &deaths);
    eprintln!("{} accepted, {} arrived, {repeats} repeats over {kills} kills", accepted.len(), hook.by_id().len());
}

type Accepted = Arc<Mutex<BTreeSet<String>>>;
type Stop = Arc<AtomicBool>;

/// Pushes failures, each of its own workflow, to wherever the daemon is now, until it is stopped.
async fn push(pusher: usize, base: watch::Receiver<String>, accepted: Accepted, stop: Stop) {
    let client = Client::default();
    let token = format!("Bearer {TOKEN}");
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    for count in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let id = format!("run-{pusher}-{count}");
        let body = failed(&id, &format!("wf-{pusher}-{count}")).to_string().into_bytes();
        let url = format!("{}/ingest/events", base.borrow().as_str());
        match client.post(&url, &headers, body).await {
            Ok(answer) if answer.accepted() => {
                accepted.lock().await.insert(id);
            }
            // Refused for now, or dead: it may or may not have been kept. Nothing was promised.
            Ok(answer) => assert!(matches!(answer.status, 429 | 503), "{answer:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// The run ids that the hits name.
fn arrived(hits: &[Hit]) -> BTreeSet<String> {
    hits.iter()
        .filter(|hit| hit.taken)
        .flat_map(|hit| {
            leaves(&hit.body).into_iter().filter(|leaf| leaf.starts_with("run-")).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Within one life nothing repeats; from one life to the next only what had just arrived when the process was killed.
fn check_repeats(by_id: &BTreeMap<String, Vec<Hit>>, deaths: &[Instant]) -> usize {
    let mut repeats = 0;
    for (id, hits) in by_id {
        for pair in hits.windows(2) {
            repeats += 1;
            let (first, second) = (&pair[0], &pair[1]);
            assert_ne!(first.life, second.life, "{id} came twice in one life");
            let death = deaths[first.life];
            let before = death.saturating_duration_since(first.at);
            assert!(before <= ON_THE_WIRE, "{id} came again although it had arrived {before:?} before the kill");
        }
        // One subject, one id: the same run must not arrive under two names.
    }
    let runs = by_id.values().flat_map(|hits| arrived(&hits[..1])).collect::<Vec<_>>();
    let unique = runs.iter().collect::<BTreeSet<_>>();
    assert_eq!(runs.len(), unique.len(), "a run arrived under two webhook ids");
    repeats
}
