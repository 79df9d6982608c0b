//! CDEvents: `pipelinerun` and `taskrun` events (cdevents.dev, spec 0.3 to 0.5) as runs and their steps.

use jiff::Timestamp;
use serde_json::Value;

use super::envelope::Event;
use super::gather::{Item, Part, Whole};
use super::{broken, nothing, text, time};
use crate::run::{NativeError, Run, RunStatus, Step, StepError, StepStatus, Workflow};
use crate::source::python;

/// What an event says.
pub(super) fn item(event: &Event) -> Result<Item, NativeError> {
    let data = &event.data;
    let kind = text(data, "/context/type").or_else(|| event.attribute("type")).unwrap_or_default();
    // What somebody's own vocabulary tells is nothing that we know.
    if kind.starts_with("dev.cdeventsx.") {
        return Ok(nothing());
    }
    let Some((subject, predicate)) = kind.strip_prefix("dev.cdevents.").and_then(|rest| {
        let mut parts = rest.split('.');
        Some((parts.next()?, parts.next()?))
    }) else {
        return Err(broken(0, "no CDEvent: `context.type` does not begin with dev.cdevents.".to_owned()));
    };
    let Some(id) = text(data, "/subject/id") else {
        return Err(broken(0, "a CDEvent needs `subject.id`".to_owned()));
    };
    let at = time(data, "/context/timestamp").or_else(|| event.attribute("time")?.parse().ok());
    let outcome = text(data, "/subject/content/outcome").unwrap_or_default();
    let status = match (predicate, outcome) {
        ("queued", _) => RunStatus::Pending,
        ("started", _) => RunStatus::Running,
        ("finished", "success") => RunStatus::Completed,
        ("finished", "cancel" | "canceled" | "cancelled") => RunStatus::Cancelled,
        // An outcome is not compulsory; errors are nothing else than that. One that nobody knows is no success.
        ("finished", "") if error(data).is_none() => RunStatus::Completed,
        ("finished", _) => RunStatus::Failed,
        _ => return Ok(nothing()),
    };
    let source = text(data, "/subject/source").or_else(|| text(data, "/context/source")).unwrap_or_default();
    Ok(match subject {
        "pipelinerun" => {
            let name = text(data, "/subject/content/pipelineName").unwrap_or("pipeline");
            Item::Whole(Box::new(whole(source, id, run(data, id, workflow(source, name), status, at))))
        }
        "taskrun" => {
            let name = text(data, "/subject/content/taskName").unwrap_or(id);
            let alone = run(data, id, workflow(source, name), status, at);
            let Some(of) = text(data, "/subject/content/pipelineRun/id") else {
                return Ok(Item::Whole(Box::new(whole(source, id, alone))));
            };
            let of = key(text(data, "/subject/content/pipelineRun/source").unwrap_or(source), of);
            let step = step(&alone, name);
            Item::Part(Box::new(Part { of: vec![of], own: key(source, &format!("task {id}")), step, alone }))
        }
        _ => nothing(),
    })
}

/// A subject's id is unique within its source only.
fn key(source: &str, id: &str) -> String {
    format!("{source}\n{id}")
}

fn whole(source: &str, id: &str, run: Run) -> Whole {
    Whole { key: key(source, id), run, blind: false }
}

fn run(data: &Value, id: &str, workflow: Workflow, status: RunStatus, at: Option<Timestamp>) -> Run {
    Run {
        url: text(data, "/subject/content/url").or_else(|| text(data, "/subject/content/uri")).map(str::to_owned),
        started_at: at.filter(|_| status == RunStatus::Running),
        completed_at: at.filter(|_| status.is_final()),
        updated_at: at,
        error: (status == RunStatus::Failed).then(|| error(data)).flatten(),
        ..Run::bare(id, workflow, status)
    }
}

/// The same pipeline name may stand in several tools: the source tells them apart.
fn workflow(source: &str, name: &str) -> Workflow {
    let id = (!source.is_empty()).then(|| format!("{}/{name}", source.trim_end_matches('/')));
    Workflow { id, name: Some(name.to_owned()), version: None }
}

fn error(data: &Value) -> Option<StepError> {
    let errors = data.pointer("/subject/content/errors")?;
    let empty =
        errors.as_array().is_some_and(Vec::is_empty) || errors.as_object().is_some_and(serde_json::Map::is_empty);
    let said = errors.as_str().map_or_else(|| errors.to_string(), str::to_owned);
    (!said.trim().is_empty() && !errors.is_null() && !empty).then(|| python::sentence(&said, None))
}

/// A task as a step of its pipeline.
pub(super) fn step(alone: &Run, title: &str) -> Step {
    let status = match alone.status {
        RunStatus::Completed => StepStatus::Completed,
        RunStatus::Failed => StepStatus::Failed,
        RunStatus::Cancelled => StepStatus::Cancelled,
        RunStatus::Pending => StepStatus::Pending,
        RunStatus::Running => StepStatus::Running,
        RunStatus::Waiting | RunStatus::Paused => StepStatus::Waiting,
    };
    Step {
        started_at: alone.started_at,
        completed_at: alone.completed_at,
        error: alone.error.clone(),
        url: alone.url.clone(),
        ..Step::bare(title, status)
    }
}
