//! A polled source was read, inside the writer's transaction: what waited for that is said. Most reads change nothing and write nothing.

use jiff::{SignedDuration, Timestamp};

use super::apply::Hot;
use super::bells::Effects;
use super::{LedgerError, hold};
use crate::engine::{Input, Policy};

/// A read for which nothing waited is journaled this often: other rules may have waited for it.
const JOURNAL_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// `source` was read completely by a read that began at `began`.
pub(super) fn read(
    hot: &mut Hot<'_>,
    source: &str,
    began: Timestamp,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let awaited = hot.board.read_at(source, began);
    let recent = hot.reads.get(source).is_some_and(|last| now.duration_since(*last).abs() < JOURNAL_EVERY);
    if awaited || !recent {
        hot.reads.insert(source.to_owned(), now);
        hot.journal.input(&Input::Read { at: now, source: source.to_owned(), began })?;
    }
    if awaited {
        hold::tick(hot, now, policy, effects)?;
    }
    Ok(())
}
