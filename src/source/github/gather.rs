//! Which jobs belong to which run, where webhooks are all there is. They come in any order: what a run's end lacks, a job that comes
//! later adds. What is kept is bounded, and lost at a restart: then a run that ends is told without the step that failed.

use std::collections::{BTreeMap, VecDeque};

use super::mapping::Evidence;
use super::states::{is_failure, is_final};
use super::wire::{Job, RunRow};

/// The most runs whose jobs are kept, and the most jobs in all.
const MOST_RUNS: usize = 2_000;
const MOST_JOBS: usize = 20_000;

type Key = (String, u64);

/// What is known of the runs.
#[derive(Debug, Default)]
pub(super) struct Gather {
    runs: BTreeMap<Key, Family>,
    /// In the order of their first event.
    order: VecDeque<Key>,
    /// How many jobs are kept.
    jobs: usize,
}

#[derive(Debug, Default)]
struct Family {
    /// The newest attempt that was heard of.
    attempt: u32,
    row: Option<RunRow>,
    jobs: BTreeMap<u64, Job>,
}

impl Gather {
    /// Takes what is said of a run. What is to be told is as new as anything that was said before.
    pub(super) fn run(&mut self, repository: &str, row: RunRow) -> Evidence {
        let key = (repository.to_owned(), row.id);
        let family = self.family(&key, row.attempt());
        let age = |row: &RunRow| (row.attempt(), is_final(row), row.updated_at);
        // One of an attempt before has nothing to do with the jobs that are kept.
        let is_newest = row.attempt() >= family.attempt;
        if is_newest && family.row.as_ref().is_none_or(|known| age(known) <= age(&row)) {
            family.row = Some(row.clone());
        }
        let evidence = family.evidence(repository).unwrap_or_else(|| Evidence::of(repository, row));
        let over = is_final(&evidence.row) && !is_failure(evidence.row.end());
        if over && let Some(family) = self.runs.get_mut(&key) {
            self.jobs -= std::mem::take(&mut family.jobs).len();
        }
        self.make_room();
        evidence
    }

    /// Takes what is said of a job. It tells something where its run has failed already.
    pub(super) fn job(&mut self, repository: &str, job: Job) -> Option<Evidence> {
        let key = (repository.to_owned(), job.run_id);
        let attempt = job.run_attempt.unwrap_or(1);
        self.family(&key, attempt);
        // Counted from here: a new attempt has let go of the jobs of the one before.
        let before = self.jobs;
        let family = self.runs.get_mut(&key)?;
        if attempt < family.attempt || job.id == 0 {
            return None;
        }
        // An older event of the same job that comes late.
        if family.jobs.get(&job.id).is_some_and(|known| !known.end().is_empty() && job.end().is_empty()) {
            return None;
        }
        let failed = is_failure(job.end());
        let added = family.jobs.insert(job.id, job).is_none();
        let told = family.row.as_ref().is_some_and(|row| is_failure(row.end()));
        let evidence = if failed && told { family.evidence(repository) } else { None };
        self.jobs = before + usize::from(added);
        self.make_room();
        evidence
    }

    fn family(&mut self, key: &Key, attempt: u32) -> &mut Family {
        if !self.runs.contains_key(key) {
            self.order.push_back(key.clone());
        }
        let family = self.runs.entry(key.clone()).or_default();
        if attempt > family.attempt {
            self.jobs -= family.jobs.len();
            *family = Family { attempt, ..Family::default() };
        }
        family
    }

    /// Lets go of the oldest runs, but for the newest one.
    fn make_room(&mut self) {
        while self.order.len() > MOST_RUNS || (self.jobs > MOST_JOBS && self.order.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { return };
            self.jobs -= self.runs.remove(&oldest).map_or(0, |family| family.jobs.len());
        }
    }
}

impl Family {
    fn evidence(&self, repository: &str) -> Option<Evidence> {
        let evidence = Evidence::of(repository, self.row.clone()?);
        let jobs: Vec<Job> = self.jobs.values().cloned().collect();
        // No job was heard of, which does not say that there was none.
        Some(Evidence { jobs: Some(jobs).filter(|jobs| !jobs.is_empty()), ..evidence })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(id: u64, attempt: u32) -> Job {
        serde_json::from_value(json!({"id": id, "run_id": 1, "run_attempt": attempt, "name": "test"})).unwrap()
    }

    #[test]
    fn the_jobs_that_are_counted_are_those_that_are_kept() {
        let mut gather = Gather::default();
        for (id, attempt) in [(1, 1), (2, 1), (2, 1), (3, 2), (4, 2), (5, 3)] {
            gather.job("acme/shop", job(id, attempt));
            assert_eq!(gather.jobs, gather.runs.values().map(|family| family.jobs.len()).sum::<usize>());
        }
    }

    #[test]
    fn a_run_of_an_attempt_before_gets_no_jobs_of_the_newest() {
        let mut gather = Gather::default();
        gather.job("acme/shop", job(3, 2));
        let late = json!({"id": 1, "run_attempt": 1, "status": "completed", "conclusion": "failure"});
        let told = gather.run("acme/shop", serde_json::from_value(late).unwrap());
        assert!(told.jobs.is_none());
    }
}
