//! What is to be said and what came of it, inside the writer's transaction: notifications, deliveries, attempts.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::rows::{AttemptNote, DeliveryState, json, micros};
use super::save::row_of;
use super::trouble::Met;
use super::{failing, trouble};
use crate::engine::{
    About, Attempted, Audience, Kind, Next, Notification, Number, Outcome, Policy, Subject, after_attempt,
};

/// How many attempts a delivery's log keeps.
pub(super) const MAX_LOG: usize = 20;

/// The `run` of what is said about firstred itself.
pub(super) const NO_RUN: i64 = 0;

impl Hot<'_> {
    /// Writes a notification and a delivery for each receiver, each once. `run`: the row of the run that led to it, or [`NO_RUN`].
    pub(super) fn tell(
        &mut self,
        run: i64,
        incident: Option<Number>,
        notification: &Notification,
        receivers: &[String],
        policy: &Policy,
        effects: &mut Effects,
    ) -> Result<(), LedgerError> {
        let name = notification.id.as_str();
        let at = micros(notification.decided_at);
        let row =
            if self.say.execute(params![run, name, at, self.buffer.json(notification)?, incident.map(row_of)])? == 1 {
                self.db.last_insert_rowid()
            } else {
                self.db
                    .prepare_cached("SELECT id FROM notifications WHERE run = ?1 AND name = ?2")?
                    .query_row(params![run, name], |row| row.get(0))?
            };
        for receiver in receivers {
            self.deliver(row, receiver, at, policy, effects)?;
        }
        if let Some(incident) = incident.filter(|_| notification.kind == Kind::Resolved) {
            for receiver in self.bystanders(incident, policy)? {
                self.deliver(row, &receiver, at, policy, effects)?;
            }
        }
        Ok(())
    }

    /// One delivery of a notification to a receiver, or one for each of its addresses; those that exist stay as they are.
    pub(super) fn deliver(
        &mut self,
        notification: i64,
        receiver: &str,
        at: i64,
        policy: &Policy,
        effects: &mut Effects,
    ) -> Result<(), LedgerError> {
        let addresses = policy.receivers.get(receiver).map_or(&[][..], |audience| &audience.addresses);
        let mut new = 0;
        if addresses.is_empty() {
            new += self.deliver.execute(params![notification, receiver, "", at])?;
        }
        for address in addresses {
            new += self.deliver.execute(params![notification, receiver, address, at])?;
        }
        if new > 0 {
            effects.due(receiver);
        }
        Ok(())
    }

    /// Ends a delivery without an attempt, with the reason on record. One that is no longer waiting stays as it is.
    pub(super) fn give_up(&mut self, delivery: i64, now: Timestamp, reason: &str) -> Result<(), LedgerError> {
        let Some(mut row) = find(self, delivery)?.filter(|row| row.state == DeliveryState::Waiting) else {
            return Ok(());
        };
        let outcome = Outcome::Refused { permanent: true, reason: reason.to_owned(), retry_after: None };
        row.note(AttemptNote { at: now, number: row.attempts, outcome });
        self.store(delivery, DeliveryState::GivenUp, now, &row)
    }

    fn store(&self, delivery: i64, state: DeliveryState, due: Timestamp, row: &Row) -> Result<(), LedgerError> {
        self.db
            .prepare_cached("UPDATE deliveries SET state = ?2, attempts = ?3, next_at = ?4, log = ?5 WHERE id = ?1")?
            .execute(params![delivery, state.code(), row.attempts, micros(due), serde_json::to_string(&row.log)?])?;
        Ok(())
    }
}

struct Row {
    notification: i64,
    receiver: String,
    address: String,
    state: DeliveryState,
    attempts: u32,
    log: Vec<AttemptNote>,
}

impl Row {
    fn note(&mut self, note: AttemptNote) {
        if self.log.len() >= MAX_LOG {
            self.log.drain(..=self.log.len() - MAX_LOG);
        }
        self.log.push(note);
    }
}

/// Puts an attempt on record, and what follows from it. The same attempt again changes nothing.
pub(super) fn record(
    hot: &mut Hot<'_>,
    attempt: &Attempted,
    seed: u64,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let Some(mut row) = find(hot, attempt.delivery)? else {
        tracing::warn!(delivery = attempt.delivery, "an attempt of a delivery that is not in the ledger");
        return Ok(());
    };
    let arrived = matches!(attempt.outcome, Outcome::Delivered { .. });
    // It may have been given up by the sweep while it was on its way: that it arrived is still true.
    let open = row.state == DeliveryState::Waiting || (row.state == DeliveryState::GivenUp && arrived);
    if row.receiver != attempt.receiver || !open || row.attempts >= attempt.attempts {
        return Ok(());
    }
    let audience = policy.receivers.get(&attempt.receiver);
    let before = hot.memory.failing.get(&attempt.receiver, &row.address).unwrap_or_default();
    let (next, speak_up) = match audience {
        Some(audience) => {
            let verdict = after_attempt(attempt, audience, before.since, attempt.at, seed);
            (verdict.next, verdict.speak_up)
        }
        None if arrived => (Next::Done, false),
        // It left the configuration while this was on its way: it waits until it is handed on (`release`).
        None => (Next::RetryAt(attempt.at), false),
    };
    row.attempts = attempt.attempts;
    row.note(AttemptNote { at: attempt.at, number: attempt.attempts, outcome: attempt.outcome.clone() });
    let (state, due) = match next {
        Next::Done => (DeliveryState::Done, attempt.at),
        Next::GivenUp => (DeliveryState::GivenUp, attempt.at),
        Next::RetryAt(at) => (DeliveryState::Waiting, at),
    };
    hot.store(attempt.delivery, state, due, &row)?;
    hot.count_refusal(&attempt.receiver, &attempt.outcome, attempt.at)?;
    if audience.is_some() {
        failing::note(hot, &attempt.receiver, &row.address, &attempt.outcome, attempt.at)?;
    }
    if let Outcome::Delivered { post: Some(post), .. } = &attempt.outcome {
        keep_post(hot, &row, post)?;
    }
    match (next, audience) {
        (Next::Done, _) => trouble::arrived(hot, &attempt.receiver, &row.address, attempt.at)?,
        (Next::RetryAt(_), _) => effects.due(&attempt.receiver),
        (Next::GivenUp, Some(audience)) => {
            if !is_refused(&attempt.outcome) {
                effects.given_up(&attempt.receiver);
            }
            fall_back(hot, &attempt.receiver, attempt.at, audience, row.notification, policy, effects)?;
        }
        (Next::GivenUp, None) => {}
    }
    if speak_up {
        receiver_is_broken(hot, attempt, &row.address, before.since, policy, effects)?;
    }
    Ok(())
}

/// Keeps where the incident's message stands.
fn keep_post(hot: &Hot<'_>, row: &Row, post: &str) -> Result<(), LedgerError> {
    hot.db
        .prepare_cached(
            "INSERT OR REPLACE INTO posts (incident, receiver, address, post)
             SELECT incident, ?2, ?3, ?4 FROM notifications WHERE id = ?1 AND incident IS NOT NULL",
        )?
        .execute(params![row.notification, row.receiver, row.address, post])?;
    Ok(())
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { permanent: true, .. })
}

/// Tells on another path that a receiver does not take what it is sent.
fn receiver_is_broken(
    hot: &mut Hot<'_>,
    attempt: &Attempted,
    address: &str,
    failing_since: Option<Timestamp>,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let detail = match &attempt.outcome {
        Outcome::Refused { reason, .. } | Outcome::Unknown { reason } => Some(reason.clone()),
        Outcome::Delivered { .. } => None,
    };
    let since = failing_since.unwrap_or(attempt.at);
    let fallback = policy.receivers.get(&attempt.receiver).and_then(|audience| audience.fallback.as_deref());
    let trouble = trouble::of_receiver((&attempt.receiver, address), fallback, detail, since);
    let transient = !is_refused(&attempt.outcome);
    trouble::raise(hot, &Met { trouble: &trouble, address, transient, count: 1, at: attempt.at }, policy, effects)?;
    Ok(())
}

/// Gives what one receiver could not be told to its fallback. A chain of fallbacks ends where it would come round: each
/// receiver has one delivery of a notification.
pub(super) fn fall_back(
    hot: &mut Hot<'_>,
    receiver: &str,
    at: Timestamp,
    audience: &Audience,
    notification: i64,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let Some((name, fallback)) = audience.fallback.as_ref().and_then(|name| policy.receivers.get_key_value(name))
    else {
        return Ok(());
    };
    let said: Notification = hot
        .db
        .prepare_cached("SELECT body FROM notifications WHERE id = ?1")?
        .query_row([notification], |row| json(row, 0))?;
    match &said.subject {
        Subject::Run(card) if !fallback.may_see(&card.run.workspace) => {
            tracing::error!(receiver, fallback = ?name, "the fallback is bound to another workspace");
            return Ok(());
        }
        Subject::Summary(summary) if !summary.workspaces.iter().all(|workspace| fallback.may_see(workspace)) => {
            tracing::error!(receiver, fallback = ?name, "the fallback may not see all that the summary counts");
            return Ok(());
        }
        // That the receiver takes nothing is said there; the line of a day is not worth calling another for.
        Subject::Daily(_) => return Ok(()),
        Subject::Run(_) | Subject::Summary(_) => {}
        Subject::Own(trouble) => match policy.hearer(About::of(&trouble.what), name) {
            None => return Ok(()),
            Some(hearer) if hearer.detail || trouble.detail.is_none() => {}
            Some(_) => {
                let brief = trouble::brief(&said, trouble);
                return hot.tell(NO_RUN, None, &brief, std::slice::from_ref(name), policy, effects);
            }
        },
    }
    hot.deliver(notification, name, micros(at), policy, effects)?;
    hot.give_last_word(notification, name, micros(at), policy, effects)
}

fn find(hot: &Hot<'_>, delivery: i64) -> Result<Option<Row>, LedgerError> {
    let mut find = hot
        .db
        .prepare_cached("SELECT notification, receiver, state, attempts, log, address FROM deliveries WHERE id = ?1")?;
    let row = find.query_row([delivery], |row| {
        let log: Option<String> = row.get(4)?;
        Ok(Row {
            notification: row.get(0)?,
            receiver: row.get(1)?,
            address: row.get(5)?,
            state: DeliveryState::of(row.get(2)?),
            attempts: row.get(3)?,
            // The log is for people: one that can't be read begins anew.
            log: log.and_then(|log| serde_json::from_str(&log).ok()).unwrap_or_default(),
        })
    });
    Ok(row.optional()?)
}
