//! Writes a consistent copy of the file, on a connection of its own: it takes as long as the file is large.

use std::path::Path;

use super::{LedgerError, open};

/// A copy of the ledger at `from`; `to` must not exist.
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let refused =
        |error: &dyn std::fmt::Display| LedgerError::Failed(format!("no backup at {}: {error}", to.display()));
    // SQLite writes into an empty file as it would into none; this one is its owner's only.
    open::private().create_new(true).write(true).open(to).map_err(|error| refused(&error))?;
    let db = open::open_for_reading(from).map_err(|error| refused(&error))?;
    let name = to.to_str().ok_or_else(|| refused(&"its name is not UTF-8"))?;
    db.execute("VACUUM INTO ?1", [name])?;
    Ok(())
}
