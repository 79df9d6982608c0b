//! Lets go of what is older than the retention, in small chunks, inside the writer's transaction. What is open, held or not yet
//! delivered stays, however old it is.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::LedgerError;
use super::outbox::NO_RUN;
use super::rows::micros;

/// How many runs are looked at in one transaction.
const CHUNK: usize = 500;

/// Looks at the next runs after row `after`. Answers how many went, and where to go on.
pub(super) fn prune(db: &Connection, before: Timestamp, after: i64) -> Result<(u64, Option<i64>), LedgerError> {
    let before = micros(before);
    let mut look = db.prepare_cached(
        "SELECT id, first_seen, seen_at < ?1 AND open = 0 AND hold_until IS NULL AND NOT EXISTS (
             SELECT 1 FROM notifications n JOIN deliveries d ON d.notification = n.id WHERE n.run = runs.id AND d.state = 0)
         FROM runs WHERE id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = look
        .query_map(params![before, after, i64::try_from(CHUNK).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    // Rows are numbered in the order of their first sight: behind a young one there are only younger ones.
    let more = rows.len() == CHUNK && rows.last().is_some_and(|(_, first_seen, _)| *first_seen < before);
    let mut gone = 0;
    for (run, _, _) in rows.iter().filter(|(_, _, old)| *old) {
        db.prepare_cached(
            "DELETE FROM deliveries WHERE notification IN (SELECT id FROM notifications WHERE run = ?1)",
        )?
        .execute([run])?;
        db.prepare_cached("DELETE FROM notifications WHERE run = ?1")?.execute([run])?;
        db.prepare_cached("DELETE FROM runs WHERE id = ?1")?.execute([run])?;
        gone += 1;
    }
    let next = if more { rows.last().map(|(run, _, _)| *run) } else { None };
    if next.is_none() {
        prune_own(db, before)?;
    }
    Ok((gone, next))
}

/// What was said about firstred itself, or as a test.
fn prune_own(db: &Connection, before: i64) -> Result<(), LedgerError> {
    let old = "SELECT id FROM notifications n WHERE run = ?1 AND at < ?2
               AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notification = n.id AND d.state = 0)";
    db.prepare_cached(&format!("DELETE FROM deliveries WHERE notification IN ({old})"))?
        .execute(params![NO_RUN, before])?;
    db.prepare_cached(
        "DELETE FROM notifications AS n WHERE run = ?1 AND at < ?2
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notification = n.id)",
    )?
    .execute(params![NO_RUN, before])?;
    db.prepare_cached("DELETE FROM troubles WHERE settled_at < ?1")?.execute([before])?;
    Ok(())
}
