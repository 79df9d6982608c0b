//! Who heard of a problem in another's place: a fallback, or whom a receiver's deliveries were handed to when it left the configuration.
//! The engine knows nothing of them, for they hold no ear; that the problem is over, they are told here. An alert that was put up in
//! another's place would else stay up for ever. Inside the writer's transaction.

use rusqlite::{OptionalExtension, params};

use super::LedgerError;
use super::apply::Hot;
use super::bells::Effects;
use super::rows::json;
use super::save::row_of;
use crate::engine::{Kind, Notification, Number, Policy};

impl Hot<'_> {
    /// Those who were given a word about the incident in another's place, and may still see it.
    pub(super) fn bystanders(&self, incident: Number, policy: &Policy) -> Result<Vec<String>, LedgerError> {
        let Some(known) = self.board.incident(incident) else {
            return Ok(Vec::new());
        };
        let mut find = self.db.prepare_cached(
            "SELECT DISTINCT d.receiver FROM notifications n JOIN deliveries d ON d.notification = n.id WHERE n.incident = ?1
             ORDER BY d.receiver",
        )?;
        let told = find.query_map([row_of(incident)], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let stands_by = |receiver: &String| {
            let audience = policy.receivers.get(receiver);
            known.ears.get(receiver).is_none() && audience.is_some_and(|audience| audience.may_see(&known.workspace))
        };
        Ok(told.into_iter().filter(stands_by).collect())
    }

    /// Gives `receiver`, which was just given an older word in another's place, the last word as well, where that was said by then.
    pub(super) fn give_last_word(
        &mut self,
        notification: i64,
        receiver: &str,
        at: i64,
        policy: &Policy,
        effects: &mut Effects,
    ) -> Result<(), LedgerError> {
        let newest = self
            .db
            .prepare_cached(
                "SELECT m.id, m.body, m.incident FROM notifications n JOIN notifications m ON m.incident = n.incident
                 WHERE n.id = ?1 ORDER BY m.id DESC LIMIT 1",
            )?
            .query_row(params![notification], |row| {
                Ok((row.get::<_, i64>(0)?, json::<Notification>(row, 1)?, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let Some((newest, said, incident)) =
            newest.filter(|(newest, said, _)| *newest != notification && said.kind == Kind::Resolved)
        else {
            return Ok(());
        };
        let has_an_ear = self
            .board
            .incidents()
            .any(|(number, known)| row_of(number) == incident && known.ears.get(receiver).is_some());
        if has_an_ear {
            return Ok(());
        }
        tracing::debug!(receiver, notification = said.id.as_str(), "told of the end with the beginning");
        self.deliver(newest, receiver, at, policy, effects)
    }
}
