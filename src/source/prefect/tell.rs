//! How what one look found is told: what each run needs is learned, and ends go out in an order in which a good one comes behind what it
//! repaired. It must not know how runs are mapped, nor where the list was left.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{Fault, Transport};
use super::ask::PAGE;
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::look::Round;
use super::mapping;
use super::poll::{Watcher, not_taken};
use super::states::{awaits_retry, is_failure};
use super::wire::FlowRun;

/// How many runs are asked about, and handed over, together.
pub(super) const TOGETHER: usize = 10;
/// Prefect writes task runs down a little later than the run that they belong to.
pub(super) const TASKS_LAG: SignedDuration = SignedDuration::from_secs(3);
/// So often a run is asked about before it is told with what is known of it.
const TRIES: u32 = 3;
/// So often a task that waits for its retry is asked why. Flows send their logs in batches of two seconds, and late under load.
const LOG_TRIES: u32 = 10;
/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Row,
    Detail,
}

impl<T: Transport> Watcher<T> {
    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    pub(super) async fn tell<I: Intake>(&mut self, intake: &I, round: &mut Round) -> Result<(), PollError> {
        let (mut rows, mut details, mut good): (Vec<FlowRun>, Vec<FlowRun>, Vec<FlowRun>) = Default::default();
        for run in round.found.values() {
            match self.need(run, round) {
                Some(Need::Row) if is_good_end(run) => good.push(run.clone()),
                Some(Need::Row) => rows.push(run.clone()),
                Some(Need::Detail) => details.push(run.clone()),
                None => {}
            }
        }
        let when = |run: &FlowRun| run.state.as_ref().map(|state| state.timestamp);
        details.sort_by_key(when);
        good.sort_by_key(when);
        self.tell_rows(intake, round, &rows).await?;
        self.tell_details(intake, round, &details).await?;
        // A good end closes what failed before it, and so comes behind the failures of its flow, also behind those that still wait.
        let waits: BTreeSet<Option<String>> =
            details.iter().filter(|run| Self::is_untold(run, round)).map(|run| run.flow_id.clone()).collect();
        let (later, now): (Vec<FlowRun>, Vec<FlowRun>) = good.into_iter().partition(|run| waits.contains(&run.flow_id));
        round.untold += later.len();
        self.tell_rows(intake, round, &now).await
    }

    /// It failed, and waits for the next poll.
    fn is_untold(run: &FlowRun, round: &Round) -> bool {
        run.state.as_ref().is_some_and(|state| is_failure(&state.kind) && !round.mark.told.contains_key(&state.id))
    }

    async fn tell_rows<I: Intake>(&mut self, intake: &I, round: &mut Round, rows: &[FlowRun]) -> Result<(), PollError> {
        for chunk in rows.chunks(PAGE) {
            if let Err(fault) = self.names.learn(&self.api, chunk).await {
                round.untold += chunk.len();
                round.faults.push(fault);
                continue;
            }
            self.hand_over(intake, round, chunk.iter().cloned().map(Evidence::of).collect()).await?;
        }
        Ok(())
    }

    async fn tell_details<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        details: &[FlowRun],
    ) -> Result<(), PollError> {
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

/// Nothing has to be learned of it.
fn is_good_end(run: &FlowRun) -> bool {
    run.state.as_ref().is_some_and(|state| matches!(state.kind.as_str(), "COMPLETED" | "CANCELLED"))
}
