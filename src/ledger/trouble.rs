//! firstred's own troubles, inside the writer's transaction: each is told once while it is open, and never to the one that it is about.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::outbox::NO_RUN;
use super::rows::micros;
use crate::engine::{Attempted, Kind, Notification, NotificationId, Outcome, OwnTrouble, Policy, Severity, Subject};

/// Refusals for good within one such window of the clock are told once.
const REFUSALS_ARE_ONE: SignedDuration = SignedDuration::from_mins(10);

/// What a trouble of a receiver is called.
pub(super) fn receiver(name: &str) -> String {
    format!("receiver {name}")
}

/// Opens a trouble and tells it, unless it is open already. Answers whether it is new.
pub(super) fn raise(
    hot: &mut Hot<'_>,
    trouble: &OwnTrouble,
    receivers: &[String],
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<bool, LedgerError> {
    // By its begin: a delivery that keeps failing while others arrive opens the trouble again, and is not told again.
    let since = trouble.since.as_microsecond().to_string();
    let id = NotificationId::of_parts(&["trouble", &trouble.what, &since]);
    raise_as(hot, id, trouble, receivers, now, policy, effects)
}

/// As [`raise`]; what was told as `id` before is not told again.
fn raise_as(
    hot: &mut Hot<'_>,
    id: NotificationId,
    trouble: &OwnTrouble,
    receivers: &[String],
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<bool, LedgerError> {
    let new = hot
        .db
        .prepare_cached("INSERT INTO troubles (what, since, summary) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![trouble.what, micros(trouble.since), trouble.summary])?
        == 1;
    if !new {
        return Ok(false);
    }
    let receivers: Vec<String> = receivers
        .iter()
        .filter(|name| policy.receivers.contains_key(*name) && receiver(name) != trouble.what)
        .cloned()
        .collect();
    tracing::error!(what = ?trouble.what, summary = ?trouble.summary, detail = ?trouble.detail, "firstred has a trouble");
    let notification = Notification {
        id,
        kind: Kind::Trouble,
        severity: Severity::Critical,
        rule: None,
        runbook: None,
        decided_at: now,
        subject: Subject::Own(trouble.clone()),
    };
    hot.tell(NO_RUN, &notification, &receivers, policy, effects)?;
    Ok(true)
}

/// Closes a trouble. Answers whether it was open.
pub(super) fn settle(hot: &Hot<'_>, what: &str) -> Result<bool, LedgerError> {
    Ok(hot.db.prepare_cached("DELETE FROM troubles WHERE what = ?1")?.execute([what])? == 1)
}

/// Tells on another path that a receiver can't be reached.
pub(super) fn receiver_is_broken(
    hot: &mut Hot<'_>,
    attempt: &Attempted,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let name = &attempt.receiver;
    let detail = match &attempt.outcome {
        Outcome::Refused { reason, .. } | Outcome::Unknown { reason } => Some(reason.clone()),
        Outcome::Delivered { .. } => None,
    };
    let trouble = OwnTrouble {
        what: receiver(name),
        summary: format!("Notifications to `{name}` do not arrive."),
        detail,
        advice: format!("Check [receivers.{name}], then run `firstred test-receiver {name}`."),
        since: attempt.created_at,
    };
    let audience = others(name, policy);
    if let Outcome::Refused { permanent: true, .. } = attempt.outcome {
        // It answers, and takes the next one again: a tenth of a storm refused must not become a storm of troubles.
        let window = attempt.at.as_second().div_euclid(REFUSALS_ARE_ONE.as_secs()).to_string();
        let id = NotificationId::of_parts(&["refusals", &trouble.what, &window]);
        raise_as(hot, id, &trouble, &audience, attempt.at, policy, effects)?;
    } else {
        raise(hot, &trouble, &audience, attempt.at, policy, effects)?;
    }
    Ok(())
}

/// Who hears of the trouble called `what`, where nobody is named: the defaults, else everybody that it is not about.
pub(super) fn audience(what: &str, policy: &Policy) -> Vec<String> {
    let hears = |name: &&String| policy.receivers.contains_key(*name) && receiver(name) != what;
    let defaults: Vec<String> = policy.default_notify.iter().filter(hears).cloned().collect();
    if defaults.is_empty() { policy.receivers.keys().filter(hears).cloned().collect() } else { defaults }
}

/// Whom to tell that `name` is broken: its fallback, else whom every failure without a rule goes to, else everybody else.
fn others(name: &str, policy: &Policy) -> Vec<String> {
    let exists = |other: &&String| *other != name && policy.receivers.contains_key(*other);
    if let Some(fallback) = policy.receivers.get(name).and_then(|audience| audience.fallback.as_ref()).filter(exists) {
        return vec![fallback.clone()];
    }
    audience(&receiver(name), policy)
}
