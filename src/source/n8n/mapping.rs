//! From everything known of one run to a [`Run`]. Pure: it must not know how any of it was fetched, and reads no clock.

use std::collections::BTreeMap;

use super::ends::{is_child, run_status, timed_out};
use super::error;
use super::nodes;
use super::wire::{Entry, Execution, Node, Row};
use crate::run::{Progress, Run, RunStatus, Step, StepError, StepStatus, UNKNOWN_ERROR, Workflow};

/// How deep a failure is followed into sub-workflows.
pub(super) const DEPTH: usize = 8;

/// What is known of one run.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub execution: Execution,
    /// The run of the sub-workflow that its first failed node started.
    pub child: Option<Box<Evidence>>,
}

/// How this n8n is shown, and what of it is wanted.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The editor. No trailing slash.
    pub ui: String,
    /// Its pages show a single node (2.x).
    pub nodes: bool,
    /// A run that n8n ended at its limit has failed.
    pub tell_timeouts: bool,
}

impl Evidence {
    pub(super) fn of(execution: Execution) -> Self {
        Self { execution, child: None }
    }

    /// The run of the sub-workflow that its first failed node started.
    pub(super) fn wants_child(&self) -> Option<u64> {
        let failed = run_status(&self.execution.row) == Some(RunStatus::Failed);
        failed.then(|| nodes::first_failed(&self.execution)?.error.as_ref().and_then(error::child)).flatten()
    }
}

/// The run that the evidence shows. `None` for one of which n8n does not know how it stands.
pub(super) fn run(evidence: &Evidence, name: Option<&str>, view: &View) -> Option<Run> {
    let execution = &evidence.execution;
    let row = &execution.row;
    let limit = timed_out(execution).filter(|_| view.tell_timeouts);
    let status = if limit.is_some() { RunStatus::Failed } else { run_status(row)? };
    let workflow = execution.workflow.as_ref().and_then(|workflow| workflow.name.as_deref()).or(name);
    let mut steps = nodes::steps(execution, |node| view.step(row, node));
    follow_child(&mut steps, evidence, view);
    let total = nodes::total(execution);
    let completed = nodes::completed(execution, &steps);
    let failed = status == RunStatus::Failed;
    Some(Run {
        id: row.id.to_string(),
        attempt: None,
        replay_of: row.retry_of.map(|id| id.to_string()),
        retried_as: None,
        parent: execution.parent.map(|parent| parent.id.to_string()),
        workspace: None,
        workflow: Workflow {
            id: row.workflow_id.clone().filter(|id| !id.is_empty()),
            name: workflow
                .map(str::to_owned)
                .or_else(|| row.workflow_id.is_none().then(|| "unknown workflow".to_owned())),
            version: execution.version.clone(),
        },
        status,
        trigger: trigger(execution),
        url: view.run(row),
        started_at: row.started_at,
        completed_at: row.stopped_at.filter(|_| status.is_final()),
        updated_at: row.stopped_at.filter(|_| status.is_final()),
        labels: labels(execution),
        progress: total.filter(|total| completed <= *total).map(|total| Progress { completed, total: Some(total) }),
        error: limit.map(over_time).or_else(|| failed.then(|| run_error(execution)).flatten()),
        retry_at: None,
        max_attempts: None,
        steps,
    })
}

impl View {
    /// The page of a run. An id that is no id makes no link.
    fn run(&self, row: &Row) -> Option<String> {
        Some(format!("{}/executions/{}", self.workflow(row.workflow_id.as_deref()?)?, row.id))
    }

    /// The page of a workflow.
    pub(super) fn workflow(&self, id: &str) -> Option<String> {
        is_plain(id).then(|| format!("{}/workflow/{id}", self.ui))
    }

    /// The page of a run at one of its nodes.
    fn step(&self, row: &Row, node: &Node) -> Option<String> {
        let run = self.run(row)?;
        if !self.nodes {
            return Some(run);
        }
        is_plain(&node.id).then(|| format!("{run}/{}", node.id))
    }
}

fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The node that stands for a sub-workflow is told as the node inside that failed: `Call child › Child call`, with its error and a link
/// to the run in which it failed. Its number and kind stay those in the parent, where people look first.
fn follow_child(steps: &mut [Step], evidence: &Evidence, view: &View) {
    let Some(failed) = nodes::first_failed(&evidence.execution).filter(|_| evidence.child.is_some()) else { return };
    let Some(step) = steps.iter_mut().find(|step| step.title == failed.node && step.status == StepStatus::Failed)
    else {
        return;
    };
    let mut next = evidence.child.as_deref();
    for _ in 0..DEPTH {
        let Some(child) = next else { return };
        let execution = &child.execution;
        if let Some(inner) = nodes::first_failed(execution) {
            step.title = format!("{} › {}", step.title, inner.node);
            step.error = inner.error.as_ref().map(error::of).or_else(|| step.error.take());
            step.url = execution.node(&inner.node).and_then(|node| view.step(&execution.row, node));
        } else if let Some(error) = &execution.error {
            // It failed beside its nodes.
            step.error = Some(error::of(error));
        }
        step.url = step.url.take().or_else(|| view.run(&execution.row));
        next = child.child.as_deref();
    }
}

/// What a failed run says where none of its nodes does.
fn run_error(execution: &Execution) -> Option<StepError> {
    if nodes::first_failed(execution).is_some() {
        return None;
    }
    if let Some(error) = &execution.error {
        return Some(error::of(error));
    }
    let (code, message) = match execution.row.status.as_str() {
        "crashed" => ("WorkflowCrashedError", "n8n stopped while this ran, and recorded nothing more of it"),
        _ if execution.too_large => (UNKNOWN_ERROR, "the data of this run is too large to be read: look at it in n8n"),
        _ => return None,
    };
    Some(StepError { code: code.to_owned(), message: message.to_owned(), ..StepError::default() })
}

fn over_time(limit: f64) -> StepError {
    let message = format!("n8n ended this run at the limit of its workflow, {limit} s");
    StepError { code: "WorkflowTimeout".to_owned(), message, ..StepError::default() }
}

/// What started it. A schedule is one of several triggers to n8n.
fn trigger(execution: &Execution) -> Option<String> {
    let row = &execution.row;
    let began = execution.entries.iter().filter(|entry| entry.pass == 1);
    let kinds = || began.clone().filter_map(|entry| execution.node(&entry.node)).map(|node| node.kind.as_str());
    let is_schedule = |kind: &str| [".scheduleTrigger", ".cron", ".interval"].iter().any(|end| kind.ends_with(end));
    let word = match row.mode.as_str() {
        "trigger" if kinds().any(is_schedule) => "schedule",
        _ if is_child(row) => "parent",
        "" => return None,
        mode => mode,
    };
    Some(word.to_owned())
}

/// Which pass of a loop failed, and at which item, counted from 0 as n8n does.
fn labels(execution: &Execution) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let Some(failed) = nodes::first_failed(execution) else { return labels };
    let Entry { pass, passes, .. } = failed;
    if *passes > 1 {
        labels.insert("pass".to_owned(), format!("{pass} of {passes}"));
    }
    let item = failed.error.as_ref().and_then(|error| error["context"]["itemIndex"].as_u64());
    if let Some(item) = item.filter(|item| *item > 0) {
        labels.insert("item".to_owned(), item.to_string());
    }
    labels
}
