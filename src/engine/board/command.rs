//! What people do to the board: acknowledge, silence, end a silence. Each is an input like any other: recorded, replayed, repeated
//! without harm.

use jiff::Timestamp;

use super::Board;
use crate::engine::incident::{Acknowledged, IncidentId, Number, What};
use crate::engine::{Policy, Reason, Silence};

/// Why it can't be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such incident.
    #[error("no open incident is called {0:?}; `firstred incidents` lists them")]
    NoIncident(String),
    /// Several are called so.
    #[error("more than one open incident begins with {0:?}: write more of its name")]
    Ambiguous(String),
    /// There is no such silence.
    #[error("no silence is called {0:?}; `firstred silence list` lists them. One of the configuration ends there")]
    NoSilence(String),
    /// It ends before it begins.
    #[error("a silence needs an end that lies ahead")]
    Ended,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was changed.
    Changed,
    /// It was so already.
    Unchanged,
}

impl Board {
    /// Somebody knows: no reminders and no escalation any more.
    ///
    /// # Errors
    /// When there is no such open incident.
    pub fn acknowledge(&mut self, now: Timestamp, id: &str, by: &str) -> Result<Made, CommandError> {
        let number = self.find(id)?;
        let members = match self.incidents.get(&number).map(|incident| &incident.what) {
            Some(What::Provider { members, .. }) => members.clone(),
            _ => Vec::new(),
        };
        let mut made = self.acknowledge_one(now, number, by);
        for member in members {
            if self.acknowledge_one(now, member, by) == Made::Changed {
                made = Made::Changed;
            }
        }
        Ok(made)
    }

    /// The whole name of the open incident whose name begins with `id`.
    ///
    /// # Errors
    /// When there is no such open incident, or more than one.
    pub fn named(&self, id: &str) -> Result<IncidentId, CommandError> {
        let number = self.find(id)?;
        let named = self.incidents.get(&number).map(|incident| incident.id.clone());
        named.ok_or_else(|| CommandError::NoIncident(id.to_owned()))
    }

    fn acknowledge_one(&mut self, now: Timestamp, number: Number, by: &str) -> Made {
        let Some(incident) = self.incidents.get_mut(&number) else {
            return Made::Unchanged;
        };
        if incident.acknowledged.is_some() || incident.resolution.is_some() {
            return Made::Unchanged;
        }
        incident.acknowledged = Some(Acknowledged { by: by.to_owned(), at: now });
        for ear in incident.ears.values_mut() {
            ear.escalate = false;
        }
        incident.note(now, Reason::Acknowledged { by: by.to_owned() });
        self.changed.incidents.insert(number);
        self.set_deadline(number, Some(now));
        Made::Changed
    }

    /// The open incident whose name begins with `id`.
    fn find(&self, id: &str) -> Result<Number, CommandError> {
        let wanted = id.trim();
        let open = |(_, incident): &(Number, &super::Incident)| {
            incident.resolution.is_none() && incident.id.as_str().starts_with(wanted)
        };
        let mut found = self.incidents().filter(open).map(|(number, _)| number);
        match (found.next().filter(|_| !wanted.is_empty()), found.next()) {
            (Some(number), None) => Ok(number),
            (Some(_), Some(_)) => Err(CommandError::Ambiguous(wanted.to_owned())),
            (None, _) => Err(CommandError::NoIncident(wanted.to_owned())),
        }
    }

    /// Makes a silence. One with the same id is replaced.
    ///
    /// # Errors
    /// When it is over already.
    pub fn silence_on(&mut self, now: Timestamp, mut silence: Silence) -> Result<Made, CommandError> {
        if silence.until <= now {
            return Err(CommandError::Ended);
        }
        silence.from = silence.from.or(Some(now));
        self.changed.silences.insert(silence.id.clone());
        self.silences.insert(silence.id.clone(), silence);
        Ok(Made::Changed)
    }

    /// Ends a silence that was made by command.
    ///
    /// # Errors
    /// When there is none.
    pub fn silence_off(&mut self, now: Timestamp, id: &str) -> Result<Made, CommandError> {
        if !self.silences.contains_key(id) {
            return Err(CommandError::NoSilence(id.to_owned()));
        }
        self.end_command(now, id);
        Ok(Made::Changed)
    }

    /// The silences that were made by command.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }

    /// Ends a silence before its time. What waits for it is looked at with the next tick: a message must not interrupt the one that is
    /// being decided.
    pub(super) fn end_silence(&mut self, now: Timestamp, silence: &Silence) {
        if silence.by.is_some() {
            return self.end_command(now, &silence.id);
        }
        let key = silence.key();
        self.changed.ended_early.insert(key.clone());
        self.ended_early.entry(key).or_insert(now);
    }

    fn end_command(&mut self, now: Timestamp, id: &str) {
        if let Some(silence) = self.silences.get_mut(id) {
            silence.until = silence.until.min(now);
            self.changed.silences.insert(id.to_owned());
        }
    }

    /// Until when a silence is on, where it is.
    pub(super) fn silent_until(&self, id: &str, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
        let configured = || policy.silences.iter().find(|silence| silence.id == id);
        let silence = self.silences.get(id).or_else(configured)?;
        (silence.is_on(now) && !self.has_ended_early(silence)).then_some(silence.until)
    }

    /// Whether a silence of the configuration ended for a new error. One of the same name with another beginning or end is another one.
    pub(super) fn has_ended_early(&self, silence: &Silence) -> bool {
        silence.by.is_none() && self.ended_early.contains_key(&silence.key())
    }

    /// Forgets the silences that are over. What waits for one finds it gone, and waits no longer.
    pub(super) fn drop_old_silences(&mut self, now: Timestamp) {
        let over: Vec<String> =
            self.silences.values().filter(|silence| silence.until <= now).map(|silence| silence.id.clone()).collect();
        for id in over {
            self.silences.remove(&id);
            self.changed.silences.insert(id);
        }
    }

    /// Receivers that are gone hear nothing any more; what they were not told goes to whom the rules name now.
    pub(super) fn reroute(
        &mut self,
        now: Timestamp,
        number: Number,
        incident: &mut super::Incident,
        policy: &Policy,
    ) -> bool {
        // One that may not see the workspace any more is gone for it.
        let hears = |receiver: &String| {
            policy.receivers.get(receiver).is_some_and(|audience| audience.may_see(&incident.workspace))
        };
        let gone: Vec<String> = incident.ears.keys().filter(|receiver| !hears(receiver)).cloned().collect();
        let changed = !gone.is_empty();
        for receiver in gone {
            let Some(ear) = incident.ears.remove(&receiver) else {
                continue;
            };
            if let Some(desk) = self.desks.get_mut(&receiver) {
                desk.leave(number);
                self.changed.desks.insert(receiver.clone());
            }
            let mut untold = !ear.knows || ear.failures < incident.failures;
            // A service's trouble is that of one receiver: its members find their own way to whom the rules name now.
            untold &= !matches!(incident.what, What::Provider { .. });
            let card = incident.opening.card().filter(|_| untold && incident.resolution.is_none());
            let whom = |card| match &incident.what {
                What::Missed { expectation, .. } => super::missed::whom_now(expectation, &card, policy),
                _ => crate::engine::whom(&card, policy),
            };
            let instead = card.map(whom).unwrap_or_default();
            for name in &instead {
                incident.ears.of(name);
            }
            incident.note(now, Reason::ReceiverGone { receiver, instead });
        }
        changed
    }
}
