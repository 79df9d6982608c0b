//! What people ask: the board as it was last committed, what is held, and all that was said about one problem.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{AttemptNote, json, time};
use super::{DeliveryStory, LedgerError, Reader, load, story};
use crate::engine::{Board, Incident, Known, Notification, NotificationId, Number};
use crate::run::RunKey;

/// The most incidents of one answer, the newest ones.
const MOST_INCIDENTS: usize = 1_000;
/// The most held runs of one answer, the first to be told first.
const MOST_HELD: i64 = 1_000;
/// The most notifications of one incident's story, the newest ones.
const MOST_SAID: i64 = 200;

impl Reader {
    /// The board as it was last committed. What can't be read is left out.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn board(&self) -> Result<Board, LedgerError> {
        Ok(load::load(self.db())?.0)
    }

    /// The incidents that go on or wait for their condition, oldest first; `all`: the newest of those that are over, too.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incidents(&self, all: bool) -> Result<Vec<(Number, Incident)>, LedgerError> {
        let which = if all { "1" } else { "on_board = 1 AND state <> 'resolved'" };
        let sql =
            format!("SELECT number, body FROM incidents WHERE {which} ORDER BY number DESC LIMIT {MOST_INCIDENTS}");
        let mut incidents = rows(self.db(), &sql, &[])?;
        incidents.reverse();
        Ok(incidents)
    }

    /// The incidents whose id begins with `id`, the newest first, at most a few: those that go on, else those that are over.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incidents_called(&self, id: &str) -> Result<Vec<(Number, Incident)>, LedgerError> {
        let find = |which: &str| {
            let sql = format!(
                "SELECT number, body FROM incidents
                 WHERE substr(name, 1, length(?1)) = ?1 AND {which} ORDER BY number DESC LIMIT 10"
            );
            rows(self.db(), &sql, &[id])
        };
        let open = find("on_board = 1 AND state <> 'resolved'")?;
        if open.is_empty() { find("1") } else { Ok(open) }
    }

    /// The incidents with these numbers, as far as they are remembered.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incidents_numbered(&self, numbers: &[Number]) -> Result<Vec<(Number, Incident)>, LedgerError> {
        let mut found = Vec::new();
        for number in numbers {
            let sql = "SELECT number, body FROM incidents WHERE number = ?1";
            found.extend(rows(self.db(), sql, &[&number.to_string()])?);
        }
        Ok(found)
    }

    /// What was said about an incident, the newest part of it.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn said_of(&self, number: Number) -> Result<(Vec<Notification>, Vec<DeliveryStory>), LedgerError> {
        let mut find = self
            .db()
            .prepare_cached("SELECT id, body FROM notifications WHERE incident = ?1 ORDER BY id DESC LIMIT ?2")?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let rows = find.query_map(params![number, MOST_SAID], |row| Ok((row.get(0)?, json::<Notification>(row, 1))))?;
        let (mut said, mut deliveries): (Vec<(i64, Notification)>, _) = (Vec::new(), Vec::new());
        for row in rows {
            match row? {
                (id, Ok(notification)) => said.push((id, notification)),
                // The rest can be told without it.
                (id, Err(error)) => tracing::error!(notification = id, ?error, "a notification can't be read"),
            }
        }
        said.reverse();
        let mut notifications: Vec<Notification> = Vec::with_capacity(said.len());
        for (id, notification) in said {
            deliveries.extend(story::deliveries(self.db(), id, &notification.id)?);
            notifications.push(notification);
        }
        deliveries.sort_by_key(|delivery| delivery.id);
        Ok((notifications, deliveries))
    }

    /// A summary by its id, and whom it went to.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn summary(&self, id: &NotificationId) -> Result<(Vec<Notification>, Vec<DeliveryStory>), LedgerError> {
        // Most stand there without a run; one that a run let go of stands with that.
        for which in ["run = 0 AND name = ?1", "name = ?1"] {
            let mut find =
                self.db().prepare_cached(&format!("SELECT id, body FROM notifications WHERE {which} LIMIT 1"))?;
            let found = find.query_row([id.as_str()], |row| Ok((row.get::<_, i64>(0)?, json::<Notification>(row, 1)?)));
            if let Some((row, notification)) = found.optional()? {
                let deliveries = story::deliveries(self.db(), row, &notification.id)?;
                return Ok((vec![notification], deliveries));
            }
        }
        Ok((Vec::new(), Vec::new()))
    }

    /// The runs that are held, the first to be told first.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn held(&self) -> Result<Vec<(RunKey, Known)>, LedgerError> {
        let mut find = self.db().prepare(
            "SELECT run, workflow, workspace, known FROM runs WHERE hold_until IS NOT NULL ORDER BY hold_until LIMIT ?1",
        )?;
        let rows = find.query_map([MOST_HELD], |row| {
            let key = RunKey { run: row.get(0)?, workflow: row.get(1)?, workspace: row.get(2)? };
            Ok((key, json(row, 3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When each receiver last took something. Those that never did are absent.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn last_good(&self) -> Result<BTreeMap<String, Timestamp>, LedgerError> {
        let mut find = self.db().prepare(
            "SELECT d.receiver, d.created_at, d.log
             FROM (SELECT max(id) AS id FROM deliveries WHERE state = 1 GROUP BY receiver) last
             JOIN deliveries d ON d.id = last.id",
        )?;
        let rows = find.query_map([], |row| {
            let log: Option<String> = row.get(2)?;
            let log: Vec<AttemptNote> = log.and_then(|log| serde_json::from_str(&log).ok()).unwrap_or_default();
            Ok((row.get(0)?, log.last().map_or(time(row.get(1)?), |attempt| attempt.at)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn rows(db: &Connection, sql: &str, with: &[&str]) -> Result<Vec<(Number, Incident)>, LedgerError> {
    let mut find = db.prepare_cached(sql)?;
    let rows = find.query_map(rusqlite::params_from_iter(with), |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), json::<Incident>(row, 1)))
    })?;
    let mut incidents = Vec::new();
    for row in rows {
        match row? {
            (number, Ok(incident)) => incidents.push((number, incident)),
            (number, Err(error)) => tracing::error!(number, ?error, "an incident can't be read"),
        }
    }
    Ok(incidents)
}
