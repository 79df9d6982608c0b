//! Which of the failed runs that an engine counts are not on record. It knows no engine.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;

use super::LedgerError;
use super::rows::json;
use crate::run::{RunKey, RunStatus};

/// What is read of a run's memory.
#[derive(Deserialize)]
struct Part {
    status: RunStatus,
    #[serde(default)]
    attempt: Option<u32>,
}

/// The places in `runs` of those that are not known as ended, at that attempt or a later one.
pub(super) fn unknown(db: &Connection, runs: &[(RunKey, Option<u32>)]) -> Result<Vec<usize>, LedgerError> {
    let mut find = db.prepare_cached(
        "SELECT known FROM runs WHERE run = ?1 AND workspace = ?3 AND (workflow = ?2 OR title = ?2)
         ORDER BY workflow = ?2 DESC, id LIMIT 1",
    )?;
    let mut unknown = Vec::new();
    for (place, (key, attempt)) in runs.iter().enumerate() {
        let known =
            find.query_row(params![key.run, key.workflow, key.workspace], |row| json::<Part>(row, 0)).optional()?;
        if !known.is_some_and(|known| has_ended(&known, *attempt)) {
            unknown.push(place);
        }
    }
    Ok(unknown)
}

fn has_ended(known: &Part, attempt: Option<u32>) -> bool {
    match (known.attempt, attempt) {
        (Some(known), Some(attempt)) if known < attempt => false,
        (Some(known), Some(attempt)) if known > attempt => true,
        // Who does not count attempts can't say which one it is.
        _ => known.status.is_final(),
    }
}
