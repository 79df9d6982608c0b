//! What can withhold a message from one receiver, in order: a silence, something above it, quiet hours, a service's trouble, the budget.
//! Each lets it wait for an end; none drops anything.

use super::desk::Cause;
use super::{Board, Round};
use crate::engine::incident::{Ear, Incident, Number, Withheld};
use crate::engine::{Kind, Silence};
use crate::triage::Card;

/// What wants to pass.
pub(super) struct Gate<'a> {
    pub(super) number: Number,
    pub(super) receiver: &'a str,
    pub(super) kind: Kind,
    /// The failure that it is about.
    pub(super) card: &'a Card,
    /// It joined just now: only that can be a new error.
    pub(super) news: Option<&'a Card>,
    /// It does not count against the budget.
    pub(super) free: bool,
    /// The budget may be used to its last message, which is else kept for a summary.
    pub(super) to_the_last: bool,
}

impl Board {
    /// Why it is withheld, if it is; it waits then.
    pub(super) fn gate(
        &mut self,
        round: &mut Round<'_>,
        incident: &mut Incident,
        ear: &mut Ear,
        gate: &Gate<'_>,
    ) -> Option<Withheld> {
        // A problem is what opened it: whatever else joins it, what is silenced or above others does not change with the newest failure.
        let matched =
            !round.policy.silences.is_empty() || !self.silences.is_empty() || !round.policy.inhibitions.is_empty();
        let opening = if matched { incident.opening.card() } else { None };
        let card = opening.as_ref().unwrap_or(gate.card);
        if let Some((cause, why)) = self.outer_gate(round, incident, gate.number, gate.receiver, card, gate.news) {
            return Some(self.wait(round, gate, cause, why));
        }
        if let Some(why) = self.service_gate(round, incident, ear, gate) {
            return Some(why);
        }
        if gate.free {
            return None;
        }
        let budget = round.policy.receivers.get(gate.receiver)?.budget?;
        let desk = self.desks.entry(gate.receiver.to_owned()).or_default();
        let room = desk.room(round.now, Some(budget))?;
        // The last one is kept for the summary; a budget of one message is there for the first failure all the same.
        let kept = u32::from(!gate.to_the_last && budget.messages > 1);
        if room > kept && (gate.to_the_last || !desk.storms()) {
            return None;
        }
        let why = Withheld::Budget { messages: budget.messages, within: budget.within };
        Some(self.wait(round, gate, Cause::Storm, why))
    }

    /// The gates that have nothing to do with how much was sent.
    pub(super) fn outer_gate(
        &mut self,
        round: &Round<'_>,
        incident: &Incident,
        number: Number,
        receiver: &str,
        card: &Card,
        news: Option<&Card>,
    ) -> Option<(Cause, Withheld)> {
        // Whoever waits for one silence goes on waiting for that, also if another begins meanwhile and a start asks again.
        let waits_for = match self.desks.get(receiver).and_then(|desk| desk.waits_for(number)) {
            Some(Cause::Silence(id)) => Some(id.clone()),
            _ => None,
        };
        if let Some((id, until)) = self.silenced(round, card, news, waits_for.as_deref()) {
            return Some((Cause::Silence(id.clone()), Withheld::Silence { id, until }));
        }
        if let Some((inhibition, above, by)) = self.inhibitor(number, incident, card, round.policy) {
            return Some((Cause::Inhibited(above), Withheld::Inhibited { inhibition, by }));
        }
        let audience = round.policy.receivers.get(receiver)?;
        if incident.severity >= audience.passes {
            return None;
        }
        let name = audience.quiet.as_ref()?;
        let until = round.policy.schedules.get(name)?.on_until(round.now)?;
        Some((Cause::Quiet, Withheld::Quiet { schedule: name.clone(), until }))
    }

    /// Whether a silence fits the incident, or something is above it, by what opened it.
    pub(super) fn is_kept_still(&self, round: &Round<'_>, number: Number, incident: &Incident) -> bool {
        let matched =
            !round.policy.silences.is_empty() || !self.silences.is_empty() || !round.policy.inhibitions.is_empty();
        let Some(card) = matched.then(|| incident.opening.card()).flatten() else {
            return false;
        };
        let mut silences = round.policy.silences.iter().chain(self.silences.values());
        silences.any(|silence| !self.has_ended_early(silence) && silence.fits(round.now, &card))
            || self.inhibitor(number, incident, &card, round.policy).is_some()
    }

    fn wait(&mut self, round: &Round<'_>, gate: &Gate<'_>, cause: Cause, why: Withheld) -> Withheld {
        let desk = self.desks.entry(gate.receiver.to_owned()).or_default();
        if desk.waits_for(gate.number) != Some(&cause) {
            desk.leave(gate.number);
            desk.wait(round.now, cause, why.clone(), gate.number);
            self.changed.desks.insert(gate.receiver.to_owned());
        }
        why
    }

    /// The silence that fits, and its end. One that is to end for a new error ends here, if that is what failed just now.
    fn silenced(
        &mut self,
        round: &Round<'_>,
        card: &Card,
        news: Option<&Card>,
        waits_for: Option<&str>,
    ) -> Option<(String, jiff::Timestamp)> {
        let mut over = Vec::new();
        let mut found = None;
        for silence in round.policy.silences.iter().chain(self.silences.values()) {
            if self.has_ended_early(silence) || !silence.fits(round.now, card) {
                continue;
            }
            if silence.unless_new && news.is_some_and(|card| self.is_new(card, silence)) {
                over.push(silence.clone());
            } else if found.is_none() || waits_for == Some(silence.id.as_str()) {
                found = Some((silence.id.clone(), silence.until));
            }
        }
        for silence in over {
            self.end_silence(round.now, &silence);
        }
        found
    }

    /// Whether the error was never seen before the silence began.
    fn is_new(&self, card: &Card, silence: &Silence) -> bool {
        self.errors.get(&card.fingerprint.0).is_none_or(|error| match silence.from {
            Some(from) => error.first_at >= from,
            None => error.count <= 1,
        })
    }
}
