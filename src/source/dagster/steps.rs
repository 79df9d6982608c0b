//! From the plan of a run, what became of its steps, and its events, to steps: in the order of the plan, with their numbers.
//! It must not know how a run ended, beyond that it did.

use std::collections::{BTreeMap, BTreeSet};

use super::links;
use super::story::Story;
use super::wire::{Detail, Planned, Stats};
use crate::run::{RunStatus, Step, StepStatus};

/// The steps of a run.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub all: Vec<Step>,
    /// How many the run was to execute, a dynamic one counted once.
    pub total: Option<u32>,
}

/// What is said of every step.
struct Around<'a> {
    story: &'a Story,
    status: RunStatus,
    ui: &'a str,
    run: &'a str,
}

/// Where a step stands in the plan, and what it is made of.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    number: u32,
    kind: Option<&'a str>,
}

/// The steps of the run `run`.
pub(super) fn steps(detail: &Detail, story: &Story, status: RunStatus, ui: &str, run: &str) -> Steps {
    let around = Around { story, status, ui, run };
    let planned = to_execute(detail);
    let order = in_order(&planned);
    let mut places: BTreeMap<&str, Place<'_>> = BTreeMap::new();
    for (at, planned) in order.iter().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        places.insert(&planned.key, Place { number, kind: planned.kind.as_deref() });
    }
    let mut met: BTreeSet<&str> = BTreeSet::new();
    let mut all = Vec::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for stats in &detail.step_stats {
        let key = planned_key(&stats.step_key, &places);
        met.extend(key);
        told.insert(&stats.step_key);
        all.push(step(&stats.step_key, key.and_then(|key| places.get(key)).copied(), Some(stats), &around));
    }
    // What is written down as an event may not be counted yet.
    let events = story.failed.keys().chain(story.retrying.keys()).collect::<BTreeSet<_>>();
    for key in events.into_iter().filter(|key| !told.contains(key.as_str())) {
        let place = planned_key(key, &places);
        met.extend(place);
        all.push(step(key, place.and_then(|key| places.get(key)).copied(), None, &around));
    }
    for planned in order.iter().filter(|planned| !met.contains(planned.key.as_str())) {
        all.push(step(&planned.key, places.get(planned.key.as_str()).copied(), None, &around));
    }
    all.sort_by_key(|step| (step.number.unwrap_or(u32::MAX), step.started_at));
    let total = if order.is_empty() { detail.step_keys_to_execute.as_ref().map_or(0, Vec::len) } else { order.len() };
    Steps { all, total: u32::try_from(total).ok().filter(|total| *total > 0) }
}

/// The steps of the plan that this run executes: a re-execution from the failure leaves out what had gone well.
fn to_execute(detail: &Detail) -> Vec<&Planned> {
    let all = detail.execution_plan.iter().flat_map(|plan| &plan.steps);
    let Some(keys) = detail.step_keys_to_execute.as_ref().filter(|keys| !keys.is_empty()) else { return all.collect() };
    let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let wanted: Vec<&Planned> = all.clone().filter(|step| keys.contains(step.key.as_str())).collect();
    if wanted.is_empty() { all.collect() } else { wanted }
}

/// Each step after those that it depends on; steps that could begin together in the plan's own order.
fn in_order<'a>(planned: &[&'a Planned]) -> Vec<&'a Planned> {
    let keys: BTreeSet<&str> = planned.iter().map(|step| step.key.as_str()).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut left: Vec<&Planned> = planned.to_vec();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let depends = |step: &Planned| {
            let mut keys_of = step.inputs.iter().flat_map(|input| &input.depends_on);
            keys_of.any(|on| keys.contains(on.key.as_str()) && !done.contains(on.key.as_str()))
        };
        let (later, ready): (Vec<&Planned>, Vec<&Planned>) = left.iter().partition(|step| depends(step));
        if ready.is_empty() {
            // A circle is not Dagster's; its steps keep the order that they came in.
            order.extend(later);
            break;
        }
        done.extend(ready.iter().map(|step| step.key.as_str()));
        order.extend(ready);
        left = later;
    }
    order
}

/// The plan's key of a step: `sync[acme]` stands there as `sync[?]`.
fn planned_key<'a>(key: &str, places: &BTreeMap<&'a str, Place<'_>>) -> Option<&'a str> {
    let exact = |key: &str| places.get_key_value(key).map(|(key, _)| *key);
    exact(key).or_else(|| exact(&format!("{}[?]", key.rsplit_once('[')?.0)))
}

fn step(key: &str, place: Option<Place<'_>>, counted: Option<&Stats>, around: &Around<'_>) -> Step {
    let Around { story, status: run, .. } = *around;
    let failed = story.failed.get(key);
    let retry = story.retrying.get(key).filter(|_| !run.is_final());
    let status = status_of(key, counted, around);
    let tried = counted.map_or(0, |stats| u32::try_from(stats.attempts.len()).unwrap_or(u32::MAX));
    let in_vain = story.retries.get(key).copied().unwrap_or_default();
    let attempt = match status {
        StepStatus::Pending | StepStatus::Skipped => None,
        StepStatus::Retrying => Some(in_vain.max(1)),
        StepStatus::Running => Some(in_vain.saturating_add(1)),
        // The tries in vain, and the one that was the last. It may not be counted yet.
        _ if failed.is_some() => Some(tried.max(in_vain.saturating_add(1))),
        _ => Some(tried.max(in_vain).max(1)),
    };
    let ended = matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Cancelled);
    let (started_at, end) = counted.map_or((None, None), |stats| (stats.start_time, stats.end_time));
    Step {
        number: place.map(|place| place.number),
        title: key.to_owned(),
        kind: place.and_then(|place| place.kind).map(str::to_owned),
        status,
        attempt,
        max_attempts: failed.and_then(|failed| failed.tries),
        retry_at: retry.and_then(|retry| retry.until),
        tolerated: false,
        started_at,
        completed_at: match (failed, retry) {
            (Some(failed), _) => failed.at.or(end),
            (None, Some(retry)) => retry.at,
            (None, None) => end.filter(|_| ended),
        },
        error: match (failed, retry) {
            (Some(failed), _) => Some(failed.error.clone()),
            (None, Some(retry)) => Some(retry.error.clone()),
            (None, None) => None,
        },
        url: links::step(around.ui, around.run, key),
    }
}

fn status_of(key: &str, stats: Option<&Stats>, around: &Around<'_>) -> StepStatus {
    let Around { story, status: run, .. } = *around;
    if story.failed.contains_key(key) {
        return StepStatus::Failed;
    }
    if story.torn.contains(key) {
        return StepStatus::Cancelled;
    }
    if story.retrying.contains_key(key) && !run.is_final() {
        return StepStatus::Retrying;
    }
    match stats.and_then(|stats| stats.status.as_deref()) {
        Some("SUCCESS") => StepStatus::Completed,
        Some("FAILURE") => StepStatus::Failed,
        Some("SKIPPED") => StepStatus::Skipped,
        Some("IN_PROGRESS") if run == RunStatus::Cancelled => StepStatus::Cancelled,
        Some("IN_PROGRESS") => StepStatus::Running,
        _ if story.blocked.contains(key) && !run.is_final() => StepStatus::Waiting,
        _ if run.is_final() => StepStatus::Skipped,
        _ => StepStatus::Pending,
    }
}
