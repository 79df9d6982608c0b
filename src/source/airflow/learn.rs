//! What is asked about a run before it is told, and which runs are left to others: those whose parents wait for them, and those that have
//! been run again meanwhile. It must not know what is done with the answers.

use jiff::{SignedDuration, Timestamp};

use super::api::{Fault, FaultKind, Transport};
use super::checkpoint::end;
use super::evidence::Evidence;
use super::look::Round;
use super::poll::Watcher;
use super::wire::DagRun;

/// So long the log of a task may take to be written down after the run has ended.
const LOGS_LAG: SignedDuration = SignedDuration::from_secs(10);
/// So often a run is asked about before it is told with what is known of it.
const TRIES: u32 = 3;

impl<T: Transport> Watcher<T> {
    /// What is known of these runs, without those that have to wait for the next poll, and those that are told with their parents.
    pub(super) async fn learn(
        &mut self,
        round: &mut Round,
        runs: &[DagRun],
        clock: Timestamp,
    ) -> Result<Vec<Evidence>, Fault> {
        let mut known: Vec<Evidence> = Vec::new();
        for run in runs {
            let end = end(run);
            let failed = run.state == "failed";
            if failed && self.is_awaited(round, run).await? {
                round.mark.apart.insert(run.name(), clock);
                continue;
            }
            let tries = self.tried.get(&end).copied().unwrap_or(0);
            let content = tries + 1 >= TRIES;
            let learned = match self.api.learn(run.clone(), &mut self.dags, clock, content).await {
                Ok(evidence) if failed => self.verified(evidence, content).await,
                learned => learned.map(Some),
            };
            match learned {
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                Err(fault) => {
                    round.untold += 1;
                    *self.tried.entry(end).or_default() += 1;
                    round.faults.push(fault);
                }
                Ok(None) => {}
                Ok(Some(evidence)) if !content && failed && is_early(&evidence, clock) => {
                    round.early = true;
                    // The next poll finds it again: nobody waits for it meanwhile.
                    round.untold += 1;
                    *self.tried.entry(end).or_default() += 1;
                }
                Ok(Some(mut evidence)) => {
                    self.tried.remove(&end);
                    evidence.waits = self.standing(run, round).waits;
                    for child in evidence.children() {
                        round.mark.apart.insert(child, clock);
                    }
                    known.push(evidence);
                }
            }
        }
        // Told before, the child stands beside its parent; there is no way to take it back.
        known.retain(|evidence| !round.mark.apart.contains_key(&evidence.run.name()));
        Ok(known)
    }

    /// What was learned of a failed run, if it still has that end: what was asked meanwhile may be of another attempt. Nothing for one
    /// that was run again, since the next poll sees what became of it; of one that is gone, no more than its row.
    async fn verified(&self, evidence: Evidence, content: bool) -> Result<Option<Evidence>, Fault> {
        let run = &evidence.run;
        match self.api.run(&run.dag_id, &run.id).await {
            Ok(Some(now)) => Ok((end(&now) == end(run) && now.state == run.state).then_some(evidence)),
            // That a person had ended it stays true.
            Ok(None) => Ok(Some(Evidence { events: evidence.events, ..Evidence::of(evidence.run) })),
            Err(fault) if fault.kind == FaultKind::Down || !content => Err(fault),
            Err(_) => Ok(Some(evidence)),
        }
    }

    /// Whether a task that is still active has started this run: it waits for it, and its own run will tell the failure.
    async fn is_awaited(&mut self, round: &Round, run: &DagRun) -> Result<bool, Fault> {
        for parent in &round.parents {
            let target = parent.rendered_fields.get("trigger_dag_id").and_then(|dag| dag.as_str());
            if target.is_some_and(|dag| dag != run.dag_id) {
                continue;
            }
            let task = format!("{}/{}[{}]#{}", parent.run_name(), parent.task_id, parent.map_index, parent.try_number);
            let known = self.started.get(&task).cloned();
            let started = match known {
                Some(started) => Some(started),
                None => match self.api.triggered(parent).await {
                    Ok(started) => started,
                    Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                    // Better told twice than not at all.
                    Err(_) => None,
                },
            };
            if let Some(started) = started {
                let is_it = started == run.id;
                self.started.insert(task, started);
                if is_it {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether a failed run has just failed and its log says nothing yet.
fn is_early(evidence: &Evidence, clock: Timestamp) -> bool {
    let age = evidence.run.end_date.map(|end| clock.duration_since(end));
    evidence.lacks_cause() && age.is_some_and(|age| age < LOGS_LAG && age > -LOGS_LAG)
}
