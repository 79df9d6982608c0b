//! What GitHub's API and its webhooks say, as far as firstred reads it. It must not know what any of it means.
//!
//! Everything that may be absent or null is optional: one strange row must not blind us for the others.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A page of runs, its rows not yet read.
#[derive(Debug, Deserialize)]
pub(super) struct RunPage {
    /// How many there are on all pages.
    pub total_count: Option<u64>,
    pub workflow_runs: Vec<Value>,
}

/// A workflow run, as of its newest attempt.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RunRow {
    pub id: u64,
    /// The name of the workflow; the path of its file where that can't be read.
    pub name: Option<String>,
    /// The workflow's file, or `dynamic/…` for what GitHub runs by itself.
    pub path: Option<String>,
    pub display_title: Option<String>,
    pub run_number: Option<u64>,
    pub run_attempt: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    pub event: String,
    #[serde(default, deserialize_with = "or_default")]
    pub status: String,
    pub conclusion: Option<String>,
    pub head_branch: Option<String>,
    pub head_sha: Option<String>,
    pub html_url: Option<String>,
    /// Of the first attempt.
    pub created_at: Option<Timestamp>,
    /// Of this attempt.
    pub run_started_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub actor: Option<Login>,
    pub triggering_actor: Option<Login>,
    pub head_repository: Option<Repository>,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Login {
    #[serde(default, deserialize_with = "or_default")]
    pub login: String,
}

/// A repository.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Repository {
    #[serde(default, deserialize_with = "or_default")]
    pub full_name: String,
}

/// A page of jobs, its rows not yet read.
#[derive(Debug, Deserialize)]
pub(super) struct JobPage {
    pub jobs: Vec<Value>,
}

/// A job of one attempt.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Job {
    pub id: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub run_id: u64,
    pub run_attempt: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub status: String,
    pub conclusion: Option<String>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub steps: Vec<JobStep>,
    pub html_url: Option<String>,
    pub check_run_url: Option<String>,
}

/// A step of a job.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct JobStep {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub status: String,
    pub conclusion: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub number: u32,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// What a job, or the machine that it ran on, said about a place in the code or in general.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Annotation {
    #[serde(default, deserialize_with = "or_default")]
    pub path: String,
    pub start_line: Option<u64>,
    #[serde(rename = "annotation_level", default, deserialize_with = "or_default")]
    pub level: String,
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
    #[serde(default, deserialize_with = "or_default")]
    pub raw_details: String,
}

/// The body of a webhook.
#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    pub repository: Option<Repository>,
    pub workflow_run: Option<RunRow>,
    pub workflow_job: Option<Job>,
    /// Beside a run: what it runs.
    pub workflow: Option<WorkflowRow>,
}

/// A workflow.
#[derive(Debug, Deserialize)]
pub(super) struct WorkflowRow {
    pub path: Option<String>,
}

impl RunRow {
    /// Which attempt it is, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.run_attempt.unwrap_or(1).max(1)
    }

    /// How it ended; empty while it has not.
    pub(super) fn end(&self) -> &str {
        self.conclusion.as_deref().filter(|_| self.status == "completed").unwrap_or_default()
    }
}

impl Job {
    /// How it ended; empty while it has not.
    pub(super) fn end(&self) -> &str {
        self.conclusion.as_deref().unwrap_or_default()
    }

    /// The check run that holds its annotations: as its address says, else the job's own number, which is the same by custom.
    pub(super) fn check_run(&self) -> u64 {
        let said = self.check_run_url.as_deref().and_then(|url| url.rsplit('/').next()?.parse().ok());
        said.unwrap_or(self.id)
    }
}

impl JobStep {
    /// How it ended; empty while it has not.
    pub(super) fn end(&self) -> &str {
        self.conclusion.as_deref().unwrap_or_default()
    }
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
