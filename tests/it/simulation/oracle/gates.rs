//! What may withhold a message: silences, what is above, quiet hours, the budget, the service's trouble, the rhythm, the condition.

use firstred::engine::{Number, Severity, State, Withheld};

use super::super::sometimes::Sometimes;
use super::super::spec::{Cond, Fault, Name, SilenceSpec};
use super::problem::Problem;
use super::raise::alike;
use super::{Entry, Oracle};

impl Oracle<'_> {
    /// Silences in force that fit what opened the problem, and do not end for what failed last.
    pub(super) fn silences_on(&self, now: i64, number: Number) -> Vec<&SilenceSpec> {
        let Some((opening, newest)) = self.faces(number) else { return Vec::new() };
        let all = self.policy.silences.iter().chain(&self.silences);
        all.filter(|silence| self.is_on(now, silence, opening) && !self.is_news(silence, newest)).collect()
    }

    /// Whether a silence fits, whether or not it is to end for what failed last.
    pub(super) fn is_silent(&self, now: i64, number: Number) -> bool {
        let all = || self.policy.silences.iter().chain(&self.silences);
        self.faces(number).is_some_and(|(opening, _)| all().any(|silence| self.is_on(now, silence, opening)))
    }

    /// What opened a problem; and what failed just now, if something did.
    fn faces(&self, number: Number) -> Option<(&Fault, Option<&Fault>)> {
        let problem = &self.problems[&number];
        let joined = problem.fails.last().filter(|_| self.joined_now.contains(&number));
        Some((problem.opening.as_ref()?, joined.map(|fail| &fail.fault)))
    }

    fn is_on(&self, now: i64, silence: &SilenceSpec, fault: &Fault) -> bool {
        silence.when.fits(fault)
            && silence.from.is_none_or(|from| from <= now)
            && now < silence.until
            && !self
                .ended
                .get(silence.id)
                .is_some_and(|end| *end <= now && silence.from.is_none_or(|from| from <= *end))
    }

    /// A silence that is to end for a new error does not hold that back.
    fn is_news(&self, silence: &SilenceSpec, fault: Option<&Fault>) -> bool {
        let Some(fault) = fault else { return false };
        let met = self.met_errors.get(&fault.fingerprint()).copied();
        silence.unless_new
            && met.is_none_or(|(first, count)| match silence.from {
                Some(from) => first >= from,
                None => count <= 1,
            })
    }

    /// And it is over for whatever else it fits.
    pub(super) fn end_by_news(&mut self, now: i64, number: Number, sometimes: &mut Sometimes) {
        let Some((opening, newest)) = self.faces(number) else { return };
        let all = self.policy.silences.iter().chain(&self.silences);
        let news = |silence: &&SilenceSpec| self.is_on(now, silence, opening) && self.is_news(silence, newest);
        let over: Vec<Name> = all.filter(news).map(|silence| silence.id).collect();
        for id in over {
            sometimes.hit("silence ended by a new error");
            self.ended.insert(id, now);
        }
    }

    /// The open problems above this one.
    pub(super) fn above(&self, number: Number) -> Vec<(Name, Number)> {
        let problem = &self.problems[&number];
        let Some(fault) = &problem.opening else { return Vec::new() };
        let mut found = Vec::new();
        for inhibition in self.policy.inhibitions.iter().filter(|inhibition| inhibition.target.fits(fault)) {
            for (other, above) in
                self.problems.iter().filter(|(other, above)| **other != number && above.is_open() && !above.provider)
            {
                let Some(source) = above.opening.as_ref().filter(|_| above.space == problem.space) else { continue };
                let waits = |ear: &super::problem::Ear| matches!(ear.withheld, Some(Withheld::Inhibited { .. }));
                let itself_below = above.below || above.ears.values().any(waits);
                if inhibition.source.fits(source) && alike(&inhibition.equal, source, fault) && !itself_below {
                    found.push((inhibition.name, *other));
                }
            }
        }
        found
    }

    pub(super) fn is_quiet(&self, now: i64, receiver: &str, severity: Severity) -> bool {
        let receiver = self.policy.receivers.get(receiver);
        receiver.is_some_and(|receiver| severity < receiver.passes && receiver.is_quiet(now))
    }

    /// How many messages a receiver was sent in the time that its budget counts.
    pub(super) fn sent_lately(&self, now: i64, receiver: &str, within: i64) -> usize {
        let sent = self.sent.get(receiver).map_or(&[][..], Vec::as_slice);
        sent.iter().filter(|at| **at <= now && now - **at < within).count()
    }

    /// Receivers for which a storm is being collected.
    pub(super) fn storming(&self) -> Vec<String> {
        let waits = |problem: &&Problem| !problem.left;
        let ears = self.problems.values().filter(waits).flat_map(|problem| problem.ears.iter());
        let storm = ears.filter(|(_, ear)| matches!(ear.withheld, Some(Withheld::Budget { .. })));
        storm.map(|(receiver, _)| receiver.clone()).collect()
    }

    pub(super) fn severity(&self, number: Number) -> Severity {
        let problem = &self.problems[&number];
        if problem.provider {
            return problem.members.iter().map(|member| self.severity(*member)).max().unwrap_or_default();
        }
        problem.severity
    }

    /// Whether the reason that was given for not telling is true.
    pub(super) fn truly_withheld(
        &mut self,
        entry: &Entry<'_>,
        number: Number,
        receiver: &str,
        why: &Withheld,
        storming: &[String],
        sometimes: &mut Sometimes,
    ) -> Result<(), String> {
        let now = entry.now;
        let problem = &self.problems[&number];
        if problem.opening.is_none() {
            return Ok(());
        }
        let ear = problem.ears.get(receiver).cloned().unwrap_or_default();
        let going_on = entry.turns.iter().find(|turn| turn.number == number);
        let true_enough = match why {
            Withheld::Silence { id, .. } => {
                sometimes.hit("withheld by a silence");
                self.silences_on(now, number).iter().any(|silence| silence.id == id)
            }
            Withheld::Inhibited { by, .. } => {
                sometimes.hit("withheld by what is above");
                let came_back = |turn: &super::Turn| turn.now.id == *by && turn.now.state == State::Open;
                entry.turns.iter().any(came_back)
                    || self.above(number).iter().any(|(_, above)| self.problems[above].id == by.as_str())
            }
            Withheld::Quiet { .. } => {
                sometimes.hit("withheld in quiet hours");
                self.is_quiet(now, receiver, self.severity(number))
                    || going_on.is_some_and(|turn| self.is_quiet(now, receiver, turn.now.severity))
            }
            Withheld::Budget { messages, within } => {
                sometimes.hit("withheld by the budget");
                let most = usize::try_from(*messages).unwrap_or(0).saturating_sub(1).max(1);
                let just_now =
                    entry.outcome.told.iter().filter(|told| told.receivers.iter().any(|name| name == receiver));
                self.clock_went_back
                    || self.sent_lately(now, receiver, within.as_secs()) + just_now.count() >= most
                    || storming.iter().any(|name| name == receiver)
            }
            Withheld::Provider { incident, .. } => {
                sometimes.hit("told as a part of a service's trouble");
                self.by_id.get(incident.as_str()).is_some_and(|parent| self.problems[parent].is_going_on())
            }
            Withheld::Rhythm { .. } => ear.knows || ear.under.is_some() || ear.ever,
            Withheld::Condition { .. } => {
                sometimes.hit("not enough failed yet");
                problem.condition.is_some() && !self.met(number, now)
            }
        };
        if true_enough {
            Ok(())
        } else {
            Err(format!("{receiver} is not told of {number} because of {why:?}, which is not true"))
        }
    }

    /// Whether enough failed for the rule of a problem.
    pub(super) fn met(&self, number: Number, now: i64) -> bool {
        let problem = &self.problems[&number];
        let Some(condition) = problem.condition else { return true };
        let last = problem.fails.last();
        let outcomes = last.and_then(|fail| self.outcomes.get(&(fail.fault.space, fail.fault.workflow)));
        let outcomes = outcomes.map_or(&[][..], Vec::as_slice);
        match condition {
            Cond::Failures(failures, within) => {
                let recent = problem.failures().filter(|fail| now - fail.at <= within).count();
                recent >= usize::try_from(failures).unwrap_or(0)
            }
            Cond::Consecutive(row) => {
                let failed = outcomes.iter().rev().take_while(|passed| !**passed).count();
                failed >= usize::try_from(row).unwrap_or(0)
            }
            Cond::Rate(tenths, of_last) => {
                let of_last = usize::try_from(of_last).unwrap_or(0);
                let failed = outcomes.iter().rev().take(of_last).filter(|passed| !**passed).count();
                failed * 10 >= usize::try_from(tenths).unwrap_or(0) * of_last
            }
        }
    }

    pub(super) fn gathers(&self, number: Number) -> bool {
        self.problems[&number].state == State::Gathering
    }
}
