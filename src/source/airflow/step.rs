//! From Airflow's task instances to steps: their names, numbers and states, and what went wrong in them. It must not know runs
//! beyond what is known of one of them.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::fatal::cut;
use super::graph;
use super::link::Pages;
use super::retry::next_try;
use super::wire::{Instance, InstanceId};
use crate::run::{RunStatus, Step, StepError, StepStatus, UNKNOWN_ERROR};

/// The code of a state that somebody set.
const SET: &str = "ExternallySet";

/// The steps of a run, in the order of the graph, with what identifies the instance of each.
pub(super) fn steps(evidence: &Evidence, status: RunStatus, pages: &Pages) -> Vec<(InstanceId, Step)> {
    let numbers = graph::numbers(&evidence.tasks);
    let first = evidence.first_failed().map(Instance::id);
    let deadly: Vec<InstanceId> = evidence.candidates().into_iter().map(Instance::id).collect();
    let mut steps: Vec<(InstanceId, Step)> = evidence
        .instances
        .iter()
        .map(|instance| {
            let id = instance.id();
            let tolerated = match status {
                RunStatus::Failed => instance.state() == "failed" && !deadly.contains(&id),
                RunStatus::Completed => instance.state() == "failed",
                _ => false,
            };
            let mut step = step(evidence, instance, status, pages, &numbers);
            step.tolerated = tolerated;
            // What was stopped when the first one failed must not come before it.
            if Some(&id) != first.as_ref() && evidence.was_set(instance) {
                step.completed_at = step.completed_at.max(first_end(evidence).and_then(after));
            }
            (id, step)
        })
        .collect();
    steps.sort_by(|(one_id, one), (other_id, other)| {
        let key = |step: &Step| (step.number.is_none(), step.number);
        key(one).cmp(&key(other)).then_with(|| one_id.cmp(other_id))
    });
    steps
}

/// A moment later.
fn after(at: jiff::Timestamp) -> Option<jiff::Timestamp> {
    at.checked_add(jiff::SignedDuration::from_millis(1)).ok()
}

fn first_end(evidence: &Evidence) -> Option<jiff::Timestamp> {
    evidence.failed_at(evidence.first_failed()?)
}

fn step(
    evidence: &Evidence,
    instance: &Instance,
    run: RunStatus,
    pages: &Pages,
    numbers: &BTreeMap<&str, u32>,
) -> Step {
    let status = status(evidence, instance, run);
    let retries = status == StepStatus::Retrying;
    let failed = status == StepStatus::Failed || (instance.state() == "failed" && run == RunStatus::Cancelled);
    let count = |number: i64| u32::try_from(number).ok().filter(|number| *number > 0);
    let (attempt, most) = (count(instance.try_number), count(instance.max_tries.saturating_add(1)));
    // While the run goes on, what has failed for good would look as if it had tries left.
    let settled = status != StepStatus::Failed || run.is_final();
    let ended = !matches!(status, StepStatus::Pending | StepStatus::Running | StepStatus::Waiting);
    let retry_at = || next_try(instance, evidence.task(instance)?, evidence.run.logical_date);
    Step {
        number: numbers.get(instance.task_id.as_str()).copied(),
        title: title(evidence, instance),
        kind: kind(evidence, instance),
        status,
        attempt,
        max_attempts: most.filter(|most| settled && attempt.is_none_or(|attempt| *most >= attempt)),
        retry_at: retries.then(retry_at).flatten(),
        tolerated: false,
        started_at: instance.start_date,
        completed_at: if failed { evidence.failed_at(instance) } else { instance.end_date.filter(|_| ended) },
        error: (failed || retries).then(|| error(evidence, instance)),
        url: Some(pages.log(&evidence.run, instance)),
    }
}

fn status(evidence: &Evidence, instance: &Instance, run: RunStatus) -> StepStatus {
    match instance.state() {
        "success" => StepStatus::Completed,
        "failed" if run == RunStatus::Cancelled && evidence.was_set(instance) => StepStatus::Cancelled,
        "failed" => StepStatus::Failed,
        "upstream_failed" | "skipped" | "removed" => StepStatus::Skipped,
        "up_for_retry" => StepStatus::Retrying,
        "running" | "restarting" | "shutdown" => StepStatus::Running,
        "deferred" | "up_for_reschedule" | "awaiting_input" => StepStatus::Waiting,
        _ => StepStatus::Pending,
    }
}

/// What people call the task, with the name or the number of the mapped one.
pub(super) fn title(evidence: &Evidence, instance: &Instance) -> String {
    let named = |name: &Option<String>| name.clone().filter(|name| !name.trim().is_empty());
    let of_task = || evidence.task(instance).and_then(|task| named(&task.display_name));
    let name = named(&instance.task_display_name).or_else(of_task).unwrap_or_else(|| instance.task_id.clone());
    if instance.map_index < 0 {
        return name;
    }
    let index = named(&instance.rendered_map_index).unwrap_or_else(|| instance.map_index.to_string());
    format!("{name} [{index}]")
}

fn kind(evidence: &Evidence, instance: &Instance) -> Option<String> {
    let of_task = || evidence.task(instance).and_then(|task| task.operator_name.clone());
    let class = Some(instance.class()).filter(|class| !class.is_empty()).map(str::to_owned);
    class.or_else(of_task)
}

/// What went wrong in a try: what its log says, else what Airflow noted itself. It is never a guess.
pub(super) fn error(evidence: &Evidence, instance: &Instance) -> StepError {
    let log = evidence.log(instance);
    let fatal = log.and_then(|log| log.fatal.as_ref());
    let marked = evidence.marked_by(instance);
    if let Some(fatal) = fatal {
        let mut error = fatal.error();
        if let Some(who) = marked.filter(|_| fatal.is_outside()) {
            error.detail = Some(format!("{who} marked the task as failed"));
        }
        return error;
    }
    if let Some(who) = marked {
        let message = format!("{who} marked the task as failed");
        return StepError { code: SET.to_owned(), message, ..StepError::default() };
    }
    if let Some(event) = evidence.lost(instance) {
        let name = event.event.clone().unwrap_or_default();
        let message = event.extra.clone().filter(|extra| !extra.trim().is_empty());
        let code = event.loss().unwrap_or(UNKNOWN_ERROR).replace(' ', "_");
        return StepError { code, message: cut(message.unwrap_or(name)), ..StepError::default() };
    }
    let message = match log {
        Some(log) if log.cut => "The log of the task is longer than firstred reads, and its end says why it failed.",
        Some(log) if log.missing => "Airflow has no log of the task that could say why it failed.",
        Some(_) => "The log of the task does not say why it failed.",
        None if instance.try_number == 0 => "The task failed before it was started.",
        None => "The log of the task was not read.",
    };
    StepError { code: UNKNOWN_ERROR.to_owned(), message: message.to_owned(), ..StepError::default() }
}
