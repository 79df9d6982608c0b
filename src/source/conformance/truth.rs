//! What really happens to the runs of a made-up engine, and when: the account that a source is held against. It knows no source.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::engine::{Kind, Reruns, Row, State};

/// The runs, and everything that ever was true of them.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// What the engine has.
    pub(super) rows: BTreeMap<u32, Row>,
    /// Every attempt and state that a run ever had.
    pub(super) had: BTreeMap<u32, Vec<Row>>,
    /// Every failed attempt.
    pub(super) failures: Vec<Failure>,
    /// Counts what happens: a change, the begin of a poll, its end.
    pub(super) moment: u64,
    next: u32,
}

/// A failed attempt, and how long the engine had it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) number: u32,
    pub(super) attempt: u32,
    pub(super) ended: Timestamp,
    /// The first moment of it.
    pub(super) since: u64,
    /// The moment at which the row was something else, or gone.
    pub(super) until: Option<u64>,
}

/// A change of the world.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Put(Row),
    Delete(u32),
}

impl Truth {
    pub(super) fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    pub(super) fn apply(&mut self, change: &Change) {
        let moment = self.tick();
        let number = match change {
            Change::Put(row) => row.number,
            Change::Delete(number) => *number,
        };
        for failure in self.failures.iter_mut().filter(|failure| failure.number == number && failure.until.is_none()) {
            failure.until = Some(moment);
        }
        match change {
            Change::Put(row) => {
                self.next = self.next.max(row.number + 1);
                if let (State::Failed, Some(ended)) = (row.state, row.ended) {
                    let (number, attempt) = (row.number, row.attempt);
                    self.failures.push(Failure { number, attempt, ended, since: moment, until: None });
                }
                self.had.entry(row.number).or_default().push(row.clone());
                self.rows.insert(row.number, row.clone());
            }
            Change::Delete(number) => {
                self.rows.remove(number);
            }
        }
    }

    /// A new run that started then.
    pub(super) fn begin(&self, at: Timestamp, replays: Option<u32>) -> Row {
        Row {
            number: self.next,
            attempt: 1,
            state: State::Running,
            replays,
            created: at,
            started: at,
            ended: None,
            changed: at,
        }
    }

    /// What happens next. `at` is the time that the engine writes down.
    pub(super) fn happen(&self, chance: &mut Chance, kind: &Kind, at: Timestamp) -> Vec<Change> {
        let open: Vec<&Row> = self.rows.values().filter(|row| row.state == State::Running).collect();
        let failed: Vec<&Row> = self.rows.values().filter(|row| row.state == State::Failed).collect();
        match chance.below(100) {
            0..25 => vec![Change::Put(self.begin(at, None))],
            25..50 if !open.is_empty() => {
                vec![Change::Put(ended(chance.one_of(&open), end_of(chance), at))]
            }
            // Between two looks it begins and ends.
            50..70 => {
                let started = at - SignedDuration::from_millis(chance.span(5_000));
                vec![Change::Put(ended(&self.begin(started, None), end_of(chance), at))]
            }
            70..85 if !failed.is_empty() => {
                let again = self.again(chance.one_of(&failed), kind.reruns, at);
                let mut changes = vec![Change::Put(again.clone())];
                if chance.percent(40) {
                    changes.push(Change::Put(ended(&again, end_of(chance), at)));
                }
                changes
            }
            85..90 if kind.forgets => {
                // One run always stays: an engine without any run proves nothing.
                let numbers: Vec<u32> = self.rows.keys().skip(1).copied().collect();
                if numbers.is_empty() { Vec::new() } else { vec![Change::Delete(chance.one_of(&numbers))] }
            }
            _ => Vec::new(),
        }
    }

    fn again(&self, row: &Row, reruns: Reruns, at: Timestamp) -> Row {
        match reruns {
            Reruns::NewRun => self.begin(at, Some(row.number)),
            Reruns::SameRun => {
                // Within one run an engine's times go on, however late it shows them.
                let at = at.max(row.changed + SignedDuration::from_secs(1));
                let attempt = row.attempt + 1;
                Row { attempt, state: State::Running, started: at, ended: None, changed: at, ..row.clone() }
            }
        }
    }
}

fn end_of(chance: &mut Chance) -> State {
    chance.one_of(&[State::Failed, State::Failed, State::Failed, State::Completed, State::Completed, State::Cancelled])
}

/// The run, ended. The engine's clock may have been put back since it started.
pub(super) fn ended(row: &Row, state: State, at: Timestamp) -> Row {
    let at = at.max(row.started);
    Row { state, ended: Some(at), changed: at.max(row.changed), ..row.clone() }
}
