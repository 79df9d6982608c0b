//! A modelled ledger: what is known of each run by what was handed over, the committed checkpoint, and commits that are refused. It holds
//! each run against the truth at the moment at which it is handed over.

use std::collections::BTreeMap;

use super::super::{Batch, Counted, Intake, NotTaken, OpenRun, Seen};
use super::FakeEngine;
use super::world::Shared;
use crate::run::{RunKey, RunStatus};

/// What was handed over.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) checkpoint: Option<String>,
    pub(super) known: BTreeMap<RunKey, Known>,
    /// Failed attempts that were handed over as news: the run's number and the attempt.
    pub(super) told: BTreeMap<(u32, u32), u32>,
    /// Runs that were handed over, in all.
    pub(super) taken: u64,
}

/// What is known of one run.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) attempt: Option<u32>,
    pub(super) status: RunStatus,
    pub(super) started_at: Option<jiff::Timestamp>,
}

/// The most open runs that one poll is told of, as of the real ledger.
const MOST_OPEN: usize = 5_000;

/// The intake of one world.
pub(super) struct Book<F: FakeEngine>(pub(super) Shared<F>);

impl<F: FakeEngine> Clone for Book<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// As the daemon does for a source whose runs name no workspace.
fn admitted(mut seen: Seen) -> Seen {
    seen.run.workspace.get_or_insert_with(|| "acme".to_owned());
    seen
}

fn disk_full() -> NotTaken {
    NotTaken { reason: "disk full".to_owned() }
}

impl<F: FakeEngine> Intake for Book<F> {
    async fn take(&self, _: &str, batch: Batch) -> Result<(), NotTaken> {
        self.0.with(|world| {
            let refused = world.refuses();
            // Now and then it was committed all the same, and only the answer is lost.
            if refused && !world.commits_all_the_same() {
                return Err(disk_full());
            }
            for seen in batch.runs.into_iter().map(admitted) {
                world.judge(&seen);
                let run = seen.run;
                let known = Known { attempt: run.attempt, status: run.status, started_at: run.started_at };
                world.ledger.known.insert(run.key(), known);
                world.ledger.taken += 1;
            }
            for key in &batch.forgotten {
                world.judge_forgotten(key);
                world.ledger.known.remove(key);
            }
            if let Some(checkpoint) = batch.checkpoint {
                world.ledger.checkpoint = Some(checkpoint);
                world.contact();
            }
            if refused { Err(disk_full()) } else { Ok(()) }
        })
    }

    async fn checkpoint(&self, _: &str) -> Result<Option<String>, NotTaken> {
        self.0.with(|world| if world.refuses() { Err(disk_full()) } else { Ok(world.ledger.checkpoint.clone()) })
    }

    async fn open_runs(&self, _: &str) -> Result<Vec<OpenRun>, NotTaken> {
        self.0.with(|world| {
            if world.refuses() {
                return Err(disk_full());
            }
            let open = world.ledger.known.iter().filter(|(_, known)| !known.status.is_final());
            let row = |(key, known): (&RunKey, &Known)| OpenRun {
                key: key.clone(),
                status: known.status,
                started_at: known.started_at,
            };
            Ok(open.map(row).take(MOST_OPEN).collect())
        })
    }

    async fn unknown(&self, _: &str, counted: Vec<Counted>) -> Result<Vec<Counted>, NotTaken> {
        self.0.with(|world| {
            let known = |counted: &Counted| {
                let key = RunKey { workspace: "acme".to_owned(), ..counted.key.clone() };
                world.ledger.known.get(&key).is_some_and(|known| {
                    known.attempt > counted.attempt || (known.status.is_final() && known.attempt == counted.attempt)
                })
            };
            Ok(counted.into_iter().filter(|counted| !known(counted)).collect())
        })
    }
}
