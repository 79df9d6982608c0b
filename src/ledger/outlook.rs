//! More that people ask of a file: the whole board as it was last committed, what is held, summaries, when receivers last took something.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::rows::{AttemptNote, json, time};
use super::save::row_of;
use super::{DeliveryStory, FailingReceiver, LedgerError, Reader, Trouble, load, reader, story};
use crate::engine::{Board, Incident, Known, Notification, NotificationId, Number};
use crate::run::RunKey;

/// The most held runs of one answer, the first to be told first.
const MOST_HELD: i64 = 1_000;

/// How often a receiver failed with one word, within the retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    /// The receiver.
    pub receiver: String,
    /// Why, in a word of a fixed list.
    pub word: String,
    /// How often.
    pub count: u64,
    /// When it last did.
    pub last_at: Timestamp,
}

impl Reader {
    /// The board as it was last committed. What can't be read is left out.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn board(&self) -> Result<Board, LedgerError> {
        Ok(load::load(self.db())?.0)
    }

    /// The incidents with these numbers, as far as they are remembered.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incidents_numbered(&self, numbers: &[Number]) -> Result<Vec<(Number, Incident)>, LedgerError> {
        let mut find = self.db().prepare_cached("SELECT body FROM incidents WHERE number = ?1")?;
        let mut found = Vec::new();
        for number in numbers {
            match find.query_row([row_of(*number)], |row| Ok(json::<Incident>(row, 0))).optional()? {
                Some(Ok(incident)) => found.push((*number, incident)),
                // The others can be told without it.
                Some(Err(error)) => tracing::error!(number, ?error, "an incident can't be read"),
                // It is older than the retention.
                None => {}
            }
        }
        Ok(found)
    }

    /// All that was said about an incident, and whom it went to, both oldest first.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn said_of(&self, number: Number) -> Result<(Vec<Notification>, Vec<DeliveryStory>), LedgerError> {
        story::told_of(self.db(), number, false)
    }

    /// A summary by its id, and whom it went to.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn summary(&self, id: &NotificationId) -> Result<(Vec<Notification>, Vec<DeliveryStory>), LedgerError> {
        // Most stand there without a run; one that a run let go of stands with that.
        for which in ["run = 0 AND name = ?1", "name = ?1"] {
            let mut find =
                self.db().prepare_cached(&format!("SELECT id, body FROM notifications WHERE {which} LIMIT 1"))?;
            let found = find.query_row([id.as_str()], |row| Ok((row.get::<_, i64>(0)?, json::<Notification>(row, 1)?)));
            if let Some((row, notification)) = found.optional()? {
                let deliveries = story::deliveries(self.db(), row, &notification.id)?;
                return Ok((vec![notification], deliveries));
            }
        }
        Ok((Vec::new(), Vec::new()))
    }

    /// The runs that are held, the first to be told first.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn held(&self) -> Result<Vec<(RunKey, Known)>, LedgerError> {
        let mut find = self.db().prepare(
            "SELECT run, workflow, workspace, known FROM runs WHERE hold_until IS NOT NULL ORDER BY hold_until LIMIT ?1",
        )?;
        let rows = find.query_map([MOST_HELD], |row| {
            let key = RunKey { run: row.get(0)?, workflow: row.get(1)?, workspace: row.get(2)? };
            Ok((key, json(row, 3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How often receivers failed, by word, the most frequent first.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn refusals(&self) -> Result<Vec<Refusals>, LedgerError> {
        let mut find = self.db().prepare(
            "SELECT receiver, word, sum(count) AS times, max(last_at) FROM refusals GROUP BY receiver, word
             ORDER BY receiver, times DESC, word",
        )?;
        let rows = find.query_map([], |row| {
            let count = row.get::<_, i64>(2)?.unsigned_abs();
            Ok(Refusals { receiver: row.get(0)?, word: row.get(1)?, count, last_at: time(row.get(3)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// As [`super::Ledger::troubles`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn troubles(&self) -> Result<Vec<Trouble>, LedgerError> {
        reader::troubles(self.db())
    }

    /// As [`super::Ledger::failing`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn failing(&self) -> Result<Vec<FailingReceiver>, LedgerError> {
        reader::failing(self.db())
    }

    /// When each receiver last took something. Those that never did are absent.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn last_good(&self) -> Result<BTreeMap<String, Timestamp>, LedgerError> {
        let mut find = self.db().prepare(
            "SELECT d.receiver, d.created_at, d.log
             FROM (SELECT max(id) AS id FROM deliveries WHERE state = 1 GROUP BY receiver) last
             JOIN deliveries d ON d.id = last.id",
        )?;
        let rows = find.query_map([], |row| {
            let log: Option<String> = row.get(2)?;
            let log: Vec<AttemptNote> = log.and_then(|log| serde_json::from_str(&log).ok()).unwrap_or_default();
            Ok((row.get(0)?, log.last().map_or(time(row.get(1)?), |attempt| attempt.at)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
