//! From a configuration to a running daemon, and back to nothing within ten seconds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::housekeeping::{Backlog, Housekeeping};
use super::key::KeyError;
use super::lanes::Lanes;
use super::lobbies::Lobbies;
use super::pollers::Pollers;
use super::prepared::Prepared;
use super::readiness::Readers;
use super::settled::Settled;
use super::token::TokenError;
use super::{Bridge, daily, doors, heartbeat, holds, key, own_trouble, successes, token};
use crate::clock;
use crate::config::{Config, Daily};
use crate::engine::Policy;
use crate::ledger::{Keeper, Ledger, OpenError};
use crate::metrics::Metrics;
use crate::net::NetError;
use crate::net::permit::{Issuer, Key};
use crate::receiver::BuildError;
use crate::server::{BindError, Callbacks, Gates, Keys, Server, Wiring};
use crate::source::PollError;
use crate::triage::Classes;

/// What is in flight at a shutdown has this long to end on record: container runtimes kill after ten seconds.
const IN_FLIGHT: Duration = Duration::from_millis(8_500);
/// By then the ledger is closed, or is left to the next start. What is left of the ten seconds is for the runtime's end.
const CLOSED_BY: Duration = Duration::from_millis(9_500);

/// Reads the configuration anew: the whole of it, or its mistakes as text.
pub type Reload = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// Why the daemon can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// A receiver.
    #[error(transparent)]
    Receiver(#[from] BuildError),
    /// A source.
    #[error("failed to set up a source: {0}")]
    Source(#[from] PollError),
    /// The listening socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The heartbeat.
    #[error("failed to set up the heartbeat: {0}")]
    Heartbeat(#[from] NetError),
    /// A webhook source's secret.
    #[error("failed to read the credentials of source {source_name}: {reason}")]
    Credentials {
        /// The source.
        source_name: String,
        /// What is wrong.
        reason: String,
    },
    /// The API's token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The key that signs links.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The operating system gives no signals.
    #[error("failed to register for signals: {0}")]
    Signals(#[from] std::io::Error),
}

/// A running daemon.
pub struct Daemon {
    /// Where it listens.
    pub address: SocketAddr,
    bridge: Bridge,
    ledger: Ledger,
    keeper: Keeper,
    lanes: Lanes,
    lobbies: Lobbies,
    callbacks: watch::Sender<Arc<Callbacks>>,
    pub(super) pollers: Pollers,
    policy: watch::Sender<Arc<Policy>>,
    classes: watch::Sender<Arc<Classes>>,
    gates: watch::Sender<Arc<Gates>>,
    /// The daemon's own token, and what opens the API.
    token: SecretString,
    keys: watch::Sender<Arc<Keys>>,
    /// What signs the links in messages, and who makes them.
    key: Key,
    issuer: watch::Sender<Option<Arc<Issuer>>>,
    metrics: Metrics,
    retention: watch::Sender<Duration>,
    heartbeat: watch::Sender<Option<Arc<heartbeat::Built>>>,
    daily: watch::Sender<Arc<Daily>>,
    settled: Settled,
    pub(super) stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Daemon {
    /// Starts everything.
    ///
    /// # Errors
    /// When the ledger can't be opened, the address is taken, or a source or receiver can't be set up.
    pub async fn start(config: &Config, metrics: Metrics, registry: Arc<Registry>) -> Result<Self, StartError> {
        let key = key::Own::of(&config.ledger.path)?;
        let prepared = Prepared::of(config, &metrics, key.key())?;
        let (server, address) = Server::bind(&config.server).await?;
        let (policy, in_force) = watch::channel(Arc::clone(&config.policy));
        let (classes, classes_in_force) = watch::channel(Arc::clone(&config.classes));
        let (gates, gates_in_force) = watch::channel(Arc::new(prepared.gates));
        let (ledger, keeper) = Ledger::open(&config.ledger, config.server.queue, in_force.clone(), metrics.clone())?;
        // Only who holds the ledger's lock may write beside it.
        let token = token::make(&config.ledger.path)?;
        let key = key.keep()?;
        let (issuer, issuer_in_force) = watch::channel(prepared.issuer);
        let (keys, keys_in_force) = watch::channel(Arc::new(doors::keys(&token, config)));
        let bridge = Bridge::new(ledger.clone(), in_force.clone(), classes_in_force, metrics.clone());
        let mut lobbies = Lobbies::new(bridge.clone());
        let (callbacks, callbacks_in_force) = watch::channel(Arc::new(lobbies.replace(prepared.receivers.lobbies())));
        let mut lanes = Lanes::new(bridge.clone(), metrics.clone());
        lanes.replace(prepared.receivers);
        let mut pollers = Pollers::new(bridge.clone(), metrics.clone());
        pollers.replace(prepared.sources);
        let stop = CancellationToken::new();
        let (backlog, known_backlog) = watch::channel(Backlog::default());
        let (retention, retention_in_force) = watch::channel(config.ledger.retention);
        let housekeeping = Housekeeping {
            ledger: ledger.clone(),
            policy: in_force.clone(),
            health: pollers.health(),
            backlog,
            metrics: metrics.clone(),
            retention: retention_in_force,
            lanes: lanes.alive(),
            began_anew: keeper.began_anew(),
            counts: std::collections::BTreeMap::new(),
        };
        let (pulse, known_pulse) = watch::channel(None);
        let readers = Readers {
            policy: in_force,
            health: pollers.health(),
            backlog: known_backlog,
            metrics: metrics.clone(),
            pulse: known_pulse,
        };
        let (heartbeat, heartbeat_in_force) = watch::channel(prepared.heartbeat);
        let (daily, daily_in_force) = watch::channel(Arc::new(config.daily.clone()));
        let heart =
            heartbeat::Heart { ledger: ledger.clone(), readers: readers.clone(), settings: heartbeat_in_force, pulse };
        let days = daily::Days { ledger: ledger.clone(), readers: readers.clone(), settings: daily_in_force };
        let wiring = Wiring {
            inlet: bridge.clone(),
            checkup: readers,
            registry,
            metrics: metrics.clone(),
            gates: gates_in_force,
            clerk: Arc::new(bridge.clone()),
            keys: keys_in_force,
            issuer: issuer_in_force,
            callbacks: callbacks_in_force,
        };
        let serving = server.serve(wiring, stop.clone());
        let tasks = vec![
            tokio::spawn(serving),
            tokio::spawn(housekeeping.run(stop.clone())),
            tokio::spawn(holds::run(ledger.clone(), stop.clone())),
            tokio::spawn(heart.run(stop.clone())),
            tokio::spawn(days.run(stop.clone())),
            tokio::task::spawn_blocking({
                let (path, metrics) = (config.ledger.path.clone(), metrics.clone());
                move || successes::remember(&path, &metrics)
            }),
        ];
        Ok(Self {
            address,
            bridge,
            ledger,
            keeper,
            lanes,
            lobbies,
            callbacks,
            pollers,
            policy,
            classes,
            gates,
            token,
            keys,
            key,
            issuer,
            metrics,
            retention,
            heartbeat,
            daily,
            settled: Settled::of(config),
            stop,
            tasks,
        })
    }

    /// The ledger as sources see it, for who feeds the daemon from inside.
    #[must_use]
    pub fn bridge(&self) -> Bridge {
        self.bridge.clone()
    }

    /// Puts another configuration in force: as a whole, or not at all. Nothing in flight is cancelled.
    ///
    /// # Errors
    /// When a source or receiver of it can't be set up; then everything stays as it was.
    pub fn replace(&mut self, config: &Config) -> Result<(), StartError> {
        let prepared = Prepared::of(config, &self.metrics, &self.key)?;
        for setting in self.settled.differs_from(config) {
            tracing::warn!(setting, "a setting changed that takes effect at the next start");
        }
        self.retention.send_replace(config.ledger.retention);
        self.policy.send_replace(Arc::clone(&config.policy));
        self.classes.send_replace(Arc::clone(&config.classes));
        self.gates.send_replace(Arc::new(prepared.gates));
        self.keys.send_replace(Arc::new(doors::keys(&self.token, config)));
        self.issuer.send_replace(prepared.issuer);
        self.callbacks.send_replace(Arc::new(self.lobbies.replace(prepared.receivers.lobbies())));
        self.heartbeat.send_replace(prepared.heartbeat);
        self.daily.send_replace(Arc::new(config.daily.clone()));
        self.lanes.replace(prepared.receivers);
        self.pollers.replace(prepared.sources);
        Ok(())
    }

    pub(super) async fn reload(&mut self, read: &Reload) {
        let refused = read().and_then(|config| self.replace(&config).map_err(|error| error.to_string())).err();
        let on_record = match refused {
            None => {
                self.metrics.config_ok.set(1);
                tracing::info!("the configuration was read anew and is in force");
                self.ledger.settle(own_trouble::CONFIGURATION).await
            }
            Some(mistakes) => {
                self.metrics.config_ok.set(0);
                self.metrics.config_refused.inc();
                tracing::error!(?mistakes, "the changed configuration was refused; the old one stays in force");
                self.ledger.raise(own_trouble::refused_configuration(clock::now(), &mistakes)).await
            }
        };
        if let Err(error) = on_record {
            tracing::warn!(?error, "the state of the configuration could not be put on record");
        }
    }

    /// Stops everything: nothing new comes in or goes out, what is in flight ends on record, the ledger closes. Whatever hangs, it
    /// is over within ten seconds.
    pub async fn stop(self) {
        let Self { stop, tasks, lanes, lobbies, callbacks, pollers, keeper, ledger, bridge, .. } = self;
        let closed_by = Instant::now() + CLOSED_BY;
        stop.cancel();
        let tasks = async {
            for task in tasks {
                if let Err(error) = task.await {
                    tracing::error!(?error, "a task ended by a bug");
                }
            }
        };
        // At the same time: a client that is slow to send must not take the time that attempts in flight need.
        let orderly = async { tokio::join!(lanes.end(), lobbies.end(), pollers.end(), tasks) };
        if tokio::time::timeout(IN_FLIGHT, orderly).await.is_err() {
            tracing::warn!(
                "something was still in flight after 8.5 s; what is to be sent stays in the ledger until the next start"
            );
        }
        drop((bridge, ledger, callbacks));
        if tokio::time::timeout_at(closed_by, keeper.close()).await.is_err() {
            tracing::error!("the ledger was not closed in time; what was committed is there at the next start");
        }
    }
}
