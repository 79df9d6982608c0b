//! Goes round an incident's receivers: what is due for each, whether anything withholds it, and what is said. The only place from which
//! anything about an incident is said, but for summaries.

use jiff::{SignedDuration, Timestamp};

use super::compose::{self, Saying};
use super::end::ends_at;
use super::gates::Gate;
use super::{Board, Round};
use crate::engine::incident::{Ear, Incident, Number, State, Withheld};
use crate::engine::rhythm::{Due, due, manner, rhythm_of, shows};
use crate::engine::{Kind, Manner, Policy, Reason, Rhythm, Told};
use crate::triage::Card;

/// How often one is asked about that has something to say and no card to say it with.
const WITHOUT_A_CARD: SignedDuration = SignedDuration::from_hours(1);

/// What is said to some receivers in the same words.
struct Group {
    kind: Kind,
    /// How many failures are news to them.
    more: u32,
    withheld: Option<Withheld>,
    receivers: Vec<String>,
}

impl Board {
    /// Tells whoever is to be told now, and sets the time when to ask again. `card`: of the failure that just joined.
    pub(super) fn attend(&mut self, round: &mut Round<'_>, number: Number, card: Option<&Card>) {
        self.attend_to(round, number, card, None);
    }

    /// As [`Self::attend`]; `only`: this receiver, whose budget may be used to the last message.
    pub(super) fn attend_to(&mut self, round: &mut Round<'_>, number: Number, card: Option<&Card>, only: Option<&str>) {
        let Some(mut incident) = self.incidents.remove(&number) else {
            return;
        };
        let rhythm = rhythm_of(&incident, round.policy);
        let mut groups: Vec<Group> = Vec::new();
        let receivers: Vec<String> = incident.ears.keys().cloned().collect();
        let mut unpacked: Option<Card> = None;
        for receiver in receivers {
            let Some(mut ear) = incident.ears.get(&receiver).cloned() else {
                continue;
            };
            let manner = manner(&receiver, round.policy);
            let kind = match due(round.now, &incident, &ear, rhythm, manner) {
                Due::Nothing | Due::At(_) => continue,
                Due::Say(kind) => kind,
            };
            if only.is_some_and(|only| only != receiver) {
                continue;
            }
            let news = card;
            let card = if let Some(card) = card {
                card
            } else {
                if unpacked.is_none() {
                    unpacked = incident.opening.card();
                }
                match &unpacked {
                    Some(card) => card,
                    None => continue,
                }
            };
            let stands = shows(&ear, manner);
            let (silent, free) = (stands && manner.is_silent(kind), stands && manner.is_free(kind));
            let gate = Gate { number, receiver: &receiver, kind, card, news, free, to_the_last: only.is_some() };
            if !silent && let Some(why) = self.gate(round, &mut incident, &mut ear, &gate) {
                if ear.withheld.as_ref() != Some(&why) {
                    withhold(round.now, &mut incident, &receiver, kind, why.clone());
                    ear.withheld = Some(why);
                    self.changed.incidents.insert(number);
                }
                incident.ears.insert(&receiver, ear);
                continue;
            }
            if kind == Kind::Acknowledged {
                // It says nothing of what else there is to tell, or waits.
                ear.acknowledged = true;
                incident.ears.insert(&receiver, ear);
                self.changed.incidents.insert(number);
                add(&mut groups, kind, 0, None, receiver);
                continue;
            }
            let withheld = ear.withheld.take();
            // What is told as a part of a service's trouble is counted there.
            let counted = if ear.under.is_some() { incident.failures } else { ear.failures };
            let more = incident.failures.saturating_sub(counted);
            hear(round.now, &incident, &mut ear, kind, manner);
            incident.ears.insert(&receiver, ear);
            let desk = self.desks.entry(receiver.clone()).or_default();
            let waited = desk.waits_for(number).is_some();
            desk.leave(number);
            let budget = round.policy.receivers.get(&receiver).and_then(|audience| audience.budget);
            if !free {
                desk.sent(round.now, budget);
            }
            if budget.is_some() || waited {
                self.changed.desks.insert(receiver.clone());
            }
            self.changed.incidents.insert(number);
            add(&mut groups, kind, more, withheld, receiver);
        }
        for group in groups {
            self.say(round, number, &mut incident, group, card.or(unpacked.as_ref()));
        }
        let mut next = next_of(round.now, &incident, rhythm, round.policy);
        if next.is_some_and(|at| at <= round.now) && incident.opening.card().is_none() {
            // Nothing can be said without a card; a failure that joins brings one.
            next = round.now.saturating_add(WITHOUT_A_CARD).ok();
        }
        self.set_deadline(number, next);
        self.incidents.insert(number, incident);
    }

    fn say(&self, round: &mut Round<'_>, number: Number, incident: &mut Incident, group: Group, card: Option<&Card>) {
        let Some(card) = card else {
            return;
        };
        incident.said = incident.said.saturating_add(1);
        let saying = Saying { kind: group.kind, more: group.more, withheld: group.withheld };
        let provider = self.provider_note(incident);
        let notification = compose::notification(round.now, incident, card, saying, provider);
        incident.note(
            round.now,
            Reason::Told {
                kind: group.kind,
                failure: incident.failures,
                rules: incident.rule.iter().cloned().collect(),
                receivers: group.receivers.clone(),
                incident: None,
            },
        );
        round.told.push(Told { notification, receivers: group.receivers, incident: Some(number) });
    }
}

/// One more is told this, in the same words as others where it can be.
fn add(groups: &mut Vec<Group>, kind: Kind, more: u32, withheld: Option<Withheld>, receiver: String) {
    let same = |group: &&mut Group| group.kind == kind && group.more == more && group.withheld == withheld;
    match groups.iter_mut().find(same) {
        Some(group) => group.receivers.push(receiver),
        None => groups.push(Group { kind, more, withheld, receivers: vec![receiver] }),
    }
}

/// When time has to be asked again. What is withheld waits for something else.
fn next_of(now: Timestamp, incident: &Incident, rhythm: Rhythm, policy: &Policy) -> Option<Timestamp> {
    let ears = incident.ears.iter().filter_map(|(receiver, ear)| {
        match due(now, incident, ear, rhythm, manner(receiver, policy)) {
            Due::At(at) => Some(at),
            Due::Say(kind) if ear.withheld.is_none() || kind == Kind::Acknowledged => Some(now),
            Due::Say(_) | Due::Nothing => None,
        }
    });
    ears.chain(ends_at(incident, policy)).min()
}

fn withhold(now: Timestamp, incident: &mut Incident, receiver: &str, kind: Kind, why: Withheld) {
    let (id, rule) = (incident.id.clone(), incident.rule.clone());
    // Said of several receivers at once, where they wait for the same.
    if let Some(line) = incident.lines.last_mut()
        && line.at == now
        && let Reason::Withheld { kind: other, receivers, why: same, .. } = &mut line.reason
        && *other == kind
        && *same == why
    {
        receivers.push(receiver.to_owned());
        return;
    }
    let receivers = vec![receiver.to_owned()];
    incident.note(now, Reason::Withheld { incident: id, kind, rule, receivers, why });
}

/// What a receiver knows once it was told `kind`.
pub(super) fn hear(now: Timestamp, incident: &Incident, ear: &mut Ear, kind: Kind, manner: Manner) {
    if kind != Kind::Summary {
        // An alert that is raised is not acknowledged by what its text says; one that stands stays as it is.
        ear.acknowledged = match manner {
            Manner::Alert => ear.stands && ear.acknowledged,
            Manner::Posts | Manner::Edits => incident.acknowledged.is_some(),
        };
        ear.stands = manner != Manner::Posts && kind != Kind::Resolved;
    }
    ear.reminders = match kind {
        Kind::StillOpen => ear.reminders.saturating_add(1),
        _ => 0,
    };
    ear.escalate = false;
    ear.level = incident.level;
    ear.last_at = Some(now);
    ear.failures = incident.failures;
    ear.runs = incident.runs;
    ear.knows = incident.state == State::Open;
    ear.told_over = incident.state == State::Resolved;
}
