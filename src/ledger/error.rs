//! What can go wrong with the ledger, in words for the person at night. It knows SQLite's codes; nobody else has to.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::engine::CommandError;

/// The ledger could not do what it was asked to. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The disk is full.
    #[error("the ledger's disk is full: make room, firstred goes on by itself")]
    Full,
    /// Another process holds the file.
    #[error("the ledger is locked by another process: close the tool that holds it open for writing")]
    Busy,
    /// The disk doesn't answer as it should.
    #[error("the ledger's disk does not take writes ({0}): check the disk and its mount, firstred goes on by itself")]
    Unavailable(String),
    /// The file is damaged.
    #[error("the ledger file is damaged: stop firstred, then restore a backup or move the file aside")]
    Damaged,
    /// firstred is going down.
    #[error("the ledger is closed: firstred is stopping")]
    Closed,
    /// This very item can't be written; others can.
    #[error("the ledger can't take this: {0}")]
    Failed(String),
}

impl LedgerError {
    /// Whether the file or its disk is at fault, and not what was asked.
    pub(super) fn is_environment(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory,
            ) => Self::Unavailable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for LedgerError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What a person asked for was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// It can't be done.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// The ledger did not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// There is no room in the queue: ask again in a moment. Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's queue is full")]
pub struct QueueFull;

/// Why the ledger can't be opened, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its directory is missing.
    #[error("the ledger's directory `{}` does not exist: create it, or change `path` in [ledger]", .0.display())]
    NoDirectory(PathBuf),
    /// Another firstred has it.
    #[error(
        "another firstred uses the ledger `{}`: stop that one, or give this one a file of its own by `path` in [ledger]", .0.display()
    )]
    InUse(PathBuf),
    /// A newer firstred wrote it.
    #[error(
        "the ledger `{}` was written by a newer firstred (its schema is {found}, this one knows {known}): \
         start the newer firstred again, or restore the backup from before the upgrade", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// What the file has.
        found: i64,
        /// What this firstred knows.
        known: i64,
    },
    /// It can't be read any more, or never was a ledger.
    #[error(
        "the ledger `{path}` is damaged or not a firstred ledger ({reason}). Restore a backup of it, or move it aside: \
         `mv {path} {path}.damaged` (and the same for {path}-wal); firstred then begins anew: \
         what has failed by then is not told, unless `history` in [sources] asks for it",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The linked SQLite has a known corruption bug.
    #[error("SQLite {0} is too old: 3.51.3 is the first without the WAL-reset bug; build firstred with its own SQLite")]
    OldSqlite(String),
    /// Anything else of the file system.
    #[error("the ledger `{}` can't be opened: {reason}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

impl OpenError {
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, reason },
            _ => Self::Unavailable { path, reason },
        }
    }

    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Unavailable { path: path.to_owned(), reason: error.to_string() }
    }
}
