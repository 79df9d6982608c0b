//! Reads a ledger file from outside: commands that look at it while firstred runs, or when it does not.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::journal::{self, JournalRow};
use super::reader::{self, Waiting};
use super::{LedgerError, OpenError, Story, open, story};

/// Reads a ledger that may belong to a running firstred.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
}

impl Reader {
    pub(super) fn db(&self) -> &Connection {
        &self.db
    }

    /// Opens a ledger for reading, also while firstred runs.
    ///
    /// # Errors
    /// When there is no such file, or it is not a ledger that this firstred can read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { db: open::open_for_reading(path)? })
    }

    /// Every run with this id, with all that was decided, said and tried.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn stories(&self, run: &str) -> Result<Vec<Story>, LedgerError> {
        story::stories(&self.db, run)
    }

    /// The deliveries that are not proven yet, by receiver.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn receivers_waiting(&self) -> Result<Waiting, LedgerError> {
        reader::receivers_waiting(&self.db)
    }

    /// As [`super::Ledger::journal`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn journal(&self, since: Timestamp, after: i64, limit: usize) -> Result<Vec<JournalRow>, LedgerError> {
        journal::journal(&self.db, since, after, limit)
    }
}
