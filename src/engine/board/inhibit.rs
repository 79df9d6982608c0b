//! `[[inhibit]]`: while something above it is open, what is below waits.

use super::Board;
use crate::engine::incident::{Incident, IncidentId, Number, What, Withheld};
use crate::engine::rule::{Facts, Field};
use crate::engine::{Inhibition, Policy};
use crate::triage::Card;

impl Board {
    /// An incident is open: it may be above others, by what opened it.
    pub(super) fn rise(&mut self, number: Number, incident: &Incident, policy: &Policy) {
        let speaks_for_others = matches!(incident.what, What::Provider { .. });
        if policy.inhibitions.is_empty() || speaks_for_others || !self.risen.insert(number) {
            return;
        }
        let Some(card) = incident.opening.card() else {
            return;
        };
        for (index, inhibition) in policy.inhibitions.iter().enumerate() {
            if inhibition.source.matches(Facts::of(&card)) {
                self.inhibitors.entry((index, values(inhibition, &card))).or_default().insert(number);
            }
        }
    }

    /// An incident is over: it is above nothing any more.
    pub(super) fn sink(&mut self, number: Number) {
        self.risen.remove(&number);
        self.inhibitors.retain(|_, numbers| {
            numbers.remove(&number);
            !numbers.is_empty()
        });
    }

    /// What is above this one: the inhibition's name, and which incident.
    pub(super) fn inhibitor(
        &self,
        number: Number,
        incident: &Incident,
        card: &Card,
        policy: &Policy,
    ) -> Option<(String, Number, IncidentId)> {
        for (index, inhibition) in policy.inhibitions.iter().enumerate() {
            if !inhibition.target.matches(Facts::of(card)) {
                continue;
            }
            let above = self.inhibitors.get(&(index, values(inhibition, card)));
            for above in above.into_iter().flatten().copied().filter(|above| *above != number) {
                let Some(other) = self.incidents.get(&above) else {
                    continue;
                };
                let may_speak = other.workspace.is_empty() || other.workspace == incident.workspace;
                if other.is_open() && may_speak && !is_below(other) {
                    return Some((inhibition.name.clone(), above, other.id.clone()));
                }
            }
        }
        None
    }
}

/// Two that are above each other must not both be silent.
fn is_below(incident: &Incident) -> bool {
    incident.ears.values().any(|ear| matches!(ear.withheld, Some(Withheld::Inhibited { .. })))
}

fn values(inhibition: &Inhibition, card: &Card) -> Vec<Option<String>> {
    let facts = Facts::of(card);
    inhibition.equal.iter().map(|field: &Field| field.of(facts).map(std::borrow::Cow::into_owned)).collect()
}
