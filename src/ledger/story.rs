//! What a run's row says with all that hangs on it, for people: `firstred why`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::LedgerError;
use super::rows::{AttemptNote, DeliveryState, json, time};
use super::save::row_of;
use crate::engine::{
    Incident, IncidentId, Known, Line, Notification, NotificationId, Number, Resolution, State, Subject,
};
use crate::run::RunKey;
use crate::triage::Card;

/// All that the ledger has about one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Which run.
    pub key: RunKey,
    /// What is remembered of it, the lines of what was decided included.
    pub known: Known,
    /// What was said about it, oldest first.
    pub notifications: Vec<Notification>,
    /// Whom that went to, and what came of it, oldest first.
    pub deliveries: Vec<DeliveryStory>,
    /// The incidents that it belongs to, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<StoryIncident>,
}

/// An incident as part of a run's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoryIncident {
    /// Its name.
    pub id: IncidentId,
    /// The rule that wants it told; absent for the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Since when it goes on.
    pub opened_at: Timestamp,
    /// How many failures.
    pub failures: u32,
    /// Of how many runs.
    pub runs: u32,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// What was decided about it and why, oldest first.
    pub lines: Vec<Line>,
    /// What time led to say about it, oldest first. What a run led to say stands in that run's story.
    pub notifications: Vec<Notification>,
    /// Whom that went to, and what came of it.
    pub deliveries: Vec<DeliveryStory>,
}

/// One notification on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStory {
    /// The ledger's number.
    pub id: i64,
    /// What was said.
    pub notification: NotificationId,
    /// The receiver.
    pub receiver: String,
    /// Which of its addresses, where it has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts there were.
    pub tries: u32,
    /// When it was first due.
    pub created_at: Timestamp,
    /// When it is tried next; absent once it is done or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The newest attempts, oldest first.
    pub attempts: Vec<AttemptNote>,
}

impl Story {
    /// The newest triage card of the run, where it has one.
    #[must_use]
    pub fn card(&self) -> Option<&Card> {
        let said = self.notifications.iter().rev().find_map(|notification| match &notification.subject {
            Subject::Run(card) => Some(card.as_ref()),
            Subject::Own(_) | Subject::Summary(_) | Subject::Daily(_) => None,
        });
        self.known.card.as_deref().or(said)
    }
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
        let of_run = "SELECT id, body FROM notifications WHERE run = ?1 ORDER BY id";
        let (notifications, deliveries) = told(db, of_run, row)?;
        let mut incidents = Vec::new();
        for part in &known.incidents {
            incidents.extend(incident(db, part.number)?);
        }
        stories.push(Story { key, known, notifications, deliveries, incidents });
    }
    Ok(stories)
}

fn incident(db: &Connection, number: Number) -> Result<Option<StoryIncident>, LedgerError> {
    let mut find = db.prepare_cached("SELECT body FROM incidents WHERE number = ?1")?;
    let Some(found) = find.query_row([row_of(number)], |row| Ok(json::<Incident>(row, 0))).optional()? else {
        // It is older than the retention.
        return Ok(None);
    };
    let incident = match found {
        Ok(incident) => incident,
        Err(error) => {
            tracing::error!(number, ?error, "an incident can't be read");
            return Ok(None);
        }
    };
    let (notifications, deliveries) = told_of(db, number, true)?;
    Ok(Some(StoryIncident {
        id: incident.id,
        rule: incident.rule,
        state: incident.state,
        opened_at: incident.opened_at,
        failures: incident.failures,
        runs: incident.runs,
        resolution: incident.resolution,
        lines: incident.lines,
        notifications,
        deliveries,
    }))
}

/// What was said, and whom it went to.
type Told = (Vec<Notification>, Vec<DeliveryStory>);

/// What was said about an incident. `by_time`: only what no run led to.
pub(super) fn told_of(db: &Connection, number: Number, by_time: bool) -> Result<Told, LedgerError> {
    let all = "SELECT id, body FROM notifications WHERE incident = ?1 ORDER BY id";
    let some = "SELECT id, body FROM notifications WHERE incident = ?1 AND run = 0 ORDER BY id";
    told(db, if by_time { some } else { all }, row_of(number))
}

fn told(db: &Connection, which: &str, of: i64) -> Result<Told, LedgerError> {
    let (mut notifications, mut told) = (Vec::new(), Vec::new());
    for (id, notification) in said(db, which, of)? {
        told.extend(deliveries(db, id, &notification.id)?);
        notifications.push(notification);
    }
    told.sort_by_key(|delivery| delivery.id);
    Ok((notifications, told))
}

fn said(db: &Connection, which: &str, of: i64) -> Result<Vec<(i64, Notification)>, LedgerError> {
    let mut find = db.prepare_cached(which)?;
    let rows = find.query_map([of], |row| Ok((row.get(0)?, json(row, 1))))?;
    let mut said = Vec::new();
    for row in rows {
        match row? {
            (id, Ok(notification)) => said.push((id, notification)),
            // The rest of the story can be told without it.
            (id, Err(error)) => tracing::error!(notification = id, ?error, "a notification can't be read"),
        }
    }
    Ok(said)
}

pub(super) fn deliveries(
    db: &Connection,
    notification: i64,
    said: &NotificationId,
) -> Result<Vec<DeliveryStory>, LedgerError> {
    let mut find = db.prepare_cached(
        "SELECT id, receiver, state, attempts, created_at, next_at, log, address FROM deliveries WHERE notification = ?1",
    )?;
    let rows = find.query_map([notification], |row| {
        let state = DeliveryState::of(row.get(2)?);
        let log: Option<String> = row.get(6)?;
        Ok(DeliveryStory {
            id: row.get(0)?,
            notification: said.clone(),
            receiver: row.get(1)?,
            address: row.get(7)?,
            state,
            tries: row.get(3)?,
            created_at: time(row.get(4)?),
            next_at: (state == DeliveryState::Waiting).then_some(time(row.get(5)?)),
            attempts: log.and_then(|log| serde_json::from_str(&log).ok()).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
