//! What is counted, inside the writer's transaction: runs and what became of their failures, for the line of the day; refusals of receivers, by
//! day and by word. A transaction that is undone counts nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

use super::LedgerError;
use super::apply::Hot;
use super::rows::micros;
use crate::engine::{Fate, Known, Outcome};

/// What stands before the names of the day's counts among the facts.
pub(super) const DAY: &str = "day:";
/// The same before the name of a source that was heard of.
pub(super) const FROM: &str = "day:from:";

/// What a transaction counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<&'static str, i64>,
    sources: BTreeSet<String>,
}

impl Tally {
    pub(super) fn clear(&mut self) {
        self.counts.clear();
        self.sources.clear();
    }

    /// A run changed. `failures`: how often it had failed before; none for one that was not known.
    pub(super) fn run(&mut self, failures: Option<u32>, known: &Known) {
        if !self.sources.contains(&known.source) {
            self.sources.insert(known.source.clone());
        }
        if failures.is_none() {
            self.add("runs");
        }
        if known.failures() <= failures.unwrap_or(0) {
            return;
        }
        let fate = match known.fate() {
            Fate::History => return,
            Fate::Told => "told",
            Fate::Held => "held",
            Fate::Nobody => "nobody",
        };
        self.add("failed");
        self.add(fate);
    }

    fn add(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }
}

impl Hot<'_> {
    /// Writes what the transaction counted.
    pub(super) fn save_tally(&mut self) -> Result<(), LedgerError> {
        for (name, count) in &self.tally.counts {
            self.db
                .prepare_cached(
                    "INSERT INTO facts (name, value) VALUES (?1 || ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                )?
                .execute(params![DAY, name, count])?;
        }
        for source in &self.tally.sources {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO facts (name, value) VALUES (?1 || ?2, 1)")?
                .execute(params![FROM, source])?;
        }
        self.tally.clear();
        Ok(())
    }

    /// Counts an attempt that did not arrive.
    pub(super) fn count_refusal(&self, receiver: &str, outcome: &Outcome, at: Timestamp) -> Result<(), LedgerError> {
        let Some(word) = outcome.word() else {
            return Ok(());
        };
        self.db
            .prepare_cached(
                "INSERT INTO refusals (receiver, word, day, count, last_at) VALUES (?1, ?2, ?3, 1, ?4)
                 ON CONFLICT (receiver, word, day) DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at)",
            )?
            .execute(params![receiver, word, day(at), micros(at)])?;
        Ok(())
    }
}

/// The day of a time, since 1970.
pub(super) fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}
