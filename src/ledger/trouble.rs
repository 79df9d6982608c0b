//! firstred's own troubles, inside the writer's transaction: each is told once while it is open, at most once an hour, never to the
//! one that it is about, and only to who may see the workspaces that it may speak of.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::failing::Open;
use super::outbox::NO_RUN;
use super::rows::{json, micros, time};
use crate::engine::{About, Kind, Notification, NotificationId, OwnTrouble, Policy, Severity, Subject};

/// A trouble that comes back is not told again sooner than this after it was last told. One that is still open then is told then.
pub(super) const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// After this long without another refusal for good, a success says that nothing is refused any more.
const REFUSALS_END_AFTER: SignedDuration = QUIET;

/// A trouble as it is met.
pub(super) struct Met<'a> {
    pub(super) trouble: &'a OwnTrouble,
    /// Which address of a receiver; empty where there is but one.
    pub(super) address: &'a str,
    /// The next success ends it.
    pub(super) transient: bool,
    /// How many times at once.
    pub(super) count: usize,
    pub(super) at: Timestamp,
}

/// Opens a trouble and tells it; one that is open is counted. Answers whether it is new.
pub(super) fn raise(
    hot: &mut Hot<'_>,
    met: &Met<'_>,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<bool, LedgerError> {
    let (what, at) = (&met.trouble.what, micros(met.at));
    let stored = hot
        .db
        .prepare_cached(
            "SELECT told_at, settled_at IS NOT NULL, untold FROM troubles WHERE what = ?1 AND address = ?2",
        )?
        .query_row(params![what, met.address], |row| {
            Ok((time(row.get(0)?), row.get::<_, bool>(1)?, row.get::<_, bool>(2)?))
        })
        .optional()?;
    let (told_at, settled, untold) = stored.unwrap_or((met.at, true, true));
    let tell = (settled || untold) && (stored.is_none() || !is_quiet(told_at, met.at));
    let untold = (settled || untold) && !tell;
    let count = i64::try_from(met.count).unwrap_or(i64::MAX);
    let body = serde_json::to_string(met.trouble)?;
    if settled {
        tracing::error!(what = ?what, address = met.address, summary = ?met.trouble.summary, detail = ?met.trouble.detail, "firstred has a trouble");
        hot.db
            .prepare_cached(
                "INSERT OR REPLACE INTO troubles
                 (what, address, since, told_at, last_at, settled_at, untold, transient, count, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                what,
                met.address,
                micros(met.trouble.since),
                micros(if tell { met.at } else { told_at }),
                at,
                untold,
                met.transient,
                count,
                body
            ])?;
    } else {
        hot.db
            .prepare_cached(
                "UPDATE troubles SET last_at = ?3, transient = min(transient, ?4), count = count + ?5,
                 untold = ?6, told_at = iif(?7, ?3, told_at) WHERE what = ?1 AND address = ?2",
            )?
            .execute(params![what, met.address, at, met.transient, count, untold, tell])?;
    }
    let transient = met.transient && hot.memory.open.get(what, met.address).is_none_or(|open| open.transient);
    hot.memory.open.put(what, met.address, Open { transient, last_at: met.at });
    if tell {
        say(hot, met.trouble, met.address, met.at, policy, effects)?;
    }
    Ok(settled)
}

/// Tells what came back within its quiet hour and is still open at the end of it.
pub(super) fn tell_late(
    hot: &mut Hot<'_>,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let late = {
        let mut late = hot.db.prepare_cached(
            "SELECT what, address, body, told_at FROM troubles WHERE settled_at IS NULL AND untold = 1",
        )?;
        late.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, json::<OwnTrouble>(row, 2)?, time(row.get(3)?)))
        })?
        .collect::<Result<Vec<_>, _>>()?
    };
    for (what, address, trouble, told_at) in late {
        if is_quiet(told_at, now) {
            continue;
        }
        hot.db
            .prepare_cached("UPDATE troubles SET untold = 0, told_at = ?3 WHERE what = ?1 AND address = ?2")?
            .execute(params![what, address, micros(now)])?;
        say(hot, &trouble, &address, now, policy, effects)?;
    }
    Ok(())
}

/// Tells an event that is over as it is told: nothing stays open.
pub(super) fn say_to(
    hot: &mut Hot<'_>,
    trouble: &OwnTrouble,
    receivers: &[String],
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    tracing::error!(what = ?trouble.what, summary = ?trouble.summary, detail = ?trouble.detail, "firstred has a trouble");
    let notification = notification(trouble, "", now);
    hot.tell(NO_RUN, None, &notification, receivers, policy, effects)
}

/// Closes the trouble called `what`, at all its addresses. Answers whether it was open.
pub(super) fn settle(hot: &mut Hot<'_>, what: &str, now: Timestamp) -> Result<bool, LedgerError> {
    if !hot.memory.open.has(what) {
        return Ok(false);
    }
    let open = hot.memory.open.iter().filter(|(name, _, _)| *name == what);
    let addresses: Vec<String> = open.map(|(_, address, _)| address.to_owned()).collect();
    for address in addresses {
        settle_one(hot, what, &address, now)?;
    }
    Ok(true)
}

/// Closes one trouble. Its row stays: it knows when it was last told.
pub(super) fn settle_one(hot: &mut Hot<'_>, what: &str, address: &str, now: Timestamp) -> Result<(), LedgerError> {
    tracing::info!(what, address, "a trouble of firstred's own is over");
    hot.db
        .prepare_cached("UPDATE troubles SET settled_at = ?3, untold = 0 WHERE what = ?1 AND address = ?2")?
        .execute(params![what, address, micros(now)])?;
    hot.memory.open.take(what, address);
    Ok(())
}

/// A delivery arrived. That ends a trouble of the same address; one of refusals for good, which some messages meet and others don't,
/// only once there were none for a while. Costs nothing while no trouble is open.
pub(super) fn arrived(hot: &mut Hot<'_>, receiver: &str, address: &str, at: Timestamp) -> Result<(), LedgerError> {
    if hot.memory.open.is_empty() {
        return Ok(());
    }
    let what = About::Receiver(receiver).what();
    match hot.memory.open.get(&what, address) {
        Some(open) if open.transient || at.duration_since(open.last_at) >= REFUSALS_END_AFTER => {
            settle_one(hot, &what, address, at)
        }
        _ => Ok(()),
    }
}

/// A receiver's trouble, in words: what happens, and what becomes of what was to be said there.
pub(super) fn of_receiver(
    (name, address): (&str, &str),
    fallback: Option<&str>,
    detail: Option<String>,
    since: Timestamp,
) -> OwnTrouble {
    let instead = match fallback {
        Some(fallback) => format!("what it refuses, or is given up, goes to its fallback `{fallback}`"),
        None => "it has no fallback, so what it refuses is told to nobody else".to_owned(),
    };
    let place = if address.is_empty() { format!("`{name}`") } else { format!("`{name}` ({address})") };
    OwnTrouble {
        what: About::Receiver(name).what(),
        summary: format!("Notifications to {place} do not arrive; {instead}."),
        detail,
        advice: format!("Check [receivers.{name}], then run `firstred test-receiver {name}`."),
        since,
    }
}

/// The same notification without the detail, for who may not see it.
pub(super) fn brief(said: &Notification, trouble: &OwnTrouble) -> Notification {
    Notification {
        id: NotificationId::of_parts(&[said.id.as_str(), "brief"]),
        subject: Subject::Own(trouble.without_detail()),
        ..said.clone()
    }
}

/// A clock that was set back must not keep a trouble quiet for longer.
fn is_quiet(told_at: Timestamp, now: Timestamp) -> bool {
    now >= told_at && now.duration_since(told_at) < QUIET
}

fn notification(trouble: &OwnTrouble, address: &str, now: Timestamp) -> Notification {
    Notification {
        id: NotificationId::of_parts(&["trouble", &trouble.what, address, &micros(now).to_string()]),
        kind: Kind::Trouble,
        severity: Severity::Critical,
        rule: None,
        runbook: None,
        decided_at: now,
        incident: None,
        owner: None,
        subject: Subject::Own(trouble.clone()),
    }
}

/// Tells whoever may hear of it, the detail only to whom may see all that it may speak of.
pub(super) fn say(
    hot: &mut Hot<'_>,
    trouble: &OwnTrouble,
    address: &str,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let whole = notification(trouble, address, now);
    let hearers = policy.hearers(About::of(&trouble.what));
    if hearers.is_empty() {
        tracing::error!(what = ?trouble.what, "nobody may be told of this trouble: every other receiver is bound to other workspaces, or there is none");
    }
    for detail in [true, false] {
        let told: Vec<String> =
            hearers.iter().filter(|hearer| hearer.detail == detail).map(|hearer| hearer.receiver.clone()).collect();
        if told.is_empty() {
            continue;
        }
        let said = if detail { whole.clone() } else { brief(&whole, trouble) };
        hot.tell(NO_RUN, None, &said, &told, policy, effects)?;
    }
    Ok(())
}
