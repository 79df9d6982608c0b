//! OpenLineage run events (openlineage.io, spec 1 and 2) as runs and their steps: what Airflow, Dagster, dbt and Spark push.

use std::collections::BTreeMap;

use serde_json::Value;

use super::envelope::Event;
use super::gather::{Item, Part, Whole};
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
    let kind = text(data, "/eventType").unwrap_or_default().to_ascii_uppercase();
    let status = match kind.as_str() {
        "START" | "RUNNING" => RunStatus::Running,
        "COMPLETE" => RunStatus::Completed,
        "FAIL" => RunStatus::Failed,
        "ABORT" => RunStatus::Cancelled,
        // OTHER adds facts to a run and says nothing of where it stands.
        _ => return Ok(nothing()),
    };
    let at = time(data, "/eventTime");
    let alone = Run {
        started_at: at.filter(|_| kind == "START"),
        completed_at: at.filter(|_| status.is_final()),
        updated_at: at,
        trigger: trigger(data),
        labels: labels(data),
        url: text(data, "/job/facets/sourceCodeLocation/url").map(str::to_owned),
        error: (status == RunStatus::Failed).then(|| error(data)).flatten(),
        ..Run::bare(id, workflow(data, "/job", name), status)
    };
    let above = above(data, id);
    if above.is_empty() {
        // Spark's listener hears of the end of an application, and not how it ended: it sends COMPLETE always.
        let blind = text(data, "/job/facets/jobType/integration") == Some("SPARK")
            && text(data, "/job/facets/jobType/jobType") == Some("APPLICATION");
        return Ok(Item::Whole(Box::new(Whole { key: id.to_owned(), run: alone, blind })));
    }
    let mut step = cdevents::step(&alone, &title(data, name));
    step.kind = text(data, "/job/facets/jobType/jobType").map(str::to_lowercase);
    // A link to the source is none to the task; Airflow has one to its log.
    step.url = text(data, "/run/facets/airflow/taskInstance/log_url").map(str::to_owned);
    step.attempt =
        number(data, "/run/facets/airflow/taskInstance/try_number").and_then(|number| u32::try_from(number).ok());
    Ok(Item::Part(Box::new(Part { of: above, own: id.to_owned(), step, alone })))
}

/// The runs above this one, the outermost first. `parentRun` is how it was called at first.
fn above(data: &Value, id: &str) -> Vec<String> {
    let facet = ["/run/facets/parent", "/run/facets/parentRun"].into_iter().find_map(|facet| data.pointer(facet));
    let Some(facet) = facet else { return Vec::new() };
    let mut above: Vec<String> = ["/root/run/runId", "/run/runId"]
        .into_iter()
        .filter_map(|pointer| text(facet, pointer))
        .filter(|parent| *parent != id)
        .map(str::to_owned)
        .collect();
    above.dedup();
    above
}

/// What people call a part. Airflow names a task `dag.task`, Dagster a step `job.step`: the beginning is the parent's. The instances of a
/// mapped task have one name and a number.
fn title(data: &Value, name: &str) -> String {
    let above = text(data, "/run/facets/parent/job/name");
    let own = above.and_then(|above| name.strip_prefix(above)?.strip_prefix('.')).unwrap_or(name);
    match number(data, "/run/facets/airflow/taskInstance/map_index") {
        Some(index) if index >= 0 => format!("{own} [{index}]"),
        _ => own.to_owned(),
    }
}

fn number(data: &Value, pointer: &str) -> Option<i64> {
    data.pointer(pointer)?.as_i64()
}

/// What started a DAG run: `scheduled`, `manual`, `backfill`, `asset_triggered`.
fn trigger(data: &Value) -> Option<String> {
    let facets = ["/run/facets/airflowDagRun/dagRun/run_type", "/run/facets/airflow/dagRun/run_type"];
    let word = facets.into_iter().find_map(|pointer| text(data, pointer))?;
    Some(if word == "scheduled" { "schedule".to_owned() } else { word.to_owned() })
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
