//! A failure joins an incident, or opens one: the same rule and equal values in every field of `group_by` are the same problem.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::group::{group, key, owner, place_of, runbook};
use super::{Board, Round, joined};
use crate::engine::incident::{
    Ear, Ears, Incident, IncidentId, Level, MOST_REFS, Number, Packed, Point, RunRef, State, What, Withheld,
};
use crate::engine::rhythm::{manner, rhythm, rhythm_of, update_every};
use crate::engine::rule::Condition;
use crate::engine::{Kind, Membership, Policy, Reason, Rule, Severity};
use crate::run::RunKey;
use crate::triage::Card;

/// What the run's machine wants told by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// What.
    pub kind: Kind,
    /// firstred's own count of the failed attempt that it is about.
    pub failure: u32,
    /// The rule; absent for the defaults.
    pub rule: Option<String>,
    /// Whom. Never empty, no repeats, all of them may see the run's workspace.
    pub receivers: Vec<String>,
}

/// The run that it is about.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// Which.
    pub key: &'a RunKey,
    /// Its card.
    pub card: &'a Card,
    /// The start of the failed attempt, by the engine's clock.
    pub started_at: Option<Timestamp>,
    /// Its end.
    pub ended_at: Option<Timestamp>,
    /// The incidents that the run belongs to.
    pub member_of: &'a [Membership],
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The incident that it belongs to now.
    pub number: Number,
    /// Its name.
    pub incident: IncidentId,
    /// Who is told now.
    pub told: Vec<String>,
    /// Who is not, and why.
    pub withheld: Vec<(Vec<String>, Withheld)>,
}

impl Board {
    /// A failure, or a retry that was held long enough, joins its incident.
    pub(in crate::engine) fn join(&mut self, round: &mut Round<'_>, raised: &Raised, failed: Failed<'_>) -> Heard {
        let rule = raised.rule.as_ref().and_then(|name| round.policy.rules.get(name));
        let number = self.incident_of(round, raised, failed, rule);
        let Some(mut incident) = self.incidents.remove(&number) else {
            // `incident_of` answers what is there.
            return Heard { number, incident: IncidentId::of_parts(&[]), told: Vec::new(), withheld: Vec::new() };
        };
        let new_run = count(round.now, number, &mut incident, raised, failed);
        for receiver in &raised.receivers {
            incident.ears.of(receiver);
        }
        self.ripen(&mut incident, &failed.key.workflow);
        let id = incident.id.clone();
        self.changed.incidents.insert(number);
        if incident.is_open() {
            self.rise(number, &incident, round.policy);
        }
        if raised.kind == Kind::Failed {
            self.tell_service(round, &incident, new_run);
        }
        self.place(number, incident);
        let said = round.told.len();
        self.attend(round, number, Some(failed.card));
        self.settle(round);
        // What was said of others meanwhile, such as of the service, is not about this one.
        let of_this = round.told[said..].iter().filter(|told| told.incident == Some(number));
        let told: Vec<String> = of_this.flat_map(|told| told.receivers.iter().cloned()).collect();
        let withheld = self.withheld(round.now, number, &raised.receivers, &told, round.policy);
        let told = raised.receivers.iter().filter(|receiver| told.contains(receiver)).cloned().collect();
        Heard { number, incident: id, told, withheld }
    }

    /// The incident that it belongs to; a new one where there is none.
    fn incident_of(
        &mut self,
        round: &mut Round<'_>,
        raised: &Raised,
        failed: Failed<'_>,
        rule: Option<&Rule>,
    ) -> Number {
        // What was told while it was retrying, and failed with another error after all, is still the same problem.
        for part in failed.member_of.iter().filter(|part| !part.counted) {
            let same = |incident: &Incident| {
                incident.rule == raised.rule && incident.state != State::Resolved && incident.failures == 0
            };
            if self.incident(part.number).is_some_and(same) {
                return part.number;
            }
        }
        let rhythm = rhythm(rule, round.policy);
        let fields = rule.and_then(|rule| rule.group_by.as_ref()).unwrap_or(&round.policy.group_by);
        let group = group(failed.card, failed.key, fields);
        let key = key(&failed.key.workspace, raised.rule.as_deref(), &group);
        if let Some(number) = self.by_key.get(&key).copied()
            && let Some(incident) = self.incidents.get(&number)
        {
            let soon = incident
                .resolution
                .as_ref()
                .is_some_and(|end| end.at.saturating_add(rhythm.reopen_within).is_ok_and(|until| round.now <= until));
            match incident.state {
                State::Gathering | State::Open => return number,
                State::Resolved if soon => {
                    self.incidents.entry(number).and_modify(|incident| reopen(incident, round.now));
                    return number;
                }
                // Its last word may not have been said yet; its place is taken all the same.
                State::Resolved if self.has_more_to_say(round.now, number, round.policy) => {}
                State::Resolved => self.leave(number),
            }
        }
        self.open(round, raised, failed, rule, group, key)
    }

    fn open(
        &mut self,
        round: &mut Round<'_>,
        raised: &Raised,
        failed: Failed<'_>,
        rule: Option<&Rule>,
        group: Vec<(String, String)>,
        key: String,
    ) -> Number {
        let card = failed.card;
        let condition = rule.and_then(|rule| rule.after.as_ref()).and_then(|after| after.of(card.class));
        let condition = condition.filter(|_| raised.kind == Kind::Failed);
        // The same attempt of a run can open two: as a retry that takes too long, and later as a failure.
        let number = (self.next + 1).to_string();
        let incident = Incident {
            id: IncidentId::of_parts(&[&key, &failed.key.workflow, &failed.key.run, &number]),
            key,
            workspace: failed.key.workspace.clone(),
            rule: raised.rule.clone(),
            what: What::Failure {
                provider: card.provider.clone(),
                class: card.class,
                status: card.cause.error().and_then(|error| error.provider_status),
            },
            group,
            severity: rule.map_or(Severity::Error, |rule| rule.severity),
            runbook: rule.and_then(|rule| rule.runbook.clone()).or_else(|| runbook(card, round.policy)),
            owner: owner(card, round.policy),
            state: if condition.is_some() { State::Gathering } else { State::Open },
            level: Level::Retrying,
            opened_at: round.now,
            last_at: round.now,
            last_run: None,
            failures: 0,
            runs: 0,
            again: 0,
            retrying: BTreeSet::new(),
            refs: Vec::new(),
            times: Vec::new(),
            condition,
            points: Vec::new(),
            overflow: false,
            opening: Packed::of(card),
            novelty: self.novelty(failed),
            ears: Ears::default(),
            acknowledged: None,
            escalated: false,
            resolution: None,
            before: None,
            reopened: 0,
            said: 0,
            lines: Vec::new(),
        };
        self.insert(incident)
    }

    /// Gives a new incident its number.
    pub(super) fn insert(&mut self, incident: Incident) -> Number {
        self.next += 1;
        self.by_key.insert(incident.key.clone(), self.next);
        self.incidents.insert(self.next, Box::new(incident));
        self.next
    }

    /// Puts an incident back, and where it can be found by.
    pub(super) fn place(&mut self, number: Number, incident: Box<Incident>) {
        self.index_places(number, &incident);
        self.index_services(number, &incident);
        self.incidents.insert(number, incident);
    }

    /// Lets a gathering incident speak once its condition is met.
    fn ripen(&self, incident: &mut Incident, workflow: &str) {
        let Some(condition) = incident.condition else {
            return;
        };
        if self.met(incident, condition, workflow).0 {
            incident.condition = None;
            incident.times = Vec::new();
            if incident.state == State::Gathering {
                incident.state = State::Open;
            }
        }
    }

    /// Whether a condition is met, and how much there is.
    pub(super) fn met(&self, incident: &Incident, condition: Condition, workflow: &str) -> (bool, u32) {
        let workflow = self.workflows.get(&joined(&[&incident.workspace, workflow]));
        match condition {
            Condition::Failures { failures, .. } => {
                let have = u32::try_from(incident.times.len()).unwrap_or(u32::MAX);
                (have >= failures, have)
            }
            Condition::Consecutive { consecutive } => {
                let have = workflow.map_or(0, super::Workflow::failed_in_a_row);
                (have >= consecutive, have)
            }
            Condition::Rate { rate, of_last } => {
                let have = workflow.map_or(0, |workflow| workflow.failed_of(of_last));
                (f64::from(have) >= rate * f64::from(of_last), have)
            }
        }
    }

    /// How much there is of what an incident's condition counts.
    pub(super) fn have(&self, incident: &Incident, condition: Condition) -> u32 {
        let workflow = incident.points.first().map_or("", |point| point.workflow.as_str());
        self.met(incident, condition, workflow).1
    }

    /// Of those who were to be told: who is not told now, and why.
    fn withheld(
        &self,
        now: Timestamp,
        number: Number,
        receivers: &[String],
        told: &[String],
        policy: &Policy,
    ) -> Vec<(Vec<String>, Withheld)> {
        let Some(incident) = self.incidents.get(&number) else {
            return Vec::new();
        };
        let rhythm = rhythm_of(incident, policy);
        let mut withheld: Vec<(Vec<String>, Withheld)> = Vec::new();
        for receiver in receivers.iter().filter(|receiver| !told.contains(receiver)) {
            let ear = incident.ears.get(receiver).cloned().unwrap_or_default();
            let why = self.why(now, incident, &ear, update_every(&ear, rhythm, manner(receiver, policy)));
            match withheld.iter_mut().find(|(_, other)| *other == why) {
                Some((names, _)) => names.push(receiver.clone()),
                None => withheld.push((vec![receiver.clone()], why)),
            }
        }
        withheld
    }

    fn why(&self, now: Timestamp, incident: &Incident, ear: &Ear, update_every: SignedDuration) -> Withheld {
        if let Some(condition) = incident.condition.filter(|_| incident.state == State::Gathering) {
            return Withheld::Condition { condition, have: self.have(incident, condition) };
        }
        ear.withheld.clone().unwrap_or_else(|| {
            let next = ear.last_at.and_then(|last| last.saturating_add(update_every).ok());
            Withheld::Rhythm { until: next.unwrap_or(now) }
        })
    }
}

/// Counts a failure. Answers whether its run had not been counted.
fn count(now: Timestamp, number: Number, incident: &mut Incident, raised: &Raised, failed: Failed<'_>) -> bool {
    let card = failed.card;
    let part = failed.member_of.iter().find(|part| part.number == number && part.counted);
    let counted = part.is_some();
    let was_again = part.is_some_and(|part| part.again);
    let level = match raised.kind {
        Kind::StillRetrying => Level::Retrying,
        Kind::Vanished => Level::Vanished,
        _ => Level::Failed,
    };
    incident.level = incident.level.max(level);
    incident.last_at = incident.last_at.max(now);
    let run = RunRef {
        id: failed.key.run.clone(),
        workflow: card.run.workflow.title().to_owned(),
        url: card.run.url.clone(),
        at: failed.ended_at.unwrap_or(now),
    };
    incident.fail_at(Point {
        workflow: failed.key.workflow.clone(),
        step: place_of(&card.cause),
        run: failed.key.run.clone(),
        started_at: failed.started_at,
        ended_at: failed.ended_at,
        passed: false,
    });
    let retry = joined(&[&failed.key.workflow, &failed.key.run]);
    if raised.kind == Kind::StillRetrying {
        incident.retrying.insert(retry);
    } else {
        incident.retrying.remove(&retry);
    }
    if raised.kind != Kind::Failed {
        incident.last_run = Some(run);
        return false;
    }
    incident.failures = incident.failures.saturating_add(1);
    if was_again {
        incident.again = incident.again.saturating_sub(1);
    }
    if !counted {
        incident.runs = incident.runs.saturating_add(1);
    }
    if !counted || was_again {
        if incident.refs.len() == MOST_REFS {
            incident.refs.remove(0);
        }
        incident.refs.push(run.clone());
    }
    incident.last_run = Some(run);
    if let Some(Condition::Failures { failures, within }) = incident.condition {
        incident.times.push(now);
        let most = usize::try_from(failures).unwrap_or(usize::MAX);
        let recent = |at: &Timestamp| now.duration_since(*at) <= within;
        incident.times.retain(recent);
        if incident.times.len() > most {
            incident.times.remove(0);
        }
    }
    !counted
}

pub(super) fn reopen(incident: &mut Incident, now: Timestamp) {
    incident.state = if incident.condition.is_some() { State::Gathering } else { State::Open };
    incident.before = incident.resolution.take();
    incident.reopened = incident.reopened.saturating_add(1);
    incident.acknowledged = None;
    incident.escalated = false;
    for ear in incident.ears.values_mut() {
        ear.reminders = 0;
    }
    incident.note(now, Reason::Reopened);
}
