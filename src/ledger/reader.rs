//! The questions: a thread with a connection that can't write, and what is asked of it. Every question is short, for a long one
//! would keep the log from being checkpointed.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::LedgerError;
use super::rows::{OpenPart, json, micros, time};
use super::trouble::QUIET;
use crate::engine::{Delivery, Failing, OwnTrouble};
use crate::run::{RunKey, RunStatus};

/// No schedule waits longer than this: what claims to was written before the clock was set back, and is due.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(11);

/// What the reader's thread is sent.
pub(super) enum Message {
    Ask(Box<dyn FnOnce(&Connection) + Send>),
    Stop,
}

/// Answers until it is told to stop.
pub(super) fn run(db: &Connection, inbox: &mpsc::Receiver<Message>) {
    while let Ok(Message::Ask(question)) = inbox.recv() {
        if catch_unwind(AssertUnwindSafe(|| question(db))).is_err() {
            tracing::error!("a question to the ledger ended by a bug");
        }
    }
}

/// A run that was open when last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRunRow {
    /// Which.
    pub key: RunKey,
    /// Where it stood.
    pub status: RunStatus,
    /// Its start by the engine's clock, where known.
    pub started_at: Option<Timestamp>,
}

/// The deliveries that are not proven yet: the receiver, how many, and when the oldest was first due.
pub(super) type Waiting = Vec<(String, u64, Option<Timestamp>)>;

/// What is due now, and when the next one is.
pub(super) struct Due {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) next: Option<Timestamp>,
    /// Those whose notification can't be read, and why: no attempt will ever be made.
    pub(super) unreadable: Vec<(i64, String)>,
}

pub(super) fn due(
    db: &Connection,
    receiver: &str,
    now: Timestamp,
    limit: usize,
    skip: &[i64],
) -> Result<Due, LedgerError> {
    let now_micros = micros(now);
    let longest = micros(now.saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX));
    let mut look = db.prepare_cached(
        "SELECT id, next_at FROM deliveries INDEXED BY deliveries_due
         WHERE receiver = ?1 AND state = 0 ORDER BY next_at, id",
    )?;
    let mut rows = look.query([receiver])?;
    let (mut due, mut unreadable) = (Vec::new(), Vec::new());
    let mut next = None;
    while let Some(row) = rows.next()? {
        let (id, next_at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if skip.contains(&id) {
            continue;
        }
        let is_due = next_at <= now_micros || next_at > longest;
        if !is_due || due.len() >= limit {
            next = Some(time(next_at));
            break;
        }
        if comes_after_another(db, id)? {
            // Whoever records that one looks again.
            continue;
        }
        match delivery(db, id) {
            Ok(delivery) => due.extend(delivery),
            Err(error) if is_content(&error) => unreadable.push((id, error.to_string())),
            // It must not keep those behind it from being sent; it stays, and is counted among those that wait.
            Err(error) => tracing::error!(delivery = id, ?error, "a delivery can't be read"),
        }
    }
    Ok(Due { deliveries: due, next, unreadable })
}

/// Whether an earlier delivery about the same incident still waits at the same address. What is said of a problem arrives in the order
/// in which it happened: an alert that is opened after it was resolved would stay open for ever.
fn comes_after_another(db: &Connection, id: i64) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (
             SELECT 1 FROM deliveries d JOIN notifications n ON n.id = d.notification
             JOIN notifications m ON m.incident = n.incident
             JOIN deliveries e ON e.notification = m.id AND e.receiver = d.receiver AND e.address = d.address
             WHERE d.id = ?1 AND e.state = 0 AND e.id < d.id)",
    )?
    .query_row([id], |row| row.get(0))
}

/// What is stored is at fault, and not the file: asking again would answer the same.
fn is_content(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
    )
}

fn delivery(db: &Connection, id: i64) -> rusqlite::Result<Option<Delivery>> {
    let mut find = db.prepare_cached(
        "SELECT d.receiver, d.attempts, d.created_at, n.body, d.address, p.post
         FROM deliveries d JOIN notifications n ON n.id = d.notification
         LEFT JOIN posts p ON p.incident = n.incident AND p.receiver = d.receiver AND p.address = d.address
         WHERE d.id = ?1",
    )?;
    find.query_row([id], |row| {
        Ok(Delivery {
            id,
            receiver: row.get(0)?,
            address: Some(row.get(4)?).filter(|address: &String| !address.is_empty()),
            attempts: row.get(1)?,
            created_at: time(row.get(2)?),
            notification: json(row, 3)?,
            post: row.get(5)?,
        })
    })
    .optional()
}

pub(super) fn checkpoint(db: &Connection, source: &str) -> Result<Option<String>, LedgerError> {
    let mut find = db.prepare_cached("SELECT value FROM checkpoints WHERE source = ?1")?;
    Ok(find.query_row([source], |row| row.get(0)).optional()?)
}

/// Of more than `limit` open runs, `chance` picks the stretch: by age, thousands that never end would hide all that came later.
pub(super) fn open_runs(
    db: &Connection,
    source: &str,
    limit: usize,
    chance: u64,
) -> Result<Vec<OpenRunRow>, LedgerError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).max(1);
    let mut count =
        db.prepare_cached("SELECT count(*) FROM runs INDEXED BY runs_open WHERE source = ?1 AND open = 1")?;
    let count: i64 = count.query_row([source], |row| row.get(0))?;
    let stretches = count.unsigned_abs().div_ceil(limit.unsigned_abs()).max(1);
    let skipped = i64::try_from(chance % stretches).unwrap_or(0).saturating_mul(limit);
    let mut find = db.prepare_cached(
        "SELECT run, workflow, workspace, known FROM runs INDEXED BY runs_open
         WHERE source = ?1 AND open = 1 ORDER BY id LIMIT ?2 OFFSET ?3",
    )?;
    let rows = find.query_map(params![source, limit, skipped], |row| {
        let part: OpenPart = json(row, 3)?;
        let key = RunKey { run: row.get(0)?, workflow: row.get(1)?, workspace: row.get(2)? };
        Ok(OpenRunRow { key, status: part.status, started_at: part.started_at })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What was said about problems since `since`: of an incident, or a summary of several.
pub(super) fn said(db: &Connection, since: Timestamp) -> Result<BTreeSet<String>, LedgerError> {
    let mut find = db.prepare_cached(
        "SELECT name FROM notifications WHERE at >= ?1 AND (incident IS NOT NULL OR body LIKE '%\"kind\":\"summary\"%')",
    )?;
    let rows = find.query_map([micros(since)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn receivers_waiting(db: &Connection) -> Result<Waiting, LedgerError> {
    // Counted in the index alone; deliveries are numbered in the order in which they became due.
    let mut count = db.prepare_cached(
        "SELECT w.receiver, w.count, d.created_at
         FROM (SELECT receiver, count(*) AS count, min(id) AS first FROM deliveries INDEXED BY deliveries_due
               WHERE state = 0 GROUP BY receiver) w
         JOIN deliveries d ON d.id = w.first ORDER BY w.receiver",
    )?;
    let rows = count.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get::<_, Option<i64>>(2)?.map(time)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn troubles(db: &Connection) -> Result<Vec<Trouble>, LedgerError> {
    let mut find = db.prepare_cached(
        "SELECT what, since, body, address, count, untold, told_at FROM troubles WHERE settled_at IS NULL
         ORDER BY what, address",
    )?;
    let rows = find.query_map([], |row| {
        let told_at = time(row.get(6)?);
        Ok(Trouble {
            what: row.get(0)?,
            since: time(row.get(1)?),
            summary: json::<OwnTrouble>(row, 2)?.summary,
            address: row.get(3)?,
            count: row.get::<_, i64>(4)?.unsigned_abs(),
            quiet_until: row.get::<_, bool>(5)?.then(|| told_at.saturating_add(QUIET).unwrap_or(told_at)),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn failing(db: &Connection) -> Result<Vec<FailingReceiver>, LedgerError> {
    let mut find = db.prepare_cached("SELECT name, address, failing_since, refused FROM receivers")?;
    let rows = find.query_map([], |row| {
        let failing = Failing { since: row.get::<_, Option<i64>>(2)?.map(time), refused: row.get(3)? };
        Ok(FailingReceiver { receiver: row.get(0)?, address: row.get(1)?, failing })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An address of a receiver that failed since it last took something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingReceiver {
    /// The receiver.
    pub receiver: String,
    /// Which of its addresses, where it has several.
    pub address: String,
    /// How it fails.
    pub failing: Failing,
}

/// A trouble of firstred's own that is not settled yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is broken: `receiver oncall`.
    pub what: String,
    /// Which address of it, where it has several.
    pub address: String,
    /// Since when.
    pub since: Timestamp,
    /// What happens, in a sentence.
    pub summary: String,
    /// How often it was met since it opened.
    pub count: u64,
    /// It came back too soon to be told again; it is told then.
    pub quiet_until: Option<Timestamp>,
}
