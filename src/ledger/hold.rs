//! What time brings about, inside the writer's transaction: holds whose deadline has passed, and what is due on the board. What follows
//! is the engine's to say.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::LedgerError;
use super::apply::{Before, Hot, Named, guarded};
use super::bells::Effects;
use super::outbox::NO_RUN;
use super::rows::{micros, time};
use crate::engine::{Input, Known, Policy};
use crate::run::RunKey;
use crate::triage::Standing;

/// How many are ended in one transaction.
pub(super) const CHUNK: usize = 500;

/// A hold that can't be ended is put off by this, so that it does not keep the others from ending.
const PUT_OFF: SignedDuration = SignedDuration::from_mins(1);

/// Ends up to [`CHUNK`] of the holds that are due, and does a bounded part of what is due on the board; answers when to ask again.
pub(super) fn end(
    hot: &mut Hot<'_>,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Option<Timestamp>, LedgerError> {
    for row in std::mem::take(&mut hot.spoiled) {
        put_off(hot, row, now)?;
    }
    let due = {
        let mut due = hot.db.prepare_cached(
            "SELECT id, run, workflow, workspace, known FROM runs
             WHERE hold_until IS NOT NULL AND hold_until <= ?1 ORDER BY hold_until LIMIT ?2",
        )?;
        due.query_map(params![micros(now), i64::try_from(CHUNK).unwrap_or(i64::MAX)], |row| {
            let key = RunKey { run: row.get(1)?, workflow: row.get(2)?, workspace: row.get(3)? };
            Ok((row.get::<_, i64>(0)?, key, row.get::<_, String>(4)?))
        })?
        .collect::<Result<Vec<_>, _>>()?
    };
    let any_hold = !due.is_empty();
    for (row, key, text) in due {
        let known = match serde_json::from_str::<Known>(&text) {
            Ok(known) => known,
            Err(error) => {
                tracing::error!(?key, ?error, "a hold can't be ended");
                put_off(hot, row, now)?;
                continue;
            }
        };
        let parent = parent(hot, &key, &known)?;
        let before = Before::of(row, Some(&known));
        let ended = guarded(|| hot.board.hold_ended(now, &key, known, parent, policy)).inspect_err(|error| {
            // The transaction is undone; the next one lets this hold wait, so that the others end.
            tracing::error!(?key, ?error, "a hold can't be ended");
            hot.spoiled.push(row);
        });
        let changes = ended?;
        if changes.unchanged {
            put_off(hot, row, now)?;
        } else {
            hot.write(Some(&before), Named { key: &key, title: None, card: None }, now, &changes, policy, effects)?;
        }
    }
    tick(hot, now, policy, effects)?;
    if any_hold || hot.board.has_changed() {
        hot.journal.input(&Input::Looked { at: now })?;
    }
    let mut next = hot.db.prepare_cached("SELECT min(hold_until) FROM runs WHERE hold_until IS NOT NULL")?;
    let next = next.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(time);
    Ok(next.into_iter().chain(hot.board.next_deadline(now, policy)).min())
}

/// Does a bounded part of what is due on the board.
pub(super) fn tick(
    hot: &mut Hot<'_>,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let told = guarded(|| hot.board.tick(now, policy)).inspect_err(|error| {
        let stumble = hot.board.stumbled();
        tracing::error!(?stumble, ?error, "time can't work on this; it is put off");
        let until = now.saturating_add(PUT_OFF).unwrap_or(Timestamp::MAX);
        hot.stumbles.extend(stumble.map(|stumble| (stumble, until)));
    })?;
    hot.say_all(NO_RUN, &told, policy, effects)
}

/// Where the run that started this one stands.
fn parent(hot: &Hot<'_>, key: &RunKey, known: &Known) -> Result<Option<Standing>, LedgerError> {
    let Some(parent) = &known.parent else {
        return Ok(None);
    };
    let mut find = hot.db.prepare_cached("SELECT known FROM runs WHERE run = ?1 AND workspace = ?2 LIMIT 1")?;
    let text: Option<String> = find.query_row(params![parent, key.workspace], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| serde_json::from_str::<Known>(&text).ok()).map(|parent| parent.standing))
}

fn put_off(hot: &Hot<'_>, row: i64, now: Timestamp) -> Result<(), LedgerError> {
    let until = now.saturating_add(PUT_OFF).unwrap_or(Timestamp::MAX);
    hot.db.prepare_cached("UPDATE runs SET hold_until = ?2 WHERE id = ?1")?.execute(params![row, micros(until)])?;
    Ok(())
}
