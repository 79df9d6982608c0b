//! What time brings about: reminders, updates that were put off, ends; silences and quiet hours that are over; storms that are summed up.

use jiff::Timestamp;

use super::desk::{Cause, Cohort};
use super::{Board, Round};
use crate::engine::incident::Number;
use crate::engine::{Policy, Told};

/// How many incidents are looked at in one go.
const CHUNK: usize = 500;

/// What time was working on: what a bug in here costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stumble(Item);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Incident(Number),
    Cohort(String, Cause),
    Expected(super::subject::Subject),
}

impl Board {
    /// Does what is due; answers what is to be said. There may be more: [`Self::next_deadline`] says so.
    pub fn tick(&mut self, now: Timestamp, policy: &Policy) -> Vec<Told> {
        let mut round = Round::new(now, policy);
        for (receiver, cause) in self.due_cohorts(now, policy) {
            self.at_work = Some(Stumble(Item::Cohort(receiver.clone(), cause.clone())));
            self.release(&mut round, &receiver, &cause);
        }
        let due: Vec<Number> =
            self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, number)| *number).take(CHUNK).collect();
        for number in due {
            self.at_work = Some(Stumble(Item::Incident(number)));
            #[cfg(test)]
            self.may_stumble(number);
            self.mature(&mut round, number);
        }
        for subject in self.watch.take_due(now, CHUNK) {
            self.at_work = Some(Stumble(Item::Expected(subject.clone())));
            self.review(&mut round, &subject);
        }
        self.at_work = None;
        self.settle(&mut round);
        self.drop_old_silences(now);
        round.told
    }

    /// What a tick was working on when it ended by a bug. To be asked before the board is read back.
    pub fn stumbled(&mut self) -> Option<Stumble> {
        self.at_work.take()
    }

    /// Lets what a tick stumbled over wait until then, so that it does not keep the rest from its turn.
    pub fn put_off(&mut self, stumble: &Stumble, until: Timestamp) {
        match &stumble.0 {
            Item::Incident(number) if self.incidents.contains_key(number) => self.set_deadline(*number, Some(until)),
            Item::Incident(_) => {}
            Item::Expected(subject) => self.watch.set_due(subject, Some(until)),
            Item::Cohort(receiver, cause) => {
                if let Some(desk) = self.desks.get_mut(receiver) {
                    desk.put_off(cause, until);
                }
            }
        }
    }

    fn due_cohorts(&self, now: Timestamp, policy: &Policy) -> Vec<(String, Cause)> {
        let mut due = Vec::new();
        for (receiver, desk) in &self.desks {
            for (cause, cohort) in desk.cohorts() {
                if self.ends_waiting(now, receiver, cause, cohort, policy).is_some_and(|at| at <= now) {
                    due.push((receiver.clone(), cause.clone()));
                }
            }
        }
        due
    }

    /// Bugs are rare: tests bring one.
    #[cfg(test)]
    fn may_stumble(&self, number: Number) {
        let rule = self.incidents.get(&number).and_then(|incident| incident.rule.as_deref());
        assert_ne!(rule, Some("stumble"), "a bug that a test brings");
    }

    /// When what a cohort waits for is over, as things stand now: a silence may have been ended, or made longer, since; none where
    /// nobody knows yet.
    pub(super) fn ends_waiting(
        &self,
        now: Timestamp,
        receiver: &str,
        cause: &Cause,
        cohort: &Cohort,
        policy: &Policy,
    ) -> Option<Timestamp> {
        let audience = policy.receivers.get(receiver);
        let ends = match cause {
            Cause::Silence(id) => Some(self.silent_until(id, now, policy).unwrap_or(now)),
            Cause::Inhibited(above) => {
                let over = !self.incident(*above).is_some_and(super::Incident::is_open);
                over.then_some(now)
            }
            Cause::Quiet => {
                let schedule = audience.and_then(|audience| policy.schedules.get(audience.quiet.as_ref()?));
                Some(schedule.and_then(|schedule| schedule.on_until(now)).unwrap_or(now))
            }
            Cause::Storm => {
                let desk = self.desks.get(receiver)?;
                Some(desk.storm_ends(cohort, now, audience.and_then(|audience| audience.budget)))
            }
        };
        // One that a tick stumbled over is not looked at again at once.
        ends.map(|at| cohort.not_before(at))
    }
}
