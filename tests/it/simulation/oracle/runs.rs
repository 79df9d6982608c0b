//! The truth of single runs: which reports are news, which failed attempts have to be decided upon, which holds run.

use firstred::engine::Kind;

use super::super::life::Phase;
use super::super::spec::Fault;
use super::super::transaction::Op;
use super::{Entry, Oracle};

/// What is known of a run by the reports that were taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The newest report that was taken.
    pub(super) last: Option<usize>,
    /// Attempts whose failure was decided upon.
    decided: Vec<u32>,
    /// When the retries that go on were first seen, without anything else in between.
    retrying: Option<i64>,
    /// When a retry was first seen since the run last ended, whatever came in between.
    first_retry: Option<i64>,
    /// A word was said on the retries of this attempt.
    pub(super) spoke: bool,
    /// When a report was last taken.
    taken_at: i64,
    forgotten: bool,
    /// A failure that is left to the run that started it: when it failed, with what.
    left_to_parent: Option<(i64, Fault)>,
    completed: bool,
    /// The reports by which it was seen to be completed.
    pub(super) completions: Vec<usize>,
}

/// What has to come of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Nothing,
    /// A failure joins its problem.
    Failed(usize, usize, Fault),
    /// These words may be said about a run, and no others.
    May(usize, usize, Fault, Kind),
}

impl Oracle<'_> {
    pub(super) fn is_run_open(&self, run: usize) -> bool {
        let Some(seen) = self.runs.get(&run) else { return false };
        let Some(last) = seen.last else { return false };
        let phase = &self.plan.lives[run].reports[last].phase;
        let decided = seen.decided.contains(&self.plan.lives[run].reports[last].attempt);
        !seen.forgotten
            && match phase {
                Phase::Running | Phase::Retrying(..) => true,
                Phase::Announced(_) => !decided,
                _ => false,
            }
    }

    pub(super) fn is_retrying(&self, run: usize) -> bool {
        self.runs.get(&run).is_some_and(|seen| seen.retrying.is_some())
    }

    fn parent_of(&self, run: usize) -> Option<usize> {
        let parent = self.plan.lives[run].parent.as_ref()?;
        self.plan.lives.iter().position(|life| life.id == *parent)
    }

    /// What has to come of what was committed.
    pub(super) fn wants(&mut self, entry: &Entry<'_>) -> Result<Want, String> {
        match entry.op {
            Op::Observe(run, report) => Ok(self.observed(entry.now, *run, *report)),
            Op::HoldEnd(run) => self.hold_ended(entry.now, *run),
            Op::Forget(run) => Ok(self.forgotten(*run)),
            _ => Ok(Want::Nothing),
        }
    }

    fn observed(&mut self, now: i64, run: usize, index: usize) -> Want {
        self.taken.push((run, index));
        let life = &self.plan.lives[run];
        let report = &life.reports[index];
        let parent_open = self.parent_of(run).is_some_and(|parent| self.is_run_open(parent));
        let seen = self.runs.entry(run).or_default();
        if seen.last.is_some_and(|last| index <= last) {
            return Want::Nothing;
        }
        // The same again is not written down: what comes late may still look new next to it.
        let same_again = seen.last.map(|last| &life.reports[last]).is_some_and(|last| {
            let same_attempt = last.attempt == report.attempt;
            (report.phase == Phase::Running && last.phase == Phase::Running && same_attempt)
                || (matches!(report.phase, Phase::Retrying(..))
                    && last.phase == report.phase
                    && (same_attempt || !life.counts))
        });
        if same_again && !seen.forgotten {
            return Want::Nothing;
        }
        (seen.last, seen.taken_at) = (Some(index), now);
        seen.forgotten = false;
        let was_completed = std::mem::replace(&mut seen.completed, report.phase == Phase::Completed);
        let retries = matches!(report.phase, Phase::Retrying(..) | Phase::Announced(_));
        if !retries {
            seen.retrying = None;
        }
        if !retries && report.phase != Phase::Running {
            seen.first_retry = None;
            seen.spoke = false;
        }
        match &report.phase {
            Phase::Retrying(fault, _) | Phase::Announced(fault) => {
                seen.left_to_parent = None;
                seen.retrying.get_or_insert(now);
                seen.first_retry.get_or_insert(now);
                Want::May(run, index, fault.clone(), Kind::StillRetrying)
            }
            Phase::Failed(fault) => {
                if seen.decided.contains(&report.attempt) {
                    return Want::Nothing;
                }
                seen.decided.push(report.attempt);
                if parent_open {
                    seen.left_to_parent = Some((now, fault.clone()));
                }
                self.failed(now, fault);
                if parent_open { Want::Nothing } else { Want::Failed(run, index, fault.clone()) }
            }
            Phase::Completed => {
                seen.left_to_parent = None;
                seen.completions.push(index);
                if !was_completed {
                    self.outcomes.entry((life.space, life.workflow)).or_default().push(true);
                }
                Want::Nothing
            }
            // What was told of it before stays true; the run in its place has the word now.
            Phase::Cancelled | Phase::Replaced => {
                seen.left_to_parent = None;
                Want::Nothing
            }
            Phase::Running => Want::Nothing,
        }
    }

    /// An error is met, and a run of the workflow ended badly.
    fn failed(&mut self, now: i64, fault: &Fault) {
        self.met_errors.entry(fault.fingerprint()).or_insert((now, 0)).1 += 1;
        self.outcomes.entry((fault.space, fault.workflow)).or_default().push(false);
    }

    fn hold_ended(&mut self, now: i64, run: usize) -> Result<Want, String> {
        let parent = self.parent_of(run);
        let parent_done = parent.and_then(|parent| {
            let seen = self.runs.get(&parent).filter(|seen| !seen.forgotten)?;
            let report = &self.plan.lives[parent].reports[seen.last?];
            let decided = matches!(report.phase, Phase::Announced(_)) && seen.decided.contains(&report.attempt);
            Some(decided || matches!(report.phase, Phase::Failed(_) | Phase::Completed))
        });
        let seen = self.runs.get_mut(&run).ok_or("a hold of a run that was never seen")?;
        let index = seen.last.ok_or("a hold of a run that was never seen")?;
        let report = &self.plan.lives[run].reports[index];
        if let Some((since, fault)) = seen.left_to_parent.take() {
            let shortest = self.plan.policies.iter().map(|policy| policy.hold(&fault)).min().unwrap_or(0);
            if now < since + shortest && !self.clock_went_back {
                return Err(format!("run {run} was to be told by its parent, and is told {}s later", now - since));
            }
            // The failure was decided upon when it was seen; it may have been followed by a run that goes on.
            let failing = self.failing_report(run, index);
            return Ok(match parent_done {
                Some(true) => Want::Nothing,
                _ => Want::Failed(run, failing, fault),
            });
        }
        Ok(match &report.phase {
            Phase::Announced(fault) if !seen.decided.contains(&report.attempt) && !seen.forgotten => {
                let fault = fault.clone();
                self.early(now, run, &fault)?;
                self.announced_in_vain(now, run, &fault);
                Want::Failed(run, index, fault)
            }
            Phase::Retrying(fault, _) if !seen.forgotten => Want::May(run, index, fault.clone(), Kind::StillRetrying),
            _ => Want::Nothing,
        })
    }

    /// The retry of a failed run that was announced has not come: then this was its end.
    pub(super) fn announced_in_vain(&mut self, now: i64, run: usize, fault: &Fault) {
        let Some(seen) = self.runs.get_mut(&run) else { return };
        seen.decided.extend(seen.last.map(|last| self.plan.lives[run].reports[last].attempt));
        (seen.retrying, seen.first_retry, seen.spoke) = (None, None, false);
        self.failed(now, fault);
    }

    /// The report of the failure that was decided upon last.
    fn failing_report(&self, run: usize, until: usize) -> usize {
        let reports = &self.plan.lives[run].reports;
        (0..=until).rev().find(|index| matches!(reports[*index].phase, Phase::Failed(_))).unwrap_or(until)
    }

    fn forgotten(&mut self, run: usize) -> Want {
        let open = self.is_run_open(run);
        let Some(seen) = self.runs.get_mut(&run) else { return Want::Nothing };
        seen.retrying = None;
        if !open {
            return Want::Nothing;
        }
        seen.forgotten = true;
        let Some(index) = seen.last else { return Want::Nothing };
        let reports = &self.plan.lives[run].reports;
        let last_fault = (0..=index).rev().find_map(|index| match &reports[index].phase {
            Phase::Retrying(fault, _) | Phase::Announced(fault) => Some(fault.clone()),
            _ => None,
        });
        last_fault.map_or(Want::Nothing, |fault| Want::May(run, index, fault, Kind::Vanished))
    }

    /// A word on a retry is not said while the hold runs.
    pub(super) fn early(&mut self, now: i64, run: usize, fault: &Fault) -> Result<(), String> {
        let seen = self.runs.get_mut(&run).ok_or("gone")?;
        let since = seen.first_retry;
        // Whatever rule was in force.
        let hold = self.plan.policies.iter().map(|policy| policy.hold(fault)).min().unwrap_or(0);
        let hold = hold.min(
            self.plan
                .policies
                .iter()
                .flat_map(|policy| policy.rules.iter().filter_map(|rule| rule.hold))
                .min()
                .unwrap_or(hold),
        );
        if since.is_none_or(|since| now < since + hold) && !self.clock_went_back {
            return Err(format!(
                "run {run} is told {:?}s after its first retry, held for {hold}s",
                since.map(|since| now - since)
            ));
        }
        seen.spoke = true;
        Ok(())
    }

    /// Every silence about a retry has an end.
    pub(super) fn holds_end(&self, now: i64) -> Result<(), String> {
        for (run, seen) in &self.runs {
            let Some((since, last)) = seen.retrying.zip(seen.last) else { continue };
            if seen.spoke || seen.forgotten || self.clock_was_set || self.plan.policies.len() > 1 {
                continue;
            }
            let (Phase::Retrying(fault, _) | Phase::Announced(fault)) = &self.plan.lives[*run].reports[last].phase
            else {
                continue;
            };
            let longest = self.policy.rules.iter().filter_map(|rule| rule.hold).max().unwrap_or(0);
            let longest = longest.max(self.policy.default_hold);
            if now > (since + longest).max(seen.taken_at) + 2 && !self.policy.whom(fault).is_empty() {
                return Err(format!("run {run} retries for {}s, and nobody hears of it", now - since));
            }
        }
        Ok(())
    }
}
