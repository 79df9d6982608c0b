//! Which parts belong to which run. Standards push a run and its tasks as events of their own; what failed is a task's to say, that it
//! failed the run's. What is kept in between is bounded, and lost at a restart: then a part is told as a run of its own, for a failure
//! told twice is better than one that is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::run::{Run, RunStatus, Step, StepStatus};

/// The most runs whose parts are kept.
const MOST_RUNS: usize = 4_000;
/// The most parts of one run.
const MOST_PARTS: usize = 1_000;

/// The most parts of all runs together: each may hold a stack trace.
const MOST_IN_ALL: usize = 50_000;

/// What one event says.
#[derive(Debug)]
pub(super) enum Item {
    /// Where a run stands.
    Whole(Box<Run>),
    /// Where a part of a run stands.
    Part(Box<Part>),
    /// Nothing about runs.
    Nothing,
}

/// A part of a run.
#[derive(Debug)]
pub(super) struct Part {
    /// The runs that it may belong to, the outermost first.
    pub(super) of: Vec<String>,
    /// The part's own id: another one under the same title is another try.
    pub(super) own: String,
    /// As a step.
    pub(super) step: Step,
    /// As a run of its own, should nobody know the run that it belongs to.
    pub(super) alone: Run,
}

/// What is known of the runs.
#[derive(Debug, Default)]
pub(super) struct Gather {
    runs: BTreeMap<String, Family>,
    /// In the order of their first event.
    order: VecDeque<String>,
    /// How many parts are kept.
    parts: usize,
    /// Parts that were told as runs of their own, and stay so.
    alone: BTreeSet<String>,
    alone_order: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Family {
    /// By title, each with the id of its newest try.
    parts: BTreeMap<String, (String, Step)>,
    /// The run as it was told last, without its parts.
    told: Option<Run>,
}

impl Gather {
    /// What is to be told because of `item`.
    pub(super) fn put(&mut self, item: Item) -> Option<Run> {
        match item {
            Item::Nothing => None,
            Item::Whole(run) => Some(self.whole(*run)),
            Item::Part(part) => self.part(*part),
        }
    }

    fn whole(&mut self, run: Run) -> Run {
        if !self.runs.contains_key(&run.id) {
            self.order.push_back(run.id.clone());
        }
        let id = run.id.clone();
        let family = self.runs.entry(id.clone()).or_default();
        let run = match &family.told {
            // A start that comes after the end it belongs to; one that is newer is another try.
            Some(told) if told.status.is_final() && !run.status.is_final() && !is_newer(&run, told) => told.clone(),
            // A start is told by one event alone, and an end must not forget it.
            Some(told) => Run {
                started_at: run.started_at.or(told.started_at),
                url: run.url.clone().or_else(|| told.url.clone()),
                ..run
            },
            None => run,
        };
        family.told = Some(run.clone());
        let whole = family.with_parts(run);
        if matches!(whole.status, RunStatus::Completed | RunStatus::Cancelled) {
            self.parts -= std::mem::take(&mut family.parts).len();
        }
        self.make_room(&id);
        whole
    }

    /// Lets go of the oldest runs, but for the one at hand.
    fn make_room(&mut self, at_hand: &str) {
        while self.order.len() > MOST_RUNS || (self.parts > MOST_IN_ALL && self.order.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { return };
            if oldest == at_hand {
                self.order.push_back(oldest);
                continue;
            }
            self.parts -= self.runs.remove(&oldest).map_or(0, |family| family.parts.len());
        }
    }

    fn part(&mut self, part: Part) -> Option<Run> {
        let Part { of, own, step, alone } = part;
        let known = of.into_iter().find(|run| self.runs.contains_key(run)).filter(|_| !self.alone.contains(&own));
        let Some((id, family)) = known.and_then(|run| self.runs.get_mut(&run).map(|family| (run, family))) else {
            self.remember_alone(own);
            return Some(alone);
        };
        let is_failure = step.status == StepStatus::Failed;
        let before = family.parts.len();
        family.take(own, step);
        self.parts += family.parts.len() - before;
        // Its run has ended already, by an event that came before this one.
        let told = family.told.clone().filter(|told| is_failure && told.status == RunStatus::Failed);
        let told = told.map(|told| family.with_parts(told));
        self.make_room(&id);
        told
    }

    fn remember_alone(&mut self, own: String) {
        if self.alone.insert(own.clone()) {
            self.alone_order.push_back(own);
        }
        while self.alone_order.len() > MOST_RUNS {
            if let Some(oldest) = self.alone_order.pop_front() {
                self.alone.remove(&oldest);
            }
        }
    }
}

impl Family {
    fn take(&mut self, own: String, mut step: Step) {
        let before = self.parts.get(&step.title);
        if before.is_none() && self.parts.len() >= MOST_PARTS {
            return;
        }
        if let Some((id, old)) = before {
            let tries = old.attempt.unwrap_or(1);
            if *id == own {
                // An older event of the same try that comes late.
                if is_over(old.status) && !is_over(step.status) {
                    return;
                }
                step.attempt = old.attempt;
                step.started_at = step.started_at.or(old.started_at);
            } else {
                step.attempt = Some(tries.saturating_add(1));
            }
        }
        self.parts.insert(step.title.clone(), (own, step));
    }

    fn with_parts(&self, mut run: Run) -> Run {
        run.steps = self.parts.values().map(|(_, step)| step.clone()).collect();
        run.steps.sort_by(|a, b| {
            (a.started_at.or(a.completed_at), &a.title).cmp(&(b.started_at.or(b.completed_at), &b.title))
        });
        run
    }
}

/// Whether what is said of a run is later than what was said before; without times, nobody knows.
fn is_newer(run: &Run, told: &Run) -> bool {
    run.updated_at.zip(told.updated_at).is_some_and(|(run, told)| run > told)
}

fn is_over(status: StepStatus) -> bool {
    matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Cancelled | StepStatus::Skipped)
}

#[cfg(test)]
impl Gather {
    /// How many runs are kept.
    pub(super) fn kept(&self) -> usize {
        self.runs.len()
    }

    /// How many parts are kept.
    pub(super) fn parts(&self) -> usize {
        assert_eq!(self.parts, self.runs.values().map(|family| family.parts.len()).sum::<usize>());
        self.parts
    }
}
