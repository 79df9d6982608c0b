//! What waits, from the tables: problems that somebody is not told yet, and runs that are held. What a problem waits for is the engine's
//! to say, of the few that wait at all.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::LedgerError;
use super::rows::{json, time};
use crate::engine::{Board, HoldState, Incident, Known, Number, Pending, State, Stored, Workflow};
use crate::run::RunKey;

/// How many of each are listed.
const MOST: i64 = 1_000;

/// Everything that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AllPending {
    /// Problems that somebody is not told yet, oldest first, at most 1000.
    pub incidents: Vec<Pending>,
    /// Runs whose retries are given time, those whose time ends first come first, at most 1000.
    pub runs: Vec<HeldRun>,
}

/// A run that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldRun {
    /// Which.
    pub key: RunKey,
    /// The source that saw it last.
    pub source: String,
    /// Since when.
    pub since: Timestamp,
    /// When somebody is told at last.
    pub until: Timestamp,
    /// What was decided about it so far.
    pub state: HoldState,
    /// The step that is retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

pub(super) fn pending(db: &Connection) -> Result<AllPending, LedgerError> {
    Ok(AllPending { incidents: incidents(db)?, runs: held(db)? })
}

fn incidents(db: &Connection) -> Result<Vec<Pending>, LedgerError> {
    // An ear that waits says so by this key; nothing else in a body has it.
    let mut find = db.prepare_cached(
        "SELECT number, body FROM incidents INDEXED BY incidents_on_board
         WHERE on_board = 1 AND (state = 'gathering' OR instr(body, '\"withheld\":{') > 0) ORDER BY number LIMIT ?1",
    )?;
    let mut rows = find.query([MOST])?;
    let mut stored = Stored::default();
    while let Some(row) = rows.next()? {
        let number: Number = row.get::<_, i64>(0)?.unsigned_abs();
        match json::<Incident>(row, 1) {
            Ok(incident) => {
                stored.workflows.extend(counted(db, &incident)?);
                stored.incidents.push((number, incident));
            }
            Err(error) => tracing::error!(number, ?error, "an incident can't be read"),
        }
    }
    Ok(Board::restore(stored).pending())
}

/// The workflow by whose runs a condition counts.
fn counted(db: &Connection, incident: &Incident) -> Result<Option<(String, Workflow)>, LedgerError> {
    let Some(point) = incident.points.first().filter(|_| incident.state == State::Gathering) else {
        return Ok(None);
    };
    let key = Board::workflow_key(&incident.workspace, &point.workflow);
    let mut find = db.prepare_cached("SELECT body FROM workflows WHERE key = ?1")?;
    let body: Option<String> = find.query_row([&key], |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()).map(|workflow| (key, workflow)))
}

fn held(db: &Connection) -> Result<Vec<HeldRun>, LedgerError> {
    let mut find = db.prepare_cached(
        "SELECT run, workflow, workspace, hold_until, known FROM runs
         WHERE hold_until IS NOT NULL ORDER BY hold_until LIMIT ?1",
    )?;
    let mut rows = find.query([MOST])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let key = RunKey { run: row.get(0)?, workflow: row.get(1)?, workspace: row.get(2)? };
        match json::<Known>(row, 4) {
            Ok(Known { source, hold: Some(hold), .. }) => {
                let until = time(row.get(3)?);
                held.push(HeldRun { key, source, since: hold.since, until, state: hold.state, step: hold.step });
            }
            Ok(_) => {}
            Err(error) => tracing::error!(?key, ?error, "a run's memory can't be read"),
        }
    }
    Ok(held)
}
