//! Lets go of what is older than the retention, in small chunks, inside the writer's transaction. What is open, held, on the board or
//! not yet delivered stays, however old it is.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::apply::{Hot, guarded};
use super::outbox::NO_RUN;
use super::rows::{micros, time};
use super::{LedgerError, journal, load, tally};

/// How many runs or incidents are looked at in one transaction.
const CHUNK: usize = 500;

/// Where letting go goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// With the runs after this row.
    Runs(i64),
    /// With the incidents after this number.
    Incidents(i64),
    /// With what is remembered of workflows and errors.
    Memory,
    /// With what was said about firstred itself, and with the journal.
    Rest,
}

/// Does the next part. Answers how many runs went, and where to go on.
pub(super) fn prune(hot: &mut Hot<'_>, before: Timestamp, place: Place) -> Result<(u64, Option<Place>), LedgerError> {
    let at = micros(before);
    match place {
        Place::Runs(after) => {
            let (gone, next) = runs(hot.db, at, after)?;
            Ok((gone, Some(next.map_or(Place::Incidents(0), Place::Runs))))
        }
        Place::Incidents(after) => {
            let next = incidents(hot.db, at, after)?;
            Ok((0, Some(next.map_or(Place::Memory, Place::Incidents))))
        }
        Place::Memory => {
            guarded(|| hot.board.forget(before))?;
            Ok((0, Some(Place::Rest)))
        }
        Place::Rest => {
            own(hot.db, at)?;
            let more = journal::prune(hot.db, at)?;
            Ok((0, more.then_some(Place::Rest)))
        }
    }
}

fn runs(db: &Connection, before: i64, after: i64) -> Result<(u64, Option<i64>), LedgerError> {
    let mut look = db.prepare_cached(
        "SELECT id, first_seen, seen_at < ?1 AND open = 0 AND hold_until IS NULL AND NOT EXISTS (
             SELECT 1 FROM notifications n JOIN deliveries d ON d.notification = n.id WHERE n.run = runs.id AND d.state = 0)
         FROM runs WHERE id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let (old, next) = chunk(&mut look, before, after)?;
    for run in &old {
        said(db, "run = ?1", *run)?;
        db.prepare_cached("DELETE FROM members WHERE run = ?1")?.execute([run])?;
        db.prepare_cached("DELETE FROM runs WHERE id = ?1")?.execute([run])?;
    }
    Ok((u64::try_from(old.len()).unwrap_or(u64::MAX), next))
}

fn incidents(db: &Connection, before: i64, after: i64) -> Result<Option<i64>, LedgerError> {
    let mut look = db.prepare_cached(
        "SELECT number, opened_at, changed_at < ?1 AND on_board = 0 AND NOT EXISTS (
             SELECT 1 FROM notifications n JOIN deliveries d ON d.notification = n.id
             WHERE n.incident = incidents.number AND n.run = 0 AND d.state = 0)
         FROM incidents WHERE number > ?2 ORDER BY number LIMIT ?3",
    )?;
    let (old, next) = chunk(&mut look, before, after)?;
    if !old.is_empty() {
        load::remember_last_number(db)?;
    }
    for number in &old {
        // What a run led to say goes with that run.
        said(db, "incident = ?1 AND run = 0", *number)?;
        db.prepare_cached("DELETE FROM members WHERE incident = ?1")?.execute([number])?;
        db.prepare_cached("DELETE FROM posts WHERE incident = ?1")?.execute([number])?;
        db.prepare_cached("DELETE FROM incidents WHERE number = ?1")?.execute([number])?;
    }
    Ok(next)
}

/// The rows of the next chunk that may go, and the last row of it where there is more.
fn chunk(
    look: &mut rusqlite::CachedStatement<'_>,
    before: i64,
    after: i64,
) -> Result<(Vec<i64>, Option<i64>), LedgerError> {
    let rows = look
        .query_map(params![before, after, i64::try_from(CHUNK).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    // Rows are numbered in the order of their first sight: behind a young one there are only younger ones.
    let more = rows.len() == CHUNK && rows.last().is_some_and(|(_, first_seen, _)| *first_seen < before);
    let next = rows.last().map(|(row, _, _)| *row).filter(|_| more);
    Ok((rows.into_iter().filter(|(_, _, old)| *old).map(|(row, _, _)| row).collect(), next))
}

/// Deletes what was said of one run or incident, with its deliveries.
fn said(db: &Connection, which: &str, of: i64) -> Result<(), LedgerError> {
    db.prepare_cached(&format!(
        "DELETE FROM deliveries WHERE notification IN (SELECT id FROM notifications WHERE {which})"
    ))?
    .execute([of])?;
    db.prepare_cached(&format!("DELETE FROM notifications WHERE {which}"))?.execute([of])?;
    Ok(())
}

/// What was said about firstred itself, as a test, or of several incidents at once; and what was put aside.
fn own(db: &Connection, before: i64) -> Result<(), LedgerError> {
    // What is about one incident goes with that, unless it can't be found any more.
    let old = "run = ?1 AND at < ?2
               AND (incident IS NULL OR NOT EXISTS (SELECT 1 FROM incidents WHERE number = n.incident))";
    db.prepare_cached(&format!(
        "DELETE FROM deliveries WHERE notification IN (
             SELECT id FROM notifications n WHERE {old}
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notification = n.id AND d.state = 0))"
    ))?
    .execute(params![NO_RUN, before])?;
    db.prepare_cached(&format!(
        "DELETE FROM notifications AS n WHERE {old}
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notification = n.id)"
    ))?
    .execute(params![NO_RUN, before])?;
    db.prepare_cached("DELETE FROM troubles WHERE settled_at < ?1")?.execute([before])?;
    db.prepare_cached("DELETE FROM refusals WHERE day < ?1")?.execute([tally::day(time(before))])?;
    db.prepare_cached("DELETE FROM put_aside WHERE at < ?1")?.execute([before])?;
    Ok(())
}
