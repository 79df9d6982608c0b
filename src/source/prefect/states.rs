//! What Prefect's states mean: the pair of type and name, and what the history of states says. It must not know tasks' errors.

use jiff::Timestamp;

use super::wire::State;
use crate::run::{RunStatus, StepStatus};

/// Whether this type of state is an end that somebody has to hear of.
pub(super) fn is_failure(kind: &str) -> bool {
    matches!(kind, "FAILED" | "CRASHED")
}

/// Whether the engine waits to try again by itself, or because somebody asked it to.
pub(super) fn awaits_retry(state: &State) -> bool {
    state.kind == "SCHEDULED" && state.name == "AwaitingRetry"
}

/// The status of a run. `history` is its states, where they were asked for.
pub(super) fn run_status(state: &State, history: Option<&[State]>) -> RunStatus {
    match state.kind.as_str() {
        "SCHEDULED" if state.name == "AwaitingRetry" => RunStatus::Running,
        "SCHEDULED" if state.name == "AwaitingConcurrencySlot" => RunStatus::Waiting,
        "RUNNING" | "CANCELLING" => RunStatus::Running,
        "PAUSED" => RunStatus::Paused,
        "COMPLETED" => RunStatus::Completed,
        "CANCELLED" => RunStatus::Cancelled,
        "CRASHED" if history.is_some_and(|history| was_cancelling(state, history)) => RunStatus::Cancelled,
        "FAILED" | "CRASHED" => RunStatus::Failed,
        _ => RunStatus::Pending,
    }
}

/// The status of a task run.
pub(super) fn step_status(state: &State) -> StepStatus {
    match state.kind.as_str() {
        "SCHEDULED" if state.name == "AwaitingRetry" => StepStatus::Retrying,
        // Something before it failed: it will never run.
        "PENDING" if state.name == "NotReady" => StepStatus::Skipped,
        "RUNNING" | "CANCELLING" => StepStatus::Running,
        "PAUSED" => StepStatus::Waiting,
        "COMPLETED" => StepStatus::Completed,
        "CANCELLED" => StepStatus::Cancelled,
        "FAILED" | "CRASHED" => StepStatus::Failed,
        _ => StepStatus::Pending,
    }
}

/// Without a worker, a cancelled run dies of its termination signal: CANCELLING, then CRASHED. That is a cancel.
fn was_cancelling(current: &State, history: &[State]) -> bool {
    history
        .iter()
        .filter(|state| state.id != current.id && state.timestamp <= current.timestamp)
        .max_by_key(|state| state.timestamp)
        .is_some_and(|before| before.kind == "CANCELLING")
}

/// When the current attempt was asked for, if it is not the first: the last time that the run was scheduled again
/// after it had been running. A run that still waits for its next attempt is in the one that has just ended.
pub(super) fn attempt_began(current: &State, history: &[State]) -> Option<Timestamp> {
    let mut states: Vec<&State> = history.iter().filter(|state| state.timestamp <= current.timestamp).collect();
    states.sort_by_key(|state| state.timestamp);
    let ended = matches!(current.kind.as_str(), "FAILED" | "CRASHED" | "COMPLETED" | "CANCELLED");
    (0..states.len())
        .rev()
        .filter(|&at| states[at].kind == "SCHEDULED" && states[..at].iter().any(|state| state.kind == "RUNNING"))
        .find(|&at| ended || states[at..].iter().any(|state| state.kind == "RUNNING"))
        .map(|at| states[at].timestamp)
}

/// When the current attempt started to run.
pub(super) fn attempt_ran(current: &State, history: &[State]) -> Option<Timestamp> {
    let began = attempt_began(current, history)?;
    history
        .iter()
        .filter(|state| state.kind == "RUNNING" && state.timestamp >= began)
        .map(|state| state.timestamp)
        .min()
}
