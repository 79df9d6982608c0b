//! One poll: look, learn what is new, hand it over, remember how far that went. It must not know how runs are mapped.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{Batch, Intake, NotTaken, PollError, Polled};
use super::api::{Api, Transport};
use super::checkpoint::Checkpoint;
use super::look::{Reach, Round};
use super::names::Directory;
use super::tell::TASKS_LAG;
use crate::config::{PrefectAuth, PrefectSource};

/// The most states whose tries are counted.
const TRIED: usize = 1_000;
/// So many polls a server that has no events is left in peace.
const NO_EVENTS: u32 = 60;

/// Polls one Prefect.
#[derive(Debug)]
pub(in crate::source) struct Watcher<T> {
    pub(super) name: String,
    pub(super) api: Api<T>,
    pub(super) ui: String,
    pub(super) reach: Reach,
    pub(super) names: Directory,
    /// The setting that signs in.
    pub(super) sign_in: Option<&'static str>,
    pub(super) every: Duration,
    /// How often the parts of a state could not be had.
    pub(super) tried: BTreeMap<String, u32>,
    /// How many polls still leave the events alone.
    no_events: u32,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

impl<T: Transport> Watcher<T> {
    pub(super) fn new(name: String, transport: T, settings: PrefectSource) -> Result<Self, PollError> {
        let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let reach = Reach {
            // Below this, a run whose tasks are not written down yet would drop out of the list.
            overlap: span(settings.polling.overlap)
                .clamp(SignedDuration::from_secs(30), SignedDuration::from_hours(240)),
            history: span(settings.polling.history).min(SignedDuration::from_hours(24 * 365)),
        };
        let ui = settings.ui_url.as_str().trim_end_matches('/').to_owned();
        let sign_in = match &settings.auth {
            PrefectAuth::None => None,
            PrefectAuth::Basic(_) => Some("`auth_string`"),
            PrefectAuth::Bearer(_) => Some("`api_key`"),
        };
        let api = Api::new(transport, settings.url, &settings.auth, settings.polling.timeout)?;
        let (names, tried) = (Directory::default(), BTreeMap::new());
        let every = settings.polling.every;
        Ok(Self { name, api, ui, reach, names, sign_in, every, tried, no_events: 0, first: None })
    }

    pub(super) async fn look<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let mut before = Checkpoint::read(stored.as_deref())?;
        let first = *self.first.get_or_insert(now);
        self.api.begin(now);
        if !before.settled && before.origin.is_none() {
            self.arrive(intake, &mut before, now.duration_since(first)).await?;
        }
        let open = intake.open_runs(&self.name).await.map_err(not_taken)?;
        let mut round = Round::new(before.clone());
        if self.tried.len() > TRIED {
            self.tried.clear();
        }
        self.no_events = self.no_events.saturating_sub(1);
        let mut events = self.no_events == 0;
        let asked = events;
        let looked = round.look(&self.api, self.reach, &open, &mut events).await;
        if asked && !events {
            self.no_events = NO_EVENTS;
            tracing::info!(source = ?self.name, "this Prefect gives no events: forced changes of state are seen late");
        }
        round.faults.extend(looked.err());
        self.tell(intake, &mut round).await?;
        settle(&mut round, &before, self.reach);
        let checkpoint = (round.mark != before).then(|| round.mark.write());
        if checkpoint.is_some() || !round.forgotten.is_empty() {
            let batch = Batch { runs: Vec::new(), forgotten: round.forgotten, checkpoint };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
        }
        match round.faults.into_iter().next() {
            Some(fault) => Err(fault.error),
            None => Ok(Polled {
                runs: round.told,
                more: round.more,
                again: round.early.then_some(TASKS_LAG.unsigned_abs()),
            }),
        }
    }

    /// The first contact: notes the engine's time at which firstred began to look, so that a start that takes several
    /// tries makes no history of what failed meanwhile.
    async fn arrive<I: Intake>(
        &self,
        intake: &I,
        mark: &mut Checkpoint,
        waited: SignedDuration,
    ) -> Result<(), PollError> {
        let doing = "asking Prefect for the first time";
        let asked = self.api.post::<Vec<serde_json::Value>>(doing, "flow_runs/filter", &json!({"limit": 1})).await;
        asked.map_err(|fault| fault.error)?;
        let waited = waited.max(SignedDuration::ZERO);
        mark.origin = self.api.date().and_then(|date| date.checked_sub(waited).ok());
        mark.ended = mark.origin;
        let batch = Batch { checkpoint: Some(mark.write()), ..Batch::default() };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }
}

/// Moves on as far as everything that was read was also told, and no further.
fn settle(round: &mut Round, before: &Checkpoint, reach: Reach) {
    let mark = &mut round.mark;
    if round.untold > 0 {
        mark.ended = before.ended;
        mark.rest.clone_from(&before.rest);
        mark.events = before.events;
        mark.retrying.clone_from(&before.retrying);
    }
    mark.retrying.retain(|id, _| !round.unexplained.contains(id));
    mark.settled |= round.untold == 0 && round.faults.is_empty() && mark.rest.is_none();
    if round.whole {
        mark.open.retain(|id, _| round.found.contains_key(id));
    }
    if mark.settled
        && let Some(keep) = mark.ended.and_then(|ended| ended.checked_sub(reach.overlap.saturating_mul(2)).ok())
    {
        mark.told.retain(|_, at| *at >= keep);
    }
    mark.trim();
}

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
