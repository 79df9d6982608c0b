//! What has to end also if no attempt does: deliveries that waited longer than they may for a receiver that can't be reached, and a
//! trouble's quiet hour. Inside the writer's transaction.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::outbox::{self, MAX_LOG};
use super::rows::{AttemptNote, DeliveryState, micros};
use super::trouble::{self, Met};
use crate::engine::{Audience, Outcome, Policy};

/// How many deliveries are given up in one transaction.
pub(super) const CHUNK: usize = 500;

/// Gives up to [`CHUNK`] deliveries to the fallback, and tells what came back within its quiet hour. Answers whether there is more.
pub(super) fn sweep(
    hot: &mut Hot<'_>,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<bool, LedgerError> {
    trouble::tell_late(hot, now, policy, effects)?;
    let failing = hot.memory.failing.iter().filter(|(_, _, failing)| failing.is_unreachable(now));
    let unreachable: Vec<(String, String, Option<Timestamp>)> =
        failing.map(|(name, address, failing)| (name.to_owned(), address.to_owned(), failing.since)).collect();
    let mut room = CHUNK;
    for (name, address, since) in unreachable {
        if let Some(audience) = policy.receivers.get(&name) {
            let late = too_late(hot, &name, &address, audience, now, room)?;
            room -= late.len();
            give_up(hot, (&name, &address), (late, since), (now, audience), policy, effects)?;
        }
    }
    Ok(room == 0)
}

/// A delivery that waited for too long.
struct Late {
    id: i64,
    notification: i64,
    attempts: u32,
    log: Option<String>,
}

fn too_late(
    hot: &Hot<'_>,
    receiver: &str,
    address: &str,
    audience: &Audience,
    now: Timestamp,
    room: usize,
) -> Result<Vec<Late>, LedgerError> {
    let before = now.checked_sub(audience.patience.give_up_after).unwrap_or(Timestamp::MIN);
    let mut find = hot.db.prepare_cached(
        "SELECT id, notification, attempts, log FROM deliveries INDEXED BY deliveries_due
         WHERE receiver = ?1 AND state = 0 AND address = ?2 AND created_at <= ?3 LIMIT ?4",
    )?;
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let rows = find.query_map(params![receiver, address, micros(before), room], |row| {
        Ok(Late { id: row.get(0)?, notification: row.get(1)?, attempts: row.get(2)?, log: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn give_up(
    hot: &mut Hot<'_>,
    (name, address): (&str, &str),
    (late, since): (Vec<Late>, Option<Timestamp>),
    (now, audience): (Timestamp, &Audience),
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let count = late.len();
    if count == 0 {
        return Ok(());
    }
    let reason = format!(
        "given up: it waited for more than {}, and the receiver can't be reached",
        in_words(audience.patience.give_up_after)
    );
    for delivery in late {
        let mut log: Vec<AttemptNote> =
            delivery.log.and_then(|log| serde_json::from_str(&log).ok()).unwrap_or_default();
        log.drain(..log.len().saturating_sub(MAX_LOG - 1));
        let outcome = Outcome::Refused { permanent: false, reason: reason.clone(), retry_after: None };
        log.push(AttemptNote { at: now, number: delivery.attempts, outcome });
        hot.db
            .prepare_cached("UPDATE deliveries SET state = ?2, next_at = ?3, log = ?4 WHERE id = ?1")?
            .execute(params![delivery.id, DeliveryState::GivenUp.code(), micros(now), serde_json::to_string(&log)?])?;
        effects.given_up(name);
        outbox::fall_back(hot, name, now, audience, delivery.notification, policy, effects)?;
    }
    tracing::warn!(receiver = name, address, count, "given up: they waited for too long");
    let trouble =
        trouble::of_receiver((name, address), audience.fallback.as_deref(), Some(reason), since.unwrap_or(now));
    trouble::raise(hot, &Met { trouble: &trouble, address, transient: true, count, at: now }, policy, effects)?;
    Ok(())
}

/// `24 h`, `90 s`: the largest unit that says it exactly.
fn in_words(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match seconds {
        _ if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        _ if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}
