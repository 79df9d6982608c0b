//! Reads a ledger file from outside: commands that look at it while firstred runs, or when it does not.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::incidents::{self, Found, IncidentRow};
use super::journal::{self, JournalRow};
use super::pending::{self, AllPending};
use super::reader::{self, Waiting};
use super::{LedgerError, OpenError, Story, open, story};
use crate::engine::{Number, Silence};

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

    /// As [`super::Ledger::open_incidents`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn open_incidents(&self, limit: usize) -> Result<Vec<IncidentRow>, LedgerError> {
        incidents::open(&self.db, limit)
    }

    /// As [`super::Ledger::recent_incidents`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn recent_incidents(&self, before: Option<Number>, limit: usize) -> Result<Vec<IncidentRow>, LedgerError> {
        incidents::recent(&self.db, before, limit)
    }

    /// As [`super::Ledger::incident`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incident(&self, name: &str) -> Result<Found, LedgerError> {
        incidents::find(&self.db, name)
    }

    /// As [`super::Ledger::silences`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn silences(&self) -> Result<Vec<Silence>, LedgerError> {
        incidents::silences(&self.db)
    }

    /// As [`super::Ledger::pending`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn pending(&self) -> Result<AllPending, LedgerError> {
        pending::pending(&self.db)
    }

    /// The ids of what was said about problems since `since`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn said(&self, since: Timestamp) -> Result<BTreeSet<String>, LedgerError> {
        reader::said(&self.db, since)
    }

    /// As [`super::Ledger::journal`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn journal(&self, since: Timestamp, after: i64, limit: usize) -> Result<Vec<JournalRow>, LedgerError> {
        journal::journal(&self.db, since, after, limit)
    }
}
