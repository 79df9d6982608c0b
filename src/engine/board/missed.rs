//! Something that is expected is missing: it becomes an incident like any other, and is over when it happened. No time ends it, for
//! silence is what it is about.

use jiff::Timestamp;

use super::going::Going;
use super::group::{owned_by, owner};
use super::join::reopen;
use super::subject::{Subject, named};
use super::{Board, Round, joined};
use crate::engine::incident::{
    Concern, Ears, Incident, IncidentId, Level, Novelty, Number, Packed, Proof, State, What,
};
use crate::engine::tell::listeners;
use crate::engine::{Expectation, Expected, Policy, Reason};
use crate::run::{RunKey, Workflow};
use crate::triage::{Card, Missed, MissedRun, missed_card};

/// What was found missing.
pub(super) struct Found<'a> {
    pub(super) source: &'a str,
    /// What people call the workflow, where that is not its key.
    pub(super) name: Option<&'a str>,
    pub(super) workflow: &'a str,
    /// The run that it is about.
    pub(super) run: Option<(&'a RunKey, &'a Going)>,
    /// Since when it is missing.
    pub(super) due: Timestamp,
    /// The look that confirmed it, where there was something to look at.
    pub(super) read_at: Option<Timestamp>,
    pub(super) missed: Missed,
}

impl Found<'_> {
    fn card(&self, subject: &Subject) -> Card {
        let workflow = match &subject.concern {
            Concern::Unseen { workflow } => Workflow { id: None, name: Some(workflow.clone()), version: None },
            _ => Workflow { id: Some(self.workflow.to_owned()), name: self.name.map(str::to_owned), version: None },
        };
        let run = self.run.map(|(key, going)| MissedRun {
            id: key.run.clone(),
            url: going.url.clone(),
            started_at: going.started_at,
        });
        let mut card = missed_card(self.source, &subject.workspace, &workflow, run.as_ref(), self.missed.clone());
        if let Some((_, going)) = self.run {
            card.provider = going.parked.as_ref().and_then(|parked| parked.provider.clone());
        }
        card
    }

    /// How many runs are parked.
    fn parked(&self) -> u32 {
        if let Missed::Authorization { parked, .. } = self.missed { parked } else { 0 }
    }
}

impl Board {
    /// Whether it is known to be missing.
    pub(super) fn is_missed(&self, subject: &Subject, expectation: &Expectation) -> bool {
        self.missed_number(subject, expectation).is_some()
    }

    fn missed_number(&self, subject: &Subject, expectation: &Expectation) -> Option<Number> {
        let number = self.by_key.get(&subject.key(&expectation.name)).copied()?;
        self.incident(number).is_some_and(Incident::is_open).then_some(number)
    }

    /// It is missing, and confirmed to be.
    pub(super) fn raise(
        &mut self,
        round: &mut Round<'_>,
        expectation: &Expectation,
        subject: &Subject,
        found: &Found<'_>,
    ) {
        let card = found.card(subject);
        let number = self.missed_incident(round, expectation, subject, &card);
        let Some(mut incident) = self.incidents.remove(&number) else {
            return;
        };
        incident.last_at = round.now;
        incident.opening = Packed::of(&card);
        incident.runs = found.parked();
        incident.last_run = found.run.map(|(key, going)| going.run_ref(key));
        incident.note(round.now, Reason::Missed { due: found.due, read_at: found.read_at });
        match listeners(&expectation.notify, &card, round.policy) {
            Ok(receivers) => {
                for receiver in receivers {
                    incident.ears.of(&receiver);
                }
            }
            Err(hidden) if hidden.is_empty() => {
                incident.note(round.now, Reason::NobodyToTell { rules: vec![expectation.name.clone()] });
            }
            Err(receivers) => incident.note(round.now, Reason::NobodyMaySee { receivers }),
        }
        self.changed.incidents.insert(number);
        self.watch.miss(subject.clone(), number);
        self.rise(number, &incident, round.policy);
        self.place(number, incident);
        self.attend(round, number, Some(&card));
    }

    /// As many runs as this are parked now.
    pub(super) fn recount(
        &mut self,
        round: &mut Round<'_>,
        expectation: &Expectation,
        subject: &Subject,
        found: &Found<'_>,
    ) -> bool {
        let Some(number) = self.missed_number(subject, expectation) else {
            return false;
        };
        let Some(incident) = self.incidents.get_mut(&number).filter(|incident| incident.runs != found.parked()) else {
            return true;
        };
        let card = found.card(subject);
        incident.runs = found.parked();
        incident.opening = Packed::of(&card);
        incident.last_run = found.run.map(|(key, going)| going.run_ref(key));
        self.changed.incidents.insert(number);
        self.attend(round, number, Some(&card));
        true
    }

    fn missed_incident(
        &mut self,
        round: &mut Round<'_>,
        expectation: &Expectation,
        subject: &Subject,
        card: &Card,
    ) -> Number {
        let key = subject.key(&expectation.name);
        if let Some(number) = self.by_key.get(&key).copied()
            && let Some(incident) = self.incidents.get_mut(&number)
        {
            let rhythm = round.policy.rhythm;
            let end = incident.resolution.as_ref().and_then(|end| end.at.saturating_add(rhythm.reopen_within).ok());
            if end.is_none_or(|end| round.now <= end) {
                if incident.state == State::Resolved {
                    reopen(incident, round.now);
                }
                return number;
            }
            self.leave(number);
        }
        let last_success = match &subject.concern {
            Concern::Workflow { workflow } => {
                self.workflows.get(&joined(&[&subject.workspace, workflow])).and_then(|known| known.success.clone())
            }
            _ => None,
        };
        let runbook = || owned_by(card, round.policy).and_then(|owner| owner.runbook.clone());
        let opened = round.now.as_microsecond().to_string();
        self.insert(Incident {
            id: IncidentId::of_parts(&[&key, &opened]),
            key,
            workspace: subject.workspace.clone(),
            rule: Some(expectation.name.clone()),
            what: What::Missed { expectation: expectation.name.clone(), concern: subject.concern.clone() },
            group: Vec::new(),
            severity: expectation.severity,
            runbook: expectation.runbook.clone().or_else(runbook),
            owner: owner(card, round.policy),
            state: State::Open,
            level: Level::Failed,
            opened_at: round.now,
            last_at: round.now,
            last_run: None,
            failures: 0,
            runs: 0,
            again: 0,
            retrying: std::collections::BTreeSet::new(),
            refs: Vec::new(),
            times: Vec::new(),
            condition: None,
            points: Vec::new(),
            overflow: false,
            opening: Packed::of(card),
            novelty: Novelty { last_success, ..Novelty::default() },
            ears: Ears::default(),
            acknowledged: None,
            escalated: false,
            resolution: None,
            before: None,
            reopened: 0,
            said: 0,
            lines: Vec::new(),
        })
    }

    /// Looks whether something that is missing still is. It ends where it happened, or where nobody can say any more; else whoever is due
    /// is told.
    pub(super) fn verify(&mut self, round: &mut Round<'_>, number: Number) {
        let Some(incident) = self.incidents.get(&number).filter(|incident| incident.is_open()) else {
            return;
        };
        let What::Missed { expectation, concern } = &incident.what else {
            return;
        };
        let subject = Subject { workspace: incident.workspace.clone(), concern: concern.clone() };
        let opened = incident.opening.card().and_then(|card| card.missed);
        let Some(proof) = self.outcome(round.now, &subject, expectation, opened.as_ref(), round.policy) else {
            return self.attend(round, number, None);
        };
        self.watch.over(&subject, number);
        if let Some(incident) = self.incidents.get_mut(&number) {
            // Nothing is parked any more; and none of what was is a failed run that somebody has to run again.
            incident.runs = 0;
        }
        self.resolve(round, number, proof);
    }

    /// What proves an open incident of this subject over; none while it is missing.
    fn outcome(
        &self,
        now: Timestamp,
        subject: &Subject,
        expectation: &str,
        opened: Option<&Missed>,
        policy: &Policy,
    ) -> Option<Proof> {
        let Some(index) = policy.expectations.iter().position(|other| other.name == expectation) else {
            return Some(Proof::Moot);
        };
        let expectation = policy.expectations.get(index)?;
        let is_about = |workflow: &str| self.watch.about(&subject.workspace, workflow).contains(&index);
        match &subject.concern {
            Concern::Workflow { workflow } => {
                let Expected::Success { every } = expectation.expected else {
                    return Some(Proof::Moot);
                };
                let known = self.workflows.get(&joined(&[&subject.workspace, workflow]));
                let Some(known) = known.filter(|_| is_about(workflow)) else {
                    return Some(Proof::Moot);
                };
                let succeeded = known.success.as_ref().map(|success| success.at);
                let before = if let Some(Missed::Success { last, .. }) = opened { *last } else { None };
                // Without a success since, only other rules can have moved the deadline.
                let proof = if succeeded > before { Proof::Happened } else { Proof::Moot };
                (known.succeeds_by(every) > now).then_some(proof)
            }
            Concern::Unseen { workflow } => {
                let named = named(expectation, policy);
                let named =
                    named.iter().find(|named| named.workflow == *workflow && named.workspace == subject.workspace);
                match named {
                    None => Some(Proof::Moot),
                    Some(named) => {
                        let waiting = self.watch.unseen.get(named).is_some_and(|waiting| waiting.contains(&index));
                        (!waiting).then_some(Proof::Happened)
                    }
                }
            }
            Concern::Run { workflow, .. } => {
                let Some(going) = subject.run_key().and_then(|key| self.going.get(&key)) else {
                    return Some(Proof::Happened);
                };
                if !is_about(workflow) {
                    return Some(Proof::Moot);
                }
                let goes_on = match expectation.expected {
                    Expected::Running { .. } => going.running_since().is_some(),
                    Expected::Waiting { .. } => going.waiting_since().is_some(),
                    Expected::Success { .. } | Expected::Reauthorization => return Some(Proof::Moot),
                };
                (!goes_on).then_some(Proof::Happened)
            }
            Concern::Connection { .. } => {
                if expectation.expected != Expected::Reauthorization {
                    return Some(Proof::Moot);
                }
                let parked = self.watch.parked.contains_key(&(index, subject.clone()));
                (!parked).then_some(Proof::Happened)
            }
        }
    }
}

/// Whom the expectation that found it missing would tell now.
pub(super) fn whom_now(expectation: &str, card: &Card, policy: &Policy) -> Vec<String> {
    let expectation = policy.expectations.iter().find(|other| other.name == expectation);
    expectation.and_then(|expectation| listeners(&expectation.notify, card, policy).ok()).unwrap_or_default()
}
