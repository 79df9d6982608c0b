//! How a problem ends: the proof that was given must be true.

use std::collections::{BTreeMap, BTreeSet};

use firstred::engine::{Level, Number, Proof, State};

use super::super::ledger::Turn;
use super::super::life::Phase;
use super::super::sometimes::Sometimes;
use super::super::spec::Name;
use super::Oracle;
use super::problem::{Fail, Problem};

impl Oracle<'_> {
    pub(super) fn ended(&mut self, now: i64, turn: &Turn, was: State, sometimes: &mut Sometimes) -> Result<(), String> {
        let number = turn.number;
        let end = turn.now.resolution.as_ref().ok_or("an end without a word on it")?;
        let problem = &self.problems[&number];
        let beat = self.policy.beat(problem.rule);
        let wrong = |why: &str| Err(format!("{number} ends by {:?}: {why}", end.proof));
        if was == State::Gathering && turn.now.condition.is_some() {
            sometimes.hit("not enough failed in the end");
            return Ok(());
        }
        match &end.proof {
            Proof::Quiet { since } => {
                sometimes.hit("ended by quiet");
                let last = if problem.provider {
                    problem.members.iter().flat_map(|member| self.problems[member].failures()).map(|fail| fail.at).max()
                } else {
                    problem.last_fail()
                };
                let true_enough = last.is_none_or(|last| {
                    last + beat.resolve_after <= now
                        && (since.as_second() == last || problem.provider && since.as_second() > last)
                });
                let lost_its_ear = problem.provider && self.plan.policies.len() > 1;
                if !true_enough && !self.clock_went_back && !lost_its_ear {
                    return wrong(&format!("it failed last at {last:?}, now is {now}"));
                }
            }
            Proof::SameRun { run } => {
                sometimes.hit("ended by the same run");
                let is_there = |fail: &Fail| self.plan.lives[fail.run].id == run.id;
                if !problem.fails.iter().any(is_there) {
                    return wrong("that run is no part of it");
                }
                if !self.all_again(problem) && !self.all_passed(problem) {
                    return wrong("others failed, and nothing says that it is over");
                }
            }
            Proof::LaterRun { run, .. } => {
                sometimes.hit("ended by a later run");
                if !self.taken.iter().any(|(taken, _)| self.plan.lives[*taken].id == run.id) {
                    return wrong("that run was never seen");
                }
                if !self.all_passed(problem) {
                    return wrong("no later run passed where it failed");
                }
            }
            Proof::Cancelled { .. } => {
                sometimes.hit("ended by cancelling the retry");
                if problem.fails.iter().any(|fail| fail.level == Level::Failed || self.is_retrying(fail.run)) {
                    return wrong("something else failed or retries");
                }
            }
            Proof::Members => {
                sometimes.hit("a service's trouble ended");
                if problem.members.iter().any(|member| self.goes_on_after(*member, turn.number)) {
                    return wrong("a member goes on");
                }
            }
            Proof::Happened | Proof::Moot => return wrong("nothing was missed"),
        }
        self.not_again(turn)?;
        let count = self.count(number);
        if let Some(problem) = self.problems.get_mut(&number) {
            problem.final_count = Some(count);
        }
        self.speak_for_themselves(now, number, end.proof == Proof::Members);
        Ok(())
    }

    fn goes_on_after(&self, member: Number, _parent: Number) -> bool {
        self.problems[&member].is_open() && !self.ending.contains(&member)
    }

    /// Whether the run completed after it failed here.
    fn is_again(&self, problem: &Problem, run: usize) -> bool {
        let failed = problem.failures().filter(|fail| fail.run == run).map(|fail| fail.report).max();
        let seen = &self.runs[&run];
        failed.is_some_and(|failed| seen.completions.iter().any(|completed| *completed > failed))
    }

    /// Every failed run completed after all; and of those that were only retrying, none goes on.
    fn all_again(&self, problem: &Problem) -> bool {
        let failed: BTreeSet<usize> = problem.failures().map(|fail| fail.run).collect();
        let told: BTreeSet<usize> = problem.fails.iter().map(|fail| fail.run).collect();
        failed.iter().all(|run| self.is_again(problem, *run))
            && told.difference(&failed).all(|run| !self.is_retrying(*run) || !self.runs[run].spoke)
    }

    fn not_again(&self, turn: &Turn) -> Result<(), String> {
        let problem = &self.problems[&turn.number];
        let Some(end) = turn.now.resolution.as_ref().filter(|_| !problem.provider) else { return Ok(()) };
        let failed: BTreeSet<usize> = problem.failures().map(|fail| fail.run).collect();
        let not_again: Vec<&str> = failed
            .iter()
            .filter(|run| !self.is_again(problem, **run))
            .map(|run| self.plan.lives[*run].id.as_str())
            .collect();
        let said: BTreeSet<&str> = end.not_again.iter().map(|run| run.id.as_str()).collect();
        let all = failed.len() > firstred::engine::MOST_REFS || said == not_again.iter().copied().collect();
        if end.not_again_count as usize != not_again.len() || !all {
            return Err(format!(
                "{} ends with {} runs that were not run again, {said:?}; true is {not_again:?}",
                turn.number, end.not_again_count
            ));
        }
        Ok(())
    }

    /// Whether each place where it failed was passed by an attempt that began after the last one that failed there.
    fn all_passed(&self, problem: &Problem) -> bool {
        let mut places: BTreeMap<(Name, Option<Name>), Vec<&Fail>> = BTreeMap::new();
        for fail in &problem.fails {
            places.entry((fail.fault.workflow, fail.fault.step)).or_default().push(fail);
        }
        places.iter().all(|((workflow, step), fails)| {
            let last = fails.iter().map(|fail| fail.started).max().unwrap_or(0);
            self.taken.iter().any(|(run, index)| {
                let life = &self.plan.lives[*run];
                let report = &life.reports[*index];
                let completed = report.phase == Phase::Completed;
                let passed = match (step, &report.passed) {
                    (Some(step), Some(passed)) => passed.contains(step),
                    _ => completed,
                };
                let same = fails.iter().filter(|fail| fail.run == *run).map(|fail| fail.report).max();
                let newest = self.runs[run].completions.contains(index);
                let after_all = completed && newest && same.is_some_and(|failed| *index > failed);
                life.space == problem.space
                    && life.workflow == *workflow
                    && passed
                    && (report.started > last || after_all)
            })
        })
    }
}
