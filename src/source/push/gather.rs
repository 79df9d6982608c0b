//! Which parts belong to which run. Standards push a run and its tasks as events of their own, from several machines, in any order; what
//! failed is a task's to say, that it failed the run's. What is kept in between is bounded, and lost at a restart: then a part is told as a
//! run of its own, for a failure told twice is better than one that is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::family::{Family, Try};
use crate::run::{Run, RunStatus, Step, StepStatus};

/// The most runs whose parts are kept.
const MOST_RUNS: usize = 4_000;
/// The most parts of all runs together: each may hold a stack trace.
const MOST_IN_ALL: usize = 50_000;

/// What one event says.
#[derive(Debug)]
pub(super) enum Item {
    /// Where a run stands.
    Whole(Box<Whole>),
    /// Where a part of a run stands.
    Part(Box<Part>),
    /// Nothing about runs.
    Nothing,
}

/// A run.
#[derive(Debug)]
pub(super) struct Whole {
    /// What makes it the same run, whoever tells of it.
    pub(super) key: String,
    /// Where it stands.
    pub(super) run: Run,
    /// Its sender says that it ended well whatever happened in it, so that what failed in it decides.
    pub(super) blind: bool,
}

/// A part of a run.
#[derive(Debug)]
pub(super) struct Part {
    /// The keys of the runs that it may belong to, the outermost first; the last is what started it.
    pub(super) of: Vec<String>,
    /// The part's own key: another one under the same title is another try.
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
    /// Those of which only parts are known.
    waiting: BTreeSet<String>,
    /// The run that each part is kept with.
    home: BTreeMap<String, String>,
    /// Parts that were told as runs of their own, and stay so.
    alone: BTreeSet<String>,
    alone_order: VecDeque<String>,
}

impl Gather {
    /// What is to be told because of `item`.
    pub(super) fn put(&mut self, item: Item) -> Option<Run> {
        match item {
            Item::Nothing => None,
            Item::Whole(whole) => Some(self.whole(*whole)),
            Item::Part(part) => self.part(*part),
        }
    }

    fn whole(&mut self, whole: Whole) -> Run {
        let Whole { key, run, blind } = whole;
        self.waiting.remove(&key);
        if self.runs.get(&key).is_none_or(|family| family.told.is_none()) {
            self.gather_in(&key);
        }
        let family = self.family(&key);
        let run = match &family.told {
            // A start that comes after the end it belongs to; one that is newer is another try.
            Some(told) if told.status.is_final() && !run.status.is_final() && !is_newer(&run, told) => told.clone(),
            // A start is told by one event alone, and an end must not forget it.
            Some(told) => Run {
                started_at: run.started_at.or(told.started_at),
                url: run.url.clone().or_else(|| told.url.clone()),
                trigger: run.trigger.clone().or_else(|| told.trigger.clone()),
                ..run
            },
            None => run,
        };
        family.told = Some(run.clone());
        family.blind |= blind;
        let whole = family.with_parts(run);
        if matches!(whole.status, RunStatus::Completed | RunStatus::Cancelled) {
            for own in std::mem::take(&mut family.tries).into_keys() {
                self.home.remove(&own);
            }
        }
        self.make_room(&key);
        whole
    }

    /// Parts came before the run that they belong to.
    fn gather_in(&mut self, key: &str) {
        let mut found: BTreeMap<String, Try> = BTreeMap::new();
        let mut empty = BTreeSet::new();
        for of in &self.waiting {
            let Some(family) = self.runs.get_mut(of) else { continue };
            let all = std::mem::take(&mut family.tries);
            let (its_own, rest): (BTreeMap<_, _>, _) =
                all.into_iter().partition(|(_, part)| part.of.iter().any(|of| of == key));
            family.tries = rest;
            if family.tries.is_empty() {
                empty.insert(of.clone());
            }
            found.extend(its_own);
        }
        for (own, part) in found {
            self.home.insert(own.clone(), key.to_owned());
            self.family(key).tries.insert(own, part);
        }
        if !empty.is_empty() {
            self.runs.retain(|of, _| !empty.contains(of));
            self.order.retain(|of| !empty.contains(of));
            self.waiting.retain(|of| !empty.contains(of));
        }
    }

    fn family(&mut self, key: &str) -> &mut Family {
        if !self.runs.contains_key(key) {
            self.order.push_back(key.to_owned());
        }
        self.runs.entry(key.to_owned()).or_default()
    }

    /// Lets go of the oldest runs, but for the one at hand.
    fn make_room(&mut self, at_hand: &str) {
        while self.order.len() > MOST_RUNS || (self.home.len() > MOST_IN_ALL && self.order.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { return };
            if oldest == at_hand {
                self.order.push_back(oldest);
                continue;
            }
            self.waiting.remove(&oldest);
            for own in self.runs.remove(&oldest).into_iter().flat_map(|family| family.tries.into_keys()) {
                self.home.remove(&own);
            }
        }
    }

    fn part(&mut self, part: Part) -> Option<Run> {
        let Part { of, own, step, alone } = part;
        let key = self.home_of(&own, &of)?;
        let (ended, failed) = (is_over(step.status), step.status == StepStatus::Failed);
        let family = self.family(&key);
        let kept = family.take(&own, Try { of, step });
        let started = family.tries.get(&own).and_then(|part| part.step.started_at);
        let known = family.told.is_some();
        // Its run has ended already, by an event that came before this one.
        let ended_run = family.told.clone().filter(|told| failed && told.status.is_final());
        let told = ended_run.map(|told| family.with_parts(told)).filter(|told| told.status == RunStatus::Failed);
        if kept {
            self.home.insert(own.clone(), key.clone());
        }
        if !known {
            self.waiting.insert(key.clone());
        }
        self.make_room(&key);
        if !known || self.alone.contains(&own) {
            // What has begun may still hear of its run; what has ended is told, for there may never be one.
            return ended.then(|| {
                self.remember_alone(own);
                Run { started_at: alone.started_at.or(started), ..alone }
            });
        }
        told
    }

    /// The run that a part is kept with: the outermost that is known, or the one that a known part above it belongs to.
    fn home_of(&self, own: &str, of: &[String]) -> Option<String> {
        let known = self.home.get(own).filter(|key| self.runs.contains_key(*key));
        let run = || of.iter().find(|key| self.runs.get(*key).is_some_and(|family| family.told.is_some()));
        let above = || of.iter().find_map(|key| self.home.get(key));
        known.or_else(run).or_else(above).or(of.last()).cloned()
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

/// Whether what is said of a run is later than what was said before; without times, nobody knows.
fn is_newer(run: &Run, told: &Run) -> bool {
    run.updated_at.zip(told.updated_at).is_some_and(|(run, told)| run > told)
}

pub(super) fn is_over(status: StepStatus) -> bool {
    matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Cancelled | StepStatus::Skipped)
}

#[cfg(test)]
impl Gather {
    /// How many runs are kept.
    pub(super) fn kept(&self) -> usize {
        assert_eq!(self.runs.len(), self.order.len());
        self.runs.len()
    }

    /// How many parts are kept.
    pub(super) fn parts(&self) -> usize {
        assert_eq!(self.home.len(), self.runs.values().map(|family| family.tries.len()).sum::<usize>());
        self.home.len()
    }
}
