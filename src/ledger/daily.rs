//! The line of the day, inside the writer's transaction: that a day has its line, what it counts and what is sent stand and fall together, so that
//! there is one line for each day, over restarts and whatever clocks do.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension, params};

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::outbox::NO_RUN;
use super::rows::{micros, time};
use super::tally::{DAY, FROM};
use crate::engine::{DailyNote, Kind, Notification, NotificationId, Policy, Severity, Subject};

/// What the ledger does not know of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The newest day whose hour has come.
    pub date: Date,
    /// Now.
    pub now: Timestamp,
    /// Whom it is sent to. May be empty.
    pub receivers: Vec<String>,
    /// Every source.
    pub sources: Vec<String>,
    /// Sources that can't be read.
    pub unread: Vec<String>,
    /// Receivers that take nothing.
    pub broken: Vec<String>,
}

/// Makes the line of `day`, unless that day, or a later one, has its line. A ledger that has none yet begins to count, and says nothing.
pub(super) fn daily(
    hot: &mut Hot<'_>,
    day: &Day,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Option<DailyNote>, LedgerError> {
    let last = fact(hot, "daily_date")?;
    let date = number(day.date);
    // A date far ahead was written by a clock that was wrong: waiting for it would be silence without an end.
    let tomorrow = day.date.tomorrow().map_or(date, number);
    let begins = last.is_none_or(|last| last > tomorrow);
    if last.is_some_and(|last| last >= date) && !begins {
        return Ok(None);
    }
    // What this transaction counted before belongs to the line, or to the one before it: never to both.
    hot.save_tally()?;
    put(hot, "daily_date", date)?;
    if begins {
        // Counts go on, from where they began: the next line has them.
        if last.is_none() {
            put(hot, "daily_at", micros(day.now))?;
        }
        return Ok(None);
    }
    let note = note(hot, day, fact(hot, "daily_at")?.map_or(day.now, time))?;
    put(hot, "daily_at", micros(day.now))?;
    hot.db.prepare_cached("DELETE FROM facts WHERE name >= 'day:' AND name < 'day;'")?.execute([])?;
    let told: Vec<String> = day
        .receivers
        .iter()
        .filter(|name| policy.receivers.get(*name).is_some_and(|audience| audience.workspaces.is_none()))
        .cloned()
        .collect();
    if !told.is_empty() {
        let said = notification(&note);
        hot.tell(NO_RUN, None, &said, &told, policy, effects)?;
    }
    Ok(Some(note))
}

fn note(hot: &Hot<'_>, day: &Day, since: Timestamp) -> Result<DailyNote, LedgerError> {
    let counted = |name: &str| -> Result<u64, LedgerError> {
        Ok(fact(hot, &format!("{DAY}{name}"))?.unwrap_or(0).unsigned_abs())
    };
    let open: i64 = hot
        .db
        .prepare_cached("SELECT count(*) FROM incidents WHERE on_board = 1 AND state = 'open'")?
        .query_row([], |row| row.get(0))?;
    let mut silent = Vec::new();
    for source in day.sources.iter().filter(|source| !day.unread.contains(source)) {
        if fact(hot, &format!("{FROM}{source}"))?.is_none() {
            silent.push(source.clone());
        }
    }
    Ok(DailyNote {
        date: day.date,
        // A clock that was set back makes no line that ends before it begins.
        since: since.min(day.now),
        until: day.now,
        runs: counted("runs")?,
        failed: counted("failed")?,
        told: counted("told")?,
        held: counted("held")?,
        nobody: counted("nobody")?,
        open: open.unsigned_abs(),
        unread: day.unread.clone(),
        silent,
        broken: day.broken.clone(),
    })
}

fn notification(note: &DailyNote) -> Notification {
    Notification {
        id: NotificationId::of_parts(&["daily", &note.date.to_string()]),
        kind: Kind::Daily,
        severity: Severity::Info,
        rule: None,
        runbook: None,
        decided_at: note.until,
        subject: Subject::Daily(Box::new(note.clone())),
        incident: None,
        owner: None,
    }
}

/// `20261122`
fn number(date: Date) -> i64 {
    i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())
}

fn fact(hot: &Hot<'_>, name: &str) -> Result<Option<i64>, LedgerError> {
    let mut find = hot.db.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

fn put(hot: &Hot<'_>, name: &str, value: i64) -> Result<(), LedgerError> {
    hot.db
        .prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)")?
        .execute(params![name, value])?;
    Ok(())
}
