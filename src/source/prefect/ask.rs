//! The questions that are put to Prefect, and how long lists are read to their end. It must not know why they are asked.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Api, Fault, FaultKind, Transport};
use super::wire::{Events, FlowRun, LogLine, Named, State, TaskRun};

/// The most rows that Prefect gives in one answer.
pub(super) const PAGE: usize = 200;
/// How many rows of a page are read again with the next one: what leaves the list meanwhile must not hide others.
const AGAIN: usize = 10;
/// The most pages of one list in one poll.
const PAGES: usize = 50;
const EVENTS_PAGE: usize = 50;
/// The most pages of the events feed in one poll.
const EVENTS_PAGES: usize = 40;

/// A list, as far as it was read.
#[derive(Debug)]
pub(super) struct List<R> {
    pub rows: Vec<R>,
    /// Whether it goes on beyond what one poll reads.
    pub more: bool,
    /// Why it ends before its end.
    pub fault: Option<Fault>,
}

impl<R> List<R> {
    pub(super) fn is_whole(&self) -> bool {
        !self.more && self.fault.is_none()
    }
}

/// What a list is made of.
pub(super) trait Row: serde::de::DeserializeOwned + Send {
    fn id(&self) -> &str;
}

impl Row for FlowRun {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Row for TaskRun {
    fn id(&self) -> &str {
        &self.id
    }
}

impl<T: Transport> Api<T> {
    /// Runs that failed, newest end first, that nobody waits for: what happens in a child shows in its parent.
    pub(super) async fn failed(&self, after: Option<Timestamp>, before: Option<Timestamp>) -> List<FlowRun> {
        self.list("asking for failed runs", "flow_runs/filter", failed_runs(after, before)).await
    }

    /// Runs that have not ended, by the type or the name of their state.
    pub(super) async fn active(&self, by: &str, values: &[&str]) -> List<FlowRun> {
        self.list("asking for active runs", "flow_runs/filter", active_runs(by, values)).await
    }

    /// Runs by their ids, at most [`PAGE`] of them.
    pub(super) async fn flow_runs_by_id(&self, doing: &str, ids: &[&str], types: Option<&[&str]>) -> List<FlowRun> {
        let mut filter = json!({"id": {"any_": ids}});
        if let Some(types) = types {
            filter["state"] = json!({"type": {"any_": types}});
        }
        self.list(doing, "flow_runs/filter", json!({"flow_runs": filter, "sort": "ID_DESC"})).await
    }

    /// Task runs of several runs; only the failed ones where a run has more of them than can be read.
    pub(super) async fn task_runs(&self, ids: &[&str], failed_only: bool) -> List<TaskRun> {
        let mut body = json!({"flow_runs": {"id": {"any_": ids}}, "sort": "EXPECTED_START_TIME_ASC"});
        if failed_only {
            body["task_runs"] = json!({"state": {"type": {"any_": ["FAILED", "CRASHED"]}}});
        }
        self.list("asking for the task runs of runs", "task_runs/filter", body).await
    }

    /// Task runs that wait for their next try, of all runs.
    pub(super) async fn waiting_tasks(&self) -> List<TaskRun> {
        self.list("asking for task runs that wait for a retry", "task_runs/filter", retrying_tasks()).await
    }

    /// The history of a run's states.
    pub(super) async fn states(&self, id: &str) -> Result<Vec<State>, Fault> {
        let path = format!("flow_run_states/?flow_run_id={}", plain(id));
        self.get("asking for the states of a run", &path).await
    }

    /// The newest errors in the log of a run.
    pub(super) async fn error_log(&self, id: &str) -> Result<Vec<LogLine>, Fault> {
        let filter = json!({"flow_run_id": {"any_": [id]}, "level": {"ge_": 40}});
        let body = json!({"logs": filter, "sort": "TIMESTAMP_DESC", "limit": 50});
        self.post("asking for the log of a run", "logs/filter", &body).await
    }

    /// The newest lines in the logs of tasks.
    pub(super) async fn task_log(&self, ids: &[&str]) -> Result<Vec<LogLine>, Fault> {
        let body = json!({"logs": {"task_run_id": {"any_": ids}}, "sort": "TIMESTAMP_DESC", "limit": PAGE});
        self.post("asking for the log of a task", "logs/filter", &body).await
    }

    /// Names of flows (`flows`) or deployments (`deployments`), at most [`PAGE`] of them.
    pub(super) async fn names(&self, what: &str, ids: &[&str]) -> Result<Vec<Named>, Fault> {
        let body = json!({what: {"id": {"any_": ids}}, "limit": PAGE});
        self.post(&format!("asking for the names of {what}"), &format!("{what}/filter"), &body).await
    }

    /// Every turn of a run to FAILED or CRASHED since then, oldest first, also those that somebody forced.
    pub(super) async fn events(&self, since: Timestamp) -> List<super::wire::Event> {
        let doing = "asking for the events of failed runs";
        let first = failure_events(since);
        let mut list = List { rows: Vec::new(), more: false, fault: None };
        let mut answer: Result<Events, Fault> = self.post(doing, "events/filter", &first).await;
        let mut known = BTreeSet::new();
        for page in 1.. {
            let events = match answer {
                Ok(events) => events,
                Err(fault) => {
                    list.fault = Some(fault);
                    break;
                }
            };
            let empty = events.events.is_empty();
            let before = known.len();
            known.extend(events.events.iter().map(|event| event.id.clone()));
            list.rows.extend(events.events);
            let Some(next) = events.next_page else { break };
            if !empty && known.len() == before {
                list.fault = Some(Fault::new(FaultKind::Shape, doing, "the same page again and again"));
                break;
            }
            if page == EVENTS_PAGES {
                list.more = true;
                break;
            }
            answer = self.follow(doing, "events/filter/next", &next).await;
        }
        list
    }

    /// Reads a list page by page. Where rows are so long that a page is too large, it goes on with smaller pages.
    async fn list<R: Row>(&self, doing: &str, path: &str, mut body: Value) -> List<R> {
        let mut list = List { rows: Vec::new(), more: false, fault: None };
        let mut known: BTreeSet<String> = BTreeSet::new();
        let (mut limit, mut offset, mut pages) = (PAGE, 0, 0);
        loop {
            body["limit"] = json!(limit);
            body["offset"] = json!(offset);
            let doing = if pages == 0 { doing.to_owned() } else { format!("{doing} (page {})", pages + 1) };
            let rows: Vec<Value> = match self.post(&doing, path, &body).await {
                Ok(rows) => rows,
                Err(fault) if fault.kind == FaultKind::TooLarge && limit > 1 => {
                    limit = (limit / 10).max(1);
                    continue;
                }
                Err(fault) => {
                    list.fault = Some(fault);
                    return list;
                }
            };
            pages += 1;
            let (read, mut new, mut old) = (rows.len(), 0, 0);
            for row in rows {
                match serde_json::from_value::<R>(row) {
                    Ok(row) if known.insert(row.id().to_owned()) => {
                        new += 1;
                        list.rows.push(row);
                    }
                    Ok(_) => old += 1,
                    // The other rows can be read: they must not wait for this one.
                    Err(error) => {
                        let reason = format!("a row that Prefect does not give ({error})");
                        list.fault.get_or_insert_with(|| Fault::new(FaultKind::Shape, &doing, reason));
                    }
                }
            }
            if read < limit {
                return list;
            }
            if new == 0 {
                list.fault = Some(Fault::new(FaultKind::Shape, &doing, "the same page again and again"));
                return list;
            }
            if offset > 0 && old == 0 && limit > AGAIN {
                list.fault = Some(Fault::new(FaultKind::Shape, &doing, "the list changed too fast while it was read"));
                return list;
            }
            if pages >= PAGES {
                list.more = true;
                return list;
            }
            offset += if limit > AGAIN { limit - AGAIN } else { limit };
        }
    }
}

/// Asks for failed runs, newest end first, that nobody waits for.
pub(super) fn failed_runs(after: Option<Timestamp>, before: Option<Timestamp>) -> Value {
    let mut filter = json!({
        "state": {"type": {"any_": ["FAILED", "CRASHED"]}},
        "parent_task_run_id": {"is_null_": true},
    });
    if let Some(after) = after {
        filter["end_time"]["after_"] = json!(after.to_string());
    }
    if let Some(before) = before {
        filter["end_time"]["before_"] = json!(before.to_string());
    }
    json!({"flow_runs": filter, "sort": "END_TIME_DESC"})
}

/// Asks for runs by the type or the name of their state.
pub(super) fn active_runs(by: &str, values: &[&str]) -> Value {
    let filter = json!({"state": {by: {"any_": values}}, "parent_task_run_id": {"is_null_": true}});
    json!({"flow_runs": filter, "sort": "ID_DESC"})
}

/// Asks for task runs that wait for their next try.
pub(super) fn retrying_tasks() -> Value {
    json!({"task_runs": {"state": {"name": {"any_": ["AwaitingRetry"]}}}, "sort": "ID_DESC"})
}

/// Asks for turns to FAILED or CRASHED, oldest first.
pub(super) fn failure_events(since: Timestamp) -> Value {
    let filter = json!({
        "occurred": {"since": since.to_string()},
        "event": {"prefix": ["prefect.flow-run."]},
        "resource": {"labels": {"prefect.state-type": ["FAILED", "CRASHED"]}},
        "order": "ASC",
    });
    json!({"filter": filter, "limit": EVENTS_PAGE})
}

/// An id as it goes into an address.
pub(super) fn plain(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
