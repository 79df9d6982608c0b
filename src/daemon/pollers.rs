//! The polled sources in force, each with its loop and its health.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Bridge;
use crate::clock;
use crate::config::{Config, SourceKind};
use crate::metrics::Metrics;
use crate::source::airflow::Airflow;
use crate::source::dagster::Dagster;
use crate::source::github::GitHub;
use crate::source::n8n::Mail;
use crate::source::prefect::Prefect;
use crate::source::{PollError, Poller, SourceHealth, Survey, http, n8n, rhythm};

/// The health of every polled source.
pub(super) type Health = BTreeMap<String, watch::Receiver<SourceHealth>>;

pub(super) struct Pollers {
    bridge: Bridge,
    metrics: Metrics,
    /// Those of sources that are gone, too, until they have ended: should the name come back, its loop waits for them.
    running: BTreeMap<String, Running>,
    /// The letter boxes in force.
    mails: BTreeMap<String, Mail>,
    health: watch::Sender<Arc<Health>>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The polled sources of a configuration, built.
pub(super) struct Built {
    loops: BTreeMap<String, (Start, Arc<Notify>)>,
    mails: BTreeMap<String, Mail>,
}

/// What a loop needs of the daemon.
struct Given {
    name: String,
    bridge: Bridge,
    metrics: Metrics,
    health: watch::Sender<SourceHealth>,
    wake: Arc<Notify>,
    stop: CancellationToken,
}

/// A source of any kind: its loop, not yet begun.
type Start = Box<dyn FnOnce(Given) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What is done with a source, of whatever kind it is.
trait With {
    type Done;
    fn poller<P: Poller>(self, poller: P) -> Self::Done;
}

/// To poll it.
struct ToPoll;

impl With for ToPoll {
    type Done = Start;

    fn poller<P: Poller>(self, poller: P) -> Start {
        Box::new(move |given| {
            Box::pin(async move {
                let Given { name, bridge, metrics, health, wake, stop } = given;
                rhythm::run(&name, poller, bridge, metrics, health, wake, stop).await;
            })
        })
    }
}

/// To look at it once.
struct ToSurvey(Timestamp);

impl With for ToSurvey {
    type Done = Pin<Box<dyn Future<Output = Survey> + Send>>;

    fn poller<P: Poller>(self, mut poller: P) -> Self::Done {
        Box::pin(async move { poller.survey(self.0).await })
    }
}

/// A source that was built, and its letter box where it has one.
type WithMail<D> = (D, Option<Mail>);

/// Builds a source; nothing where it is only pushed to. The one place that knows all kinds.
fn built<W: With>(
    name: &str,
    kind: &SourceKind,
    metrics: &Metrics,
    now: Timestamp,
    with: W,
) -> Result<Option<WithMail<W::Done>>, PollError> {
    let done = match kind {
        SourceKind::Webhook(_) => return Ok(None),
        SourceKind::Http(own) => with.poller(http::poller(name, (**own).clone(), metrics.clone(), now)?),
        SourceKind::Airflow(own) => with.poller(Airflow::new(name, (**own).clone())?),
        SourceKind::GitHub(own) => match &own.token {
            Some(token) => with.poller(GitHub::new(name, token, own)?),
            None => return Ok(None),
        },
        SourceKind::Prefect(own) => with.poller(Prefect::new(name, (**own).clone())?),
        SourceKind::N8n(own) => {
            let (source, mail) = n8n::poller(name, own)?;
            return Ok(Some((with.poller(source), Some(mail))));
        }
        SourceKind::Dagster(own) => with.poller(Dagster::new(name, own)?),
    };
    Ok(Some((done, None)))
}

/// Asks a source once what polling asks; nothing where it is only pushed to.
pub(crate) async fn survey(name: &str, kind: &SourceKind, now: Timestamp) -> Result<Option<Survey>, PollError> {
    match built(name, kind, &Metrics::default(), now, ToSurvey(now))? {
        Some((survey, _)) => Ok(Some(survey.await)),
        None => Ok(None),
    }
}

impl Built {
    /// What wakes the poller of each source.
    pub(super) fn wakes(&self) -> BTreeMap<String, Arc<Notify>> {
        self.loops.iter().map(|(name, (_, wake))| (name.clone(), Arc::clone(wake))).collect()
    }

    /// The letter boxes of those sources that have one.
    pub(super) fn mails(&self) -> &BTreeMap<String, Mail> {
        &self.mails
    }
}

/// Builds every polled source.
pub(super) fn build(config: &Config, metrics: &Metrics) -> Result<Built, PollError> {
    let (mut loops, mut mails, now) = (BTreeMap::new(), BTreeMap::new(), clock::now());
    for (name, settings) in &config.sources {
        if let Some((start, mail)) = built(name, &settings.kind, metrics, now, ToPoll)? {
            loops.insert(name.clone(), (start, Arc::default()));
            mails.extend(mail.map(|mail| (name.clone(), mail)));
        }
    }
    Ok(Built { loops, mails })
}

impl Pollers {
    pub(super) fn new(bridge: Bridge, metrics: Metrics) -> Self {
        let (health, _) = watch::channel(Arc::new(Health::new()));
        Self { bridge, metrics, running: BTreeMap::new(), mails: BTreeMap::new(), health }
    }

    /// The health of the sources in force, whichever they are.
    pub(super) fn health(&self) -> watch::Receiver<Arc<Health>> {
        self.health.subscribe()
    }

    /// Puts the sources in force. The successor of a source begins when its last poll has ended.
    pub(super) fn replace(&mut self, built: Built) {
        // What was answered with yes is not lost with the poller that did not come to read it.
        for (name, before) in std::mem::replace(&mut self.mails, built.mails) {
            if let Some(next) = self.mails.get(&name) {
                before.move_to(next);
            }
        }
        let mut old = std::mem::take(&mut self.running);
        old.retain(|_, poller| !(poller.stop.is_cancelled() && poller.task.is_finished()));
        let mut healths = Health::new();
        for (name, (start, wake)) in built.loops {
            let before = old.remove(&name);
            let stop = CancellationToken::new();
            let (health, seen) = watch::channel(SourceHealth::default());
            healths.insert(name.clone(), seen);
            let given = Given {
                name: name.clone(),
                bridge: self.bridge.clone(),
                metrics: self.metrics.clone(),
                health,
                wake,
                stop: stop.clone(),
            };
            let task = tokio::spawn(async move {
                if let Some(before) = before {
                    before.end().await;
                }
                start(given).await;
            });
            self.running.insert(name, Running { stop, task });
        }
        for (name, gone) in old {
            gone.stop.cancel();
            self.running.insert(name, gone);
        }
        self.health.send_replace(Arc::new(healths));
    }

    /// Waits until every source was asked once, well or not.
    pub(super) async fn looked(&self) {
        let healths = Arc::clone(&self.health.borrow());
        for health in healths.values() {
            let mut health = health.clone();
            // An error means that the loop has ended: nothing more comes.
            let _ = health.wait_for(|health| health.last_success.is_some() || health.failing_since.is_some()).await;
        }
    }

    /// Ends all polling. A poll that is under way is given up; its checkpoint has not moved.
    pub(super) async fn end(self) {
        for poller in self.running.values() {
            poller.stop.cancel();
        }
        for (_, poller) in self.running {
            poller.end().await;
        }
    }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(?error, "a source's loop ended by a bug");
        }
    }
}
