//! The task log of Airflow 3: records, one a line. The last one that ends a try counts. It must not know what a card is.

use serde::Deserialize;
use serde_json::Value;

use super::fatal::{End, Fatal, Raised};
use super::wire::or_default;

/// What a task's log says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TaskLog {
    /// What ended the try.
    pub fatal: Option<Fatal>,
    /// The run that the task started: its DAG and its id.
    pub child: Option<(String, String)>,
    /// Airflow could not read the log. Its own excuse is nobody's error.
    pub missing: bool,
    /// It is longer than what is read.
    pub cut: bool,
}

impl TaskLog {
    /// A log that can't be had.
    pub(super) fn unread() -> Self {
        Self { missing: true, ..Self::default() }
    }
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default, deserialize_with = "or_default")]
    timestamp: Option<String>,
    #[serde(default)]
    event: Value,
    #[serde(default, deserialize_with = "or_default")]
    logger: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    level: Option<String>,
    #[serde(default)]
    error_detail: Value,
    #[serde(default, deserialize_with = "or_default")]
    exit_code: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    signal_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    dag_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    run_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    trigger_dag_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Detail {
    #[serde(default, deserialize_with = "or_default")]
    exc_type: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    exc_value: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    exceptions: Vec<Vec<Detail>>,
}

#[derive(Debug, Deserialize)]
struct Whole {
    content: Vec<Value>,
}

/// Reads a log, or its end: a line for each record, or everything as one object, as older servers give it.
pub(super) fn read(body: &str) -> TaskLog {
    let mut reader = Reader::default();
    match serde_json::from_str::<Whole>(body) {
        Ok(whole) => whole.content.into_iter().for_each(|record| reader.take(serde_json::from_value(record).ok())),
        // The first line of an end is half a line, and says nothing.
        Err(_) => body.lines().for_each(|line| reader.take(serde_json::from_str(line).ok())),
    }
    reader.log
}

/// Whether the answer ends in the middle of a record. What ended the try is said last.
pub(super) fn is_torn(body: &str) -> bool {
    let whole = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    body.trim_end().lines().next_back().is_some_and(|last| !whole(last)) && !whole(body)
}

#[derive(Debug, Default)]
struct Reader {
    log: TaskLog,
    body: Option<String>,
    import: Option<Raised>,
}

impl Reader {
    fn take(&mut self, record: Option<Record>) {
        let Some(record) = record else { return };
        let Value::String(event) = &record.event else { return };
        let logger = record.logger.as_deref().unwrap_or_default();
        if record.timestamp.is_none() {
            self.log.missing |= event.starts_with("Could not read") || event.contains("Could not read served logs");
            return;
        }
        if logger.ends_with("HttpHook") && record.level.as_deref() == Some("error") {
            if !event.starts_with("HTTP error:") {
                self.body = Some(event.clone());
            }
            return;
        }
        if event.starts_with("Failed to import: ") {
            self.import = raised(&record.error_detail).into_iter().next();
            return;
        }
        if logger == "task" {
            let event = event.clone();
            self.own(&record, event);
        }
    }

    /// What Airflow's own task runner says.
    fn own(&mut self, record: &Record, event: String) {
        // The run's own ids stand in every record; only here they are the child's.
        if event.starts_with("Waiting for dag run to complete") {
            self.log.child = record.dag_id.clone().zip(record.run_id.clone());
            return;
        }
        if record.trigger_dag_id.is_some() && self.log.child.is_none() {
            // Another record says which run.
            return;
        }
        // What is written after it was told to stop follows from that.
        if self.log.fatal.as_ref().is_some_and(Fatal::is_outside) {
            return;
        }
        let end = if event == "Task failed with exception" {
            let chain = raised(&record.error_detail);
            if chain.is_empty() {
                return;
            }
            End::Exception(chain)
        } else if let (true, Some(code)) = (event == "Task exited", record.exit_code) {
            End::Exit(code, event)
        } else if event.starts_with("Process terminated by signal") {
            End::Signal(record.signal_name.clone().unwrap_or_else(|| "signal".to_owned()), event)
        } else if event.to_ascii_lowercase().starts_with("dag not found during start up") {
            End::DagNotFound(event, self.import.take())
        } else if event.starts_with("DagRun finished with failed state") {
            End::ChildFailed(event)
        } else if event.starts_with("Server indicated the task shouldn't be running") {
            End::Outside(event)
        } else {
            return;
        };
        let at = record.timestamp.as_deref().and_then(|at| at.parse().ok());
        self.log.fatal = Some(Fatal { at, end, body: self.body.take() });
    }
}

/// The chain of exceptions, the outermost first. The members of a group stand behind the group.
fn raised(detail: &Value) -> Vec<Raised> {
    let details = Vec::<Detail>::deserialize(detail).unwrap_or_default();
    let mut chain = Vec::new();
    for detail in details {
        unfold(detail, &mut chain);
    }
    chain
}

fn unfold(detail: Detail, chain: &mut Vec<Raised>) {
    chain.push(Raised { class: detail.exc_type.unwrap_or_default(), text: detail.exc_value.unwrap_or_default() });
    for member in detail.exceptions.into_iter().flatten() {
        unfold(member, chain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(records: &[Value]) -> String {
        records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"
    }

    #[test]
    fn airflows_own_excuse_for_a_missing_log_is_no_error() {
        let log = read(&lines(&[
            serde_json::json!({"event": "::group::Log message source details"}),
            serde_json::json!({"event": "Could not read served logs: HTTPConnectionPool(host='vm')"}),
        ]));
        assert_eq!(log, TaskLog { missing: true, ..TaskLog::default() });
    }

    #[test]
    fn what_user_code_logs_with_an_exception_does_not_end_the_task() {
        let handled = serde_json::json!({"timestamp": "2026-11-22T20:00:00Z", "event": "Task failed with exception", "logger": "my.code",
            "level": "error", "error_detail": [{"exc_type": "ValueError", "exc_value": "handled"}]});
        assert_eq!(read(&lines(&[handled])).fatal, None);
    }

    #[test]
    fn a_member_that_is_null_or_odd_costs_only_itself() {
        let detail = serde_json::json!([{"exc_type": "ValueError", "exc_value": "x", "exceptions": null}]);
        let record = serde_json::json!({"timestamp": "2026-11-22T20:00:00Z", "event": "Task failed with exception", "logger": "task",
            "level": 40, "exit_code": "none", "error_detail": detail});
        assert_eq!(read(&lines(&[record])).fatal.unwrap().error().message, "x");
    }

    #[test]
    fn the_end_of_a_log_is_read_although_its_first_line_is_half_a_line() {
        let last = serde_json::json!({"timestamp": "2026-11-22T20:00:00Z", "event": "Task exited", "logger": "task", "exit_code": 3});
        let log = read(&format!("ut off\"}}\n{last}\n"));
        assert_eq!(log.fatal.unwrap().error().code, "exit_3");
    }

    #[test]
    fn half_an_answer_is_no_log() {
        assert!(is_torn("{\"event\":\"a\"}\n{\"event\":\"Task fai"));
        assert!(is_torn("{\"content\":[{\"event\":\"a\"},"));
        assert!(!is_torn("{\"event\":\"a\"}\n{\"event\":\"b\"}\n"));
        assert!(!is_torn("{\n\"content\": []\n}\n") && !is_torn(""));
    }

    #[test]
    fn the_members_of_a_group_are_its_detail() {
        let member = |text: &str| serde_json::json!([{"exc_type": "ValueError", "exc_value": text}]);
        let group = serde_json::json!({"timestamp": "2026-11-22T20:00:00Z", "event": "Task failed with exception", "logger": "task",
            "error_detail": [{"exc_type": "ExceptionGroup", "exc_value": "two", "is_group": true, "exceptions": [member("a"), member("b")]}]});
        let error = read(&lines(&[group])).fatal.unwrap().error();
        assert_eq!(
            (error.code.as_str(), error.detail.as_deref()),
            ("ExceptionGroup", Some("ValueError: a <- ValueError: b"))
        );
    }
}
