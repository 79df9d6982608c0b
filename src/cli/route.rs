//! `firstred route`: which rules match a run, who would be told, and when.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::runs::{Asked, asked};
use super::words::{Of, words};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::config::Config;
use crate::daemon::admit;
use crate::engine::{Board, Changes, Context, Known, Reason};
use crate::run::{Run, RunKey, RunStatus};
use crate::triage::{Observation, Passed, Standing, observe};

/// What would become of one run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Route {
    run: String,
    workflow: String,
    status: RunStatus,
    /// Why the daemon would not take this run from this source at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// At once, or when the hold ends.
    when: When,
    /// What would be put on record.
    reason: Option<Reason>,
    /// Rule by rule, whom it tells.
    told: Vec<ToldBy>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldBy {
    rule: Option<String>,
    severity: &'static str,
    receivers: Vec<String>,
    runbook: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "at", rename_all = "camelCase")]
enum When {
    Once,
    HoldEnd { seconds: i64 },
    Never,
}

pub(super) fn run(config: &Path, argument: &str, source: Option<String>, format: Format) -> Result<(), Failure> {
    let loaded = setup::config(config)?;
    let source = source_name(source, &loaded)?;
    let tenancy = loaded.policy.sources.get(&source).cloned().unwrap_or_default();
    let routes: Vec<Route> = match asked(config, argument)? {
        Asked::Runs(runs) => runs
            .into_iter()
            .map(|mut run| match admit(&source, &tenancy, &mut run) {
                Ok(()) => route(observe(&source, run, &loaded.classes), &loaded.policy),
                Err(reason) => refused(&run, reason),
            })
            .collect(),
        Asked::Stories(stories) => stories
            .iter()
            .map(|story| route(observation(&story.key, &story.known, story.card()), &loaded.policy))
            .collect(),
    };
    let nobody = routes.iter().all(|route| route.told.is_empty()) || routes.iter().any(|route| route.refused.is_some());
    match format {
        Format::Json => output::say_json(&routes)?,
        Format::Text => routes.iter().for_each(|route| output::say(&describe(route))),
    }
    if nobody { Err(Failure::No) } else { Ok(()) }
}

/// The source that a file's runs are taken to come from.
fn source_name(asked: Option<String>, config: &Config) -> Result<String, Failure> {
    match asked {
        Some(name) if config.sources.contains_key(&name) => Ok(name),
        Some(name) => {
            let known: Vec<&str> = config.sources.keys().map(String::as_str).collect();
            Err(Failure::CouldNotAsk(format!("there is no source `{name}`; there is: {}", known.join(", "))))
        }
        None if config.sources.len() == 1 => Ok(config.sources.keys().next().cloned().unwrap_or_default()),
        None => Ok("command line".to_owned()),
    }
}

/// A run of the ledger, as if it were seen for the first time.
fn observation(key: &RunKey, known: &Known, card: Option<&crate::triage::Card>) -> Observation {
    Observation {
        key: key.clone(),
        workflow_name: None,
        source: known.source.clone(),
        attempt: known.attempt,
        status: known.status,
        standing: known.standing,
        started_at: known.started_at,
        completed_at: None,
        updated_at: known.updated_at,
        parent: None,
        replay_of: None,
        retried_as: None,
        version: None,
        url: None,
        passed: Passed::default(),
        parked: None,
        card: card.cloned().map(Box::new),
    }
}

/// A run that the daemon would answer with 403, or leave out of a poll with a warning.
fn refused(run: &Run, reason: String) -> Route {
    let (status, key) = (run.status, run.key());
    let (run, workflow) = (key.run, key.workflow);
    Route { run, workflow, status, refused: Some(reason), when: When::Never, reason: None, told: Vec::new() }
}

/// Asks the engine itself, so that this answer and what the daemon does can't differ.
fn route(observation: Observation, policy: &crate::engine::Policy) -> Route {
    let now = clock::now();
    let key = observation.key.clone();
    let (status, standing) = (observation.status, observation.standing);
    let mut board = Board::default();
    let mut changes: Changes = board.observe(now, None, observation, Context::default(), policy);
    let mut when = if changes.told.is_empty() { When::Never } else { When::Once };
    if standing == Standing::Retrying
        && let Some(until) = changes.known.hold_until()
    {
        when = When::HoldEnd { seconds: until.duration_since(now).as_secs() };
        changes = board.hold_ended(until, &key, changes.known, None, policy);
    }
    Route {
        run: key.run,
        workflow: key.workflow,
        status,
        refused: None,
        when,
        reason: changes.known.lines.last().map(|line| line.reason.clone()),
        told: changes
            .told
            .into_iter()
            .map(|told| ToldBy {
                rule: told.notification.rule,
                severity: told.notification.severity.as_str(),
                receivers: told.receivers,
                runbook: told.notification.runbook,
            })
            .collect(),
    }
}

fn describe(route: &Route) -> String {
    let clean = |text: &str| crate::triage::redact::clean(text).into_owned();
    let mut text = format!("run {} of {} ({})\n", clean(&route.run), clean(&route.workflow), route.status.as_str());
    for told in &route.told {
        let by = told.rule.as_ref().map_or("the defaults tell".to_owned(), |rule| format!("rule \"{rule}\" tells"));
        let _ = write!(text, "  {by} {} ({})", told.receivers.join(", "), told.severity);
        if let Some(runbook) = &told.runbook {
            let _ = write!(text, ", runbook {runbook}");
        }
        text.push('\n');
    }
    if let Some(reason) = &route.refused {
        let _ = write!(text, "  nobody: the daemon would refuse it: {}", clean(reason));
        return text;
    }
    let last = match (&route.when, &route.reason) {
        (When::Once, _) => "  when: at once".to_owned(),
        (When::HoldEnd { seconds }, _) => format!(
            "  when: after a hold of {}, and only if it is still retrying then; at once if it fails for good",
            humantime::format_duration(std::time::Duration::from_secs(u64::try_from(*seconds).unwrap_or(0)))
        ),
        (When::Never, Some(reason)) => format!("  nobody: {}", words(reason, clock::now(), Of::Run)),
        (When::Never, None) => "  nobody: it has not failed".to_owned(),
    };
    text.push_str(&last);
    text
}
