//! What people do to the board, inside the writer's transaction: acknowledge, silence, end a silence. What follows is the engine's to say.

use jiff::Timestamp;

use super::LedgerError;
use super::apply::{Hot, guarded};
use super::bells::Effects;
use super::outbox::NO_RUN;
use crate::engine::{CommandError, Made, Policy, Silence};

/// What somebody wants done.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// Somebody knows of the incident whose id begins so.
    Acknowledge { id: String, by: String },
    /// A new silence.
    Silence(Silence),
    /// The end of one.
    EndSilence { id: String },
}

/// Does it, and what becomes due by it.
pub(super) fn carry_out(
    hot: &mut Hot<'_>,
    order: &Order,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Result<Made, CommandError>, LedgerError> {
    let made = guarded(|| match order {
        Order::Acknowledge { id, by } => hot.board.acknowledge(now, id, by),
        Order::Silence(silence) => hot.board.silence_on(now, silence.clone()),
        Order::EndSilence { id } => hot.board.silence_off(now, id),
    })?;
    if made.is_ok() {
        let told = guarded(|| hot.board.after_command(now, policy))?;
        hot.say_all(NO_RUN, &told, policy, effects)?;
        // There may be more than one go could do.
        effects.held = true;
    }
    Ok(made)
}
