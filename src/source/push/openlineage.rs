//! OpenLineage run events (openlineage.io, spec 1 and 2) as runs and their steps: what Airflow, Dagster, dbt and Spark push.

use std::collections::BTreeMap;

use serde_json::Value;

use super::envelope::Event;
use super::gather::{Item, Part};
use super::{broken, cdevents, nothing, text, time};
use crate::run::{NativeError, Run, RunStatus, StepError, Workflow};
use crate::source::python;

/// Whether this is a run event: other events of OpenLineage tell of datasets and jobs.
pub(super) fn is_run_event(data: &Value) -> bool {
    data.get("run").is_some_and(Value::is_object) && data.get("job").is_some_and(Value::is_object)
}

/// What an event says.
pub(super) fn item(event: &Event) -> Result<Item, NativeError> {
    let data = &event.data;
    if !is_run_event(data) {
        let known = data.get("dataset").is_some() || data.get("job").is_some();
        return if known {
            Ok(nothing())
        } else {
            Err(broken(0, "no run event of OpenLineage: it has no `run` and no `job`".to_owned()))
        };
    }
    let Some(id) = text(data, "/run/runId") else {
        return Err(broken(0, "a run event needs `run.runId`".to_owned()));
    };
    let Some(name) = text(data, "/job/name") else {
        return Err(broken(0, "a run event needs `job.name`".to_owned()));
    };
    let status = match text(data, "/eventType").unwrap_or_default() {
        "START" | "RUNNING" => RunStatus::Running,
        "COMPLETE" => RunStatus::Completed,
        "FAIL" => RunStatus::Failed,
        "ABORT" => RunStatus::Cancelled,
        // OTHER adds facts to a run and says nothing of where it stands.
        _ => return Ok(nothing()),
    };
    let at = time(data, "/eventTime");
    let alone = Run {
        started_at: at.filter(|_| text(data, "/eventType") == Some("START")),
        completed_at: at.filter(|_| status.is_final()),
        updated_at: at,
        labels: labels(data),
        url: text(data, "/job/facets/sourceCodeLocation/url").map(str::to_owned),
        error: (status == RunStatus::Failed).then(|| error(data)).flatten(),
        ..Run::bare(id, workflow(data, "/job", name), status)
    };
    let parents: Vec<String> = ["/run/facets/parent/root/run/runId", "/run/facets/parent/run/runId"]
        .into_iter()
        .filter_map(|pointer| text(data, pointer))
        .filter(|parent| *parent != id)
        .map(str::to_owned)
        .collect();
    if parents.is_empty() {
        return Ok(Item::Whole(Box::new(alone)));
    }
    let above = text(data, "/run/facets/parent/job/name");
    // Airflow names a task `dag.task`, dbt a model `project.model`: the beginning is the parent's.
    let title = above.and_then(|above| name.strip_prefix(above)?.strip_prefix('.')).unwrap_or(name);
    let mut step = cdevents::step(&alone, title);
    step.kind = text(data, "/job/facets/jobType/jobType").map(str::to_lowercase);
    Ok(Item::Part(Box::new(Part { of: parents, own: id.to_owned(), step, alone })))
}

fn workflow(data: &Value, job: &str, name: &str) -> Workflow {
    let space = text(data, &format!("{job}/namespace")).unwrap_or("default");
    Workflow { id: Some(format!("{space}/{name}")), name: Some(name.to_owned()), version: None }
}

fn labels(data: &Value) -> BTreeMap<String, String> {
    let facts = [
        ("namespace", "/job/namespace"),
        ("engine", "/job/facets/jobType/integration"),
        ("owner", "/job/facets/ownership/owners/0/name"),
    ];
    let mut labels: BTreeMap<String, String> = facts
        .into_iter()
        .filter_map(|(label, pointer)| Some((label.to_owned(), text(data, pointer)?.to_owned())))
        .collect();
    for facet in ["/job/facets/tags/tags", "/run/facets/tags/tags"] {
        for tag in data.pointer(facet).and_then(Value::as_array).into_iter().flatten().take(50) {
            if let (Some(key), Some(value)) = (text(tag, "/key"), text(tag, "/value")) {
                labels.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    labels
}

/// The `errorMessage` facet. A stack trace that ends in `Class: text` names the error better than its message does.
fn error(data: &Value) -> Option<StepError> {
    let facet = data.pointer("/run/facets/errorMessage")?;
    let stack = text(facet, "/stackTrace");
    let message = text(facet, "/message").or(stack)?;
    Some(python::sentence(message, stack))
}
