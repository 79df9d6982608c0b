//! The lanes of the receivers in force. A reload replaces them one by one: the successor of a lane begins when the attempts in
//! flight have ended on record, so that a reload neither cancels nor repeats anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Bridge;
use crate::config::{Config, ReceiverSettings};
use crate::metrics::Metrics;
use crate::receiver::dispatcher::{Lane, LaneSettings};
use crate::receiver::{BuildError, Receiver};

pub(super) struct Lanes {
    bridge: Bridge,
    metrics: Metrics,
    /// Those of receivers that are gone, too, until they have ended: should the name come back, its lane waits for them.
    running: BTreeMap<String, Running>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The receivers of a configuration, built: whatever can fail has failed before anything is replaced.
pub(super) struct Built(BTreeMap<String, (Arc<Receiver>, LaneSettings)>);

/// Builds every receiver.
pub(super) fn build(config: &Config) -> Result<Built, BuildError> {
    let public_url: Option<&Url> = config.server.public_url.as_ref();
    let built = config.receivers.iter().map(|(name, settings): (&String, &ReceiverSettings)| {
        let receiver = Receiver::build(name, settings, public_url)?;
        let lane = LaneSettings { pace: settings.pace, parallel: settings.parallel };
        Ok((name.clone(), (Arc::new(receiver), lane)))
    });
    Ok(Built(built.collect::<Result<_, BuildError>>()?))
}

impl Lanes {
    pub(super) fn new(bridge: Bridge, metrics: Metrics) -> Self {
        Self { bridge, metrics, running: BTreeMap::new() }
    }

    /// Puts the receivers in force. Receivers that are gone end their lanes.
    pub(super) fn replace(&mut self, built: Built) {
        let mut old = std::mem::take(&mut self.running);
        old.retain(|_, lane| !lane.has_ended());
        for (name, (carrier, settings)) in built.0 {
            let before = old.remove(&name);
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
                if let Some(before) = before {
                    before.end().await;
                }
                lane.run(until).await;
            });
            self.running.insert(name, Running { stop, task });
        }
        for (name, gone) in old {
            if !gone.stop.is_cancelled() {
                tracing::info!(receiver = %name, "receiver is gone from the configuration");
            }
            gone.stop.cancel();
            self.running.insert(name, gone);
        }
    }

    /// Ends all lanes: what is in flight ends and is recorded.
    pub(super) async fn end(self) {
        for lane in self.running.values() {
            lane.stop.cancel();
        }
        for (_, lane) in self.running {
            lane.end().await;
        }
    }
}

impl Running {
    /// It was told to stop and did. One that ended by itself is looked at by its successor.
    fn has_ended(&self) -> bool {
        self.stop.is_cancelled() && self.task.is_finished()
    }

    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(?error, "a lane ended by a bug");
        }
    }
}
