//! From jobs to steps: which job failed first, at which of its steps, and what the others are beside it. It must not know the run's row.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::said;
use super::states::{has_run, is_failure, step_status};
use super::wire::{Annotation, Job, JobStep};
use crate::run::{Step, StepStatus};

/// The annotations of jobs, by the job's number.
pub(super) type Notes = BTreeMap<u64, Vec<Annotation>>;

/// A time limit has whole minutes: what was cancelled earlier was not ended by one.
const SHORTEST_LIMIT: SignedDuration = SignedDuration::from_mins(1);
/// So many jobs of one run are asked for their annotations at most.
const ASKED: usize = 3;

/// The jobs whose annotations have to be known to say what happened, by how their run ended. First the one that failed first; with it
/// those that were cancelled before that, or where nothing failed: GitHub calls a job cancelled that its own time limit ended.
pub(super) fn suspects<'a>(end: &str, jobs: &'a [Job]) -> Vec<&'a Job> {
    let jobs = in_order(jobs);
    let mut cancelled: Vec<&Job> = jobs.iter().copied().filter(|job| job.end() == "cancelled").collect();
    cancelled.sort_by_key(|job| (job.completed_at.is_none(), job.completed_at));
    if !is_failure(end) {
        let long = |job: &&Job| {
            let lasted = job.started_at.zip(job.completed_at).map(|(start, end)| end.duration_since(start));
            has_run(job) && lasted.is_some_and(|lasted| lasted >= SHORTEST_LIMIT)
        };
        return cancelled.into_iter().filter(long).take(ASKED).collect();
    }
    let failed = jobs.iter().copied().filter(|job| is_failure(job.end()));
    let Some(first) = failed.min_by_key(|job| failed_at(job)) else {
        return cancelled.into_iter().take(ASKED).collect();
    };
    let before = cancelled.into_iter().filter(|job| has_run(job) && job.completed_at < failed_at(first));
    std::iter::once(first).chain(before.take(ASKED - 1)).collect()
}

/// The steps of a run, numbered in the order in which they began. A job that failed is told step by step, any other as one step.
/// `ended_badly`: the run did; else what failed in it was tolerated.
pub(super) fn steps(jobs: &[Job], notes: &Notes, ended_badly: bool) -> Vec<Step> {
    let none_failed = !jobs.iter().any(|job| is_failure(job.end()));
    let mut steps = Vec::new();
    for job in in_order(jobs) {
        let notes = notes.get(&job.id).map(Vec::as_slice).unwrap_or_default();
        let stopped = job.end() == "cancelled"
            // No job failed and yet the run did: a job that says why is the one.
            && (said::is_timeout(notes) || (ended_badly && none_failed && said::error(notes).is_some_and(|e| says(&e))));
        if is_failure(job.end()) || stopped {
            in_detail(job, notes, &mut steps);
        } else {
            steps.push(whole(job, step_status(&job.status, job.end())));
        }
    }
    for (step, number) in steps.iter_mut().zip(1..) {
        step.number = Some(number);
        step.tolerated = !ended_badly && step.status == StepStatus::Failed;
    }
    steps
}

/// How many steps of all jobs ended well, and how many there are.
pub(super) fn count(jobs: &[Job]) -> (usize, usize) {
    let steps = || jobs.iter().flat_map(|job| &job.steps);
    (steps().filter(|step| step.end() == "success").count(), steps().filter(|step| step.end() != "skipped").count())
}

fn says(error: &crate::run::StepError) -> bool {
    error.code != crate::run::UNKNOWN_ERROR
}

fn in_order(jobs: &[Job]) -> Vec<&Job> {
    let mut jobs: Vec<&Job> = jobs.iter().collect();
    jobs.sort_by_key(|job| (job.started_at.is_none(), job.started_at, job.id));
    jobs
}

fn failed_at(job: &Job) -> Option<Timestamp> {
    culprit(job).and_then(|step| step.completed_at).or(job.completed_at).or(job.started_at)
}

/// The step that made its job fail: the first that failed; else the one that was stopped, or was at work when its machine was lost, for
/// then no step is told to have failed. None where no step of the job had begun, or all of them ended well.
fn culprit(job: &Job) -> Option<&JobStep> {
    let first = |fits: &dyn Fn(&&JobStep) -> bool| job.steps.iter().filter(fits).min_by_key(|step| step.number);
    let stopped = |step: &&JobStep| step.end() == "cancelled" && step.started_at.is_some();
    let bad = |step: &&JobStep| is_failure(step.end());
    // What fails after the time limit, in a step that always runs, is a consequence of it.
    if job.end() == "cancelled" {
        return first(&|step| bad(step) || stopped(step));
    }
    first(&bad)
        .or_else(|| first(&stopped))
        .or_else(|| first(&|step| step.status == "in_progress" && step.end().is_empty()))
}

fn in_detail(job: &Job, notes: &[Annotation], steps: &mut Vec<Step>) {
    let culprit = culprit(job);
    let error = said::error(notes);
    if culprit.is_none() {
        steps.push(Step { error: error.clone(), ..whole(job, StepStatus::Failed) });
    }
    for step in &job.steps {
        let is_culprit = culprit.is_some_and(|culprit| std::ptr::eq(culprit, step));
        let status = match step_status(&step.status, step.end()) {
            _ if is_culprit => StepStatus::Failed,
            // The job is over: what was still at work will not end any more.
            StepStatus::Running | StepStatus::Waiting => StepStatus::Pending,
            status => status,
        };
        steps.push(Step {
            kind: Some("step".to_owned()),
            started_at: step.started_at,
            completed_at: step.completed_at.or(job.completed_at.filter(|_| is_culprit)),
            error: error.clone().filter(|_| is_culprit),
            url: job.html_url.as_ref().map(|url| format!("{url}#step:{}:1", step.number)),
            ..Step::bare(format!("{} › {}", job.name, step.name), status)
        });
    }
}

fn whole(job: &Job, status: StepStatus) -> Step {
    let over = matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Cancelled);
    Step {
        kind: Some("job".to_owned()),
        // What never had a machine has not started, whatever its row says.
        started_at: job.started_at.filter(|_| has_run(job) || over),
        completed_at: job.completed_at.filter(|_| over),
        url: job.html_url.clone(),
        ..Step::bare(job.name.clone(), status)
    }
}
