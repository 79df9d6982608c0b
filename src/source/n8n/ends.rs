//! What n8n's words for the state of a run mean. It must not know nodes or errors.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::wire::{Execution, Row};
use crate::run::RunStatus;

/// Whether this is an end that somebody has to hear of.
pub(super) fn is_failure(status: &str) -> bool {
    matches!(status, "error" | "crashed")
}

/// Whether this is no end: the run may go on.
pub(super) fn is_open(status: &str) -> bool {
    matches!(status, "new" | "running" | "waiting")
}

/// Whether another workflow started this run, as one of its nodes.
pub(super) fn is_child(row: &Row) -> bool {
    row.mode == "integrated"
}

/// The status of a run; `None` for one of which n8n itself does not know it.
pub(super) fn run_status(row: &Row) -> Option<RunStatus> {
    Some(match row.status.as_str() {
        "new" => RunStatus::Pending,
        "running" => RunStatus::Running,
        // The time that n8n writes for "until somebody says so".
        "waiting" if row.wait_till.is_some_and(|till| till >= never()) => RunStatus::Paused,
        "waiting" => RunStatus::Waiting,
        "success" => RunStatus::Completed,
        "canceled" => RunStatus::Cancelled,
        status if is_failure(status) => RunStatus::Failed,
        _ => return None,
    })
}

/// The limit in seconds that the run was ended at. n8n calls that cancelled, and says nothing; where a person did it, it says who.
pub(super) fn timed_out(execution: &Execution) -> Option<f64> {
    let row = &execution.row;
    let limit = execution.workflow.as_ref()?.settings.execution_timeout.filter(|limit| *limit > 0.0)?;
    let took = row.stopped_at?.duration_since(row.started_at?).as_secs_f64();
    // n8n looks at its watch once a second at most, and writes the end a little before or after.
    (row.status == "canceled" && execution.error.is_none() && took >= limit - 1.0).then_some(limit)
}

fn never() -> Timestamp {
    date(3000, 1, 1).to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}
