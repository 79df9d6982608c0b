//! Reads the board back, inside the writer's transaction: at the start, and after a transaction was undone. What can't be read is put
//! aside and told of: one damaged row must not keep a daemon from starting.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;

use super::LedgerError;
use super::apply::{Hot, guarded};
use super::bells::Effects;
use super::rows::micros;
use super::trouble;
use crate::clock;
use crate::engine::{Board, Incident, Known, Number, OwnTrouble, Policy, Stored};
use crate::run::RunKey;

/// How many of the rows that can't be read a message names.
const MOST_NAMED: usize = 10;

/// A row that can't be read.
pub(super) struct Unread {
    table: &'static str,
    key: String,
    reason: String,
}

impl Hot<'_> {
    /// Reads the board back. What can't be read is put aside.
    pub(super) fn reload_board(&mut self, policy: &Policy, effects: &mut Effects) -> Result<(), LedgerError> {
        let (board, unread) = load(self.db)?;
        self.board = board;
        self.taken = false;
        self.next_tick = None;
        put_aside(self, &unread, clock::now(), policy, effects)
    }

    /// Puts other rules in force on the board, or the same ones on a board that was read back.
    pub(super) fn adopt(&mut self, policy: &Policy) -> Result<(), LedgerError> {
        let now = clock::now();
        guarded(|| self.board.adopt(now, policy))?;
        self.stumbles.retain(|(_, until)| *until > now);
        for (stumble, until) in &self.stumbles {
            self.board.put_off(stumble, *until);
        }
        Ok(())
    }

    /// Whether the board may not be what the tables say, now that the transaction was undone: it changed, or a bug left it half changed.
    pub(super) fn board_moved(&self, error: &LedgerError) -> bool {
        self.taken || self.board.has_changed() || !error.is_environment()
    }
}

/// The board as the tables have it, and the rows that can't be read.
pub(super) fn load(db: &Connection) -> Result<(Board, Vec<Unread>), LedgerError> {
    let mut unread = Vec::new();
    let stored = Stored {
        incidents: incidents(db, &mut unread)?,
        last_number: last_number(db)?,
        workflows: kept(db, "workflows", &mut unread)?,
        errors: kept(db, "errors", &mut unread)?,
        desks: kept(db, "desks", &mut unread)?,
        silences: kept(db, "silences", &mut unread)?.into_iter().map(|(_, silence)| silence).collect(),
        ended_early: kept(db, "ended_early", &mut unread)?,
        expected_since: kept(db, "expected_since", &mut unread)?,
    };
    let mut board = Board::restore(stored);
    note_going(db, &mut board)?;
    Ok((board, unread))
}

/// The runs that are open: the board does not keep them, for they are all here.
fn note_going(db: &Connection, board: &mut Board) -> Result<(), LedgerError> {
    let mut find = db.prepare(
        "SELECT run, workflow, workspace, title, known FROM runs INDEXED BY runs_open WHERE open = 1 ORDER BY source, id",
    )?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let key = RunKey { run: row.get(0)?, workflow: row.get(1)?, workspace: row.get(2)? };
        let title: Option<String> = row.get(3)?;
        // One that can't be read is put aside where it is needed.
        if let Ok(known) = serde_json::from_str::<Known>(row.get_ref(4)?.as_str().unwrap_or_default()) {
            board.note_going(&key, &known, title.as_deref());
        }
    }
    Ok(())
}

fn incidents(db: &Connection, unread: &mut Vec<Unread>) -> Result<Vec<(Number, Incident)>, LedgerError> {
    let mut find = db.prepare("SELECT number, body FROM incidents WHERE on_board = 1 ORDER BY number")?;
    let mut rows = find.query([])?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        let number: Number = row.get::<_, i64>(0)?.unsigned_abs();
        match body(row) {
            Ok(incident) => incidents.push((number, incident)),
            Err(reason) => unread.push(Unread { table: "incidents", key: number.to_string(), reason }),
        }
    }
    Ok(incidents)
}

/// The rows of one of the tables that hold a body for each key.
fn kept<T: DeserializeOwned>(
    db: &Connection,
    table: &'static str,
    unread: &mut Vec<Unread>,
) -> Result<Vec<(String, T)>, LedgerError> {
    let mut find = db.prepare(&format!("SELECT key, body FROM {table}"))?;
    let mut rows = find.query([])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        match body(row) {
            Ok(value) => kept.push((key, value)),
            Err(reason) => unread.push(Unread { table, key, reason }),
        }
    }
    Ok(kept)
}

fn body<T: DeserializeOwned>(row: &rusqlite::Row<'_>) -> Result<T, String> {
    let text = row.get_ref(1).map_err(|error| error.to_string())?;
    let text = text.as_str().map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The largest number that was ever given, also to what has been let go of: a number is never given twice.
fn last_number(db: &Connection) -> Result<Number, LedgerError> {
    let last: i64 = db.query_row(
        "SELECT max(ifnull((SELECT max(number) FROM incidents), 0),
                    ifnull((SELECT value FROM facts WHERE name = 'last_incident'), 0))",
        [],
        |row| row.get(0),
    )?;
    Ok(last.unsigned_abs())
}

/// Keeps the largest number in mind: to be called before incidents are deleted.
pub(super) fn remember_last_number(db: &Connection) -> Result<(), LedgerError> {
    let last = i64::try_from(last_number(db)?).unwrap_or(i64::MAX);
    db.prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES ('last_incident', ?1)")?.execute([last])?;
    Ok(())
}

/// Puts aside what can't be read, and tells of it.
fn put_aside(
    hot: &mut Hot<'_>,
    unread: &[Unread],
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    if unread.is_empty() {
        return Ok(());
    }
    remember_last_number(hot.db)?;
    for Unread { table, key, reason } in unread {
        tracing::error!(table, ?key, ?reason, "a row of the board can't be read and is put aside");
        let column = if *table == "incidents" { "number" } else { "key" };
        hot.db.execute(
            &format!(
                "INSERT INTO put_aside (at, origin, key, reason, body)
                 SELECT ?1, ?2, ?3, ?4, CAST(body AS BLOB) FROM {table} WHERE {column} = ?3"
            ),
            params![micros(now), table, key, reason],
        )?;
        hot.db.execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [key])?;
    }
    trouble::say(hot, &in_words(unread, now), "", now, policy, effects)
}

fn in_words(unread: &[Unread], now: Timestamp) -> OwnTrouble {
    let named = unread.iter().take(MOST_NAMED).map(|row| format!("{} {:?}: {}", row.table, row.key, row.reason));
    let mut detail = named.collect::<Vec<_>>().join("\n");
    if unread.len() > MOST_NAMED {
        detail.push_str(&format!("\nand {} more", unread.len() - MOST_NAMED));
    }
    OwnTrouble {
        what: "ledger".to_owned(),
        summary: format!("{} rows about open problems can't be read from the ledger, and are put aside.", unread.len()),
        detail: Some(detail),
        advice: "Look at what fails in the engines now: it may be told anew, or its end may not be told. Check \
                 `firstred silence list`. The rows are kept in the ledger's table `put_aside`."
            .to_owned(),
        since: now,
    }
}
