//! What people do to the board, inside the writer's transaction: acknowledge, silence, end a silence. What follows is the engine's to say.

use jiff::Timestamp;

use super::apply::{Hot, guarded};
use super::bells::Effects;
use super::command::{Answer, Work};
use super::{Ledger, LedgerError, hold};
use crate::clock;
use crate::engine::{Board, CommandError, Input, Made, Policy, Silence};

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

impl Ledger {
    /// Somebody knows of the open incident whose id begins with `id`. Answers what came of it, or why it can't be done.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn acknowledge(&self, id: &str, by: &str) -> Result<Result<Made, CommandError>, LedgerError> {
        self.order(Order::Acknowledge { id: id.to_owned(), by: by.to_owned() }).await
    }

    /// Makes a silence; one with the same id is replaced. Answers what came of it, or why it can't be done.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn silence_on(&self, silence: Silence) -> Result<Result<Made, CommandError>, LedgerError> {
        self.order(Order::Silence(silence)).await
    }

    /// Ends a silence that was made by command: what it withheld is told. Answers what came of it, or why it can't be done.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn silence_off(&self, id: &str) -> Result<Result<Made, CommandError>, LedgerError> {
        self.order(Order::EndSilence { id: id.to_owned() }).await
    }

    async fn order(&self, order: Order) -> Result<Result<Made, CommandError>, LedgerError> {
        match self.ask(Work::Order { order, now: clock::now() }, None).await? {
            Answer::Made(made) => Ok(made),
            _ => Ok(Ok(Made::Unchanged)),
        }
    }
}

/// Does it, and what becomes due by it.
pub(super) fn carry_out(
    hot: &mut Hot<'_>,
    order: &Order,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Result<Made, CommandError>, LedgerError> {
    let (made, input) = guarded(|| do_it(&mut hot.board, order, now))?
        .map_or_else(|refused| (Err(refused), None), |(made, input)| (Ok(made), Some(input)));
    if let Some(input) = input {
        if made == Ok(Made::Changed) {
            hot.journal.input(&input)?;
        }
        hold::tick(hot, now, policy, effects)?;
        // There may be more than one go could do.
        effects.held = true;
    }
    Ok(made)
}

/// What came of it, and what goes into the journal.
fn do_it(board: &mut Board, order: &Order, at: Timestamp) -> Result<(Made, Input), CommandError> {
    match order {
        Order::Acknowledge { id, by } => {
            let incident = board.named(id)?;
            let made = board.acknowledge(at, incident.as_str(), by)?;
            Ok((made, Input::Acknowledged { at, incident, by: by.clone() }))
        }
        Order::Silence(silence) => {
            let made = board.silence_on(at, silence.clone())?;
            Ok((made, Input::Silenced { at, silence: silence.clone() }))
        }
        Order::EndSilence { id } => {
            let made = board.silence_off(at, id)?;
            Ok((made, Input::Unsilenced { at, id: id.clone() }))
        }
    }
}
