//! Counts: of a problem, what failed there; of a service's trouble, what failed in its members.

use std::collections::BTreeSet;

use firstred::engine::{Number, What};

use super::super::ledger::Turn;
use super::super::sometimes::Sometimes;
use super::super::spec::Fault;
use super::Oracle;

impl Oracle<'_> {
    /// Failures, and runs that failed.
    pub(super) fn count(&self, number: Number) -> (usize, usize) {
        let problem = &self.problems[&number];
        if !problem.provider {
            return problem.own_count();
        }
        problem.final_count.unwrap_or_else(|| {
            let counts = problem.members.iter().map(|member| self.count(*member));
            counts.fold((0, 0), |(failures, runs), (more, more_runs)| (failures + more, runs + more_runs))
        })
    }

    /// Whether what is written down is right.
    pub(super) fn counted(&mut self, turn: &Turn) -> Result<(), String> {
        let (failures, runs) = self.count(turn.number);
        // One that lost its receiver on a reload speaks to nobody, and counts no more.
        let speaks = !self.problems[&turn.number].provider || self.plan.policies.len() == 1;
        let row = (turn.now.failures as usize, turn.now.runs as usize);
        if speaks && row != (failures, runs) {
            return Err(format!(
                "{} is written down with {row:?} failures and runs, not {:?}",
                turn.number,
                (failures, runs)
            ));
        }
        let Some(problem) = self.problems.get_mut(&turn.number) else { return Ok(()) };
        problem.fresh = false;
        for (receiver, ear) in &turn.now.ears {
            let known = problem.ears.entry(receiver.clone()).or_default();
            known.withheld.clone_from(&ear.withheld);
            known.escalate = ear.escalate;
            known.under = ear.under;
            if ear.under.is_none() && (known.knows != ear.knows || known.failures != ear.failures as usize) {
                return Err(format!("{receiver} was told {known:?} of {}, and {ear:?} is written down", turn.number));
            }
            if known.stands != ear.stands {
                return Err(format!("{receiver} shows {known:?} of {}, and {ear:?} is written down", turn.number));
            }
        }
        problem.escalated = turn.now.escalated;
        Ok(())
    }

    /// A service's trouble: enough workflows of one workspace fail by the same service in the same way, lately.
    pub(super) fn service_opened(&mut self, now: i64, turn: &Turn, sometimes: &mut Sometimes) -> Result<(), String> {
        let What::Provider { provider, class, status, members } = &turn.now.what else { return Ok(()) };
        sometimes.hit("a service's trouble opened");
        let (least, within) = self.policy.gate.ok_or("a service's trouble, and no gate")?;
        let card = turn.now.opening.card().ok_or("a service's trouble without a card")?;
        let fails = members.iter().filter_map(|member| self.problems.get(member)).flat_map(|member| &member.fails);
        let (workflow, code) = (card.run.workflow.name.as_deref(), card.cause.error().map(|error| error.code.as_str()));
        let same = |fault: &&Fault| {
            Some(fault.workflow) == workflow && fault.step == card.cause.step_title() && Some(fault.code) == code
        };
        let opening = fails.map(|fail| &fail.fault).find(same).cloned();
        let opening = opening.ok_or("a service's trouble that no member opened")?;
        let mut workflows = BTreeSet::new();
        for member in members {
            let problem = self.problems.get(member).ok_or_else(|| format!("no problem {member}"))?;
            if problem.space != turn.now.workspace {
                return Err(format!("{} takes {member} of another workspace", turn.number));
            }
            if *member != turn.number && self.problems.contains_key(member) && self.is_silent(now, *member) {
                return Err(format!("{} takes {member}, which is silenced", turn.number));
            }
            // One that ends in the same breath went on when the others were looked at.
            let goes_on = problem.is_going_on() || self.ending.contains(member);
            for fail in problem.fails.iter().filter(|_| goes_on) {
                let fault = problem.opening.as_ref().unwrap_or(&fail.fault);
                let same =
                    fault.provider == Some(provider.as_str()) && fault.class == *class && fault.status == *status;
                if !same {
                    return Err(format!("{} takes {member}, which is {fault:?}", turn.number));
                }
                if problem.last_fail().is_some_and(|last| now - last <= within) {
                    workflows.insert(fail.fault.workflow);
                }
            }
        }
        if workflows.len() < least as usize {
            return Err(format!("{} is opened for {workflows:?}, the gate is {least}", turn.number));
        }
        if let Some(problem) = self.problems.get_mut(&turn.number) {
            problem.opening = Some(opening);
        }
        Ok(())
    }
}
