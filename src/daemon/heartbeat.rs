//! The dead man's switch: it is told that firstred is there only while firstred can see and can send, so that silence is the alarm. A task of its
//! own; it waits for nobody and nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::own_trouble;
use super::readiness::Readers;
use crate::clock;
use crate::config::{Config, Heartbeat};
use crate::engine::About;
use crate::ledger::Ledger;
use crate::net::{Client, NetError, Request};
use crate::server::{Checkup, Readiness};

/// While something is ill, it is looked again this often: the beat goes out as soon as all is well.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A ledger that takes no commit within this time is ill, whatever its last one said.
const COMMIT_WITHIN: Duration = Duration::from_secs(10);
/// After a beat that was not taken, the next one comes at the latest after this.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// So many intervals without a beat that was taken are a trouble, and at least [`SHORTEST_PATIENCE`].
const INTERVALS_UNTIL_REPORTED: u32 = 5;
const SHORTEST_PATIENCE: Duration = Duration::from_mins(5);
/// Nothing is read of an answer but its status.
const BODY_CAP: usize = 1_024;

/// What `/readyz` shows of it. Nothing while none is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pulse {
    /// The last beat that was taken.
    pub(super) last_success: Option<Timestamp>,
    /// Why it does not beat, or why the last beat was not taken.
    pub(super) why_not: Option<String>,
}

/// A heartbeat, ready to beat.
pub(super) struct Built {
    client: Client,
    url: Url,
    settings: Heartbeat,
}

/// Builds the heartbeat of a configuration that has one.
pub(super) fn build(config: &Config) -> Result<Option<Arc<Built>>, NetError> {
    let Some(settings) = &config.heartbeat else {
        return Ok(None);
    };
    let url = Url::parse(settings.url.expose_secret()).map_err(|error| NetError::Setup(error.to_string()))?;
    let client = Client::new(&settings.way.client())?;
    Ok(Some(Arc::new(Built { client, url, settings: settings.clone() })))
}

/// The task.
pub(super) struct Heart {
    pub(super) ledger: Ledger,
    pub(super) readers: Readers,
    pub(super) settings: watch::Receiver<Option<Arc<Built>>>,
    pub(super) pulse: watch::Sender<Option<Pulse>>,
}

/// Whether the beat goes out: nothing, or the first thing that is ill.
pub(super) fn verdict(readiness: &Readiness) -> Result<(), String> {
    if !readiness.ledger.ok {
        return Err("the ledger takes no commits".to_owned());
    }
    if let Some(source) = readiness.sources.iter().find(|source| !source.ok) {
        return Err(format!("source {} was not read lately", source.name));
    }
    if let Some(receiver) = readiness.receivers.iter().find(|receiver| !receiver.ok) {
        return Err(format!("receiver {} takes nothing", receiver.name));
    }
    Ok(())
}

/// What is remembered between two looks.
struct Rhythm {
    next: Instant,
    /// Why it is held back, where that was said.
    held: bool,
    /// Since when beats are not taken.
    failing: Option<(Instant, Timestamp)>,
    reported: bool,
    /// The ledger may hold a trouble of it as open: of ours, or of the process or the settings before.
    open: bool,
}

impl Heart {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let built = self.settings.borrow_and_update().clone();
            let Some(built) = built else {
                self.pulse.send_replace(None);
                self.settle().await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = self.settings.changed() => if changed.is_err() { return },
                }
                continue;
            };
            let before = self.pulse.borrow().as_ref().and_then(|pulse| pulse.last_success);
            self.pulse.send_replace(Some(Pulse { last_success: before, why_not: None }));
            let mut rhythm = Rhythm { next: Instant::now(), held: false, failing: None, reported: false, open: true };
            loop {
                let wait = tokio::select! {
                    () = stop.cancelled() => return,
                    wait = self.look(&built, &mut rhythm) => wait,
                };
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = self.settings.changed() => if changed.is_err() { return } else { break },
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }

    /// Beats, if it is time and all is well. Answers when to look again.
    async fn look(&self, built: &Built, rhythm: &mut Rhythm) -> Duration {
        let now = Instant::now();
        if now < rhythm.next {
            return rhythm.next - now;
        }
        if let Err(ill) = self.well().await {
            self.hold_back(rhythm, ill);
            return LOOK_EVERY.min(built.settings.every);
        }
        if std::mem::take(&mut rhythm.held) {
            tracing::info!("firstred can see and can send again: the heartbeat goes on");
        }
        let began = Instant::now();
        match built.beat().await {
            Ok(()) => {
                self.taken(rhythm).await;
                rhythm.next = began + built.settings.every;
            }
            Err(reason) => {
                self.not_taken(built, rhythm, reason).await;
                rhythm.next = Instant::now() + built.settings.every.min(AGAIN_AFTER);
            }
        }
        rhythm.next.saturating_duration_since(Instant::now())
    }

    /// Whether firstred can see and can send, and the ledger writes: proven, not remembered.
    async fn well(&self) -> Result<(), String> {
        verdict(&self.readers.readiness())?;
        match tokio::time::timeout(COMMIT_WITHIN, self.ledger.beat()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("the ledger takes no commits".to_owned()),
        }
    }

    fn hold_back(&self, rhythm: &mut Rhythm, ill: String) {
        // Before the first looks have ended nothing is ill yet.
        let begun = self.pulse.borrow().as_ref().is_some_and(|pulse| pulse.last_success.is_some());
        if !rhythm.held && (begun || self.readers.has_looked()) {
            rhythm.held = true;
            tracing::warn!(why = %ill, "the heartbeat is held back");
        }
        self.show(|pulse| pulse.why_not = Some(ill));
    }

    async fn taken(&self, rhythm: &mut Rhythm) {
        let now = clock::now();
        self.readers.metrics.heartbeat_last_success.set(now.as_duration().as_secs_f64());
        self.show(|pulse| *pulse = Pulse { last_success: Some(now), why_not: None });
        if rhythm.failing.take().is_some() {
            tracing::info!("the heartbeat is taken again");
        }
        rhythm.reported = false;
        rhythm.open = rhythm.open && !self.settle().await;
    }

    /// Closes the trouble, if one is open. Answers whether that is on record.
    async fn settle(&self) -> bool {
        let settled = self.ledger.settle(&About::Heartbeat.what()).await;
        if let Err(error) = &settled {
            tracing::warn!(?error, "the end of the heartbeat's trouble is not on record yet");
        }
        settled.is_ok()
    }

    async fn not_taken(&self, built: &Built, rhythm: &mut Rhythm, reason: String) {
        if rhythm.failing.is_none() {
            tracing::warn!(%reason, "the heartbeat was not taken");
        }
        let (since, at) = *rhythm.failing.get_or_insert((Instant::now(), clock::now()));
        self.show(|pulse| pulse.why_not = Some(reason.clone()));
        let patience = (built.settings.every * INTERVALS_UNTIL_REPORTED).max(SHORTEST_PATIENCE);
        if rhythm.reported || since.elapsed() < patience {
            return;
        }
        match self.ledger.raise(own_trouble::heartbeat(at, &reason)).await {
            Ok(_) => (rhythm.reported, rhythm.open) = (true, true),
            Err(error) => tracing::warn!(?error, "the heartbeat's trouble is not on record yet"),
        }
    }

    fn show(&self, change: impl FnOnce(&mut Pulse)) {
        self.pulse.send_modify(|pulse| change(pulse.get_or_insert_default()));
    }
}

impl Built {
    async fn beat(&self) -> Result<(), String> {
        let request = Request {
            method: if self.settings.post { Method::POST } else { Method::GET },
            url: self.url.clone(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: self.settings.timeout,
            body_cap: BODY_CAP,
        };
        // Neither the error nor the status says where to: the URL may be a secret as a whole.
        match self.client.send(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("HTTP {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{ConfigHealth, LedgerHealth, ReceiverHealth, SourceHealth};

    fn well() -> Readiness {
        Readiness {
            ready: true,
            config: ConfigHealth { ok: true, error: None },
            ledger: LedgerHealth { ok: true, ..LedgerHealth::default() },
            sources: vec![SourceHealth { name: "prod".to_owned(), ok: true, ..SourceHealth::default() }],
            receivers: vec![ReceiverHealth { name: "oncall".to_owned(), ok: true, ..ReceiverHealth::default() }],
            heartbeat: None,
        }
    }

    #[test]
    fn it_beats_only_while_everything_that_it_stands_for_is_well() {
        assert_eq!(verdict(&well()), Ok(()));
        let mut blind = well();
        blind.sources[0].ok = false;
        assert_eq!(verdict(&blind), Err("source prod was not read lately".to_owned()));
        let mut mute = well();
        mute.receivers[0].ok = false;
        assert_eq!(verdict(&mute), Err("receiver oncall takes nothing".to_owned()));
        let mut full = well();
        full.ledger.ok = false;
        assert_eq!(verdict(&full), Err("the ledger takes no commits".to_owned()));
    }

    #[test]
    fn a_refused_configuration_does_not_stop_it_for_the_old_one_sees_and_sends() {
        let refused = ConfigHealth { ok: false, error: None };
        assert_eq!(verdict(&Readiness { config: refused, ..well() }), Ok(()));
    }
}
