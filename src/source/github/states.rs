//! What GitHub's statuses and conclusions mean. It must not know annotations, nor what is told of a run.

use super::wire::{Job, RunRow};
use crate::run::{RunStatus, StepStatus};

/// Whether a run or a job ended so that somebody has to hear of it.
pub(super) fn is_failure(end: &str) -> bool {
    matches!(end, "failure" | "timed_out" | "startup_failure")
}

/// The status of a run, as its row says it. A run that was cancelled by its own time limit looks cancelled here.
pub(super) fn run_status(row: &RunRow) -> RunStatus {
    match (row.status.as_str(), row.end()) {
        (_, "success" | "neutral") => RunStatus::Completed,
        (_, end) if is_failure(end) => RunStatus::Failed,
        // Nothing ran in a skipped run: it proves nothing, so it is not called completed.
        (_, "cancelled" | "skipped" | "stale") => RunStatus::Cancelled,
        // A maintainer has to approve it.
        (_, "action_required") | ("waiting" | "action_required", _) => RunStatus::Waiting,
        ("queued" | "requested" | "pending", _) => RunStatus::Pending,
        _ => RunStatus::Running,
    }
}

/// The status of a job or a step.
pub(super) fn step_status(status: &str, end: &str) -> StepStatus {
    match (status, end) {
        (_, "success" | "neutral") => StepStatus::Completed,
        (_, end) if is_failure(end) => StepStatus::Failed,
        (_, "skipped") => StepStatus::Skipped,
        (_, "cancelled" | "stale") => StepStatus::Cancelled,
        (_, "action_required") | ("waiting", _) => StepStatus::Waiting,
        ("in_progress" | "completed", _) => StepStatus::Running,
        _ => StepStatus::Pending,
    }
}

/// A run as it was told: its attempt, and a letter for where it stood. What is told once under one mark is not told again.
pub(super) fn mark(row: &RunRow) -> String {
    let letter = match run_status(row) {
        RunStatus::Completed => 's',
        RunStatus::Failed => 'f',
        RunStatus::Cancelled => 'c',
        RunStatus::Waiting => 'w',
        RunStatus::Paused => 'z',
        RunStatus::Pending => 'p',
        RunStatus::Running => 'r',
    };
    format!("{}{letter}", row.attempt())
}

/// Whether a run has ended.
pub(super) fn is_final(row: &RunRow) -> bool {
    run_status(row).is_final()
}

/// Whether a run that was told under this mark had not ended.
pub(super) fn is_open(mark: &str) -> bool {
    !mark.ends_with(['s', 'f', 'c'])
}

/// Whether a job had a machine.
pub(super) fn has_run(job: &Job) -> bool {
    job.steps.iter().any(|step| step.started_at.is_some() || !step.end().is_empty())
}
