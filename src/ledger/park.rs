//! A delivery whose notification can't be read, inside the writer's transaction: it can't be sent by anybody, so that it is given up
//! with the reason on record, and its receiver is told which run it was about.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::trouble;
use crate::engine::{OwnTrouble, Policy};

/// Gives a delivery up that can't be read. One that is no longer waiting stays as it is.
pub(super) fn park(
    hot: &mut Hot<'_>,
    delivery: i64,
    reason: &str,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let found = hot
        .db
        .prepare_cached(
            "SELECT d.receiver, r.run FROM deliveries d JOIN notifications n ON n.id = d.notification
             LEFT JOIN runs r ON r.id = n.run WHERE d.id = ?1 AND d.state = 0",
        )?
        .query_row([delivery], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))
        .optional()?;
    let Some((receiver, run)) = found else {
        return Ok(());
    };
    hot.give_up(delivery, now, &format!("the stored notification can't be read: {reason}"))?;
    // Only its own receiver: nobody can tell any more which others may know of the run.
    let (about, advice) = match &run {
        Some(run) => {
            (format!("about run {run}"), format!("Open run {run} in its engine: it failed or keeps retrying."))
        }
        None => ("about firstred itself".to_owned(), "Look at /readyz and at firstred's log.".to_owned()),
    };
    let trouble = OwnTrouble {
        what: format!("delivery {delivery}"),
        summary: format!("A notification to `{receiver}` {about} can't be read from the ledger, and is not sent."),
        detail: Some(reason.to_owned()),
        advice,
        since: now,
    };
    // Told once, and not kept open: there is nothing that would settle it.
    trouble::say_to(hot, &trouble, &[receiver], now, policy, effects)
}
