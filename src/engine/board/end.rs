//! How an incident ends, and when it must: proven, or after a time without a failure. Nothing stays open for ever.

use jiff::Timestamp;

use super::desk::Cause;
use super::{Board, Round, joined};
use crate::engine::incident::{Ear, Incident, MOST_REFS, Number, Proof, Resolution, RunRef, State, What};
use crate::engine::rhythm::{Due, due, manner, rhythm_of};
use crate::engine::rule::Condition;
use crate::engine::{Policy, Reason};

impl Board {
    /// It is over: whoever knew of it is told.
    pub(super) fn resolve(&mut self, round: &mut Round<'_>, number: Number, proof: Proof) {
        self.tell_who_heard_nothing(round, number);
        let Some(incident) = self.incidents.get_mut(&number).filter(|incident| incident.state != State::Resolved)
        else {
            return;
        };
        let gathering = incident.state == State::Gathering;
        incident.state = State::Resolved;
        if !gathering {
            incident.note(round.now, Reason::Resolved { proof: proof.clone() });
        }
        for ear in incident.ears.values_mut() {
            ear.escalate = false;
        }
        let parents: Vec<Number> = incident.ears.values().filter_map(|ear| ear.under).collect();
        let workflow = |point: &crate::engine::incident::Point| joined(&[&incident.workspace, &point.workflow]);
        let workflows: Vec<String> = incident.points.iter().map(workflow).collect();
        for key in workflows {
            self.unindex_workflow(&key, number);
        }
        let (not_again, not_again_count) = self.not_again(number);
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.resolution = Some(Resolution { at: round.now, proof, not_again, not_again_count });
        }
        self.changed.incidents.insert(number);
        self.sink(number);
        if let Some(incident) = self.incidents.remove(&number) {
            self.unindex_services(number, &incident);
            self.incidents.insert(number, incident);
        }
        self.attend(round, number, None);
        self.release_members(round.now, number);
        for parent in parents {
            self.service_may_be_over(round, parent);
        }
        self.release_below(round, number);
    }

    /// Somebody may be due to hear of it for the first time, such as an heir under other rules: an end is told to those who know.
    fn tell_who_heard_nothing(&mut self, round: &mut Round<'_>, number: Number) {
        let heard_nothing = |ear: &Ear| !ear.knows && !ear.told_over && ear.under.is_none() && ear.withheld.is_none();
        let Some(incident) = self.incidents.get(&number).filter(|incident| incident.is_open()) else {
            return;
        };
        let receivers = incident.ears.iter().filter(|(_, ear)| heard_nothing(ear));
        let receivers: Vec<String> = receivers.map(|(receiver, _)| receiver.clone()).collect();
        for receiver in receivers {
            self.attend_to(round, number, None, Some(&receiver));
        }
    }

    /// The failed runs that were not run again: the newest of them, newest first, and how many there are.
    fn not_again(&self, number: Number) -> (Vec<RunRef>, u32) {
        let Some(incident) = self.incidents.get(&number) else {
            return (Vec::new(), 0);
        };
        let of = |incident: &Incident| (incident.refs.clone(), incident.runs.saturating_sub(incident.again));
        let What::Provider { members, .. } = &incident.what else {
            let (mut refs, count) = of(incident);
            refs.reverse();
            return (refs, count);
        };
        let (mut refs, mut count) = (Vec::new(), 0_u32);
        for member in members.iter().filter_map(|member| self.incidents.get(member)) {
            let (more, runs) = of(member);
            refs.extend(more);
            count = count.saturating_add(runs);
        }
        refs.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
        refs.truncate(MOST_REFS);
        (refs, count)
    }

    /// Time is up for it: it ends, is escalated, or leaves the board; else whoever is due is told.
    pub(super) fn mature(&mut self, round: &mut Round<'_>, number: Number) {
        let Some(incident) = self.incidents.get(&number) else {
            return self.set_deadline(number, None);
        };
        let rhythm = rhythm_of(incident, round.policy);
        let is_over = |at: Timestamp, time| at.saturating_add(time).is_ok_and(|end| end <= round.now);
        match incident.state {
            State::Resolved => {
                let gone = incident.resolution.as_ref().is_none_or(|end| is_over(end.at, rhythm.reopen_within));
                self.attend(round, number, None);
                if gone && self.waits_anywhere(number) {
                    // Whatever it waits for asks again.
                    self.set_deadline(number, None);
                } else if gone && let Some(at) = self.last_word_at(round.now, number, round.policy) {
                    self.set_deadline(number, Some(at));
                } else if gone {
                    self.leave(number);
                }
            }
            State::Gathering => {
                if ends_at(incident, round.policy).is_some_and(|at| at <= round.now) {
                    self.give_up_gathering(round.now, number);
                } else {
                    self.attend(round, number, None);
                }
            }
            State::Open if matches!(incident.what, What::Missed { .. }) => self.verify(round, number),
            State::Open if is_over(incident.last_at, rhythm.resolve_after) => {
                let since = incident.last_at;
                self.resolve(round, number, Proof::Quiet { since });
            }
            State::Open => {
                if escalates_at(incident, round.policy).is_some_and(|at| at <= round.now) {
                    self.escalate(round, number);
                }
                self.attend(round, number, None);
            }
        }
    }

    /// Not enough failed for its rule: it ends, and nobody was told.
    pub(super) fn give_up_gathering(&mut self, now: Timestamp, number: Number) {
        let Some(incident) = self.incidents.get(&number) else {
            return;
        };
        let Some(condition) = incident.condition else {
            return;
        };
        let have = self.have(incident, condition);
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.note(now, Reason::NotEnough { condition, have });
            incident.state = State::Resolved;
            let proof = Proof::Quiet { since: incident.last_at };
            let not_again_count = incident.runs.saturating_sub(incident.again);
            incident.resolution = Some(Resolution { at: now, proof, not_again: Vec::new(), not_again_count });
        }
        self.changed.incidents.insert(number);
        self.leave(number);
    }

    fn escalate(&mut self, round: &mut Round<'_>, number: Number) {
        let Some(incident) = self.incidents.get_mut(&number) else {
            return;
        };
        incident.escalated = true;
        self.changed.incidents.insert(number);
        let rule = incident.rule.as_ref().and_then(|name| round.policy.rules.get(name));
        let Some(escalate) = rule.and_then(|rule| rule.escalate.as_ref()) else {
            return;
        };
        let may_see = |name: &&String| {
            let audience = round.policy.receivers.get(*name);
            audience.is_some_and(|audience| audience.may_see(&incident.workspace))
        };
        let receivers: Vec<String> = escalate.notify.iter().filter(may_see).cloned().collect();
        for receiver in &receivers {
            incident.ears.of(receiver).escalate = true;
        }
        if receivers.is_empty() {
            incident.note(round.now, Reason::NobodyMaySee { receivers: escalate.notify.clone() });
        } else {
            incident.note(round.now, Reason::Escalated { receivers });
        }
        // Whoever is told from now on may also be told of the service's trouble.
        if let Some(incident) = self.incidents.remove(&number) {
            self.index_services(number, &incident);
            self.incidents.insert(number, incident);
        }
    }

    /// Takes an incident from the board.
    pub(super) fn leave(&mut self, number: Number) {
        let Some(incident) = self.incidents.remove(&number) else {
            return;
        };
        if self.by_key.get(&incident.key) == Some(&number) {
            self.by_key.remove(&incident.key);
        }
        for point in &incident.points {
            self.unindex_workflow(&joined(&[&incident.workspace, &point.workflow]), number);
        }
        self.sink(number);
        self.unindex_services(number, &incident);
        self.set_deadline(number, None);
        let receivers: Vec<String> = incident.ears.keys().cloned().collect();
        for receiver in receivers {
            if let Some(desk) = self.desks.get_mut(&receiver)
                && desk.waits_for(number).is_some()
            {
                desk.leave(number);
                self.changed.desks.insert(receiver);
            }
        }
        self.changed.left.insert(number);
        // Written down as it was when it left.
        if self.changed.incidents.remove(&number) {
            self.changed.last_words.push((number, *incident));
        }
    }

    /// Whether somebody is still to be told of its end.
    pub(super) fn has_more_to_say(&self, now: Timestamp, number: Number, policy: &Policy) -> bool {
        self.waits_anywhere(number) || self.last_word_at(now, number, policy).is_some()
    }

    /// When somebody is told of its end who is not told at once, since it flaps.
    fn last_word_at(&self, now: Timestamp, number: Number, policy: &Policy) -> Option<Timestamp> {
        let incident = self.incidents.get(&number)?;
        let rhythm = rhythm_of(incident, policy);
        let later = |(receiver, ear): (&String, &Ear)| match due(now, incident, ear, rhythm, manner(receiver, policy)) {
            Due::At(at) => Some(at),
            Due::Say(_) | Due::Nothing => None,
        };
        incident.ears.iter().filter_map(later).min()
    }

    fn waits_anywhere(&self, number: Number) -> bool {
        self.desks.values().any(|desk| desk.waits_for(number).is_some())
    }

    fn release_below(&mut self, round: &mut Round<'_>, number: Number) {
        let cause = Cause::Inhibited(number);
        let waiting = |desk: &super::Desk| desk.cohorts().any(|(other, _)| *other == cause);
        let receivers: Vec<String> =
            self.desks.iter().filter(|(_, desk)| waiting(desk)).map(|(receiver, _)| receiver.clone()).collect();
        for receiver in receivers {
            self.release(round, &receiver, &cause);
        }
    }
}

/// When time ends it, escalates it or takes it from the board.
pub(super) fn ends_at(incident: &Incident, policy: &Policy) -> Option<Timestamp> {
    let rhythm = rhythm_of(incident, policy);
    let after = |at: Timestamp, time| at.saturating_add(time).unwrap_or(Timestamp::MAX);
    match incident.state {
        State::Resolved => incident.resolution.as_ref().map(|end| after(end.at, rhythm.reopen_within)),
        State::Gathering => Some(match incident.condition {
            Some(Condition::Failures { within, .. }) => after(incident.last_at, within.min(rhythm.resolve_after)),
            _ => after(incident.last_at, rhythm.resolve_after),
        }),
        // Silence proves nothing of what is missing: it ends when it happened, or when nobody expects it any more.
        State::Open if matches!(incident.what, What::Missed { .. }) => None,
        State::Open => {
            let quiet = after(incident.last_at, rhythm.resolve_after);
            Some(escalates_at(incident, policy).map_or(quiet, |at| at.min(quiet)))
        }
    }
}

/// When it is to be escalated, where it is.
pub(super) fn escalates_at(incident: &Incident, policy: &Policy) -> Option<Timestamp> {
    if incident.escalated || incident.acknowledged.is_some() || matches!(incident.what, What::Provider { .. }) {
        return None;
    }
    let rule = incident.rule.as_ref().and_then(|name| policy.rules.get(name))?;
    let escalate = rule.escalate.as_ref()?;
    Some(incident.opened_at.saturating_add(escalate.after).unwrap_or(Timestamp::MAX))
}
