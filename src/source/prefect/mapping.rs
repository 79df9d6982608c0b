//! From everything known of one flow run to a [`Run`]. Pure: it must not know how any of it was fetched, and reads no clock.

use std::collections::BTreeMap;

use super::error;
use super::evidence::Evidence;
use super::states::{attempt_ran, awaits_retry, run_status};
use super::task;
use super::wire::{FlowRun, State};
use crate::run::{Progress, Run, RunStatus, Step, StepError, StepStatus, Workflow};

/// The names that stand behind a run's ids, where they are known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Names<'a> {
    pub flow: Option<&'a str>,
    pub deployment: Option<&'a str>,
}

/// How deep the title of a step goes into subflows.
pub(super) const DEPTH: usize = 8;

/// The run that the evidence shows. `None` for one that has no state: it does not exist yet.
pub(super) fn run(evidence: &Evidence, names: Names<'_>, ui: &str) -> Option<Run> {
    let row = &evidence.run;
    let state = row.state.as_ref()?;
    let status = run_status(state, evidence.states.as_deref());
    let tasks = evidence.attempt();
    let mut steps = task::steps(&tasks, status, ui);
    for step in &mut steps {
        explain_retry(step, evidence, ui);
    }
    follow_child(&mut steps, evidence, status, ui);
    let waiting = awaits_retry(state);
    let tries = row.empirical_policy.retries.filter(|retries| *retries > 0).map(|retries| retries.saturating_add(1));
    let completed = steps.iter().filter(|step| step.status == StepStatus::Completed).count();
    Some(Run {
        id: row.id.clone(),
        attempt: Some(row.run_count),
        replay_of: None,
        retried_as: None,
        parent: row.parent_task_run_id.clone(),
        workspace: None,
        workflow: Workflow {
            id: row.flow_id.clone().filter(|id| !id.is_empty()),
            name: names.flow.map(str::to_owned).or_else(|| row.flow_id.is_none().then(|| "unknown flow".to_owned())),
            version: row.flow_version.clone(),
        },
        status,
        trigger: Some(trigger(row).to_owned()),
        url: link(ui, "flow-run", &row.id),
        started_at: started(evidence, state),
        // A state that somebody forced moves this, but not `end_time`.
        completed_at: status.is_final().then_some(state.timestamp),
        updated_at: Some(row.updated.map_or(state.timestamp, |updated| updated.max(state.timestamp))),
        labels: labels(row, names),
        progress: (!steps.is_empty())
            .then(|| Progress { completed: u32::try_from(completed).unwrap_or(u32::MAX), total: None }),
        error: run_error(evidence, state, status),
        retry_at: state.details.scheduled_time.filter(|_| waiting),
        // Somebody may have asked for more attempts than the engine would make: then there is no "of".
        max_attempts: tries.filter(|tries| *tries >= row.run_count.saturating_add(u32::from(waiting))),
        steps,
    })
}

/// The page of a run or a step. An id that is no id makes no link.
pub(super) fn link(ui: &str, what: &str, id: &str) -> Option<String> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then(|| format!("{ui}/runs/{what}/{id}"))
}

/// The run-level error: what a failed run says, unless its first failed task says the same.
fn run_error(evidence: &Evidence, state: &State, status: RunStatus) -> Option<StepError> {
    let failed = status == RunStatus::Failed;
    // While it waits for its next attempt, a run carries the error of the last one, or a person's note.
    let retried = awaits_retry(state) && error::is_exception(state);
    if !(failed || retried) || !evidence.differs() {
        return None;
    }
    if evidence.wants_logs()
        && let Some(logged) = error::of_logs(&evidence.logs)
    {
        return Some(logged);
    }
    Some(error::of_state(state))
}

/// A task that waits for its next try says why only in its log.
fn explain_retry(step: &mut Step, evidence: &Evidence, ui: &str) {
    if step.status != StepStatus::Retrying {
        return;
    }
    let of_step = |id: &&str| link(ui, "task-run", id) == step.url;
    let task = evidence.waiting_tasks().into_iter().find(of_step);
    step.error = task.and_then(|id| error::of_retry_log(&evidence.logs, id));
}

/// The failed step that stands for a subflow is told as the step inside that failed: `child › Child call`, with its error and
/// a link to the run in which it failed. Its number and kind stay those in the parent, where people look first.
fn follow_child(steps: &mut [Step], evidence: &Evidence, status: RunStatus, ui: &str) {
    if status != RunStatus::Failed {
        return;
    }
    let Some(task) = evidence.failed_task() else { return };
    let own = link(ui, "task-run", &task.id);
    let Some(step) = steps.iter_mut().find(|step| step.url == own && step.status == StepStatus::Failed) else { return };
    let mut next = evidence.child.as_deref();
    for _ in 0..DEPTH {
        let Some(child) = next else { return };
        step.url = link(ui, "flow-run", &child.run.id);
        if let Some(inner) = child.failed_task() {
            step.title = format!("{} › {}", step.title, task::title(inner));
            step.error = inner.state.as_ref().map(error::of_state).or_else(|| step.error.take());
        } else if let Some(state) = child.run.state.as_ref() {
            // It failed before, or beside, any task of its own.
            step.error = run_error(child, state, RunStatus::Failed).or_else(|| step.error.take());
        }
        next = child.child.as_deref();
    }
}

/// Start of this attempt. The row keeps the start of the first one.
fn started(evidence: &Evidence, state: &State) -> Option<jiff::Timestamp> {
    let history = evidence.states.as_deref();
    if let Some(at) = history.and_then(|history| attempt_ran(state, history)) {
        return Some(at);
    }
    let of_tasks = (evidence.run.run_count > 1).then(|| task::started(&evidence.attempt())).flatten();
    of_tasks.or(evidence.run.start_time)
}

fn trigger(row: &FlowRun) -> &'static str {
    let by = row.created_by.as_ref().and_then(|by| by.kind.as_deref()).unwrap_or_default();
    match by {
        _ if row.parent_task_run_id.is_some() => "parent",
        _ if row.auto_scheduled => "schedule",
        "DEPLOYMENT" | "SCHEDULE" => "schedule",
        "AUTOMATION" => "automation",
        _ => "manual",
    }
}

/// The labels that somebody gave, and the places that people look for. What Prefect itself writes as `prefect.…` repeats ids.
fn labels(row: &FlowRun, names: Names<'_>) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = row
        .labels
        .iter()
        .filter(|(name, _)| !name.starts_with("prefect."))
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let deployment = names.deployment.or(row.deployment_id.as_deref());
    let own = [
        ("deployment", deployment.map(str::to_owned)),
        ("run_name", row.name.clone()),
        ("tags", Some(row.tags.join(","))),
        ("work_pool", row.work_pool_name.clone()),
        // The queue that every pool has says nothing.
        ("work_queue", row.work_queue_name.clone().filter(|queue| queue != "default")),
    ];
    for (name, value) in own {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            labels.entry(name.to_owned()).or_insert(value);
        }
    }
    labels
}
