//! What waits on the board, for people: which problem, for whom, why, and until when.

use jiff::Timestamp;
use serde::Serialize;

use super::Board;
use crate::engine::incident::{Incident, IncidentId, Number, State, Withheld};

/// A problem that somebody is not told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Its number.
    #[serde(skip)]
    pub number: Number,
    /// Which.
    pub incident: IncidentId,
    /// Since when it goes on.
    pub since: Timestamp,
    /// How many failures.
    pub failures: u32,
    /// Who waits, and for what.
    pub waiting: Vec<Waiting>,
}

/// A receiver that is not told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Which.
    pub receiver: String,
    /// Why.
    pub why: Withheld,
}

impl Board {
    /// Every problem that somebody is not told yet.
    #[must_use]
    pub fn pending(&self) -> Vec<Pending> {
        let waiting = |incident: &Incident| -> Vec<Waiting> {
            let gathering = incident.condition.filter(|_| incident.state == State::Gathering);
            let of = |(receiver, ear): (&String, &crate::engine::incident::Ear)| {
                let why = match gathering {
                    Some(condition) => Withheld::Condition { condition, have: self.have(incident, condition) },
                    None => ear.withheld.clone()?,
                };
                Some(Waiting { receiver: receiver.clone(), why })
            };
            incident.ears.iter().filter_map(of).collect()
        };
        self.incidents()
            .map(|(number, incident)| Pending {
                number,
                incident: incident.id.clone(),
                since: incident.opened_at,
                failures: incident.failures,
                waiting: waiting(incident),
            })
            .filter(|pending| !pending.waiting.is_empty())
            .collect()
    }
}
