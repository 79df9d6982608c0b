//! What time brings about: reminders, updates that were put off, ends; silences and quiet hours that are over; storms that are summed up.

use jiff::Timestamp;

use super::desk::Cause;
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
        self.at_work = None;
        self.expect_by_time(&mut round);
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
            Item::Cohort(receiver, cause) => {
                if let Some(desk) = self.desks.get_mut(receiver) {
                    desk.put_off(cause, until);
                }
            }
        }
    }

    fn due_cohorts(&mut self, now: Timestamp, policy: &Policy) -> Vec<(String, Cause)> {
        let mut due = Vec::new();
        let mut goes_on = Vec::new();
        for (receiver, desk) in &self.desks {
            let audience = policy.receivers.get(receiver);
            let budget = audience.and_then(|audience| audience.budget);
            for (cause, cohort) in desk.cohorts().filter(|(_, cohort)| cohort.may_be_looked_at(now)) {
                // What it waits for may have been ended, or made longer, since it began to wait.
                let until = match cause {
                    Cause::Silence(id) => self.silent_until(id, now, policy),
                    Cause::Inhibited(above) => {
                        self.incidents.get(above).filter(|incident| incident.is_open()).map(|_| Timestamp::MAX)
                    }
                    Cause::Quiet => audience
                        .and_then(|audience| policy.schedules.get(audience.quiet.as_ref()?))
                        .and_then(|schedule| schedule.on_until(now)),
                    Cause::Storm => desk.due(cause, cohort, now, budget).filter(|at| *at > now),
                };
                match until {
                    None => due.push((receiver.clone(), cause.clone())),
                    Some(until) if cohort.ends().is_some_and(|at| at <= now) => {
                        goes_on.push((receiver.clone(), cause.clone(), until));
                    }
                    Some(_) => {}
                }
            }
        }
        for (receiver, cause, until) in goes_on {
            if let Some(desk) = self.desks.get_mut(&receiver) {
                desk.prolong(&cause, until);
                self.changed.desks.insert(receiver);
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
}
