//! The table of all promises: for each service, what was asked of it, what it kept, and what came twice. `tests/promises` prints it.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use super::service::Service;
use super::stand_in::StandIn;
use super::{ALL, arrive, harmless, refuse, survive};

/// How many daemons run at once.
const AT_ONCE: usize = 4;

/// What came of one promise.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally(Option<Counts>);

#[derive(Debug, Clone, Copy)]
struct Counts {
    /// Requests, those that only asked included.
    requests: usize,
    /// What the service kept of them.
    stored: usize,
    /// What of that had come before.
    repeated: usize,
}

impl Tally {
    /// What a stand-in saw.
    pub(crate) fn of(stand_in: &StandIn) -> Self {
        let stored = stand_in.stored();
        let distinct: BTreeSet<String> = stored
            .iter()
            .map(|told| if told.key.is_empty() { format!("{:?} {}", told.effect, told.text) } else { told.key.clone() })
            .collect();
        let requests = stand_in.calls().len();
        Self(Some(Counts { requests, stored: stored.len(), repeated: stored.len() - distinct.len() }))
    }

    /// The promise says nothing about this service.
    pub(crate) fn none() -> Self {
        Self(None)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Counts { requests, stored, repeated }) => f.pad(&format!("{requests}/{stored}/{repeated}")),
            None => f.pad("-"),
        }
    }
}

type Kept = Pin<Box<dyn Future<Output = Tally>>>;
type Promise = (&'static str, fn(&'static Service) -> Kept);

const PROMISES: [Promise; 10] = [
    ("life", |service| Box::pin(arrive::a_whole_life(service))),
    ("order", |service| Box::pin(arrive::in_order(service))),
    ("wait", |service| Box::pin(refuse::later(service))),
    ("gone", |service| Box::pin(refuse::for_good(service))),
    ("other", |service| Box::pin(refuse::somebody_else(service))),
    ("plain", |service| Box::pin(harmless::plainly(service))),
    ("hostile", |service| Box::pin(harmless::hostile(service))),
    ("lost", |service| Box::pin(survive::a_lost_answer(service))),
    ("kill<", |service| Box::pin(survive::killed_before(service))),
    (">kill", |service| Box::pin(survive::killed_after(service))),
];

#[tokio::test]
#[ignore = "prints a table: tests/promises"]
async fn every_promise_against_every_service() {
    let cells = LocalSet::new().run_until(play()).await;
    eprintln!("requests/stored/repeated\n{:14}{}", "", line(PROMISES.iter().map(|(name, _)| *name)));
    for (service, cells) in ALL.iter().zip(&cells) {
        eprintln!("{:14}{}", service.name, line(cells.iter().map(String::as_str)));
    }
    let broken = cells.iter().flatten().filter(|cell| *cell == "BROKEN").count();
    assert_eq!(broken, 0, "promises are broken");
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    cells.fold(String::new(), |line, cell| line + &format!("{cell:>12}"))
}

/// All of it, a row for each service.
async fn play() -> Vec<Vec<String>> {
    let room = Rc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (row, service) in ALL.iter().copied().enumerate() {
        for (column, (_, promise)) in PROMISES.iter().enumerate() {
            let room = Rc::clone(&room);
            running.spawn_local(async move {
                let _seat = room.acquire().await.expect("nobody closes it");
                // In a task of its own, so that a promise that is broken is a word in the table and not its end.
                let tally = tokio::task::spawn_local(promise(service)).await;
                (row, column, tally.map_or_else(|_| "BROKEN".to_owned(), |tally| tally.to_string()))
            });
        }
    }
    let mut cells = vec![vec![String::new(); PROMISES.len()]; ALL.len()];
    while let Some(ended) = running.join_next().await {
        let (row, column, cell) = ended.expect("no panic in the table");
        cells[row][column] = cell;
    }
    cells
}
