//! What comes next, for people: of an incident if nothing changes, and of what waits.

use jiff::Timestamp;
use serde::Serialize;

use super::Board;
use super::desk::Cause;
use super::end::ends_at;
use super::end::escalates_at;
use crate::engine::Policy;
use crate::engine::incident::{Incident, Number, State, Withheld};
use crate::engine::rhythm::{Due, due, manner, rhythm_of};

/// What comes next of an incident, if nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coming {
    /// Nobody acknowledged: the next ones are told.
    Escalation,
    /// The newest counts are told.
    Update,
    /// A reminder.
    Reminder,
    /// Nothing failed for so long: it is taken for over.
    Over,
    /// Not enough failed for its rule: it is forgotten, and nobody was told.
    Forgotten,
    /// It is over; from then on a failure is a new incident.
    Closed,
}

impl Board {
    /// What comes next of an incident, and when, if nothing changes.
    #[must_use]
    pub fn coming(&self, now: Timestamp, incident: &Incident, policy: &Policy) -> Option<(Timestamp, Coming)> {
        let rhythm = rhythm_of(incident, policy);
        let ears = incident.ears.iter().filter(|(_, ear)| ear.withheld.is_none());
        let told = ears.filter_map(|(receiver, ear)| match due(now, incident, ear, rhythm, manner(receiver, policy)) {
            Due::At(at) if incident.failures > ear.failures || !ear.knows => Some((at, Coming::Update)),
            Due::At(at) => Some((at, Coming::Reminder)),
            Due::Say(_) | Due::Nothing => None,
        });
        let end = match incident.state {
            State::Gathering => Coming::Forgotten,
            State::Open => Coming::Over,
            State::Resolved => Coming::Closed,
        };
        let escalates = escalates_at(incident, policy).filter(|_| incident.is_open());
        let quiet = incident.last_at.saturating_add(rhythm.resolve_after).unwrap_or(Timestamp::MAX);
        let ends = if incident.is_open() { Some(quiet) } else { ends_at(incident, policy) };
        told.chain(escalates.map(|at| (at, Coming::Escalation))).chain(ends.map(|at| (at, end))).min()
    }

    /// When what a receiver is not told of this incident is told, where time decides that; none where something else has to happen.
    #[must_use]
    pub fn released_at(
        &self,
        now: Timestamp,
        receiver: &str,
        number: Number,
        why: &Withheld,
        policy: &Policy,
    ) -> Option<Timestamp> {
        let cohort = |cause: &Cause| {
            let desk = self.desks.get(receiver)?;
            let budget = policy.receivers.get(receiver)?.budget;
            let (_, cohort) =
                desk.cohorts().find(|(other, cohort)| *other == cause && cohort.members.contains(&number))?;
            Some(desk.storm_ends(cohort, now, budget))
        };
        match why {
            // It may have been made longer, or ended, since.
            Withheld::Silence { id, until } => {
                let configured = || policy.silences.iter().find(|silence| silence.id == *id);
                let silence = self.silences.get(id).or_else(configured);
                Some(silence.map_or(*until, |silence| silence.until))
            }
            Withheld::Quiet { until, .. } | Withheld::Rhythm { until } => Some(*until),
            Withheld::Budget { .. } => cohort(&Cause::Storm),
            Withheld::Condition { .. } | Withheld::Inhibited { .. } | Withheld::Provider { .. } => None,
        }
    }
}
