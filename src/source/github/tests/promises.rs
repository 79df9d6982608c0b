//! What every polled source promises, held against the stand-in for GitHub.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::poll::Watcher;
use super::bench::note;
use super::fake::{Fake, World};
use super::{REPOSITORY, settings};
use crate::source::conformance::{FakeEngine, Faulty, Kind, Reruns, Row, State, conformance};

conformance!(github, Fake);

impl FakeEngine for Fake {
    type Watcher = Watcher<Faulty<Self>>;
    const KIND: Kind = Kind {
        reruns: Reruns::SameRun,
        shows_open: true,
        forgets: true,
        page: 100,
        settle: SignedDuration::ZERO,
        // What is read again lies this close behind what was seen.
        clock_step: SignedDuration::from_mins(9),
        // Active runs, twice; the newest; three pages of failed ones; a page of old ones.
        requests: 7,
        open: (450, 9),
    };

    fn new() -> Self {
        Self::default()
    }

    fn put(&self, row: &Row) {
        self.with(|world| world.put(row));
    }

    fn delete(&self, number: u32) {
        self.with(|world| drop(world.runs.remove(&(REPOSITORY.to_owned(), id(number)))));
    }

    fn set_clock(&self, now: Timestamp) {
        self.with(|world| world.date = Some(now));
    }

    fn shuffle(&self, seed: u64) {
        self.with(|world| world.shuffle = seed);
    }

    fn id(number: u32) -> String {
        id(number).to_string()
    }

    fn watcher(transport: Faulty<Self>) -> Self::Watcher {
        let settings = settings();
        Watcher::new("prod".into(), transport, settings.token.as_ref().unwrap(), &settings).unwrap()
    }
}

fn id(number: u32) -> u64 {
    1_000 + u64::from(number)
}

/// GitHub's times have whole seconds.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl World {
    fn put(&mut self, row: &Row) {
        let (run, attempt) = (id(row.number), u64::from(row.attempt));
        let (status, end) = match row.state {
            State::Running => ("in_progress", Value::Null),
            State::Failed => ("completed", json!("failure")),
            State::Completed => ("completed", json!("success")),
            State::Cancelled => ("completed", json!("cancelled")),
        };
        if let Some(ended) = row.ended {
            let job = run * 100 + attempt;
            let step = json!({
                "number": 1, "name": "Run tests", "status": "completed", "conclusion": end,
                "started_at": second(row.started), "completed_at": second(ended),
            });
            let of_run = json!({
                "id": job, "run_id": run, "run_attempt": attempt, "name": "test", "status": "completed", "conclusion": end,
                "started_at": second(row.started), "completed_at": second(ended), "steps": [step],
            });
            self.jobs.insert((run, attempt), vec![of_run]);
            if row.state == State::Failed {
                self.notes.insert(job, vec![note("Process completed with exit code 1."), note(&row.error())]);
            }
        }
        let shown = json!({
            "id": run, "name": "CI", "path": ".github/workflows/ci.yml", "run_attempt": attempt, "event": "push",
            "status": status, "conclusion": end, "created_at": second(row.created),
            "run_started_at": second(row.started), "updated_at": second(row.changed),
        });
        self.runs.insert((REPOSITORY.to_owned(), run), shown);
    }
}
