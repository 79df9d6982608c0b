//! What is due and not said: the silence about it must have a reason, and an end.

use firstred::engine::{Number, State};

use super::super::sometimes::Sometimes;
use super::Oracle;
use super::problem::Ear;

/// So much later than due is late, where nothing stands in the way.
const SLACK: i64 = 2;

impl Oracle<'_> {
    pub(super) fn nothing_is_late(&mut self, now: i64, sometimes: &mut Sometimes) -> Result<(), String> {
        let _ = sometimes;
        if self.clock_went_back {
            return Ok(());
        }
        let mut free: Vec<(Number, String, bool, bool)> = Vec::new();
        for (number, problem) in self.problems.iter().filter(|(_, problem)| !problem.left) {
            for (receiver, ear) in &problem.ears {
                let at_once = self.is_wrong_there(now, *number, receiver, ear);
                let is_free =
                    at_once || self.is_due(now, *number, receiver, ear) && !self.is_blocked(now, *number, receiver);
                if is_free || ear.free_since.is_some() {
                    free.push((*number, receiver.clone(), is_free, at_once));
                }
            }
        }
        for (number, receiver, is_free, at_once) in free {
            let budget = self.policy.receivers.get(receiver.as_str()).and_then(|receiver| receiver.budget);
            let budget = budget.filter(|_| !at_once);
            let patience = budget.map_or(SLACK, |(_, within)| 2 * within + 60 + SLACK);
            let Some(ear) = self.problems.get_mut(&number).and_then(|problem| problem.ears.get_mut(&receiver)) else {
                continue;
            };
            if !is_free {
                ear.free_since = None;
                continue;
            }
            let since = *ear.free_since.get_or_insert(now);
            if now - since > patience {
                return Err(format!(
                    "{receiver} is not told of {number} for {}s, and nothing stands in the way: {ear:?}",
                    now - since
                ));
            }
        }
        Ok(())
    }

    /// What stands at a receiver shows another state than the problem's.
    fn is_wrong_there(&self, now: i64, number: Number, receiver: &str, ear: &Ear) -> bool {
        let problem = &self.problems[&number];
        let spaced = ear.last_at.is_none_or(|last| now - last >= self.between(number, receiver, ear));
        self.shows(receiver, ear)
            && match problem.state {
                State::Gathering => false,
                State::Open => problem.acked && !ear.acked,
                State::Resolved => spaced || problem.reopened < 3,
            }
    }

    fn is_due(&self, now: i64, number: Number, receiver: &str, ear: &Ear) -> bool {
        let problem = &self.problems[&number];
        let beat = self.policy.beat(problem.rule);
        let since = ear.last_at.map_or(i64::MAX, |last| now - last);
        let spaced = since >= self.between(number, receiver, ear);
        let flaps = problem.reopened >= 3 && ear.ever;
        let (failures, _) = self.count(number);
        if ear.under.is_some_and(|parent| self.problems[&parent].is_open()) {
            return false;
        }
        match problem.state {
            State::Gathering => false,
            State::Open if !ear.knows || problem.level() > ear.level => spaced || !flaps,
            State::Open if failures > ear.failures => spaced,
            State::Open => beat.remind.is_some_and(|first| {
                let interval = (0..ear.reminders.min(16)).fold(first, |time, _| time * 2).min(first.max(86_400));
                !problem.acked && since >= interval
            }),
            State::Resolved if problem.gave_up => false,
            State::Resolved if ear.knows => spaced || !flaps,
            // What came and went while it was withheld is summed up whenever what it waited for ends; the end of the play looks for it.
            State::Resolved => failures > ear.failures && ear.withheld.is_none() && ear.told_over && spaced,
        }
    }

    fn is_blocked(&self, now: i64, number: Number, receiver: &str) -> bool {
        let by = |ear: &Ear| matches!(ear.withheld, Some(firstred::engine::Withheld::Silence { .. }));
        let waits = self.problems[&number].ears.get(receiver).is_some_and(by);
        let silenced = !self.silences_on(now, number).is_empty() || waits && self.is_silent(now, number);
        silenced || !self.above(number).is_empty() || self.is_quiet(now, receiver, self.severity(number))
    }
}
