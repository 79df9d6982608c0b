//! From everything known of one workflow run to a [`Run`]. Pure: it must not know how any of it was fetched, and reads no clock.

use std::collections::BTreeMap;

use super::job::{self, Notes};
use super::said;
use super::states::run_status;
use super::wire::{Job, RunRow};
use crate::run::{Progress, Run, RunStatus, StepError, StepStatus, Workflow};

/// How many characters of a commit people need.
const SHORT: usize = 12;

/// What is known of a run.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// `owner/name`.
    pub repository: String,
    pub row: RunRow,
    /// The jobs of its newest attempt; none where the row says enough.
    pub jobs: Option<Vec<Job>>,
    /// What those jobs said that may have made it fail.
    pub notes: Notes,
}

impl Evidence {
    /// A run of which only the row is needed.
    pub(super) fn of(repository: &str, row: RunRow) -> Self {
        Self { repository: repository.to_owned(), row, jobs: None, notes: Notes::new() }
    }

    /// Where the run stands: as its row says, but that a run that a time limit ended has failed, which GitHub calls cancelled.
    fn status(&self) -> RunStatus {
        match run_status(&self.row) {
            RunStatus::Cancelled if self.notes.values().any(|notes| said::is_timeout(notes)) => RunStatus::Failed,
            status => status,
        }
    }

    /// Whether it failed and nothing is known of where, although its jobs were asked for.
    pub(super) fn lacks_cause(&self) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        let failed = |step: &crate::run::Step| step.status == StepStatus::Failed;
        self.status() == RunStatus::Failed && !job::steps(jobs, &self.notes, true).iter().any(failed)
    }

    /// Whether it looks cancelled, and does not show yet that no time limit did it: a job has no end, or one that ran for long has said
    /// nothing. `readable`: annotations can be read.
    pub(super) fn lacks_limit(&self, readable: bool) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        let is_open = |job: &Job| job.end().is_empty() || (job.end() == "cancelled" && job.completed_at.is_none());
        let is_silent = |job: &&Job| self.notes.get(&job.id).is_none_or(Vec::is_empty);
        self.status() == RunStatus::Cancelled
            && (jobs.iter().any(is_open) || (readable && job::suspects(self.row.end(), jobs).iter().any(is_silent)))
    }

    /// When the last of its jobs ended, where that is known.
    pub(super) fn last_end(&self) -> Option<jiff::Timestamp> {
        self.jobs.iter().flatten().filter_map(|job| job.completed_at).max()
    }
}

/// The run that the evidence shows.
pub(super) fn run(evidence: &Evidence) -> Run {
    let (row, status) = (&evidence.row, evidence.status());
    let jobs = evidence.jobs.as_deref().unwrap_or_default();
    let ended = jobs.iter().filter_map(|job| job.completed_at).max().or(row.updated_at);
    let steps = job::steps(jobs, &evidence.notes, status == RunStatus::Failed);
    let count = |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX);
    let (completed, total) = job::count(jobs);
    let error = run_error(evidence, status).filter(|_| !steps.iter().any(|step| step.status == StepStatus::Failed));
    Run {
        attempt: Some(row.attempt()),
        trigger: Some(trigger(&row.event).to_owned()).filter(|trigger| !trigger.is_empty()),
        url: url(row),
        started_at: row.run_started_at.or(row.created_at),
        completed_at: ended.filter(|_| status.is_final()),
        updated_at: row.updated_at,
        labels: labels(&evidence.repository, row),
        progress: (total > 0).then(|| Progress { completed: count(completed), total: Some(count(total)) }),
        error,
        steps,
        ..Run::bare(row.id.to_string(), workflow(&evidence.repository, row), status)
    }
}

/// `owner/name/.github/workflows/ci.yml`: the same file in another repository is another workflow.
pub(super) fn workflow(repository: &str, row: &RunRow) -> Workflow {
    let path = file(row);
    let name = row.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let id = match (path, name) {
        (Some(path), _) => format!("{repository}/{path}"),
        (None, Some(name)) => format!("{repository}/{name}"),
        (None, None) => repository.to_owned(),
    };
    let version = row.head_sha.as_deref().filter(|sha| !sha.is_empty());
    Workflow {
        id: Some(id),
        name: name.map(str::to_owned),
        version: version.map(|sha| sha.chars().take(SHORT).collect()),
    }
}

/// The workflow's file. Some answers say at which reference it was read, which makes it no other workflow.
fn file(row: &RunRow) -> Option<&str> {
    let path = row.path.as_deref()?.trim();
    let path = path.split_once('@').map_or(path, |(path, _)| path);
    (!path.is_empty()).then_some(path)
}

/// The page of this attempt. The one without a number shows the newest.
fn url(row: &RunRow) -> Option<String> {
    let url = row.html_url.as_deref().filter(|url| !url.is_empty())?;
    Some(if row.attempt() > 1 { format!("{url}/attempts/{}", row.attempt()) } else { url.to_owned() })
}

fn trigger(event: &str) -> &str {
    match event {
        "workflow_dispatch" => "manual",
        other => other,
    }
}

fn labels(repository: &str, row: &RunRow) -> BTreeMap<String, String> {
    let actor = row.triggering_actor.as_ref().or(row.actor.as_ref()).map(|actor| actor.login.clone());
    let own = [
        ("repository", Some(repository.to_owned())),
        ("branch", branch(repository, row)),
        ("event", Some(row.event.clone())),
        ("actor", actor),
        ("run_name", row.display_title.clone()),
        ("run_number", row.run_number.map(|number| number.to_string())),
    ];
    own.into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| !value.trim().is_empty())?)))
        .collect()
}

/// The branch, as `owner:branch` where it is a fork's: a fork's `main` is not ours.
pub(super) fn branch(repository: &str, row: &RunRow) -> Option<String> {
    let branch = row.head_branch.as_deref().filter(|branch| !branch.is_empty())?;
    let head = row.head_repository.as_ref().map(|head| head.full_name.as_str()).filter(|name| !name.is_empty());
    Some(match head.filter(|head| !head.eq_ignore_ascii_case(repository)) {
        Some(fork) => format!("{}:{branch}", fork.split('/').next().unwrap_or(fork)),
        None => branch.to_owned(),
    })
}

/// What is wrong with a run of which no job failed.
fn run_error(evidence: &Evidence, status: RunStatus) -> Option<StepError> {
    let row = &evidence.row;
    if status != RunStatus::Failed {
        return None;
    }
    let says = |code: &str, message: String| StepError { code: code.to_owned(), message, ..StepError::default() };
    let started_nothing = row.end() == "startup_failure" || evidence.jobs.as_ref().is_some_and(Vec::is_empty);
    if started_nothing {
        let file = file(row).unwrap_or("the workflow file");
        // GitHub reads the name in the file, and shows the path where it can't.
        return Some(if row.name.as_deref().is_none_or(|name| name.trim() == file) {
            says("INVALID_WORKFLOW", format!("GitHub started no job: {file}, or a workflow that it calls, is invalid."))
        } else {
            says("STARTUP_FAILURE", format!("GitHub started no job of this run of {file}."))
        });
    }
    (row.end() == "timed_out").then(|| says("RUN_TIMEOUT", "GitHub says that the run timed out.".to_owned()))
}
