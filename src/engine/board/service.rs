//! A service's trouble: the same service failing several workflows in the same way is one problem, for each receiver by itself and never
//! across workspaces. Below the gate nothing is linked: a false link hides a problem.

use std::collections::BTreeSet;

use super::compose::provider_note;
use super::gates::Gate;
use super::{Board, Round, joined};
use crate::engine::Kind;
use crate::engine::incident::{
    Ear, Ears, Incident, IncidentId, Level, Number, Proof, ProviderNote, State, What, Withheld,
};
use crate::triage::Class;

impl Board {
    /// Whether the incident is part of a service's trouble here; then that speaks for it.
    pub(super) fn service_gate(
        &mut self,
        round: &mut Round<'_>,
        incident: &mut Incident,
        ear: &mut Ear,
        gate: &Gate<'_>,
    ) -> Option<Withheld> {
        if !matches!(gate.kind, Kind::Failed | Kind::Reopened | Kind::Escalated) {
            return None;
        }
        if round.now.duration_since(incident.last_at) > round.policy.providers.within {
            return None;
        }
        let least = usize::try_from(round.policy.providers.workflows?).unwrap_or(usize::MAX);
        let key = service_key(gate.receiver, incident)?;
        let What::Failure { provider: Some(provider), class, status } = &incident.what else {
            return None;
        };
        let (provider, class, status) = (provider.clone(), *class, *status);
        let parent_key = joined(&["service", &key]);
        // One that lost this receiver on a reload does not speak to it.
        let open = |number: &Number| {
            let parent = self.incidents.get(number);
            parent.is_some_and(|parent| parent.is_open() && parent.ears.get(gate.receiver).is_some())
        };
        let parent = if let Some(parent) = self.by_key.get(&parent_key).copied().filter(open) {
            parent
        } else {
            let others = self.alike(round, &key, gate.number);
            let mut workflows: BTreeSet<&str> = others.iter().flat_map(|number| self.workflows_of(*number)).collect();
            workflows.extend(incident.points.iter().map(|point| point.workflow.as_str()));
            // One problem alone is no trouble of several, however many workflows it has.
            if others.is_empty() || workflows.len() < least {
                return None;
            }
            let what = What::Provider { provider: provider.clone(), class, status, members: Vec::new() };
            let parent = self.open_service(round, incident, gate, what, parent_key);
            let why = self
                .incidents
                .get(&parent)
                .map(|service| Withheld::Provider { incident: service.id.clone(), provider: provider.clone() });
            for other in others {
                self.adopt_member(parent, other, gate.receiver, why.as_ref());
            }
            parent
        };
        ear.under = Some(parent);
        self.wait_no_longer(gate.number, gate.receiver);
        self.count_member(round, parent, gate.number, incident);
        let incident = self.incidents.get(&parent)?.id.clone();
        Some(Withheld::Provider { incident, provider })
    }

    /// The open incidents that fail in the same way, of the time that the gate looks at. One that somebody silenced, or that something
    /// else speaks for, is not named in another's message, and its severity lifts none.
    fn alike(&self, round: &Round<'_>, key: &str, number: Number) -> Vec<Number> {
        let within = round.policy.providers.within;
        let speaks = |other: &Number| {
            let Some(incident) = self.incidents.get(other).filter(|_| *other != number) else {
                return false;
            };
            incident.is_open()
                && round.now.duration_since(incident.last_at) <= within
                && !self.is_kept_still(round, *other, incident)
        };
        self.by_service.get(key).into_iter().flatten().copied().filter(speaks).collect()
    }

    fn workflows_of(&self, number: Number) -> impl Iterator<Item = &str> {
        let points = self.incidents.get(&number).map(|incident| incident.points.iter());
        points.into_iter().flatten().map(|point| point.workflow.as_str())
    }

    fn open_service(
        &mut self,
        round: &mut Round<'_>,
        first: &Incident,
        gate: &Gate<'_>,
        what: What,
        key: String,
    ) -> Number {
        let opened = round.now.as_microsecond().to_string();
        let mut ears = Ears::default();
        ears.of(gate.receiver);
        let parent = Incident {
            id: IncidentId::of_parts(&[&key, &opened]),
            key,
            rule: None,
            what,
            group: Vec::new(),
            runbook: None,
            owner: None,
            state: State::Open,
            level: Level::Failed,
            opened_at: first.opened_at,
            failures: 0,
            runs: 0,
            again: 0,
            retrying: BTreeSet::new(),
            refs: Vec::new(),
            times: Vec::new(),
            condition: None,
            points: Vec::new(),
            overflow: false,
            opening: crate::engine::incident::Packed::of(gate.card),
            novelty: crate::engine::incident::Novelty::default(),
            ears,
            acknowledged: None,
            escalated: false,
            resolution: None,
            before: None,
            reopened: 0,
            said: 0,
            lines: Vec::new(),
            ..first.clone()
        };
        self.insert(parent)
    }

    /// One that was told by itself before the gate opened is spoken for from now on.
    fn adopt_member(&mut self, parent: Number, number: Number, receiver: &str, why: Option<&Withheld>) {
        let Some(mut incident) = self.incidents.remove(&number) else {
            return;
        };
        if let Some(ear) = incident.ears.get_mut(receiver) {
            ear.under = Some(parent);
            ear.withheld = why.cloned();
        }
        self.wait_no_longer(number, receiver);
        self.add_member(parent, number, &incident);
        self.changed.incidents.insert(number);
        self.incidents.insert(number, incident);
    }

    /// It is told as a part of the service's trouble: what it waited for would count it a second time.
    fn wait_no_longer(&mut self, number: Number, receiver: &str) {
        if let Some(desk) = self.desks.get_mut(receiver)
            && desk.waits_for(number).is_some()
        {
            desk.leave(number);
            self.changed.desks.insert(receiver.to_owned());
        }
    }

    fn count_member(&mut self, round: &mut Round<'_>, parent: Number, number: Number, incident: &Incident) {
        self.add_member(parent, number, incident);
        round.later.push(parent);
    }

    fn add_member(&mut self, parent: Number, number: Number, incident: &Incident) {
        let Some(service) = self.incidents.get_mut(&parent) else {
            return;
        };
        if let What::Provider { members, .. } = &mut service.what
            && !members.contains(&number)
        {
            members.push(number);
            service.failures = service.failures.saturating_add(incident.failures);
            service.runs = service.runs.saturating_add(incident.runs);
        }
        service.opened_at = service.opened_at.min(incident.opened_at);
        if service.last_at <= incident.last_at {
            service.last_at = incident.last_at;
            service.last_run.clone_from(&incident.last_run);
        }
        service.severity = service.severity.max(incident.severity);
        self.changed.incidents.insert(parent);
    }

    /// A member failed again: whoever speaks for it counts it.
    pub(super) fn tell_service(&mut self, round: &mut Round<'_>, incident: &Incident, new_run: bool) {
        let parents: BTreeSet<Number> = incident.ears.values().filter_map(|ear| ear.under).collect();
        for parent in parents {
            let Some(service) = self.incidents.get_mut(&parent) else {
                continue;
            };
            service.failures = service.failures.saturating_add(1);
            service.runs = service.runs.saturating_add(u32::from(new_run));
            service.last_at = incident.last_at;
            service.last_run.clone_from(&incident.last_run);
            self.changed.incidents.insert(parent);
            round.later.push(parent);
        }
    }

    /// A member is over: perhaps all of them are.
    pub(super) fn service_may_be_over(&mut self, round: &mut Round<'_>, parent: Number) {
        let Some(service) = self.incidents.get(&parent) else {
            return;
        };
        let What::Provider { members, .. } = &service.what else {
            return;
        };
        let over = |number: &Number| self.incidents.get(number).is_none_or(|member| member.state == State::Resolved);
        if service.is_open() && members.iter().all(over) {
            self.resolve(round, parent, Proof::Members);
        }
    }

    /// The service's trouble is over: what it said counts as said of its members, and from now on each speaks for itself again.
    pub(super) fn release_members(&mut self, now: jiff::Timestamp, parent: Number) {
        let Some(service) = self.incidents.get(&parent) else {
            return;
        };
        let What::Provider { members, .. } = &service.what else {
            return;
        };
        for number in members.clone() {
            let Some(member) = self.incidents.get_mut(&number) else {
                continue;
            };
            let (state, level, failures, runs) = (member.state, member.level, member.failures, member.runs);
            for ear in member.ears.values_mut().filter(|ear| ear.under == Some(parent)) {
                ear.under = None;
                ear.withheld = None;
                (ear.knows, ear.told_over) = (state == State::Open, state == State::Resolved);
                (ear.level, ear.failures, ear.runs) = (level, failures, runs);
                ear.last_at = Some(now);
            }
            self.changed.incidents.insert(number);
            // Time is asked about it anew: whoever it reminds, and when, is another matter now.
            self.set_deadline(number, Some(now));
        }
    }

    /// The service and the workflows that it fails.
    pub(super) fn provider_note(&self, incident: &Incident) -> Option<(ProviderNote, u32)> {
        let What::Provider { members, .. } = &incident.what else {
            return None;
        };
        let known = members.iter().filter_map(|number| self.incidents.get(number)).map(AsRef::as_ref);
        let note = provider_note(incident, known)?;
        let workflows: BTreeSet<&str> = members.iter().flat_map(|number| self.workflows_of(*number)).collect();
        let count = u32::try_from(workflows.len()).unwrap_or(u32::MAX);
        Some((note, count))
    }

    pub(super) fn index_services(&mut self, number: Number, incident: &Incident) {
        if !incident.is_open() {
            return;
        }
        for receiver in incident.ears.keys() {
            if let Some(key) = service_key(receiver, incident) {
                self.by_service.entry(key).or_default().insert(number);
            }
        }
    }

    pub(super) fn unindex_services(&mut self, number: Number, incident: &Incident) {
        for key in incident.ears.keys().filter_map(|receiver| service_key(receiver, incident)) {
            if let Some(numbers) = self.by_service.get_mut(&key) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.by_service.remove(&key);
                }
            }
        }
    }
}

/// What must be the same for two problems to be one service's; none where it can't be a service's at all.
fn service_key(receiver: &str, incident: &Incident) -> Option<String> {
    let What::Failure { provider: Some(provider), class, status } = &incident.what else {
        return None;
    };
    if !matches!(class, Class::Transient | Class::Authorization) || incident.level != Level::Failed {
        return None;
    }
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    Some(joined(&[receiver, &incident.workspace, provider, class.as_str(), &status]))
}
