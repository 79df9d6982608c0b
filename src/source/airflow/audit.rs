//! What lines of Airflow's audit log mean: who marked what, and which worker was lost. It must not know runs.

use super::wire::EventLog;

/// A person, or a client of the API, set a run to failed.
const MARK_RUN: [&str; 4] = ["patch_dag_run", "api.update_dag_run_state", "dagrun_failed", "bulk_dag_runs"];
/// The same for a task.
const MARK_TASK: [&str; 5] = [
    "patch_task_instance",
    "api.patch_task_instance",
    "api.post_set_task_instances_state",
    "failed",
    "bulk_task_instances",
];
/// The task could not say itself what happened to it.
const LOSSES: [&str; 4] = ["heartbeat timeout", "state mismatch", "stuck in queued", "zombie"];

impl EventLog {
    /// Whether it set the run to failed.
    pub(super) fn marks_run_failed(&self) -> bool {
        let event = self.event.as_deref().unwrap_or_default();
        // The UI of Airflow 2 has an event of its own for this.
        MARK_RUN.contains(&event) && (event == "dagrun_failed" || self.says("state"))
    }

    /// Whether it set a task to failed. A task that fails by itself has `failed`, too, and then names its host.
    pub(super) fn marks_task_failed(&self) -> bool {
        let event = self.event.as_deref().unwrap_or_default();
        let extra = self.extra.as_deref().unwrap_or_default();
        let by_page = event == "failed" && extra.contains("task_id");
        MARK_TASK.contains(&event) && (by_page || self.says("new_state"))
    }

    /// How the task was lost, where it tells that.
    pub(super) fn loss(&self) -> Option<&'static str> {
        let event = self.event.as_deref().unwrap_or_default();
        LOSSES.into_iter().find(|loss| event.starts_with(loss))
    }

    /// Whether a member of what was sent is `failed`.
    fn says(&self, name: &str) -> bool {
        let extra: Option<serde_json::Value> = self.extra.as_deref().and_then(|extra| serde_json::from_str(extra).ok());
        extra.is_some_and(|extra| extra[name] == "failed")
    }
}
