//! The journal: every input that changed anything, in order, for who wants to know what other rules would have said. One row for each
//! transaction, one line of JSON for each input. An observation is written down on its caller's task, so that the writer only copies.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::LedgerError;
use super::command::Observed;
use super::rows::{micros, time};
use crate::engine::Input;

/// How much is let go of in one transaction: each page of it is touched.
const PRUNE_ROWS: i64 = 500;
const PRUNE_BYTES: i64 = 4 * 1024 * 1024;

/// How large an observation of a failed run is.
const TYPICAL: usize = 1_536;

/// The lines of the transaction that is being written.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: String,
    newest: Option<Timestamp>,
}

/// The observations of a batch in their stored form.
#[derive(Debug, Default)]
pub(super) struct Written {
    text: String,
    ends: Vec<usize>,
}

impl Written {
    /// Writes the observations of `batch` down.
    pub(super) fn of(batch: &Observed) -> Self {
        let mut text = Vec::with_capacity(batch.observations.len() * TYPICAL);
        let mut ends = Vec::with_capacity(batch.observations.len());
        for (observation, _) in &batch.observations {
            let whole = text.len();
            if let Err(error) = serde_json::to_writer(&mut text, observation) {
                // Nothing in an observation can do that; the line is missing then, and nothing else is lost.
                tracing::error!(key = ?observation.key, ?error, "an observation can't be journaled");
                text.truncate(whole);
            }
            ends.push(text.len());
        }
        Self { text: String::from_utf8(text).unwrap_or_default(), ends }
    }

    /// The card of an observation: the last field of it. A quote within a text is escaped, so that nothing else looks like its name.
    pub(super) fn card(&self, index: usize) -> Option<&str> {
        let (_, card) = self.observation(index)?.split_once(",\"card\":")?;
        card.strip_suffix('}')
    }

    fn observation(&self, index: usize) -> Option<&str> {
        let from = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(from..*self.ends.get(index)?).filter(|text| !text.is_empty())
    }
}

/// An observation that changed something.
pub(super) struct Seen<'a> {
    pub(super) at: Timestamp,
    pub(super) history: bool,
    pub(super) parent_open: bool,
    /// The workflow's first key, where it is another.
    pub(super) workflow: Option<&'a str>,
}

impl Lines {
    /// Begins anew: what was not written was not committed.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.newest = None;
    }

    /// An observation of a batch changed something. The line is that of [`Input::Observed`].
    pub(super) fn observed(&mut self, seen: &Seen<'_>, written: &Written, index: usize) -> Result<(), LedgerError> {
        let Some(observation) = written.observation(index) else {
            return Ok(());
        };
        self.reach(seen.at);
        self.text.push_str("{\"observed\":{\"at\":\"");
        self.text.push_str(&seen.at.to_string());
        self.text.push('"');
        if seen.history {
            self.text.push_str(",\"history\":true");
        }
        if seen.parent_open {
            self.text.push_str(",\"parentOpen\":true");
        }
        if let Some(workflow) = seen.workflow {
            self.text.push_str(",\"workflow\":");
            self.text.push_str(&serde_json::to_string(workflow)?);
        }
        self.text.push_str(",\"observation\":");
        self.text.push_str(observation);
        self.text.push_str("}}\n");
        Ok(())
    }

    /// Any other input changed something.
    pub(super) fn input(&mut self, input: &Input) -> Result<(), LedgerError> {
        self.reach(input.at());
        self.text.push_str(&serde_json::to_string(input)?);
        self.text.push('\n');
        Ok(())
    }

    fn reach(&mut self, at: Timestamp) {
        self.newest = self.newest.max(Some(at));
    }

    /// Appends the transaction's row, where there is anything to append.
    pub(super) fn append(&mut self, db: &Connection) -> Result<(), LedgerError> {
        if let Some(newest) = self.newest {
            db.prepare_cached("INSERT INTO journal (at, body) VALUES (?1, ?2)")?
                .execute(params![micros(newest), self.text])?;
        }
        self.clear();
        Ok(())
    }
}

/// The inputs of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number: they grow with time.
    pub id: i64,
    /// The time of its newest input.
    pub at: Timestamp,
    /// Its inputs, in order.
    pub inputs: Vec<Input>,
    /// How many more it had that can't be read any more.
    pub unreadable: u64,
}

/// The rows behind `after` that have anything newer than `since`, at most `limit`.
pub(super) fn journal(
    db: &Connection,
    since: Timestamp,
    after: i64,
    limit: usize,
) -> Result<Vec<JournalRow>, LedgerError> {
    // Where the time begins is looked up once, by its index; from there on it is read in the order of the numbers.
    let first: Option<i64> = db
        .prepare_cached("SELECT min(id) FROM (SELECT id FROM journal WHERE at >= ?1 ORDER BY at LIMIT 1)")?
        .query_row([micros(since)], |row| row.get(0))?;
    let Some(first) = first else {
        return Ok(Vec::new());
    };
    let mut find = db.prepare_cached(
        "SELECT id, at, body FROM journal WHERE id > ?1 AND id >= ?2 AND at >= ?3 ORDER BY id LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = find.query(params![after, first, micros(since), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, at) = (row.get(0)?, time(row.get(1)?));
        let (mut inputs, mut unreadable) = (Vec::new(), 0);
        let body: String = row.get(2)?;
        for line in body.lines() {
            match serde_json::from_str::<Input>(line) {
                Ok(input) => inputs.push(input.known_by_its_first_key()),
                Err(error) => {
                    tracing::error!(row = id, ?error, "an input in the journal can't be read");
                    unreadable += 1;
                }
            }
        }
        found.push(JournalRow { id, at, inputs, unreadable });
    }
    Ok(found)
}

/// Lets go of what is older than `before`, a bounded part of it. Answers whether there is more.
pub(super) fn prune(db: &Connection, before: i64) -> Result<bool, LedgerError> {
    let mut look =
        db.prepare_cached("SELECT id, octet_length(body) FROM journal WHERE at < ?1 ORDER BY at LIMIT ?2")?;
    let mut rows = look.query(params![before, PRUNE_ROWS])?;
    let (mut old, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        old.push(row.get::<_, i64>(0)?);
        size += row.get::<_, i64>(1)?;
        if size > PRUNE_BYTES {
            break;
        }
    }
    let mut delete = db.prepare_cached("DELETE FROM journal WHERE id = ?1")?;
    for id in &old {
        delete.execute([id])?;
    }
    Ok(size > PRUNE_BYTES || old.len() >= usize::try_from(PRUNE_ROWS).unwrap_or(usize::MAX))
}
