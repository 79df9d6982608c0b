//! When Airflow tries a task again: the API does not say, so it is computed as Airflow computes it. It must not know runs.
//!
//! What the API hides makes it an "about": `max_retry_delay` only shortens the wait, and 3.3's `retry_policy` may replace it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::wire::{Delay, Instance, Task};

/// Airflow's longest wait between two tries that back off: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// About when an instance that waits for its next try gets it.
pub(super) fn next_try(instance: &Instance, task: &Task, logical_date: Option<Timestamp>) -> Option<Timestamp> {
    let delay = seconds(task.retry_delay?);
    let factor = factor(&task.retry_exponential_backoff);
    let wait = if factor == 0.0 || (factor - 1.0).abs() < f64::EPSILON {
        SignedDuration::try_from_secs_f64(delay).ok()?
    } else {
        let power = i32::try_from(instance.try_number.saturating_sub(1)).unwrap_or(i32::MAX);
        let base = whole((delay * factor.powi(power)).ceil()).max(1);
        let logical_date = instance.logical_date.or(instance.execution_date).or(logical_date);
        let date = logical_date.map_or_else(|| "None".to_owned(), python);
        let name = format!("{}#{}#{date}#{}", instance.dag_id, instance.task_id, instance.try_number);
        let wait = base.saturating_add(remainder(&name, base)).min(LONGEST);
        SignedDuration::from_secs(i64::try_from(wait).ok()?)
    };
    instance.end_date?.checked_add(wait).ok()
}

/// A span in seconds.
pub(super) fn seconds(delay: Delay) -> f64 {
    delay.days * 86_400.0 + delay.seconds + delay.microseconds / 1_000_000.0
}

/// By what each wait is longer than the one before; 0 for "by nothing".
fn factor(backoff: &Value) -> f64 {
    match backoff {
        Value::Bool(true) => 2.0,
        other => other.as_f64().unwrap_or(0.0),
    }
}

/// A whole number of seconds. What is no number, or beyond all waiting, is the longest wait.
fn whole(seconds: f64) -> u64 {
    let limit = SignedDuration::from_secs(i64::try_from(LONGEST).unwrap_or(i64::MAX));
    let span = SignedDuration::try_from_secs_f64(seconds).map_or(limit, |span| span.min(limit));
    u64::try_from(span.as_secs()).unwrap_or(0)
}

/// The hash of a name, as a number, modulo `base`.
fn remainder(name: &str, base: u64) -> u64 {
    let base = u128::from(base);
    let rest = Sha1::digest(name.as_bytes()).iter().fold(0_u128, |rest, byte| (rest * 256 + u128::from(*byte)) % base);
    u64::try_from(rest).unwrap_or(0)
}

/// A time as Python's `str` writes it.
fn python(at: Timestamp) -> String {
    let whole = at.strftime("%Y-%m-%d %H:%M:%S");
    match at.subsec_microsecond() {
        0 => format!("{whole}+00:00"),
        micros => format!("{whole}.{micros:06}+00:00"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(delay: f64, backoff: Value, tries: i64, date: Option<&str>) -> i64 {
        let task = Task {
            retry_delay: Some(Delay { seconds: delay, ..Delay::default() }),
            retry_exponential_backoff: backoff,
            ..Task::default()
        };
        let end: Timestamp = "2026-11-22T20:42:24Z".parse().unwrap();
        let instance = Instance {
            dag_id: "d".into(),
            task_id: "t".into(),
            try_number: tries,
            end_date: Some(end),
            logical_date: date.map(|date| date.parse().unwrap()),
            ..Instance::default()
        };
        next_try(&instance, &task, None).unwrap().duration_since(end).as_secs()
    }

    #[test]
    fn without_back_off_each_wait_is_the_same() {
        assert_eq!(after(30.0, Value::Bool(false), 3, None), 30);
        assert_eq!(after(30.0, serde_json::json!(0.0), 3, None), 30);
    }

    /// The figures are those of Python: `b + int(sha1("d#t#DATE#TRY").hexdigest(), 16) % b`.
    #[test]
    fn with_back_off_the_wait_is_the_one_that_python_computes() {
        assert_eq!(after(10.0, Value::Bool(true), 1, None), 13);
        assert_eq!(after(10.0, serde_json::json!(2.0), 3, Some("2026-11-22T21:24:50.586253Z")), 75);
        assert_eq!(after(10.0, serde_json::json!(3.0), 2, Some("2026-11-22T00:00:00Z")), 36);
        assert_eq!(after(3600.0, Value::Bool(true), 60, None), 86_400, "never longer than a day");
    }
}
