//! The modelled ledger: it keeps exactly what was committed, and gives it back at a start, through the JSON that the real one stores.

use std::collections::BTreeMap;

use firstred::engine::{Board, Desk, ErrorMemory, Incident, Known, Number, Policy, Silence, Stored, Workflow};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What outlives a crash, but for the deliveries.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    /// By the number of the run.
    pub(super) runs: BTreeMap<usize, Known>,
    pub(super) incidents: BTreeMap<Number, Incident>,
    last_number: Number,
    workflows: BTreeMap<String, Workflow>,
    errors: BTreeMap<String, ErrorMemory>,
    desks: BTreeMap<String, Desk>,
    silences: BTreeMap<String, Silence>,
    ended_early: BTreeMap<String, Timestamp>,
}

/// An incident that changed, as it was before (none: it is new) and as it is now; `left`: it is no longer on the board.
pub(super) struct Turn {
    pub(super) number: Number,
    pub(super) before: Option<Incident>,
    pub(super) now: Incident,
    pub(super) left: bool,
}

impl Ledger {
    /// Writes down what changed on the board.
    pub(super) fn commit(&mut self, board: &mut Board) -> Vec<Turn> {
        let changed = board.take_changed();
        let mut turns = Vec::new();
        for number in &changed.incidents {
            self.last_number = self.last_number.max(*number);
            let Some(incident) = board.incident(*number) else { continue };
            let before = self.incidents.insert(*number, incident.clone());
            turns.push(Turn { number: *number, before, now: incident.clone(), left: false });
        }
        let mut last_words: BTreeMap<Number, Incident> = changed.last_words.into_iter().collect();
        for number in &changed.left {
            self.last_number = self.last_number.max(*number);
            let before = self.incidents.remove(number);
            if let Some(now) = last_words.remove(number).or_else(|| before.clone()) {
                turns.push(Turn { number: *number, before, now, left: true });
            }
        }
        for key in &changed.workflows {
            put(&mut self.workflows, key, board.workflow(key));
        }
        for key in &changed.errors {
            put(&mut self.errors, key, board.error(key));
        }
        for key in &changed.desks {
            put(&mut self.desks, key, board.desk(key));
        }
        for key in &changed.silences {
            put(&mut self.silences, key, board.silence(key));
        }
        for key in &changed.ended_early {
            put(&mut self.ended_early, key, board.ended_early(key).as_ref());
        }
        turns
    }

    /// A board from what is stored.
    pub(super) fn start(&self, now: Timestamp, policy: &Policy) -> Board {
        let mut board = Board::restore(Stored {
            incidents: back(&self.incidents),
            last_number: self.last_number,
            workflows: back(&self.workflows),
            errors: back(&self.errors),
            desks: back(&self.desks),
            silences: back(&self.silences).into_iter().map(|(_, silence)| silence).collect(),
            ended_early: back(&self.ended_early),
            expected_since: Vec::new(),
        });
        board.adopt(now, policy);
        board
    }

    /// The runs as a start reads them.
    pub(super) fn reread(&mut self) {
        self.runs = back(&self.runs).into_iter().collect();
    }
}

fn put<T: Clone>(stored: &mut BTreeMap<String, T>, key: &str, value: Option<&T>) {
    match value {
        Some(value) => drop(stored.insert(key.to_owned(), value.clone())),
        None => drop(stored.remove(key)),
    }
}

fn back<K: Clone + Ord, T: Serialize + DeserializeOwned>(stored: &BTreeMap<K, T>) -> Vec<(K, T)> {
    let read = |value: &T| {
        let text = serde_json::to_string(value).expect("JSON");
        serde_json::from_str(&text).expect("what was written can be read")
    };
    stored.iter().map(|(key, value)| (key.clone(), read(value))).collect()
}
