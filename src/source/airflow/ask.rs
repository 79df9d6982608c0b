//! The questions that are put to Airflow, and what their refusals mean. It must not know why they are asked.

use jiff::Timestamp;
use serde_json::Value;

use super::api::{Api, Fault, FaultKind, Generation, Server, Transport};
use super::log::{self, TaskLog};
use super::pages::{List, PAGE, Stretch};
use super::traceback;
use super::wire::{DagDetails, DagRun, EventLog, ImportError, Instance, Task, Xcom};

/// States of task instances of which the one or the other says where a run stands.
const ACTIVE: [&str; 7] =
    ["running", "queued", "restarting", "up_for_retry", "scheduled", "deferred", "up_for_reschedule"];

impl<T: Transport> Api<T> {
    /// Runs in this state that changed since then, the oldest change first. What changes meanwhile moves to the end.
    pub(super) async fn changed(&self, state: &str, since: Timestamp, stretch: Stretch) -> List<DagRun> {
        let since = plain(&micros(since));
        let query = format!("dags/~/dagRuns?state={state}&updated_at_gte={since}&order_by=updated_at");
        self.list(&format!("asking for runs with the state {state}"), &query, stretch).await
    }

    /// Runs that failed, the newest end first, one page of them at most.
    pub(super) async fn last_failed(&self) -> List<DagRun> {
        let query = "dags/~/dagRuns?state=failed&order_by=-end_date";
        self.list("asking for the run that failed last", query, Stretch { from: 0, pages: 1 }).await
    }

    /// Runs that have not ended.
    pub(super) async fn active(&self, stretch: Stretch) -> List<DagRun> {
        let query = "dags/~/dagRuns?state=running&state=queued&order_by=id";
        self.list("asking for active runs", query, stretch).await
    }

    /// Task instances of all runs that say where these stand.
    pub(super) async fn active_instances(&self, server: &Server, stretch: Stretch) -> List<Instance> {
        let states: Vec<&str> = ACTIVE.into_iter().chain(server.is_from(3, 3).then_some("awaiting_input")).collect();
        let query = format!("dags/~/dagRuns/~/taskInstances?state={}{}", states.join("&state="), order(server));
        self.list("asking for active tasks", &query, stretch).await
    }

    /// Task instances of all runs that wait for their next try.
    pub(super) async fn retrying(&self, server: &Server, stretch: Stretch) -> List<Instance> {
        let query = format!("dags/~/dagRuns/~/taskInstances?state=up_for_retry{}", order(server));
        self.list("asking for tasks that wait for a retry", &query, stretch).await
    }

    /// DAG files that can't be read.
    pub(super) async fn import_errors(&self, stretch: Stretch) -> List<ImportError> {
        self.list("asking for import errors", "importErrors", stretch).await
    }

    /// One run; `None` for one that the engine does not know.
    pub(super) async fn run(&self, dag: &str, run: &str) -> Result<Option<DagRun>, Fault> {
        let path = format!("dags/{}/dagRuns/{}", plain(dag), plain(run));
        match self.get("asking for a run", &path).await {
            // Only a clear word counts: to Airflow 2, a wrong password is a 403 as well.
            Err(fault) if is_airflows(&fault, &[404]) && names_a_run(&fault) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The task instances of a run; `state` is a state to keep to, or empty.
    pub(super) async fn instances(&self, run: &DagRun, state: &str, stretch: Stretch) -> List<Instance> {
        let filter = if state.is_empty() { String::new() } else { format!("?state={state}") };
        let path = format!("dags/{}/dagRuns/{}/taskInstances{filter}", plain(&run.dag_id), plain(&run.id));
        self.list("asking for the tasks of a run", &path, stretch).await
    }

    /// The graph of a DAG as it is now; `None` for one that is gone.
    pub(super) async fn tasks(&self, dag: &str) -> Result<Option<Vec<Task>>, Fault> {
        #[derive(serde::Deserialize)]
        struct Tasks {
            tasks: Vec<Value>,
        }
        let path = format!("dags/{}/tasks", plain(dag));
        let tasks = known(self.get::<Tasks>("asking for the graph of a DAG", &path).await)?;
        Ok(tasks.map(|tasks| readable(tasks.tasks)))
    }

    /// What else is known of a DAG; `None` where it is gone or not for our eyes.
    pub(super) async fn details(&self, dag: &str) -> Result<Option<DagDetails>, Fault> {
        known(self.get("asking for a DAG", &format!("dags/{}/details", plain(dag))).await)
    }

    /// The newest lines of the audit log of a run, or of one of its tasks; `None` where it is not for our eyes, as for Viewers of Airflow 2.
    pub(super) async fn events(&self, run: &DagRun, task: Option<&str>) -> Result<Option<Vec<EventLog>>, Fault> {
        #[derive(serde::Deserialize)]
        struct Events {
            event_logs: Vec<Value>,
        }
        let task = task.map(|task| format!("&task_id={}", plain(task))).unwrap_or_default();
        let (dag, run) = (plain(&run.dag_id), plain(&run.id));
        let path = format!("eventLogs?dag_id={dag}&run_id={run}{task}&order_by=-when&limit={PAGE}");
        let events = known(self.get::<Events>("asking for the audit log of a run", &path).await)?;
        Ok(events.map(|events| readable(events.event_logs)))
    }

    /// What the log of a try says. One that is gone is one that says nothing.
    pub(super) async fn log(&self, instance: &Instance) -> Result<TaskLog, Fault> {
        let path = format!(
            "dags/{}/dagRuns/{}/taskInstances/{}/logs/{}?full_content=true{}",
            plain(&instance.dag_id),
            plain(&instance.dag_run_id),
            plain(&instance.task_id),
            instance.try_number,
            if instance.map_index >= 0 { format!("&map_index={}", instance.map_index) } else { String::new() },
        );
        let answer = match self.text("asking for the log of a task", &path).await {
            Ok(answer) => answer,
            Err(fault) if is_airflows(&fault, &[403, 404]) => {
                return Ok(TaskLog::unread());
            }
            Err(fault) => return Err(fault),
        };
        let text = String::from_utf8_lossy(&answer.body);
        if text.trim_start().starts_with('<') {
            return Err(Fault::new(FaultKind::Shape, "asking for the log of a task", "a page for people"));
        }
        let mut log = match self.server().await?.generation {
            Generation::Three if !answer.cut && log::is_torn(&text) => {
                return Err(Fault::new(FaultKind::Shape, "asking for the log of a task", "half an answer"));
            }
            Generation::Three => log::read(&text),
            Generation::Two => traceback::read(&text),
        };
        log.cut = answer.cut;
        Ok(log)
    }

    /// The run that a task of the class `TriggerDagRunOperator` started: its id.
    pub(super) async fn triggered(&self, instance: &Instance) -> Result<Option<String>, Fault> {
        let path = format!(
            "dags/{}/dagRuns/{}/taskInstances/{}/xcomEntries/trigger_run_id",
            plain(&instance.dag_id),
            plain(&instance.dag_run_id),
            plain(&instance.task_id),
        );
        let path = if instance.map_index >= 0 { format!("{path}?map_index={}", instance.map_index) } else { path };
        let xcom: Option<Xcom> = known(self.get("asking which run a task has started", &path).await)?;
        Ok(xcom.and_then(|xcom| match xcom.value {
            // Some versions write the value as JSON inside a string.
            Value::String(text) => Some(serde_json::from_str::<String>(&text).unwrap_or(text)),
            _ => None,
        }))
    }
}

/// Without an order of ours, pages of tasks may come in any; Airflow 2 knows none for them.
fn order(server: &Server) -> &'static str {
    if server.generation == Generation::Three { "&order_by=id" } else { "" }
}

/// The rows that can be read: an odd one must not cost the others.
fn readable<R: serde::de::DeserializeOwned>(rows: Vec<Value>) -> Vec<R> {
    rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect()
}

/// The answer; nothing for what is not there or not for our eyes.
fn known<R>(answer: Result<R, Fault>) -> Result<Option<R>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if is_airflows(&fault, &[403, 404]) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Whether Airflow itself refused with one of these, and no proxy before it: it says so in JSON.
pub(super) fn is_airflows(fault: &Fault, statuses: &[u16]) -> bool {
    let refused = |status: &u16| fault.kind == FaultKind::Refused(*status);
    statuses.iter().any(refused) && fault.error.reason.contains("\"detail\"")
}

/// Whether it is a run, or its DAG, that is not there, and not the question as such.
fn names_a_run(fault: &Fault) -> bool {
    let reason = fault.error.reason.to_ascii_lowercase();
    ["dagrun", "dag_run", "dag_id", "dag with"].iter().any(|word| reason.contains(word))
}

/// A time as Airflow reads it: with microseconds, and with its zone, without which it answers 500.
fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// An id as it goes into a path or a query.
pub(super) fn plain(id: &str) -> String {
    // `+` for a blank is for queries only.
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}
