//! How an incident stands, as one message says it: counts, novelty, how it ended. Data for messages and for the ledger; it decides
//! nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{IncidentId, Withheld};
use crate::triage::Class;

/// How an incident stood when something was said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentNote {
    /// Which.
    pub id: IncidentId,
    /// What its failures have in common: the fields of `group_by` with their values.
    pub group: Vec<(String, String)>,
    /// When its first failure was decided upon.
    pub opened_at: Timestamp,
    /// How many failed attempts.
    pub failures: u32,
    /// Of how many runs.
    pub runs: u32,
    /// Of how many workflows.
    pub workflows: u32,
    /// How many failed attempts since this receiver was told last; `failures` where it was not told before.
    pub more: u32,
    /// When the newest failure was decided upon; absent while nothing has failed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Timestamp>,
    /// The run that failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunRef>,
    /// How often it was opened again.
    #[serde(default)]
    pub reopened: u32,
    /// What is new about it.
    #[serde(default)]
    pub novelty: Novelty,
    /// Who acknowledged it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// Why this receiver is told only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// How it ended; when it is opened again: how it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// The service that fails several workflows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderNote>,
}

/// A run to point at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRef {
    /// The engine's id.
    pub id: String,
    /// What people call the workflow.
    pub workflow: String,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it ended, or was last seen.
    pub at: Timestamp,
}

/// What is new about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Novelty {
    /// This error was never seen before in this workflow, and other runs of it were.
    #[serde(default)]
    pub new_error: bool,
    /// How many failures with this error there were within the last hour, this one included; and when the first of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_last_hour: Option<(u32, Timestamp)>,
    /// The workflow's last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<LastSuccess>,
    /// The version that failed, and since when it runs, where it is another one than that of the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_since: Option<(String, Timestamp)>,
}

/// A workflow's last success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastSuccess {
    /// When it ended.
    pub at: Timestamp,
    /// The version that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Who acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// What proves it.
    pub proof: Proof,
    /// The failed runs that were not run again, newest first, at most [`super::MOST_REFS`].
    #[serde(default)]
    pub not_again: Vec<RunRef>,
    /// How many failed runs were not run again, those in `not_again` included.
    #[serde(default)]
    pub not_again_count: u32,
}

/// What proves that an incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Proof {
    /// A later run of the workflow passed the step that failed.
    LaterRun {
        /// Which.
        run: RunRef,
        /// The engine reported the step as passed. Otherwise the run completed and its steps were not reported.
        step_seen: bool,
    },
    /// The failed run itself completed: run again, retried, or set so by hand.
    SameRun {
        /// Which.
        run: RunRef,
    },
    /// The run that was still retrying was cancelled.
    Cancelled {
        /// Which.
        run: RunRef,
    },
    /// What was expected has happened.
    Happened,
    /// What was expected can't happen any more, or nobody expects it: the expectation left the configuration, or what it was about is
    /// no longer known.
    Moot,
    /// Every workflow that the service failed is over it.
    Members,
    /// No failure for this long: that is all that is known.
    Quiet {
        /// Since the newest failure.
        since: Timestamp,
    },
}

/// A service that fails several workflows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderNote {
    /// Its host.
    pub provider: String,
    /// The class of the failures.
    pub class: Class,
    /// The HTTP status that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The workflows that it fails, those that fail most first.
    pub members: Vec<SummaryLine>,
    /// How many more there are.
    #[serde(default)]
    pub more_members: u32,
}

/// Several incidents in one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Why they were not told one by one.
    pub cause: Withheld,
    /// The workspaces of all that it counts.
    pub workspaces: BTreeSet<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when: the counts are of this time.
    pub until: Timestamp,
    /// How many failed attempts were not told one by one.
    pub failures: u64,
    /// Of how many runs.
    pub runs: u64,
    /// How many problems.
    pub incidents: u32,
    /// How many of these are over.
    pub resolved: u32,
    /// The problems, those that failed most first, at most [`super::MOST_LINES`].
    pub lines: Vec<SummaryLine>,
    /// How many failed attempts by workflow, most first.
    pub workflows: Tallies,
    /// By code.
    pub codes: Tallies,
    /// By provider.
    pub providers: Tallies,
}

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tallies {
    /// The largest ones, largest first, at most [`super::MOST_TALLIES`].
    pub top: Vec<(String, u64)>,
    /// How many names more.
    #[serde(default)]
    pub more_names: u32,
    /// Their counts together.
    #[serde(default)]
    pub more_count: u64,
}

/// One problem in a message about several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryLine {
    /// Which.
    pub incident: IncidentId,
    /// What people call the workflow.
    pub workflow: String,
    /// The first failed step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The error's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The class.
    pub class: Class,
    /// How many failed attempts in this time.
    pub failures: u32,
    /// It is over.
    pub resolved: bool,
    /// A run of it.
    pub run: RunRef,
}
