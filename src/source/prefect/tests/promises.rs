//! What every polled source promises, held against the stand-in for Prefect.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::poll::Watcher;
use super::bench::id;
use super::fake::{Fake, World};
use super::settings;
use crate::source::conformance::{FakeEngine, Faulty, Kind, Reruns, Row, State, conformance};

conformance!(prefect, Fake);

impl FakeEngine for Fake {
    type Watcher = Watcher<Faulty<Self>>;
    const KIND: Kind = Kind {
        reruns: Reruns::SameRun,
        shows_open: true,
        forgets: true,
        page: 200,
        settle: SignedDuration::ZERO,
        clock_step: SignedDuration::from_mins(10),
        requests: 6,
        open: (450, 9),
    };

    fn new() -> Self {
        let fake = Self::default();
        fake.with(|world| {
            world.flows = vec![json!({"id": id(900_000), "name": "Lead sync"})];
            world.events = Some(Vec::new());
        });
        fake
    }

    fn put(&self, row: &Row) {
        self.with(|world| world.put(row));
    }

    fn delete(&self, number: u32) {
        self.with(|world| {
            world.runs.retain(|run| run["id"] != id(number).as_str());
            world.tasks.retain(|task| task["flow_run_id"] != id(number).as_str());
            world.states.remove(&id(number));
        });
    }

    fn set_clock(&self, now: Timestamp) {
        self.with(|world| world.date = Some(now));
    }

    fn shuffle(&self, seed: u64) {
        self.with(|world| world.shuffle = seed);
    }

    fn id(number: u32) -> String {
        id(number)
    }

    fn watcher(transport: Faulty<Self>) -> Self::Watcher {
        Watcher::new("prod".into(), transport, settings()).unwrap()
    }
}

impl World {
    fn put(&mut self, row: &Row) {
        let run = id(row.number);
        let (kind, name) = match row.state {
            State::Running => ("RUNNING", "Running"),
            State::Failed => ("FAILED", "Failed"),
            State::Completed => ("COMPLETED", "Completed"),
            State::Cancelled => ("CANCELLED", "Cancelled"),
        };
        let at = row.ended.unwrap_or(row.started);
        let failed = row.state == State::Failed;
        let said = failed.then(|| format!("Flow run encountered an exception: ValueError: {}", row.error()));
        let state = state(row, kind, name, at, said.as_ref());
        self.history(row, &state);
        if failed {
            let resource = json!({"prefect.resource.id": format!("prefect.flow-run.{run}")});
            let event = json!({"id": state["id"], "occurred": at, "resource": resource});
            self.events.get_or_insert_default().push(event);
        }
        if row.ended.is_some() {
            self.task(row, kind, name, at, said);
        }
        self.runs.retain(|old| old["id"] != run.as_str());
        self.runs.push(json!({
            "id": run, "flow_id": id(900_000), "run_count": row.attempt, "start_time": row.created, "end_time": row.ended,
            "updated": row.changed, "parent_task_run_id": null, "state": state,
        }));
    }

    /// All states that the run ever had. A second attempt was asked for, and then ran.
    fn history(&mut self, row: &Row, now: &Value) {
        let states = self.states.entry(id(row.number)).or_insert_with(|| json!([]));
        let Some(states) = states.as_array_mut() else { return };
        let began = states.iter().any(|state| state["attempt"] == row.attempt);
        if !began {
            if row.attempt > 1 {
                states.push(state(row, "SCHEDULED", "AwaitingRetry", row.started, None));
            }
            states.push(state(row, "RUNNING", "Running", row.started, None));
        }
        if now["type"] != "RUNNING" {
            states.push(now.clone());
        }
    }

    fn task(&mut self, row: &Row, kind: &str, name: &str, at: Timestamp, said: Option<String>) {
        let of = format!("task-{}-{}", row.number, row.attempt);
        let message =
            said.map(|said| said.replace("Flow run encountered an exception:", "Task run encountered an exception"));
        self.tasks.push(json!({
            "id": of, "flow_run_id": id(row.number), "name": "call-0", "dynamic_key": "0", "run_count": 1,
            "flow_run_run_count": row.attempt, "start_time": row.started,
            "state": {"id": format!("{of}-{kind}"), "type": kind, "name": name, "timestamp": at, "message": message},
        }));
    }
}

fn state(row: &Row, kind: &str, name: &str, at: Timestamp, said: Option<&String>) -> Value {
    let state_id = format!("{}-{}-{kind}", row.number, row.attempt);
    json!({"id": state_id, "type": kind, "name": name, "timestamp": at, "message": said, "attempt": row.attempt})
}
