//! What people ask of the board, inside the writer's transaction: acknowledge, silence, end a silence. What is due because of it is said
//! at once.

use jiff::Timestamp;

use super::apply::{Hot, guarded};
use super::bells::Effects;
use super::{LedgerError, hold};
use crate::engine::{CommandError, IncidentId, Input, Made, Policy, Silence};

/// Somebody knows of the incident whose name begins with `id`. Answers its whole name.
pub(super) fn acknowledge(
    hot: &mut Hot<'_>,
    (id, by): (&str, &str),
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Result<(IncidentId, Made), CommandError>, LedgerError> {
    let made = guarded(|| {
        let incident = hot.board.named(id)?;
        let made = hot.board.acknowledge(now, incident.as_str(), by)?;
        Ok((incident, made))
    })?;
    if let Ok((incident, Made::Changed)) = &made {
        let (incident, by) = (incident.clone(), by.to_owned());
        hot.journal.input(&Input::Acknowledged { at: now, incident, by })?;
        hold::tick(hot, now, policy, effects)?;
    }
    Ok(made)
}

/// Makes a silence.
pub(super) fn silence(
    hot: &mut Hot<'_>,
    silence: &Silence,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Result<Made, CommandError>, LedgerError> {
    let made = guarded(|| hot.board.silence_on(now, silence.clone()))?;
    if made == Ok(Made::Changed) {
        hot.journal.input(&Input::Silenced { at: now, silence: silence.clone() })?;
        hold::tick(hot, now, policy, effects)?;
    }
    Ok(made)
}

/// Ends a silence.
pub(super) fn end_silence(
    hot: &mut Hot<'_>,
    id: &str,
    now: Timestamp,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<Result<Made, CommandError>, LedgerError> {
    let made = guarded(|| hot.board.silence_off(now, id))?;
    if made == Ok(Made::Changed) {
        hot.journal.input(&Input::Unsilenced { at: now, id: id.to_owned() })?;
        hold::tick(hot, now, policy, effects)?;
    }
    Ok(made)
}
