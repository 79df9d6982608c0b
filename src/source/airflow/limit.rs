//! How long a run may take, and what its end by that leaves behind. It must not know steps, nor what is told.

use jiff::SignedDuration;
use serde_json::Value;

use super::retry::seconds;
use super::wire::{DagDetails, DagRun, Delay, Instance};

/// Whether the run took longer than its DAG allows, where that is known, with the limit in seconds.
pub(super) fn timed_out(run: &DagRun, details: Option<&DagDetails>) -> Option<(bool, i64)> {
    let limit = span(&details?.dag_run_timeout)?;
    let took = run.end_date?.duration_since(run.start_date?);
    Some((took >= limit, limit.as_secs()))
}

/// What ran when the time was up: it is skipped, with a start and without an end.
pub(super) fn was_stopped(instance: &Instance) -> bool {
    instance.start_date.is_some() && instance.end_date.is_none() && matches!(instance.state(), "skipped" | "")
}

/// A span of time, as an object of Python's `timedelta` or as ISO 8601 has it. One that is not set counts as endless.
fn span(value: &Value) -> Option<SignedDuration> {
    match value {
        Value::Null => Some(SignedDuration::MAX),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => SignedDuration::try_from_secs_f64(number.as_f64()?).ok(),
        other => {
            let delay: Delay = serde_json::from_value(other.clone()).ok()?;
            SignedDuration::try_from_secs_f64(seconds(delay)).ok()
        }
    }
}
