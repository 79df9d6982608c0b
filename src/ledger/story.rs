//! What a run's row says with all that hangs on it, for people: `firstred why`.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Serialize;

use super::LedgerError;
use super::rows::{AttemptNote, DeliveryState, json, time};
use crate::engine::{Known, Notification};
use crate::run::RunKey;

/// All that the ledger has about one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Which run.
    pub key: RunKey,
    /// What is remembered of it, the lines of what was decided included.
    pub known: Known,
    /// What was said about it, oldest first.
    pub said: Vec<Said>,
}

/// A notification and its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// What was said.
    pub notification: Notification,
    /// Whom to, and what came of it.
    pub deliveries: Vec<DeliveryStory>,
}

/// One notification on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStory {
    /// The ledger's number.
    pub id: i64,
    /// The receiver.
    pub receiver: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts there were.
    pub attempts: u32,
    /// When it was first due.
    pub created_at: Timestamp,
    /// When it is tried next; absent once it is done or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The newest attempts, oldest first.
    pub log: Vec<AttemptNote>,
}

pub(super) fn stories(db: &Connection, run: &str) -> Result<Vec<Story>, LedgerError> {
    let mut find =
        db.prepare_cached("SELECT id, workflow, workspace, known FROM runs WHERE run = ?1 ORDER BY id LIMIT 1000")?;
    let rows = find.query_map([run], |row| {
        let key = RunKey { run: run.to_owned(), workflow: row.get(1)?, workspace: row.get(2)? };
        Ok((row.get::<_, i64>(0)?, key, json::<Known>(row, 3)?))
    })?;
    let mut stories = Vec::new();
    for row in rows {
        let (row, key, known) = row?;
        stories.push(Story { key, known, said: said(db, row)? });
    }
    Ok(stories)
}

fn said(db: &Connection, run: i64) -> Result<Vec<Said>, LedgerError> {
    let mut find = db.prepare_cached("SELECT id, body FROM notifications WHERE run = ?1 ORDER BY id")?;
    let rows = find.query_map([run], |row| Ok((row.get::<_, i64>(0)?, json::<Notification>(row, 1)?)))?;
    let mut said = Vec::new();
    for row in rows {
        let (id, notification) = row?;
        said.push(Said { notification, deliveries: deliveries(db, id)? });
    }
    Ok(said)
}

fn deliveries(db: &Connection, notification: i64) -> Result<Vec<DeliveryStory>, LedgerError> {
    let mut find = db.prepare_cached(
        "SELECT id, receiver, state, attempts, created_at, next_at, log FROM deliveries WHERE notification = ?1 ORDER BY id",
    )?;
    let rows = find.query_map([notification], |row| {
        let state = DeliveryState::of(row.get(2)?);
        let log: Option<String> = row.get(6)?;
        Ok(DeliveryStory {
            id: row.get(0)?,
            receiver: row.get(1)?,
            state,
            attempts: row.get(3)?,
            created_at: time(row.get(4)?),
            next_at: (state == DeliveryState::Waiting).then_some(time(row.get(5)?)),
            log: log.and_then(|log| serde_json::from_str(&log).ok()).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
