//! What every polled source promises, held against the stand-in for Airflow.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::poll::Watcher;
use super::fake::{Fake, World};
use super::settings;
use crate::source::conformance::{FakeEngine, Faulty, Kind, Reruns, Row, State, conformance};

const DAG: &str = "lead_sync";

conformance!(airflow, Fake);

impl FakeEngine for Fake {
    type Watcher = Watcher<Faulty<Self>>;
    const KIND: Kind = Kind {
        reruns: Reruns::SameRun,
        shows_open: true,
        forgets: true,
        page: 100,
        // A log that says nothing yet is waited for.
        settle: SignedDuration::from_secs(10),
        clock_step: SignedDuration::from_mins(8),
        requests: 5,
        open: (1_200, 46),
    };

    fn new() -> Self {
        let fake = Self::default();
        fake.with(|world| {
            world.version = "3.3.2".into();
            world.tasks.insert(DAG.into(), vec![json!({"task_id": "call_api", "downstream_task_ids": []})]);
            world.details.insert(DAG.into(), json!({"tags": []}));
        });
        fake
    }

    fn put(&self, row: &Row) {
        self.with(|world| world.put(row));
    }

    fn delete(&self, number: u32) {
        self.with(|world| {
            world.runs.retain(|run| run["dag_run_id"] != Self::id(number).as_str());
            world.instances.retain(|task| task["dag_run_id"] != Self::id(number).as_str());
        });
    }

    fn set_clock(&self, now: Timestamp) {
        self.with(|world| world.date = Some(now));
    }

    fn shuffle(&self, seed: u64) {
        self.with(|world| world.shuffle = seed);
    }

    fn id(number: u32) -> String {
        format!("manual__{number:06}")
    }

    fn watcher(transport: Faulty<Self>) -> Self::Watcher {
        Watcher::new("prod".into(), transport, settings())
    }
}

impl World {
    fn put(&mut self, row: &Row) {
        let id = Fake::id(row.number);
        // Airflow has no state for a run that somebody ended: it is marked as failed.
        let (run, task) = match row.state {
            State::Running => ("running", "running"),
            State::Failed => ("failed", "failed"),
            State::Completed => ("success", "success"),
            State::Cancelled => ("failed", "skipped"),
        };
        self.runs.retain(|old| old["dag_run_id"] != id.as_str());
        self.runs.push(json!({
            "dag_id": DAG, "dag_run_id": id, "state": run, "run_type": "scheduled", "queued_at": row.created,
            "start_date": row.started, "end_date": row.ended, "updated_at": row.changed,
        }));
        self.instances.retain(|old| old["dag_run_id"] != id.as_str());
        self.instances.push(json!({
            "dag_id": DAG, "dag_run_id": id, "task_id": "call_api", "map_index": -1, "state": task,
            "try_number": row.attempt, "max_tries": row.attempt - 1, "start_date": row.started, "end_date": row.ended,
        }));
        if row.state == State::Failed {
            let ended = row.ended.unwrap_or_default().duration_since(super::bench::at(0)).as_secs();
            let log = super::bench::log("ValueError", &row.error(), ended);
            self.logs.insert(format!("{DAG}/{id}/call_api/{}", row.attempt), log);
        }
        if row.state == State::Cancelled {
            self.events.push(json!({
                "dag_id": DAG, "run_id": id, "event": "patch_dag_run", "owner": "ada", "when": row.ended,
                "extra": "{\"state\": \"failed\"}",
            }));
        }
    }
}
