//! What an observation of a run proves: a later run that got past the step that failed, the failed run itself completed. Told from facts,
//! never from silence.

use super::{Board, ErrorMemory, Failed, Round, Workflow, joined, workflow};
use crate::engine::Known;
use crate::engine::incident::{Incident, Novelty, Number, Point, Proof, RunRef, State};
use crate::engine::rule::Condition;
use crate::run::RunKey;
use crate::triage::{Observation, Standing};

impl Board {
    /// Remembers what is seen of a workflow. `ended`: the run ended just now, as far as is known.
    pub(in crate::engine) fn see_workflow(&mut self, round: &Round<'_>, seen: &Observation, ended: bool) {
        let key = joined(&[&seen.key.workspace, &seen.key.workflow]);
        if let Some(workflow) = self.workflows.get_mut(&key) {
            workflow.see(round.now, seen, ended);
        } else {
            let mut workflow = Workflow::first(round.now, seen);
            workflow.see(round.now, seen, ended);
            self.workflows.insert(key.clone(), workflow);
        }
        self.changed.workflows.insert(key);
    }

    /// Remembers that a run failed of which nothing new was seen: the retry that was announced has not come.
    pub(in crate::engine) fn see_failed(&mut self, key: &RunKey) {
        let key = joined(&[&key.workspace, &key.workflow]);
        if let Some(workflow) = self.workflows.get_mut(&key) {
            workflow.fail();
            self.changed.workflows.insert(key);
        }
    }

    /// Remembers an error that was met.
    pub(in crate::engine) fn see_error(&mut self, round: &Round<'_>, fingerprint: &str) {
        let error = match self.errors.get_mut(fingerprint) {
            Some(error) => error,
            None => self.errors.entry(fingerprint.to_owned()).or_insert_with(|| ErrorMemory::first(round.now)),
        };
        error.meet(round.now);
        self.changed.errors.insert(fingerprint.to_owned());
    }

    pub(super) fn novelty(&self, failed: Failed<'_>) -> Novelty {
        let Some(error) = self.errors.get(&failed.card.fingerprint.0) else {
            return Novelty::default();
        };
        let workflow = self.workflows.get(&joined(&[&failed.key.workspace, &failed.key.workflow]));
        workflow::novelty(workflow, error, failed.card.run.workflow.version.as_ref())
    }

    /// A run completed that had failed, or had been retrying: where it was the last one of an incident, that is over.
    pub(in crate::engine) fn completed(&mut self, round: &mut Round<'_>, seen: &Observation, known: &mut Known) {
        self.retries_no_more(seen, known);
        for part in known.incidents.iter_mut().filter(|part| !part.again) {
            let Some(incident) = self.incidents.get_mut(&part.number) else {
                continue;
            };
            if part.counted {
                part.again = true;
                incident.again = incident.again.saturating_add(1);
                incident.refs.retain(|run| run.id != seen.key.run);
                self.changed.incidents.insert(part.number);
            }
            let all_again = incident.again >= incident.runs && incident.retrying.is_empty();
            if all_again && incident.state == State::Open {
                let run = run_ref(round, seen);
                self.resolve(round, part.number, Proof::SameRun { run });
            } else if all_again && incident.state == State::Gathering {
                self.give_up_gathering(round.now, part.number);
            }
        }
        self.settle(round);
    }

    /// A run that was only retrying was cancelled: nothing has failed.
    pub(in crate::engine) fn cancelled(&mut self, round: &mut Round<'_>, seen: &Observation, known: &Known) {
        self.retries_no_more(seen, known);
        for part in &known.incidents {
            let never_failed = |incident: &Incident| {
                incident.failures == 0 && incident.retrying.is_empty() && incident.state == State::Open
            };
            if self.incident(part.number).is_some_and(never_failed) {
                let run = run_ref(round, seen);
                self.resolve(round, part.number, Proof::Cancelled { run });
            }
        }
        self.settle(round);
    }

    /// A run that failed has another in its place: what was told of it goes on, but for its own retries.
    pub(in crate::engine) fn replaced(&mut self, seen: &Observation, known: &Known) {
        self.retries_no_more(seen, known);
    }

    /// A run that was retrying has ended well, was cancelled, or has another in its place.
    fn retries_no_more(&mut self, seen: &Observation, known: &Known) {
        let run = joined(&[&seen.key.workflow, &seen.key.run]);
        for part in &known.incidents {
            if self.incidents.get_mut(&part.number).is_some_and(|incident| incident.retrying.remove(&run)) {
                self.changed.incidents.insert(part.number);
            }
        }
    }

    /// Looks whether the run got past a place where others failed.
    /// `news`: the run ended just now, as far as is known. Answers whether it showed anything.
    pub(in crate::engine) fn prove(&mut self, round: &mut Round<'_>, seen: &Observation, news: bool) -> bool {
        let key = joined(&[&seen.key.workspace, &seen.key.workflow]);
        let mut showed = false;
        for number in self.touched(&key, seen, news) {
            showed |= self.prove_one(round, seen, number, &key, news);
        }
        self.settle(round);
        showed
    }

    fn prove_one(&mut self, round: &mut Round<'_>, seen: &Observation, number: Number, key: &str, news: bool) -> bool {
        let Some(incident) = self.incidents.get_mut(&number) else {
            return false;
        };
        let streak = matches!(incident.condition, Some(Condition::Consecutive { .. }));
        if incident.state == State::Gathering {
            // A success breaks the row; for any other condition what was counted still counts.
            let broken = streak && news && seen.standing == Standing::Completed;
            if broken {
                self.give_up_gathering(round.now, number);
            }
            return broken;
        }
        let mut passed = None;
        for point in incident.points.iter_mut().filter(|point| !point.passed && point.workflow == seen.key.workflow) {
            if let Some(step_seen) = passes(point, seen, news) {
                point.passed = true;
                passed = Some(step_seen);
            }
        }
        let Some(step_seen) = passed else {
            return false;
        };
        self.changed.incidents.insert(number);
        if incident.points.iter().all(|point| point.passed) && !incident.overflow {
            let same = incident.points.iter().any(|point| point.run == seen.key.run);
            let run = run_ref(round, seen);
            let proof = if same { Proof::SameRun { run } } else { Proof::LaterRun { run, step_seen } };
            self.resolve(round, number, proof);
        } else if incident.points.iter().filter(|point| point.workflow == seen.key.workflow).all(|point| point.passed) {
            self.unindex_workflow(key, number);
        }
        true
    }
}

/// Whether a run got past the place; and whether the engine reported the step itself as passed.
fn passes(point: &Point, seen: &Observation, news: bool) -> Option<bool> {
    if !is_later(point, seen, news) {
        return None;
    }
    let completed = seen.standing == Standing::Completed;
    match &point.step {
        // No step failed: only a run that completes is past it.
        None => completed.then_some(false),
        Some(step) => match seen.passed.has(step) {
            Some(true) => Some(true),
            // The step did not run, or has not ended: that proves nothing.
            Some(false) => None,
            None => completed.then_some(false),
        },
    }
}

/// Whether the attempt that is seen began after the one that failed was over: one that ran beside it may have been past the place before.
/// Where nobody says when they began, it must have ended later; where there are no times at all, the order of arrival counts, once.
fn is_later(point: &Point, seen: &Observation, news: bool) -> bool {
    let completed = seen.standing == Standing::Completed;
    if point.run == seen.key.run {
        // Another attempt of the same run, or the same one, which was completed after all.
        return completed || point.started_at.zip(seen.started_at).is_some_and(|(failed, start)| start > failed);
    }
    match (seen.started_at, point.ended_at, point.started_at) {
        // Another run may have begun there since, and still retry.
        (Some(start), Some(ended), failed) => start >= ended && failed.is_none_or(|failed| start > failed),
        (Some(start), None, Some(failed)) => start > failed,
        (None, Some(ended), _) => seen.completed_at.is_some_and(|end| end > ended),
        _ => completed && news,
    }
}

fn run_ref(round: &Round<'_>, seen: &Observation) -> RunRef {
    RunRef {
        id: seen.key.run.clone(),
        workflow: seen.workflow_name.clone().unwrap_or_else(|| seen.key.workflow.clone()),
        url: seen.url.clone(),
        at: seen.completed_at.unwrap_or(round.now),
    }
}
