//! Problems as people ask for them, from the tables: those that go on, the newest ones, one by its name with its runs and all that was
//! said. It reads bodies and decides nothing.

use rusqlite::{Connection, params};
use serde::Serialize;

use super::LedgerError;
use super::rows::json;
use super::save::row_of;
use super::story::{self, DeliveryStory};
use crate::engine::{Incident, Notification, Number, Silence, What};
use crate::run::RunKey;

/// How many runs of an incident are named.
const MOST_RUNS: usize = 200;
/// How many names are listed where several fit.
const MOST_NAMES: usize = 10;

/// An incident as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentRow {
    /// The ledger's number: they grow with time.
    pub number: Number,
    /// The engine still holds it: it goes on, or ended so lately that it may be opened again.
    pub on_board: bool,
    /// What it is.
    pub incident: Incident,
}

/// One incident with all that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentStory {
    /// The incident.
    #[serde(flatten)]
    pub row: IncidentRow,
    /// The runs that belong to it, the newest first, at most 200; of a service's trouble, those of its members.
    pub runs: Vec<RunKey>,
    /// How many there are.
    pub run_count: u64,
    /// What was said about it, oldest first.
    pub notifications: Vec<Notification>,
    /// Whom that went to, and what came of it, oldest first.
    pub deliveries: Vec<DeliveryStory>,
}

/// What the beginning of a name finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// One incident.
    One(Box<IncidentStory>),
    /// Several: the names of the newest ones.
    Several(Vec<String>),
}

const COLUMNS: &str = "SELECT number, on_board, body FROM incidents";

pub(super) fn open(db: &Connection, limit: usize) -> Result<Vec<IncidentRow>, LedgerError> {
    let sql = format!(
        "{COLUMNS} INDEXED BY incidents_on_board WHERE on_board = 1 AND state <> 'resolved' ORDER BY number DESC LIMIT ?1"
    );
    rows(db, &sql, params![row_limit(limit)])
}

pub(super) fn recent(db: &Connection, before: Option<Number>, limit: usize) -> Result<Vec<IncidentRow>, LedgerError> {
    let before = before.map_or(i64::MAX, row_of);
    rows(db, &format!("{COLUMNS} WHERE number < ?1 ORDER BY number DESC LIMIT ?2"), params![before, row_limit(limit)])
}

pub(super) fn find(db: &Connection, name: &str) -> Result<Found, LedgerError> {
    let name = name.trim();
    if name.is_empty() {
        return Ok(Found::Nothing);
    }
    // The index is read from its end on; it is small beside the table, and a name is asked for by a person.
    let mut find = db.prepare_cached(
        "SELECT number, name FROM incidents INDEXED BY incidents_name
         WHERE name >= ?1 AND name < ?1 || char(1114111) ORDER BY number DESC LIMIT ?2",
    )?;
    let found: Vec<(i64, String)> = find
        .query_map(params![name, row_limit(MOST_NAMES)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    match found.as_slice() {
        [] => Ok(Found::Nothing),
        [(number, _)] => {
            let row = rows(db, &format!("{COLUMNS} WHERE number = ?1"), [number])?.pop();
            Ok(match row {
                Some(row) => Found::One(Box::new(tell(db, row)?)),
                None => Found::Nothing,
            })
        }
        several => Ok(Found::Several(several.iter().map(|(_, name)| name.clone()).collect())),
    }
}

fn tell(db: &Connection, row: IncidentRow) -> Result<IncidentStory, LedgerError> {
    let mut numbers = vec![row.number];
    if let What::Provider { members, .. } = &row.incident.what {
        numbers.extend(members);
    }
    let (mut runs, mut run_count) = (Vec::new(), 0);
    for number in numbers {
        let mut count = db.prepare_cached("SELECT count(*) FROM members WHERE incident = ?1")?;
        run_count += count.query_row([row_of(number)], |row| row.get::<_, i64>(0))?.unsigned_abs();
        let mut find = db.prepare_cached(
            "SELECT r.workspace, r.workflow, r.run FROM members m JOIN runs r ON r.id = m.run
             WHERE m.incident = ?1 ORDER BY m.run DESC LIMIT ?2",
        )?;
        let room = row_limit(MOST_RUNS - runs.len());
        let members = find.query_map(params![row_of(number), room], |row| {
            Ok(RunKey { workspace: row.get(0)?, workflow: row.get(1)?, run: row.get(2)? })
        })?;
        for member in members {
            runs.push(member?);
        }
    }
    let (notifications, deliveries) = story::told_of(db, row.number, false)?;
    Ok(IncidentStory { row, runs, run_count, notifications, deliveries })
}

fn rows(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<IncidentRow>, LedgerError> {
    let mut find = db.prepare_cached(sql)?;
    let mut rows = find.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let number = row.get::<_, i64>(0)?.unsigned_abs();
        match json(row, 2) {
            Ok(incident) => found.push(IncidentRow { number, on_board: row.get::<_, i64>(1)? == 1, incident }),
            // The others can be told without it.
            Err(error) => tracing::error!(number, ?error, "an incident can't be read"),
        }
    }
    Ok(found)
}

pub(super) fn silences(db: &Connection) -> Result<Vec<Silence>, LedgerError> {
    let mut find = db.prepare_cached("SELECT key, body FROM silences ORDER BY key")?;
    let mut rows = find.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match json(row, 1) {
            Ok(silence) => found.push(silence),
            Err(error) => tracing::error!(silence = ?row.get::<_, String>(0), ?error, "a silence can't be read"),
        }
    }
    Ok(found)
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
