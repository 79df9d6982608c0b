//! What waits for a receiver that left the configuration, inside the writer's transaction: given up with the reason on record, and
//! handed to whom the rules in force name. Whoever asks has seen to it that nobody is sending it any more.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::params;

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::rows::micros;
use super::trouble;
use crate::engine::{About, Notification, OwnTrouble, Policy, Subject, whom, whom_all};

/// How many are handed on in one transaction.
pub(super) const CHUNK: usize = 500;

/// Hands on what waits for `receiver`; answers how many. Nothing happens while it is configured.
pub(super) fn release(
    hot: &mut Hot<'_>,
    receiver: &str,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<u64, LedgerError> {
    if policy.receivers.is_empty() || policy.receivers.contains_key(receiver) {
        return Ok(0);
    }
    let waiting = waiting(hot, receiver)?;
    let (mut count, mut to_nobody, mut takers) = (0, 0_u64, BTreeSet::new());
    for (delivery, notification, body) in waiting {
        let heirs = heirs(&body, policy);
        for heir in &heirs {
            hot.deliver(notification, heir, micros(now), policy, effects)?;
            hot.give_last_word(notification, heir, micros(now), policy, effects)?;
        }
        let reason = match heirs.as_slice() {
            [] => "the receiver is no longer configured, and no rule names another".to_owned(),
            heirs => format!("the receiver is no longer configured; handed to {}", heirs.join(", ")),
        };
        hot.give_up(delivery, now, &reason)?;
        count += 1;
        to_nobody += u64::from(heirs.is_empty());
        takers.extend(heirs);
    }
    if count > 0 {
        say(hot, receiver, (count, to_nobody), takers, now, policy, effects)?;
    }
    Ok(count)
}

fn waiting(hot: &Hot<'_>, receiver: &str) -> Result<Vec<(i64, i64, String)>, LedgerError> {
    let mut find = hot.db.prepare_cached(
        "SELECT d.id, d.notification, n.body FROM deliveries d JOIN notifications n ON n.id = d.notification
         WHERE d.receiver = ?1 AND d.state = 0 ORDER BY d.next_at, d.id LIMIT ?2",
    )?;
    let rows = find.query_map(params![receiver, i64::try_from(CHUNK).unwrap_or(i64::MAX)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Who takes it over. A test message was for that receiver only; a trouble is for whoever hears of troubles now.
fn heirs(body: &str, policy: &Policy) -> Vec<String> {
    let said: Notification = match serde_json::from_str(body) {
        Ok(said) => said,
        Err(error) => {
            tracing::error!(?error, "a notification that waits for a receiver that is gone can't be read");
            return Vec::new();
        }
    };
    match &said.subject {
        Subject::Run(_) if said.kind == crate::engine::Kind::Test => Vec::new(),
        Subject::Run(card) => whom(card, policy),
        Subject::Summary(summary) => whom_all(summary, policy),
        // Yesterday's news: the next line is made for whom it names by then.
        Subject::Daily(_) => Vec::new(),
        Subject::Own(about) => {
            policy.hearers(About::of(&about.what)).into_iter().map(|hearer| hearer.receiver).collect()
        }
    }
}

/// An event, not a state: told, and not kept open, for there is nothing that would settle it.
fn say(
    hot: &mut Hot<'_>,
    receiver: &str,
    (count, to_nobody): (u64, u64),
    takers: BTreeSet<String>,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let what = About::Receiver(receiver).what();
    // Whatever was open about it is over: it is no longer there.
    trouble::settle(hot, &what, now)?;
    let takers = takers.into_iter().collect::<Vec<_>>().join(", ");
    let detail = match (count - to_nobody, to_nobody) {
        (_, 0) => format!("Handed to {takers}."),
        (0, _) => "No rule names another receiver for them: nobody is told.".to_owned(),
        (handed, lost) => format!("{handed} handed to {takers}; for {lost} no rule names another receiver."),
    };
    let trouble = OwnTrouble {
        what: what.clone(),
        summary: format!("`{receiver}` is no longer configured, and {count} notifications still waited for it."),
        detail: Some(detail),
        advice: format!("Nothing, if that was meant. Else put [receivers.{receiver}] back for what comes next."),
        since: now,
    };
    let hearers: Vec<String> = policy.hearers(About::Configuration).into_iter().map(|hearer| hearer.receiver).collect();
    trouble::say_to(hot, &trouble, &hearers, now, policy, effects)
}
