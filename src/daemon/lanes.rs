//! The lanes of the receivers in force. A reload replaces them one by one: the successor of a lane begins when the attempts in
//! flight have ended on record, so that a reload neither cancels nor repeats anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Bridge;
use crate::config::{Config, ReceiverSettings};
use crate::metrics::Metrics;
use crate::receiver::dispatcher::{Lane, LaneSettings};
use crate::receiver::{BuildError, Lobby, Receiver};

pub(super) struct Lanes {
    bridge: Bridge,
    metrics: Metrics,
    running: BTreeMap<String, Running>,
    /// Of receivers that left the configuration, still ending.
    gone: BTreeMap<String, Running>,
    alive: Alive,
}

/// How many lanes each receiver has that may still send, those that are ending included.
#[derive(Debug, Clone, Default)]
pub(super) struct Alive(Arc<Mutex<BTreeMap<String, usize>>>);

/// One lane's share of [`Alive`].
struct Lives {
    name: String,
    alive: Alive,
}

impl Alive {
    /// Whether nobody sends to `receiver`.
    pub(super) fn is_silent(&self, receiver: &str) -> bool {
        !self.lanes().contains_key(receiver)
    }

    fn begin(&self, name: &str) -> Lives {
        *self.lanes().entry(name.to_owned()).or_default() += 1;
        Lives { name: name.to_owned(), alive: self.clone() }
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lives {
    fn drop(&mut self) {
        let mut lanes = self.alive.lanes();
        if let Some(count) = lanes.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                lanes.remove(&self.name);
            }
        }
    }
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The receivers of a configuration, built: whatever can fail has failed before anything is replaced.
pub(super) struct Built(BTreeMap<String, (Arc<Receiver>, LaneSettings)>);

/// Builds every receiver.
pub(super) fn build(config: &Config, metrics: &Metrics) -> Result<Built, BuildError> {
    let public_url: Option<&Url> = config.server.public_url.as_ref();
    let built = config.receivers.iter().map(|(name, settings): (&String, &ReceiverSettings)| {
        let receiver = Receiver::build(name, settings, public_url)?;
        receiver.count_in(metrics);
        let lane = LaneSettings { pace: settings.pace, parallel: settings.parallel };
        Ok((name.clone(), (Arc::new(receiver), lane)))
    });
    Ok(Built(built.collect::<Result<_, BuildError>>()?))
}

impl Built {
    /// The ways in for what people do about what these receivers told them.
    pub(super) fn lobbies(&self) -> Vec<Arc<Lobby>> {
        Receiver::lobbies(self.0.values().map(|(receiver, _)| receiver.as_ref()))
    }
}

impl Lanes {
    pub(super) fn new(bridge: Bridge, metrics: Metrics) -> Self {
        Self { bridge, metrics, running: BTreeMap::new(), gone: BTreeMap::new(), alive: Alive::default() }
    }

    /// Which lanes there are, whichever configuration is in force.
    pub(super) fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Puts the receivers in force. Receivers that are gone end their lanes; one that comes back waits for its old lane's end.
    pub(super) fn replace(&mut self, built: Built) {
        let mut old = std::mem::take(&mut self.running);
        self.gone.retain(|_, lane| !lane.task.is_finished());
        for (name, (carrier, settings)) in built.0 {
            let before = old.remove(&name).or_else(|| self.gone.remove(&name));
            let lives = self.alive.begin(&name);
            let stop = CancellationToken::new();
            let lane = Lane {
                name: name.clone(),
                carrier,
                outbox: self.bridge.clone(),
                settings,
                metrics: self.metrics.clone(),
            };
            let until = stop.clone();
            let task = tokio::spawn(async move {
                let _lives = lives;
                if let Some(before) = before {
                    before.end().await;
                }
                lane.run(until).await;
            });
            self.running.insert(name, Running { stop, task });
        }
        for (name, gone) in old {
            tracing::info!(receiver = %name, "receiver is gone from the configuration");
            gone.stop.cancel();
            self.gone.insert(name, gone);
        }
    }

    /// Ends all lanes: what is in flight ends and is recorded.
    pub(super) async fn end(self) {
        for lane in self.running.values() {
            lane.stop.cancel();
        }
        for (_, lane) in self.running.into_iter().chain(self.gone) {
            lane.end().await;
        }
    }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(?error, "a lane ended by a bug");
        }
    }
}
