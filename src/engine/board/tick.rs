//! What time brings about: reminders, updates that were put off, ends; silences and quiet hours that are over; storms that are summed up.

use jiff::Timestamp;

use super::desk::Cause;
use super::{Board, Round};
use crate::engine::incident::Number;
use crate::engine::{Policy, Told};

/// How many incidents are looked at in one go.
const CHUNK: usize = 500;

impl Board {
    /// Does what is due; answers what is to be said. There may be more: [`Self::next_deadline`] says so.
    pub fn tick(&mut self, now: Timestamp, policy: &Policy) -> Vec<Told> {
        let mut round = Round::new(now, policy);
        for (receiver, cause) in self.due_cohorts(now, policy) {
            self.release(&mut round, &receiver, &cause);
        }
        let due: Vec<Number> =
            self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, number)| *number).take(CHUNK).collect();
        for number in due {
            self.mature(&mut round, number);
        }
        self.expect_by_time(&mut round);
        self.settle(&mut round);
        self.drop_old_silences(now);
        round.told
    }

    fn due_cohorts(&self, now: Timestamp, policy: &Policy) -> Vec<(String, Cause)> {
        let mut due = Vec::new();
        for (receiver, desk) in &self.desks {
            let budget = policy.receivers.get(receiver).and_then(|audience| audience.budget);
            for (cause, cohort) in desk.cohorts() {
                let over = match cause {
                    // It may have been ended, or made longer, since.
                    Cause::Silence(id) => !self.is_silent(id, now, policy),
                    Cause::Inhibited(above) => !self.incident(*above).is_some_and(super::Incident::is_open),
                    Cause::Quiet => policy
                        .receivers
                        .get(receiver)
                        .and_then(|audience| policy.schedules.get(audience.quiet.as_ref()?))
                        .is_none_or(|schedule| schedule.on_until(now).is_none()),
                    Cause::Storm => desk.due(cause, cohort, now, budget).is_none_or(|at| at <= now),
                };
                if over {
                    due.push((receiver.clone(), cause.clone()));
                }
            }
        }
        due
    }
}
