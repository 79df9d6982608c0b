//! One poll: look, learn what is new, hand it over, remember how far that went. It must not know how runs are mapped.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{Batch, Intake, NotTaken, PollError, Polled, Seen};
use super::api::{Api, Fault, Transport};
use super::ask::PAGE;
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::look::{Reach, Round};
use super::mapping;
use super::names::Directory;
use super::states::{awaits_retry, is_failure};
use super::wire::FlowRun;
use crate::config::{PrefectAuth, PrefectSource};

/// How many runs are asked about, and handed over, together.
pub(super) const TOGETHER: usize = 10;
/// Prefect writes task runs down a little later than the run that they belong to.
const TASKS_LAG: SignedDuration = SignedDuration::from_secs(3);
/// So often a run is asked about before it is told with what is known of it.
const TRIES: u32 = 3;
/// So often a task that waits for its retry is asked why. Flows send their logs in batches of two seconds, and late under load.
const LOG_TRIES: u32 = 10;
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
    tried: BTreeMap<String, u32>,
    /// How many polls still leave the events alone.
    no_events: u32,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Row,
    Detail,
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

    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    async fn tell<I: Intake>(&mut self, intake: &I, round: &mut Round) -> Result<(), PollError> {
        let mut rows: Vec<FlowRun> = Vec::new();
        let mut details: Vec<FlowRun> = Vec::new();
        for run in round.found.values() {
            match self.need(run, round) {
                Some(Need::Row) => rows.push(run.clone()),
                Some(Need::Detail) => details.push(run.clone()),
                None => {}
            }
        }
        details.sort_by_key(|run| run.state.as_ref().map(|state| state.timestamp));
        for chunk in rows.chunks(PAGE) {
            if let Err(fault) = self.names.learn(&self.api, chunk).await {
                round.untold += chunk.len();
                round.faults.push(fault);
                continue;
            }
            self.hand_over(intake, round, chunk.iter().cloned().map(Evidence::of).collect()).await?;
        }
        let mut left = details.len();
        for chunk in details.chunks(TOGETHER) {
            match self.learn(round, chunk).await {
                Ok(known) => self.hand_over(intake, round, known).await?,
                Err(fault) => {
                    round.untold += left;
                    round.faults.push(fault);
                    return Ok(());
                }
            }
            left -= chunk.len();
        }
        Ok(())
    }

    /// What is known of these runs, without those that have to wait for the next poll.
    async fn learn(&mut self, round: &mut Round, runs: &[FlowRun]) -> Result<Vec<Evidence>, Fault> {
        self.names.learn(&self.api, runs).await?;
        let tried = &self.tried;
        let content = |run: &FlowRun| tried.get(run.state_id()).is_some_and(|tries| tries + 1 >= TRIES);
        let learned = self.api.learn(runs.to_vec(), content).await?;
        let mut known = Vec::new();
        for (run, evidence) in learned {
            match evidence {
                Ok(evidence) if self.is_early(&evidence) => round.early = true,
                Ok(evidence) => {
                    self.tried.remove(run.state_id());
                    if let Some(waits) = round.mark.retrying.get(&run.id).filter(|_| evidence.lacks_cause()) {
                        let times = self.tried.entry(waits.clone()).or_default();
                        *times += 1;
                        if *times < LOG_TRIES {
                            round.unexplained.insert(run.id.clone());
                        }
                    }
                    known.push(evidence);
                }
                Err(fault) => {
                    round.untold += 1;
                    *self.tried.entry(run.state_id().to_owned()).or_default() += 1;
                    round.faults.push(fault);
                }
            }
        }
        Ok(known)
    }

    /// Whether a failed run has just failed and shows no failed task yet. It stays untold until the next poll, which finds
    /// it again because the lists overlap: nobody waits for it meanwhile.
    fn is_early(&self, evidence: &Evidence) -> bool {
        let Some(state) = &evidence.run.state else { return false };
        let age = self.api.date().map(|date| date.duration_since(state.timestamp));
        is_failure(&state.kind)
            && evidence.run.run_count > 0
            && evidence.failed_task().is_none()
            // `Date` has no fractions of a second.
            && age.is_some_and(|age| age < TASKS_LAG && age > -TASKS_LAG)
    }

    fn need(&self, run: &FlowRun, round: &Round) -> Option<Need> {
        let state = run.state.as_ref()?;
        match state.kind.as_str() {
            "FAILED" | "CRASHED" | "COMPLETED" | "CANCELLED" if round.mark.told.contains_key(&state.id) => None,
            "FAILED" | "CRASHED" if self.is_history(run, &round.mark) => Some(Need::Row),
            "FAILED" | "CRASHED" => Some(Need::Detail),
            "COMPLETED" | "CANCELLED" => Some(Need::Row),
            _ if round.changed.contains(&run.id) => Some(Need::Detail),
            _ if round.mark.open.get(&run.id) == Some(&state.id) => None,
            _ if awaits_retry(state) => Some(Need::Detail),
            _ => Some(Need::Row),
        }
    }

    /// It failed before firstred first looked, and before the stretch of the past that is to be told.
    fn is_history(&self, run: &FlowRun, mark: &Checkpoint) -> bool {
        let Some(state) = run.state.as_ref().filter(|state| is_failure(&state.kind)) else { return false };
        let from = mark.origin.and_then(|origin| origin.checked_sub(self.reach.history).ok());
        !mark.settled && from.is_none_or(|from| state.timestamp < from)
    }

    async fn hand_over<I: Intake>(&self, intake: &I, round: &mut Round, known: Vec<Evidence>) -> Result<(), PollError> {
        let mut runs = Vec::with_capacity(known.len());
        for evidence in &known {
            let names = self.names.of(&evidence.run);
            let history = self.is_history(&evidence.run, &round.mark);
            runs.extend(mapping::run(evidence, names, &self.ui).map(|run| Seen { run, history }));
        }
        if runs.is_empty() {
            return Ok(());
        }
        round.told += runs.len();
        intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
        for evidence in &known {
            remember(&mut round.mark, &evidence.run);
        }
        Ok(())
    }
}

/// Remembers that a run was told in its present state.
fn remember(mark: &mut Checkpoint, run: &FlowRun) {
    let Some(state) = &run.state else { return };
    let id = run.id.clone();
    match state.kind.as_str() {
        "FAILED" | "CRASHED" | "COMPLETED" | "CANCELLED" => {
            mark.open.remove(&id);
            mark.told.insert(state.id.clone(), state.timestamp);
            if is_failure(&state.kind) {
                mark.failed.insert(id, state.timestamp);
            } else {
                mark.failed.remove(&id);
            }
        }
        _ => {
            mark.failed.remove(&id);
            mark.open.insert(id, state.id.clone());
        }
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
