//! From the passes of nodes to steps: in which order, under which name, which failed first. It must not know how a run ended.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::error;
use super::wire::{Entry, Execution, Node};
use crate::run::{Step, StepStatus};

/// Times below this are seconds: n8n writes these of a run that it restored after a crash.
const SECONDS: f64 = 1e11;

/// When a pass began, in milliseconds since 1970; `None` where n8n wrote no time.
fn start(entry: &Entry) -> Option<f64> {
    let start = if entry.start < SECONDS { entry.start * 1_000.0 } else { entry.start };
    (start > 0.0).then_some(start)
}

fn end(entry: &Entry) -> Option<f64> {
    start(entry).map(|start| start + entry.took.max(0.0))
}

fn is_crash(entry: &Entry) -> bool {
    entry.status == "crashed"
}

fn has_failed(entry: &Entry) -> bool {
    entry.error.is_some() || matches!(entry.status.as_str(), "error" | "crashed")
}

/// The pass that failed first. The order of names in the record says nothing, and what crashed lasted to the end.
pub(super) fn first_failed(execution: &Execution) -> Option<&Entry> {
    let failed = execution.entries.iter().filter(|entry| has_failed(entry));
    failed.min_by(|one, other| order(one, other, end))
}

fn order(one: &Entry, other: &Entry, time: impl Fn(&Entry) -> Option<f64>) -> std::cmp::Ordering {
    let key = |entry: &Entry| (is_crash(entry), time(entry).unwrap_or(0.0));
    let (one_key, other_key) = (key(one), key(other));
    one_key.0.cmp(&other_key.0).then(one_key.1.total_cmp(&other_key.1)).then(one.index.cmp(&other.index))
}

/// The nodes that the run came to, each with the pass that counts, numbered in the order of their first passes.
pub(super) fn steps(execution: &Execution, link: impl Fn(&Node) -> Option<String>) -> Vec<Step> {
    // The lowest that can be read.
    let mut lowest: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in &execution.entries {
        let known = lowest.entry(&entry.node).or_insert(entry);
        if entry.pass < known.pass {
            *known = entry;
        }
    }
    let mut first: Vec<&Entry> = lowest.into_values().collect();
    first.sort_by(|one, other| order(one, other, start));
    first.iter().zip(1..).map(|(entry, number)| step(execution, &entry.node, number, &link)).collect()
}

fn step(execution: &Execution, name: &str, number: u32, link: impl Fn(&Node) -> Option<String>) -> Step {
    let own = || execution.entries.iter().filter(|entry| entry.node == name);
    let failed = own().filter(|entry| has_failed(entry)).min_by(|one, other| order(one, other, end));
    let swallowed = own().find(|entry| entry.swallowed.is_some());
    let node = execution.node(name);
    let mut step = Step { number: Some(number), ..Step::bare(name, StepStatus::Completed) };
    step.kind = node.map(kind);
    step.url = node.and_then(link);
    let Some(counts) = failed.or(swallowed).or_else(|| own().max_by_key(|entry| entry.pass)) else { return step };
    step.started_at = start(counts).and_then(timestamp);
    if failed.is_some() {
        step.status = StepStatus::Failed;
        step.error = counts.error.as_ref().map(error::of);
        // Tries are made before anything is written down of them: what failed has used them up.
        let tries = node.filter(|node| node.retry_on_fail && !is_crash(counts)).map(tries);
        (step.attempt, step.max_attempts) = (tries, tries);
    } else if let Some(error) = &counts.swallowed {
        step.status = StepStatus::Failed;
        step.tolerated = true;
        step.error = Some(error::swallowed(error));
    } else {
        step.status = status(&counts.status);
    }
    // What crashed was under way until the end that n8n wrote down for the run.
    let until = if is_crash(counts) { execution.row.stopped_at } else { end(counts).and_then(timestamp) };
    step.completed_at = until.max(step.started_at).filter(|_| is_over(step.status));
    step
}

fn status(word: &str) -> StepStatus {
    match word {
        "waiting" => StepStatus::Waiting,
        "running" => StepStatus::Running,
        "new" | "unknown" => StepStatus::Pending,
        "canceled" => StepStatus::Cancelled,
        _ => StepStatus::Completed,
    }
}

fn is_over(status: StepStatus) -> bool {
    matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Cancelled)
}

/// `n8n-nodes-base.httpRequest` is an `httpRequest`.
fn kind(node: &Node) -> String {
    node.kind.rsplit('.').next().unwrap_or_default().to_owned()
}

/// How often n8n tries this node: 3 times unless said otherwise, and 2 to 5 times whatever is said.
fn tries(node: &Node) -> u32 {
    match node.max_tries.unwrap_or(3.0) {
        tries if tries >= 5.0 => 5,
        tries if tries >= 4.0 => 4,
        tries if tries >= 3.0 => 3,
        _ => 2,
    }
}

/// How many of its nodes the workflow has that can run: an upper bound, for a run takes one way of several.
pub(super) fn total(execution: &Execution) -> Option<u32> {
    let nodes = &execution.workflow.as_ref()?.nodes;
    let counts = nodes.iter().filter(|node| can_run(node)).count();
    u32::try_from(counts).ok().filter(|total| *total > 0)
}

/// How many of these ended well.
pub(super) fn completed(execution: &Execution, steps: &[Step]) -> u32 {
    let counts = |step: &&Step| step.status == StepStatus::Completed && execution.node(&step.title).is_none_or(can_run);
    u32::try_from(steps.iter().filter(counts).count()).unwrap_or(u32::MAX)
}

fn can_run(node: &Node) -> bool {
    !node.disabled && !node.kind.ends_with(".stickyNote")
}

fn timestamp(milliseconds: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds; one that is too large is no time")]
    Timestamp::from_millisecond(milliseconds as i64).ok()
}
