//! The way of the planted runs: read as ingest reads them, triaged, decided, written to a ledger of their own, rendered by every type of
//! receiver, and logged. Nothing is sent. What can be seen afterwards, and where, is the result.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::plant::Planted;
use crate::cli::Failure;
use crate::clock;
use crate::config::Config;
use crate::daemon::Bridge;
use crate::engine::{Attempted, Delivery, Outcome};
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::receiver::Receiver;
use crate::run::{Limits, Run, read_run};
use crate::server::Inlet as _;

/// The most deliveries that are rendered of one receiver.
const MOST: usize = 100_000;

/// Something that was sent, written or logged.
pub(super) struct Seen {
    /// Where: `slack, blocks`.
    pub(super) place: String,
    pub(super) bytes: Vec<u8>,
}

/// What came of all runs.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) seen: Vec<Seen>,
    /// How many messages were rendered.
    pub(super) messages: usize,
    /// Which kinds of notifications these were.
    pub(super) kinds: BTreeSet<&'static str>,
}

/// Sends the planted runs on their way under `config`, with a ledger in `folder`, and renders what comes of them by the receivers of
/// `config` and by `others`.
pub(super) async fn go(
    config: &Config,
    others: &[(String, Receiver)],
    folder: &Path,
    planted: &[Planted],
) -> Result<Gone, Failure> {
    let (_policy, in_force) = watch::channel(Arc::clone(&config.policy));
    let (_classes, classes) = watch::channel(Arc::clone(&config.classes));
    let (metrics, _) = Metrics::new();
    let (ledger, keeper) = Ledger::open(&config.ledger, config.server.queue, in_force.clone(), metrics.clone())?;
    let bridge = Bridge::new(ledger.clone(), in_force, classes, metrics);
    let mut gone = Gone::default();

    commit(&bridge, planted.iter().map(|planted| planted.run.clone())).await?;
    // Whatever is held or withheld is said by then.
    let later = clock::now() + SignedDuration::from_hours(2);
    let receivers = receivers(config)?;
    render(&ledger, config, &receivers, others, later, &mut gone).await?;
    commit(&bridge, planted.iter().map(|planted| again(&planted.run))).await?;
    render(&ledger, config, &receivers, others, later + SignedDuration::from_hours(1), &mut gone).await?;

    // With all that is still in the write-ahead log, and once more as it stays behind.
    files(folder, "the ledger's files, open", &mut gone)?;
    drop((bridge, ledger));
    keeper.close().await;
    files(folder, "the ledger's files", &mut gone)?;
    Ok(gone)
}

fn receivers(config: &Config) -> Result<Vec<(String, Receiver)>, Failure> {
    let built = config.receivers.iter().map(|(name, settings)| {
        let receiver = Receiver::build(name, settings, config.server.public_url.as_ref())?;
        Ok((name.clone(), receiver))
    });
    built.collect()
}

async fn commit(bridge: &Bridge, runs: impl Iterator<Item = Value>) -> Result<(), Failure> {
    let read: Vec<(usize, Run)> = runs
        .enumerate()
        .map(|(index, run)| {
            let run = read_run(run.to_string().as_bytes(), Limits::default());
            run.map(|run| (index, run))
                .map_err(|error| Failure::CouldNotAsk(format!("a planted run can't be read: {error}")))
        })
        .collect::<Result<_, _>>()?;
    let refused = bridge.commit("selftest", read).await?;
    match refused.first() {
        Some((_, reason)) => Err(Failure::CouldNotAsk(format!("a planted run was refused: {reason}"))),
        None => Ok(()),
    }
}

/// A later run of the same workflow that completes: what failed before is over, and is said to be.
fn again(run: &Value) -> Value {
    let mut run = run.clone();
    let started = (clock::now() + SignedDuration::from_mins(1)).to_string();
    run["id"] = json!(format!("again {}", run["id"].as_str().unwrap_or_default()));
    (run["status"], run["error"], run["steps"]) = (json!("completed"), Value::Null, json!([]));
    (run["startedAt"], run["completedAt"]) = (json!(started), json!(started));
    run
}

/// Renders all that is due at `now`, and takes it for delivered.
async fn render(
    ledger: &Ledger,
    config: &Config,
    receivers: &[(String, Receiver)],
    others: &[(String, Receiver)],
    now: Timestamp,
    gone: &mut Gone,
) -> Result<(), Failure> {
    ledger.end_holds(now).await?;
    ledger.sweep(now).await?;
    for (name, receiver) in receivers {
        let kind = config.receivers.get(name).map_or("", |settings| settings.kind.as_str());
        let (due, _) = ledger.due(name, now, MOST, &[]).await?;
        for delivery in due {
            gone.kinds.insert(delivery.notification.kind.as_str());
            gone.messages += 1;
            show(kind, receiver, &delivery, gone);
            for (name, other) in others {
                show(&format!("receiver {name} of the configuration"), other, &delivery, gone);
            }
            ledger.record(delivered(delivery, now)).await?;
        }
    }
    Ok(())
}

fn show(place: &str, receiver: &Receiver, delivery: &Delivery, gone: &mut Gone) {
    let forms = receiver.render_all(delivery);
    gone.seen.extend(forms.into_iter().map(|(form, bytes)| Seen { place: format!("{place}, {form}"), bytes }));
}

fn delivered(delivery: Delivery, at: Timestamp) -> Attempted {
    Attempted {
        delivery: delivery.id,
        receiver: delivery.receiver,
        at,
        attempts: delivery.attempts + 1,
        created_at: delivery.created_at,
        outcome: Outcome::delivered("self-test"),
    }
}

fn files(folder: &Path, place: &str, gone: &mut Gone) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::CouldNotAsk(format!("failed to read the self-test's ledger: {error}"));
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let bytes = std::fs::read(&path).map_err(failed)?;
        gone.seen.push(Seen { place: place.to_owned(), bytes });
    }
    Ok(())
}
