//! Writes what changed on the board, just before the commit: however often a transaction changes a problem, it is written once.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::rows::{Buffer, micros};
use crate::clock;
use crate::engine::{Incident, Number, Policy, State};

impl Hot<'_> {
    /// Writes what changed on the board since the last commit.
    pub(super) fn save_board(&mut self) -> Result<(), LedgerError> {
        if !self.board.has_changed() {
            return Ok(());
        }
        let changed = self.board.take_changed();
        // From here on the board says of itself that nothing changed, though nothing is committed yet.
        self.taken = true;
        for number in &changed.incidents {
            if let Some(incident) = self.board.incident(*number) {
                write_incident(&mut self.incident, &mut self.buffer, *number, incident)?;
            }
        }
        for (number, incident) in &changed.last_words {
            write_incident(&mut self.incident, &mut self.buffer, *number, incident)?;
        }
        for number in &changed.left {
            self.db
                .prepare_cached("UPDATE incidents SET on_board = 0 WHERE number = ?1")?
                .execute([row_of(*number)])?;
        }
        for key in &changed.workflows {
            keep(self.db, &mut self.buffer, &WORKFLOWS, key, self.board.workflow(key))?;
        }
        for key in &changed.errors {
            keep(self.db, &mut self.buffer, &ERRORS, key, self.board.error(key))?;
        }
        for key in &changed.desks {
            keep(self.db, &mut self.buffer, &DESKS, key, self.board.desk(key))?;
        }
        for key in &changed.silences {
            keep(self.db, &mut self.buffer, &SILENCES, key, self.board.silence(key))?;
        }
        for key in &changed.ended_early {
            keep(self.db, &mut self.buffer, &ENDED_EARLY, key, self.board.ended_early(key).as_ref())?;
        }
        for key in &changed.expected_since {
            keep(self.db, &mut self.buffer, &EXPECTED_SINCE, key, self.board.expected_since(key).as_ref())?;
        }
        Ok(())
    }

    /// Looks when the board has to be asked again; whoever waits for that is woken where it became sooner.
    pub(super) fn look_ahead(&mut self, policy: &Policy, effects: &mut Effects) {
        if !self.taken {
            return;
        }
        let next = self.board.next_deadline(clock::now(), policy);
        effects.held |= next.is_some_and(|next| self.next_tick.is_none_or(|known| next < known));
        self.next_tick = next;
    }
}

/// How one row of a table with a body for each key is written, and how it goes.
struct Table {
    write: &'static str,
    delete: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table {
            write: concat!("INSERT OR REPLACE INTO ", $name, " (key, body) VALUES (?1, ?2)"),
            delete: concat!("DELETE FROM ", $name, " WHERE key = ?1"),
        }
    };
}

const WORKFLOWS: Table = table!("workflows");
const ERRORS: Table = table!("errors");
const DESKS: Table = table!("desks");
const SILENCES: Table = table!("silences");
const ENDED_EARLY: Table = table!("ended_early");
const EXPECTED_SINCE: Table = table!("expected_since");

fn keep<T: Serialize>(
    db: &Connection,
    buffer: &mut Buffer,
    table: &Table,
    key: &str,
    value: Option<&T>,
) -> Result<(), LedgerError> {
    match value {
        Some(value) => db.prepare_cached(table.write)?.execute(params![key, buffer.json(value)?])?,
        None => db.prepare_cached(table.delete)?.execute([key])?,
    };
    Ok(())
}

/// The statement of [`write_incident`]. Only what can change is set anew: the indexes stay as they are.
pub(super) const WRITE_INCIDENT: &str =
    "INSERT INTO incidents (number, name, workspace, rule, state, opened_at, changed_at, on_board, body)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8)
     ON CONFLICT (number) DO UPDATE SET
         state = excluded.state, opened_at = excluded.opened_at, changed_at = excluded.changed_at, body = excluded.body";

fn write_incident(
    statement: &mut rusqlite::CachedStatement<'_>,
    buffer: &mut Buffer,
    number: Number,
    incident: &Incident,
) -> Result<(), LedgerError> {
    statement.execute(params![
        row_of(number),
        incident.id.as_str(),
        incident.workspace,
        incident.rule,
        state(incident.state),
        micros(incident.opened_at),
        micros(changed_at(incident)),
        buffer.json(incident)?
    ])?;
    Ok(())
}

/// A column's value of an incident's number.
pub(super) fn row_of(number: Number) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn state(state: State) -> &'static str {
    match state {
        State::Gathering => "gathering",
        State::Open => "open",
        State::Resolved => "resolved",
    }
}

/// When anything last happened to it.
fn changed_at(incident: &Incident) -> Timestamp {
    let said = incident.lines.last().map(|line| line.at);
    let over = incident.resolution.as_ref().map(|end| end.at);
    [said, over].into_iter().flatten().fold(incident.last_at, Timestamp::max)
}
