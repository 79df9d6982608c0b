//! The end of a waiting: what was withheld together is told together, with exact counts. One problem that still goes on is told by
//! itself; one that came and went is counted.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::{Cause, Cohort};
use super::{Board, Round, attend};
use crate::engine::incident::{
    Incident, MOST_LINES, MOST_TALLIES, Number, State, Summary, SummaryLine, Tallies, What, Withheld,
};
use crate::engine::{Kind, Notification, NotificationId, Reason, Severity, Subject, Told};
use crate::triage::Card;

impl Board {
    /// What waited for `cause` waits no longer.
    pub(super) fn release(&mut self, round: &mut Round<'_>, receiver: &str, cause: &Cause) {
        let Some(cohort) = self.desks.get_mut(receiver).and_then(|desk| desk.take(cause)) else {
            return;
        };
        self.changed.desks.insert(receiver.to_owned());
        let free: Vec<Number> = self.not_held_back_again(round, receiver, &cohort);
        match free.as_slice() {
            [] => {}
            [number] if self.can_speak_for_itself(*number, receiver) => {
                self.attend_to(round, *number, None, Some(receiver));
            }
            _ => self.sum_up(round, receiver, cause, &cohort, &free),
        }
        for number in free {
            self.waited_enough(number, receiver);
        }
        // What leaves the board only waited for this.
        for number in cohort.members {
            if self.incidents.contains_key(&number) && !self.deadline_of.contains_key(&number) {
                self.set_deadline(number, Some(round.now));
            }
        }
    }

    /// There may have been nothing left to say: then it is not withheld any more, either.
    fn waited_enough(&mut self, number: Number, receiver: &str) {
        let waits = self.desks.get(receiver).is_some_and(|desk| desk.waits_for(number).is_some());
        let ear = self.incidents.get_mut(&number).and_then(|incident| incident.ears.get_mut(receiver));
        if let Some(ear) = ear.filter(|ear| !waits && ear.under.is_none() && ear.withheld.is_some()) {
            ear.withheld = None;
            self.changed.incidents.insert(number);
        }
    }

    /// The members that nothing else holds back; the others wait for that.
    fn not_held_back_again(&mut self, round: &Round<'_>, receiver: &str, cohort: &Cohort) -> Vec<Number> {
        let mut free = Vec::new();
        for number in cohort.members.iter().copied() {
            let Some(mut incident) = self.incidents.remove(&number) else {
                continue;
            };
            let held = incident
                .opening
                .card()
                .and_then(|card| self.outer_gate(round, &incident, number, receiver, &card, None));
            match held {
                // A problem that is over needs no more patience than its summary.
                Some((cause, why)) if incident.state != State::Resolved => {
                    if let Some(ear) = incident.ears.get_mut(receiver) {
                        ear.withheld = Some(why.clone());
                    }
                    self.changed.incidents.insert(number);
                    self.desks.entry(receiver.to_owned()).or_default().wait(round.now, cause, why, number);
                }
                Some((Cause::Quiet, why)) => {
                    self.desks.entry(receiver.to_owned()).or_default().wait(round.now, Cause::Quiet, why, number);
                }
                _ => free.push(number),
            }
            self.incidents.insert(number, incident);
        }
        free
    }

    /// Whether the receiver can be told of it as of any other: it goes on, or its end is news.
    fn can_speak_for_itself(&self, number: Number, receiver: &str) -> bool {
        self.incidents.get(&number).is_some_and(|incident| {
            let knows = incident.ears.get(receiver).is_some_and(|ear| ear.knows);
            incident.is_open() || knows
        })
    }

    fn sum_up(&mut self, round: &mut Round<'_>, receiver: &str, cause: &Cause, cohort: &Cohort, members: &[Number]) {
        let Some(audience) = round.policy.receivers.get(receiver) else {
            return;
        };
        let desk = self.desks.entry(receiver.to_owned()).or_default();
        if desk.room(round.now, audience.budget) == Some(0) {
            // Not even a summary may go out now: it becomes part of the storm's.
            let Some(budget) = audience.budget else {
                return;
            };
            let why = Withheld::Budget { messages: budget.messages, within: budget.within };
            for number in members {
                desk.wait(round.now, Cause::Storm, why.clone(), *number);
            }
            return;
        }
        let mut adding = Adding::default();
        for number in members {
            if let Some(incident) = self.incidents.get(number) {
                adding.add(incident, receiver);
            }
        }
        let (severity, summary) = adding.end(round, cohort);
        let now = round.now.as_microsecond().to_string();
        let since = cohort.since.as_microsecond().to_string();
        let id = NotificationId::of_parts(&["summary", receiver, &format!("{cause:?}"), &since, &now]);
        for number in members {
            let Some(mut incident) = self.incidents.remove(number) else {
                continue;
            };
            let mut ear = incident.ears.get(receiver).cloned().unwrap_or_default();
            attend::hear(round.now, &incident, &mut ear, Kind::Summary, audience.manner);
            ear.withheld = None;
            incident.ears.insert(receiver, ear);
            let (receiver, why) = (receiver.to_owned(), cohort.why.clone());
            incident.note(round.now, Reason::SummedUp { receiver, notification: id.clone(), why });
            self.changed.incidents.insert(*number);
            self.incidents.insert(*number, incident);
            self.set_deadline(*number, Some(round.now));
        }
        self.desks.entry(receiver.to_owned()).or_default().sent(round.now, audience.budget);
        let notification = Notification {
            id,
            kind: Kind::Summary,
            severity,
            rule: None,
            runbook: None,
            decided_at: round.now,
            incident: None,
            owner: None,
            subject: Subject::Summary(Box::new(summary)),
        };
        round.told.push(Told { notification, receivers: vec![receiver.to_owned()], incident: None });
    }
}

/// One problem as a line of a summary.
pub(super) fn line(incident: &Incident, failures: u32) -> Option<SummaryLine> {
    let card = incident.opening.card()?;
    Some(line_of(incident, &card, failures))
}

fn line_of(incident: &Incident, card: &Card, failures: u32) -> SummaryLine {
    let error = card.cause.error();
    let first = || crate::engine::incident::RunRef {
        id: card.run.id.clone(),
        workflow: card.run.workflow.title().to_owned(),
        url: card.run.url.clone(),
        at: incident.opened_at,
    };
    SummaryLine {
        incident: incident.id.clone(),
        workflow: match &incident.what {
            What::Provider { provider, .. } => provider.clone(),
            What::Failure { .. } | What::Missed { .. } => card.run.workflow.title().to_owned(),
        },
        step: card.cause.step_title().map(str::to_owned),
        code: error.map(|error| error.code.clone()),
        status: error.and_then(|error| error.provider_status),
        class: card.class,
        failures,
        resolved: incident.state == State::Resolved,
        run: incident.last_run.as_ref().map_or_else(first, super::shown::run),
    }
}

/// A summary that is being added up.
#[derive(Default)]
struct Adding {
    severity: Option<Severity>,
    workspaces: BTreeSet<String>,
    failures: u64,
    runs: u64,
    incidents: u32,
    resolved: u32,
    lines: Vec<SummaryLine>,
    workflows: BTreeMap<String, u64>,
    codes: BTreeMap<String, u64>,
    providers: BTreeMap<String, u64>,
}

impl Adding {
    fn add(&mut self, incident: &Incident, receiver: &str) {
        let ear = incident.ears.get(receiver).cloned().unwrap_or_default();
        let failures = incident.failures.saturating_sub(ear.failures);
        self.severity = self.severity.max(Some(incident.severity));
        self.workspaces.insert(incident.workspace.clone());
        self.failures += u64::from(failures);
        // Runs that are parked have not failed.
        if !matches!(incident.what, What::Missed { .. }) {
            self.runs += u64::from(incident.runs.saturating_sub(ear.runs));
        }
        self.incidents += 1;
        self.resolved += u32::from(incident.state == State::Resolved);
        let Some(line) = line(incident, failures) else {
            return;
        };
        *self.workflows.entry(line.workflow.clone()).or_default() += u64::from(failures);
        if let Some(code) = &line.code {
            *self.codes.entry(code.clone()).or_default() += u64::from(failures);
        }
        if let What::Failure { provider: Some(provider), .. } | What::Provider { provider, .. } = &incident.what {
            *self.providers.entry(provider.clone()).or_default() += u64::from(failures);
        }
        self.lines.push(line);
    }

    fn end(mut self, round: &Round<'_>, cohort: &Cohort) -> (Severity, Summary) {
        self.lines.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.workflow.cmp(&b.workflow)));
        self.lines.truncate(MOST_LINES);
        let summary = Summary {
            cause: cohort.why.clone(),
            workspaces: self.workspaces,
            since: cohort.since,
            until: round.now,
            failures: self.failures,
            runs: self.runs,
            incidents: self.incidents,
            resolved: self.resolved,
            lines: self.lines,
            workflows: tallies(self.workflows),
            codes: tallies(self.codes),
            providers: tallies(self.providers),
        };
        (self.severity.unwrap_or_default(), summary)
    }
}

fn tallies(counts: BTreeMap<String, u64>) -> Tallies {
    let mut counts: Vec<(String, u64)> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rest = counts.split_off(counts.len().min(MOST_TALLIES));
    Tallies {
        top: counts,
        more_names: u32::try_from(rest.len()).unwrap_or(u32::MAX),
        more_count: rest.iter().map(|(_, count)| count).sum(),
    }
}
