//! Brings a file to the schema that this firstred knows. It knows numbered scripts and `user_version`, and no table by name.

use rusqlite::Connection;

/// The scripts, in order; the first one makes version 1. A script that was released is never changed.
const SCRIPTS: [&str; 4] = [
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_incidents.sql"),
    include_str!("migrations/0003_posts.sql"),
    include_str!("migrations/0004_honest.sql"),
];

/// The version that this firstred writes.
pub(super) const VERSION: i64 = 4;

/// The version of a file; 0 for an empty one.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Runs the scripts that are missing: all of them, or none. Answers whether there were any.
pub(super) fn migrate(db: &mut Connection) -> rusqlite::Result<bool> {
    let found = usize::try_from(version(db)?).unwrap_or(0);
    if found >= SCRIPTS.len() {
        return Ok(false);
    }
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for script in &SCRIPTS[found..] {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_number_of_scripts() {
        assert_eq!(i64::try_from(SCRIPTS.len()), Ok(VERSION));
    }
}
