//! Moves what is committed from the log into the file, on a thread and a connection of its own, so that no caller waits for it. Under
//! a load that never pauses the log can't be begun anew beside the writer; then the writer does the rest of it at 14,000 pages.

use std::sync::mpsc::{Receiver, SyncSender};

use rusqlite::Connection;

/// How large the log may have grown, by estimate, until it is worth two syncs of the disk. With four times that, the writer had to
/// help at 5,000 commits a second, and callers waited for a fifth of one.
const PAGES: usize = 1_000;

/// What a transaction writes besides its rows: the last page of each table and index.
const PAGES_OF_A_COMMIT: usize = 7;

/// Rings when the log has grown enough.
pub(super) struct Bell {
    bell: SyncSender<()>,
    pages: usize,
}

impl Bell {
    pub(super) fn new(bell: SyncSender<()>) -> Self {
        Self { bell, pages: 0 }
    }

    /// A transaction about `rows` was committed.
    pub(super) fn committed(&mut self, rows: usize) {
        self.pages = self.pages.saturating_add(PAGES_OF_A_COMMIT + rows);
        if self.pages >= PAGES {
            self.pages = 0;
            // While it works it is not rung again: it takes all there is.
            let _ = self.bell.try_send(());
        }
    }
}

/// Checkpoints whenever it is rung, until the writer is gone.
pub(super) fn run(db: &Connection, rung: &Receiver<()>) {
    while rung.recv().is_ok() {
        if let Err(error) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            // What is committed stays in the log and is found there.
            tracing::warn!(?error, "the ledger's log was not checkpointed");
        }
    }
}
