//! What every polled source promises, held against the stand-in for Dagster.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::poll::Watcher;
use super::bench::id;
use super::fake::Fake;
use super::settings;
use crate::source::conformance::{FakeEngine, Faulty, Kind, Reruns, Row, State, conformance};

conformance!(dagster, Fake);

impl FakeEngine for Fake {
    type Watcher = Watcher<Faulty<Self>>;
    const KIND: Kind = Kind {
        reruns: Reruns::NewRun,
        shows_open: true,
        forgets: true,
        page: 500,
        settle: SignedDuration::ZERO,
        // What it writes down while its clock goes behind has to lie within the overlap.
        clock_step: SignedDuration::from_mins(9),
        // Daemons, runs that changed, code locations.
        requests: 3,
        // Besides, the open runs by their ids, and the events of twenty.
        open: (450, 24),
    };

    fn new() -> Self {
        let fake = Self::default();
        fake.with(|world| (world.locations, world.daemons) = (Some(Vec::new()), Some(Vec::new())));
        fake
    }

    fn put(&self, row: &Row) {
        let run = id(row.number);
        let seconds = |at: Timestamp| at.as_duration().as_secs_f64();
        let status = match row.state {
            State::Running => "STARTED",
            State::Failed => "FAILURE",
            State::Completed => "SUCCESS",
            State::Cancelled => "CANCELED",
        };
        let decided = (row.state == State::Failed).then(|| json!({"key": "dagster/will_retry", "value": "false"}));
        let value = json!({
            "runId": run, "status": status, "jobName": "sync", "startTime": seconds(row.started),
            "endTime": row.ended.map(seconds), "updateTime": seconds(row.changed),
            "parentRunId": row.replays.map(id), "rootRunId": row.replays.map(id),
            "tags": decided.into_iter().collect::<Vec<Value>>(), "repositoryOrigin": null,
        });
        let steps = json!([{
            "stepKey": "call", "status": if row.state == State::Running { "IN_PROGRESS" } else { status },
            "startTime": seconds(row.started), "endTime": row.ended.map(seconds), "attempts": [],
        }]);
        self.with(|world| {
            let detail = json!({"__typename": "Run", "stepStats": steps, "executionPlan": null});
            let known = world.details.insert(run.clone(), detail).is_some();
            let events = world.events.entry(run.clone()).or_default();
            if row.state == State::Failed {
                events.push(json!({
                    "__typename": "ExecutionStepFailureEvent", "stepKey": "call", "errorSource": "USER_CODE_ERROR",
                    "timestamp": row.ended.unwrap().as_millisecond().to_string(),
                    "error": {"className": "ValueError", "message": format!("ValueError: {}\n", row.error()), "errorChain": []},
                }));
            }
            match world.runs.iter_mut().rev().find(|old| known && old["runId"] == run.as_str()) {
                Some(old) => *old = value,
                None => world.runs.push(value),
            }
        });
    }

    fn delete(&self, number: u32) {
        self.with(|world| {
            world.runs.retain(|run| run["runId"] != id(number).as_str());
            world.details.remove(&id(number));
            world.events.remove(&id(number));
        });
    }

    fn set_clock(&self, now: Timestamp) {
        self.with(|world| world.date = Some(now));
    }

    /// Runs come in the order of their creation: no two are equal.
    fn shuffle(&self, _: u64) {}

    fn id(number: u32) -> String {
        id(number)
    }

    fn watcher(transport: Faulty<Self>) -> Self::Watcher {
        Watcher::new("prod".into(), transport, &settings()).unwrap()
    }
}
