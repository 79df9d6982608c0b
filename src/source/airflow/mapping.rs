//! From everything known of one DAG run to a [`Run`]. Pure: it must not know how any of it was fetched, and reads no clock.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::limit;
use super::link::Pages;
use super::step;
use super::wire::{DagRun, Instance};
use crate::run::{Progress, Run, RunStatus, Step, StepError, StepStatus, Workflow};

/// How deep the title of a step goes into child runs.
pub(super) const DEPTH: usize = 8;
/// The owner that every task has whose author named none.
const NOBODY: &str = "airflow";

/// The run that the evidence shows.
pub(super) fn run(evidence: &Evidence, pages: &Pages) -> Run {
    let row = &evidence.run;
    let status = status(evidence);
    let mut steps = step::steps(evidence, status, pages);
    follow_child(&mut steps, evidence, status, pages);
    let steps: Vec<Step> = steps.into_iter().map(|(_, step)| step).collect();
    let completed = steps.iter().filter(|step| step.status == StepStatus::Completed).count();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let progress = (!steps.is_empty())
        .then(|| Progress { completed: count(completed), total: evidence.whole.then(|| count(steps.len())) });
    let ended = row.end_date.filter(|_| status.is_final());
    Run {
        status,
        trigger: Some(trigger(row)),
        url: Some(pages.run(row)),
        started_at: row.start_date,
        completed_at: ended,
        // While it is open, the scheduler looks at it again and again.
        updated_at: ended.or(row.last_scheduling_decision.max(row.start_date).max(row.queued_at)),
        labels: labels(evidence),
        progress,
        error: run_error(evidence, status),
        steps,
        ..Run::bare(row.id.clone(), workflow(row), status)
    }
}

/// The DAG that a run executes.
pub(super) fn workflow(row: &DagRun) -> Workflow {
    let name = row.dag_display_name.clone().filter(|name| !name.trim().is_empty());
    let version = row.dag_versions.iter().filter_map(|version| version.version_number).max();
    Workflow {
        id: Some(row.dag_id.clone()),
        name: Some(name.unwrap_or_else(|| row.dag_id.clone())),
        version: version.map(|version| version.to_string()).or_else(|| row.bundle_version.clone()),
    }
}

fn status(evidence: &Evidence) -> RunStatus {
    let paused = evidence.details.as_ref().is_some_and(|details| details.is_paused);
    match evidence.run.state.as_str() {
        "success" => RunStatus::Completed,
        "failed" if evidence.cancelled().is_some() => RunStatus::Cancelled,
        "failed" => RunStatus::Failed,
        "queued" | "running" if paused => RunStatus::Paused,
        "queued" => RunStatus::Pending,
        _ => {
            let states = evidence.instances.iter().map(Instance::state);
            if evidence.waits || (evidence.whole && waits(states)) { RunStatus::Waiting } else { RunStatus::Running }
        }
    }
}

/// Whether a running run whose tasks have these states expects something: a trigger, a time, a person, a slot.
pub(super) fn waits<'a>(states: impl Iterator<Item = &'a str>) -> bool {
    let mut waits = false;
    for state in states {
        match state {
            "running" | "queued" | "restarting" | "up_for_retry" => return false,
            "deferred" | "up_for_reschedule" | "awaiting_input" | "scheduled" => waits = true,
            _ => {}
        }
    }
    waits
}

/// What a failed run says where no task failed: its time was up, or nothing could go on. The API says neither, so that it is only
/// told apart where the limit of the DAG is known.
fn run_error(evidence: &Evidence, status: RunStatus) -> Option<StepError> {
    // What failed and was tolerated ended no run.
    if status != RunStatus::Failed || !evidence.candidates().is_empty() || !evidence.whole {
        return None;
    }
    if evidence.instances.is_empty() && evidence.tasks.is_empty() {
        return None;
    }
    let running: Vec<String> = evidence
        .instances
        .iter()
        .filter(|instance| limit::was_stopped(instance))
        .map(|instance| format!("\"{}\"", step::title(evidence, instance)))
        .collect();
    let what = match running.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} was running and was skipped"),
        some => format!("; {} were running and were skipped", some.join(", ")),
    };
    let (code, message) = match limit::timed_out(&evidence.run, evidence.details.as_ref()) {
        Some((true, limit)) => {
            ("dagrun_timeout", format!("the run took longer than its DAG allows (dagrun_timeout, {limit} s){what}"))
        }
        Some((false, _)) if running.is_empty() => {
            ("DagRunDeadlock", "no task failed, and none could go on (deadlock)".to_owned())
        }
        _ => (
            "run_timeout_or_deadlock",
            format!("the run failed though no task failed (dagrun_timeout or deadlock){what}"),
        ),
    };
    Some(StepError { code: code.to_owned(), message, ..StepError::default() })
}

/// The failed step that stands for a child run is told as the step inside that failed: `run_child › load`, with its error and a link
/// to its log. Its number and kind stay those in the parent, where people look first.
fn follow_child(steps: &mut [(super::wire::InstanceId, Step)], evidence: &Evidence, status: RunStatus, pages: &Pages) {
    let Some(id) = evidence.first_failed().map(Instance::id).filter(|_| status == RunStatus::Failed) else { return };
    let Some((_, step)) = steps.iter_mut().find(|(own, _)| *own == id) else { return };
    let mut next = evidence.child.as_deref();
    while let Some(child) = next {
        if let Some(inner) = child.first_failed() {
            step.title = format!("{} › {}", step.title, step::title(child, inner));
            step.url = Some(pages.log(&child.run, inner));
            step.error = Some(step::error(child, inner));
        } else {
            step.url = Some(pages.run(&child.run));
            step.error = run_error(child, RunStatus::Failed).or_else(|| step.error.take());
        }
        next = child.child.as_deref();
    }
}

fn trigger(row: &DagRun) -> String {
    let by = row.triggered_by.as_deref().unwrap_or_default();
    match row.run_type.as_deref().unwrap_or_default() {
        "scheduled" => "schedule".to_owned(),
        "manual" if by == "operator" => "parent".to_owned(),
        "" => "manual".to_owned(),
        kind if kind.starts_with("asset") || kind.starts_with("dataset") => "asset".to_owned(),
        kind => kind.to_owned(),
    }
}

/// Whom it belongs to, what it is tagged with, who started it, and who ended it.
fn labels(evidence: &Evidence) -> BTreeMap<String, String> {
    let mut owners: Vec<&str> = Vec::new();
    if let Some(owner) = evidence.first_failed().and_then(|first| evidence.task(first)?.owner.as_deref()) {
        owners.push(owner);
    }
    if owners.is_empty() {
        owners.extend(evidence.details.iter().flat_map(|details| &details.owners).map(String::as_str));
    }
    owners.retain(|owner| *owner != NOBODY);
    let tags: Vec<&str> =
        evidence.details.iter().flat_map(|details| &details.tags).map(|tag| tag.name.as_str()).collect();
    let own = [
        ("owner", Some(owners.join(","))),
        ("tags", Some(tags.join(","))),
        ("started_by", evidence.run.triggering_user_name.clone()),
        ("cancelled_by", evidence.cancelled().and_then(|cancel| cancel.by).map(str::to_owned)),
    ];
    own.into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| !value.is_empty())?)))
        .collect()
}
