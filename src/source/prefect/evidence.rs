//! Everything that was asked about one flow run, and what still has to be asked before it can be told.
//! It must not know how to ask.

use super::error;
use super::states::is_failure;
use super::task::{first_failed, of_attempt};
use super::wire::{FlowRun, LogLine, State, TaskRun};

/// What is known of one flow run.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub run: FlowRun,
    /// Its task runs, of every attempt; empty where nobody asked.
    pub tasks: Vec<TaskRun>,
    /// Its history of states, where it was asked for.
    pub states: Option<Vec<State>>,
    /// Lines of its log, where they were asked for.
    pub logs: Vec<LogLine>,
    /// The child run that its first failed task stands for.
    pub child: Option<Box<Evidence>>,
}

impl Evidence {
    /// A run of which nothing more than its row is known.
    pub(super) fn of(run: FlowRun) -> Self {
        Self { run, tasks: Vec::new(), states: None, logs: Vec::new(), child: None }
    }

    /// The task rows of the current attempt.
    pub(super) fn attempt(&self) -> Vec<&TaskRun> {
        of_attempt(&self.run, &self.tasks, self.states.as_deref())
    }

    /// The first failed task of the current attempt.
    pub(super) fn failed_task(&self) -> Option<&TaskRun> {
        first_failed(&self.attempt())
    }

    /// Whether the history of states has to be asked for: a crash may be a cancel; a second attempt, or one that says
    /// something else than its failed task, may have failed before it ran a task.
    pub(super) fn wants_states(&self) -> bool {
        match self.run.kind() {
            "COMPLETED" | "CANCELLED" | "" => false,
            "CRASHED" => true,
            "FAILED" if self.run.run_count <= 1 => self.failed_task().is_some() && self.differs(),
            _ => self.run.run_count > 1,
        }
    }

    /// Whether the log has to be asked for: a failed run that says nothing, and no task that says more.
    pub(super) fn wants_logs(&self) -> bool {
        is_failure(self.run.kind())
            && self.failed_task().is_none()
            && self.run.state.as_ref().is_some_and(error::says_nothing)
    }

    /// The tasks that wait for their next try: why the last one failed stands only in the log.
    pub(super) fn waiting_tasks(&self) -> Vec<&str> {
        let waits = |task: &&&TaskRun| task.state.as_ref().is_some_and(super::states::awaits_retry);
        self.attempt().iter().filter(waits).map(|task| task.id.as_str()).collect()
    }

    /// Whether a task waits for its next try and the log does not say why yet: logs are written down a little later.
    pub(super) fn lacks_cause(&self) -> bool {
        self.waiting_tasks().iter().any(|id| error::of_retry_log(&self.logs, id).is_none())
    }

    /// The child run to follow: the one that the first failed task stands for.
    pub(super) fn wants_child(&self) -> Option<&str> {
        is_failure(self.run.kind()).then(|| self.failed_task()?.child()).flatten()
    }

    /// Whether the run says something that its first failed task does not.
    pub(super) fn differs(&self) -> bool {
        let Some(state) = &self.run.state else { return false };
        let Some(task) = self.failed_task().and_then(|task| task.state.as_ref()) else { return true };
        if error::says_nothing(state) {
            return false;
        }
        // A task that timed out or was terminated takes the run with it, each in its own words.
        let same_end = state.name == task.name && !error::is_exception(state);
        let taken_along = same_end && matches!(state.name.as_str(), "TimedOut" | "Crashed");
        !taken_along && !error::same_words(&error::of_state(state), &error::of_state(task))
    }
}
