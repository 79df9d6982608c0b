//! From Prefect's task runs to steps: which belong to this attempt, in which order, under which name.
//! It must not know runs beyond their attempt.

use jiff::Timestamp;

use super::error;
use super::states::{attempt_began, is_failure, step_status};
use super::wire::{FlowRun, TaskRun};
use crate::run::{RunStatus, Step, StepStatus};

use super::wire::State;

/// The task rows of the run's current attempt. Prefect keeps the rows of all attempts under one run id.
///
/// A row carries the attempt that it belongs to, except that rows of subflows and rows that never ran carry 0, and that
/// a pause counts as an attempt of the run but not of its tasks. With the history of states, time decides; without it,
/// a row that carries 0 belongs to the attempt if it moved after everything that an older attempt did. What counts is the
/// time of its last move: a flow that retries takes up the row of a subflow again, with its old start.
pub(super) fn of_attempt<'a>(run: &FlowRun, tasks: &'a [TaskRun], history: Option<&[State]>) -> Vec<&'a TaskRun> {
    let known = run.state.as_ref().zip(history);
    if let Some((state, history)) = known {
        let Some(began) = attempt_began(state, history) else { return tasks.iter().collect() };
        return tasks.iter().filter(|task| task.moved().is_some_and(|at| at >= began)).collect();
    }
    if run.run_count <= 1 {
        return tasks.iter().filter(|task| task.flow_run_run_count <= 1).collect();
    }
    let older = |task: &&TaskRun| task.flow_run_run_count > 0 && task.flow_run_run_count < run.run_count;
    let over = tasks.iter().filter(older).filter_map(|task| Some(task.state.as_ref()?.timestamp)).max();
    tasks
        .iter()
        .filter(|task| match task.flow_run_run_count {
            0 => over.is_none_or(|over| task.moved().is_some_and(|at| at > over)),
            count => count == run.run_count,
        })
        .collect()
}

/// The task that failed first. A task that is tried again has not failed; the order of the list says nothing.
pub(super) fn first_failed<'a>(tasks: &[&'a TaskRun]) -> Option<&'a TaskRun> {
    tasks
        .iter()
        .filter_map(|task| Some((task.state.as_ref().filter(|state| is_failure(&state.kind))?.timestamp, *task)))
        .min_by(|(at, task), (other_at, other)| at.cmp(other_at).then_with(|| task.id.cmp(&other.id)))
        .map(|(_, task)| task)
}

/// The steps of an attempt, numbered in the order in which they started.
pub(super) fn steps(tasks: &[&TaskRun], run: RunStatus, ui: &str) -> Vec<Step> {
    let mut tasks = tasks.to_vec();
    tasks.sort_by_key(|task| (task.start_time.is_none(), task.start_time, task.id.clone()));
    let mut number = 0;
    tasks
        .into_iter()
        .map(|task| {
            let started = task.start_time.is_some();
            number += u32::from(started);
            step(task, started.then_some(number), run, ui)
        })
        .collect()
}

fn step(task: &TaskRun, number: Option<u32>, run: RunStatus, ui: &str) -> Step {
    let state = task.state.as_ref();
    let mut status = state.map_or(StepStatus::Pending, step_status);
    // What was running when somebody cancelled the run is reported as crashed.
    if run == RunStatus::Cancelled && state.is_some_and(|state| state.kind == "CRASHED") {
        status = StepStatus::Cancelled;
    }
    let ended = matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Cancelled);
    let tries = task.empirical_policy.retries.filter(|retries| *retries > 0).map(|retries| retries.saturating_add(1));
    Step {
        number,
        title: title(task).to_owned(),
        kind: kind(task),
        status,
        attempt: Some(task.run_count).filter(|count| *count > 0),
        max_attempts: tries.filter(|tries| *tries >= task.run_count),
        retry_at: state.filter(|_| status == StepStatus::Retrying).and_then(|state| state.details.scheduled_time),
        tolerated: run == RunStatus::Completed && status == StepStatus::Failed,
        started_at: task.start_time,
        completed_at: state.filter(|_| ended).map(|state| state.timestamp),
        error: state.filter(|_| status == StepStatus::Failed).map(error::of_state),
        url: super::mapping::link(ui, "task-run", &task.id),
    }
}

/// Prefect appends the beginning of the dynamic key to the name: `Charge card-fb3`, `child-0`.
pub(super) fn title(task: &TaskRun) -> &str {
    let end = task.dynamic_key.char_indices().nth(3).map_or(task.dynamic_key.len(), |(at, _)| at);
    let key = &task.dynamic_key[..end];
    let bare = task.name.strip_suffix(key).filter(|_| !key.is_empty()).and_then(|name| name.strip_suffix('-'));
    bare.filter(|name| !name.is_empty()).unwrap_or(&task.name)
}

fn kind(task: &TaskRun) -> Option<String> {
    if task.child().is_some() {
        return Some("subflow".to_owned());
    }
    let key = task.task_key.as_str();
    let hashed = |tail: &str| tail.len() == 8 && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bare = key.rsplit_once('-').filter(|(_, tail)| hashed(tail)).map_or(key, |(bare, _)| bare);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// When the first of these tasks started.
pub(super) fn started(tasks: &[&TaskRun]) -> Option<Timestamp> {
    tasks.iter().filter_map(|task| task.start_time).min()
}
