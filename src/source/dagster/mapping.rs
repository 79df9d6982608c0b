//! From everything known of one run of Dagster to a [`Run`]. Pure: it must not know how any of it was fetched, and reads no clock.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::evidence::{Evidence, Inside};
use super::story::Story;
use super::{error, links, steps, wire};
use crate::run::{Progress, Run, RunStatus, Step, StepError, StepStatus, Workflow};

/// So long after a failure Dagster has said whether it runs again: the process that writes the failure down says so at once after it
/// (0.1 s on one host).
pub(super) const UNDECIDED: SignedDuration = SignedDuration::from_secs(10);
/// So long a run that was announced may take to be there: the daemon looks every few seconds. It is what people are told; what ends the
/// silence is the hold.
const LAUNCH: SignedDuration = SignedDuration::from_secs(60);

/// What Dagster says of running a failed run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Not yet whether it does.
    Undecided,
    /// It will.
    Announced,
    /// It did, or it won't.
    Decided,
}

/// What Dagster says of running this failed run again. `retries`: whether the instance runs failed runs again at all, where that is known.
pub(super) fn again(run: &wire::Run, retries: Option<bool>) -> Again {
    if run.status != "FAILURE" || retried_as(run).is_some() {
        return Again::Decided;
    }
    match run.tag(wire::WILL_RETRY) {
        Some("true") => Again::Announced,
        Some(_) => Again::Decided,
        None if retries == Some(false) => Again::Decided,
        None => Again::Undecided,
    }
}

/// The run that Dagster started in the place of this one.
pub(super) fn retried_as(run: &wire::Run) -> Option<&str> {
    let next = run.tag(wire::AUTO_RETRY).filter(|id| !id.is_empty() && *id != run.id);
    next.filter(|_| run.tag(wire::WILL_RETRY) != Some("false"))
}

/// When a failed run was last heard of.
pub(super) fn last_change(run: &wire::Run) -> Option<Timestamp> {
    run.end_time.max(run.update_time)
}

/// The run that the evidence shows. `undecided`: what Dagster has not said yet it may still say.
pub(super) fn run(evidence: &Evidence, undecided: bool, again: Again, ui: &str) -> Run {
    let row = &evidence.run;
    let nothing = Inside::default();
    let inside = evidence.inside.as_ref().unwrap_or(&nothing);
    let mut status = status(&row.status);
    let steps = steps::steps(&inside.detail, &inside.story, status, ui, &row.id);
    if status == RunStatus::Running && is_blocked(&steps.all) {
        status = RunStatus::Waiting;
    }
    let retry_number = row.count(wire::RETRY_NUMBER).unwrap_or(0);
    let attempt = retry_number.saturating_add(1);
    let max_retries = row.count("dagster/max_retries").filter(|retries| *retries > 0);
    let wait = match again {
        Again::Announced => Some(LAUNCH),
        Again::Undecided if undecided => Some(UNDECIDED),
        _ => None,
    };
    let retry_at = wait.and_then(|wait| last_change(row)?.checked_add(wait).ok());
    let completed = steps.all.iter().filter(|step| step.status == StepStatus::Completed).count();
    let known = evidence.inside.is_some();
    Run {
        id: row.id.clone(),
        attempt: (retry_number > 0 || max_retries.is_some()).then_some(attempt),
        replay_of: row.parent_run_id.clone().filter(|parent| !parent.is_empty() && *parent != row.id),
        retried_as: retried_as(row).map(str::to_owned).filter(|_| status == RunStatus::Failed),
        parent: None,
        workspace: None,
        workflow: workflow(row),
        status,
        trigger: Some(trigger(row).to_owned()),
        url: links::run(ui, &row.id),
        started_at: row.start_time,
        completed_at: row.end_time.filter(|_| status.is_final()),
        updated_at: last_change(row),
        labels: labels(row, inside),
        progress: known
            .then(|| Progress { completed: u32::try_from(completed).unwrap_or(u32::MAX), total: steps.total }),
        error: (status == RunStatus::Failed).then(|| run_error(row, &inside.story, &steps.all)).flatten(),
        retry_at,
        // Where Dagster tries more often than it said, there is no "of".
        max_attempts: max_retries
            .map(|retries| retries.saturating_add(1))
            .filter(|tries| *tries > attempt || (*tries == attempt && retry_at.is_none())),
        steps: if known { steps.all } else { Vec::new() },
    }
}

fn status(status: &str) -> RunStatus {
    match status {
        "STARTED" | "CANCELING" => RunStatus::Running,
        "SUSPENDED" => RunStatus::Paused,
        "SUCCESS" => RunStatus::Completed,
        "FAILURE" => RunStatus::Failed,
        "CANCELED" => RunStatus::Cancelled,
        // QUEUED, NOT_STARTED, STARTING, MANAGED.
        _ => RunStatus::Pending,
    }
}

/// Whether nothing goes on but waiting for a place in a pool.
fn is_blocked(steps: &[Step]) -> bool {
    let is = |status| steps.iter().any(|step| step.status == status);
    is(StepStatus::Waiting) && !is(StepStatus::Running) && !is(StepStatus::Retrying)
}

/// Two code locations may have jobs of one name.
fn workflow(row: &wire::Run) -> Workflow {
    let name = if row.job_name.is_empty() { "unknown job" } else { row.job_name.as_str() };
    let id =
        row.repository_origin.as_ref().filter(|origin| !origin.repository_location_name.is_empty()).map(|origin| {
            // Every location has a repository; this is the name of one that nobody named.
            let repository =
                Some(origin.repository_name.as_str()).filter(|name| !matches!(*name, "" | "__repository__"));
            let parts = [Some(origin.repository_location_name.as_str()), repository, Some(name)];
            parts.into_iter().flatten().collect::<Vec<_>>().join("/")
        });
    Workflow { id, name: Some(name.to_owned()), version: None }
}

/// What a failed run says where no step is the cause: what could not be loaded or set up, what the run says itself, and else how it ended
/// and what was running then.
fn run_error(row: &wire::Run, story: &Story, steps: &[Step]) -> Option<StepError> {
    if steps.iter().any(|step| step.status == StepStatus::Failed) {
        return None;
    }
    let said = story.trouble.as_ref().or_else(|| story.end.as_ref()?.error.as_ref());
    if let Some(said) = said {
        return Some(error::of(said, None));
    }
    let reason = row.tag(wire::FAILURE_REASON).filter(|reason| !reason.is_empty());
    let message = story.end.as_ref().map(|end| end.message.trim()).unwrap_or_default();
    // Some step failed, and which one is not known: the run itself has nothing to say.
    if message.is_empty() && reason.is_none_or(|reason| reason == "STEP_FAILURE") {
        return None;
    }
    let running: Vec<&str> =
        steps.iter().filter(|step| step.status == StepStatus::Running).map(|step| step.title.as_str()).collect();
    let torn: Vec<&str> = story.torn.iter().map(String::as_str).collect();
    let running = if running.is_empty() { torn } else { running };
    let was = (!running.is_empty()).then(|| format!("Running at the time: {}.", running.join(", ")));
    let detail: Vec<String> = was.into_iter().chain(story.died.clone()).collect();
    Some(StepError {
        code: reason.unwrap_or("RUN_FAILURE").to_owned(),
        message: message.to_owned(),
        provider_status: None,
        retryable: None,
        detail: (!detail.is_empty()).then(|| detail.join(" ")),
    })
}

fn trigger(row: &wire::Run) -> &'static str {
    let has = |key| row.tag(key).is_some_and(|value| !value.is_empty());
    match () {
        () if has("dagster/schedule_name") => "schedule",
        () if has("dagster/sensor_name") => "sensor",
        () if has("dagster/from_automation_condition") || has("dagster/auto_materialize") => "automation",
        () if has("dagster/backfill") => "backfill",
        () if has("dagster/retry_number") => "retry",
        () => "manual",
    }
}

/// The tags that somebody gave, and the places that people look for. What Dagster itself writes as `dagster/…` repeats what is said elsewhere.
fn labels(row: &wire::Run, inside: &Inside) -> BTreeMap<String, String> {
    let own = |key: &str| key.starts_with("dagster/") || key.starts_with('.');
    let given = row.tags.iter().filter(|tag| !own(&tag.key));
    let mut labels: BTreeMap<String, String> = given.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    let assets: Vec<String> =
        inside.detail.asset_selection.iter().flatten().map(|asset| asset.path.join("/")).collect();
    let origin = row.repository_origin.as_ref();
    let tag = |key| row.tag(key).map(str::to_owned);
    let found = [
        ("assets", Some(assets.join(", "))),
        ("backfill", tag("dagster/backfill")),
        ("code_location", origin.map(|origin| origin.repository_location_name.clone())),
        ("partition", tag("dagster/partition")),
        ("root_run", row.root_run_id.clone().filter(|root| *root != row.id)),
        ("schedule", tag("dagster/schedule_name")),
        ("sensor", tag("dagster/sensor_name")),
    ];
    for (name, value) in found {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            labels.entry(name.to_owned()).or_insert(value);
        }
    }
    labels
}
