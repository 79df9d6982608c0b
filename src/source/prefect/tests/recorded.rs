//! What the real Prefect 3.8.8 answered, mapped, against what a right mapping yields.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::api::Api;
use super::super::mapping;
use super::fake::{Fake, World};
use super::settings;
use crate::run::{Run, RunStatus, Step, StepStatus};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/prefect")
}

fn json_file(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join(name)).unwrap()).unwrap()
}

/// One recording as a server that knows nothing else, except the other runs of the same case: children.
pub(crate) fn world(case: &str, label: &str) -> (World, String) {
    let recorded = json_file(&format!("{case}.json"));
    let mut world = World { events: Some(Vec::new()), ..World::default() };
    let id = recorded[label]["run"]["id"].as_str().unwrap().to_owned();
    for (name, part) in recorded.as_object().unwrap().iter().filter(|(_, part)| part.is_object()) {
        if name == label || part["run"]["id"] != id.as_str() {
            world.runs.push(part["run"].clone());
            world.tasks.extend(part["tasks"].as_array().unwrap().iter().cloned());
            world.logs.extend(part["logs"].as_array().unwrap().iter().cloned());
            world.states.insert(part["run"]["id"].as_str().unwrap().to_owned(), part["states"].clone());
        }
    }
    (world, id)
}

pub(crate) async fn mapped(world: World, id: &str) -> Run {
    let fake = Fake::default();
    fake.with(|own| *own = world);
    let api = Api::new(fake.clone(), settings().url, &settings().auth, settings().polling.timeout).unwrap();
    let rows = api.flow_runs_by_id("", &[id], None).await.rows;
    let (_, evidence) = api.learn(rows, |_| false).await.unwrap().remove(0);
    mapping::run(&evidence.unwrap(), mapping::Names::default(), "http://ui").unwrap()
}

/// The earliest failed step of a failed run.
pub(crate) fn first_failed(run: &Run) -> Option<&Step> {
    let failed = |step: &&Step| step.status == StepStatus::Failed && !step.tolerated;
    run.steps.iter().filter(failed).min_by_key(|step| step.completed_at).filter(|_| run.status == RunStatus::Failed)
}

fn error(error: Option<&crate::run::StepError>) -> Value {
    let Some(error) = error else { return Value::Null };
    json!({
        "code": error.code, "message": error.message, "detail": error.detail,
        "providerStatus": error.provider_status, "retryable": error.retryable,
    })
}

fn last_part(url: Option<&str>) -> Option<&str> {
    url?.rsplit('/').next()
}

/// The fields of `expected.json`, derived from a run and the id of the state in which it was recorded.
fn derived(run: &Run, state_id: &Value) -> Value {
    let step = first_failed(run).map(|step| {
        let subflow = step.kind.as_deref() == Some("subflow");
        json!({
            "number": step.number, "title": step.title.split(" › ").next(), "kind": step.kind,
            "attempts": step.attempt, "error": error(step.error.as_ref()),
            "childRun": last_part(step.url.as_deref()).filter(|_| subflow),
            "id": last_part(step.url.as_deref()).filter(|_| !subflow),
        })
    });
    let step_retry = run.steps.iter().find(|step| step.status == StepStatus::Retrying).map(|step| {
        json!({
            "level": "step", "step": step.title, "attempt": step.attempt,
            "of": step.max_attempts.unwrap_or(1), "until": step.retry_at.map(|at| at.to_string()),
        })
    });
    let run_retry = run.retry_at.map(|at| {
        let of = run.max_attempts.unwrap_or(1);
        json!({"level": "run", "attempt": run.attempt, "of": of, "until": at.to_string()})
    });
    let done = run.steps.iter().filter(|step| step.status == StepStatus::Completed).count();
    json!({
        "id": run.id, "status": run.status, "attempt": run.attempt, "parentTask": run.parent,
        "firstFailedStep": step, "retry": run_retry.or(step_retry), "runError": error(run.error.as_ref()),
        "steps": {"done": done, "seen": run.steps.len()}, "failureKey": state_id,
    })
}

/// What firstred does better than the reference that wrote `expected.json`, which looks at no state but the last.
fn corrected(key: &str, mut expected: Value) -> Value {
    if key == "prefect/f_cancelled_no_deployment/after SIGTERM" {
        expected["status"] = json!("cancelled");
        expected["firstFailedStep"] = Value::Null;
    }
    expected.as_object_mut().unwrap().remove("engineStatus");
    // The reference cuts long details, and says how long they were.
    if let Some(detail) = expected["runError"]["detail"].as_str().and_then(|text| text.split('…').next()) {
        expected["runError"]["detail"] = json!(detail);
    }
    if let Some(step) = expected["firstFailedStep"].as_object_mut()
        && !step["childRun"].is_null()
    {
        step.insert("id".into(), Value::Null);
    }
    expected
}

#[tokio::test]
async fn every_recording_maps_to_what_is_expected_of_it() {
    let expected: BTreeMap<String, Value> = serde_json::from_value(json_file("expected.json")).unwrap();
    let mut wrong = Vec::new();
    for (key, expected) in &expected {
        let mut parts = key.splitn(3, '/').skip(1);
        let (world, id) = world(parts.next().unwrap(), parts.next().unwrap());
        let state_id = world.runs.iter().find(|row| row["id"] == id.as_str()).unwrap()["state"]["id"].clone();
        let mut got = derived(&mapped(world, &id).await, &state_id);
        let want = corrected(key, expected.clone());
        if let (Some(detail), Some(start)) = (got["runError"]["detail"].as_str(), want["runError"]["detail"].as_str())
            && detail.starts_with(start)
        {
            got["runError"]["detail"] = json!(start);
        }
        if got != want {
            wrong.push(format!("{key}\n got {got:#}\nwant {want:#}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), expected.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn a_failed_subflow_is_told_as_the_step_inside_that_failed() {
    let (world, id) = world("h_parent_child", "after");
    let run = mapped(world, &id).await;
    let step = first_failed(&run).unwrap();
    assert_eq!(
        (step.title.as_str(), step.number, step.kind.as_deref()),
        ("child › Child call", Some(2), Some("subflow"))
    );
    assert_eq!(step.url.as_deref(), Some("http://ui/runs/flow-run/afaefc26-8adb-41be-b85f-18518e2fb71d"));
}

#[tokio::test]
async fn a_step_that_waits_for_its_retry_says_why_the_last_try_failed() {
    let (world, id) = world("d_429_delays", "2nd wait (30 s)");
    let run = mapped(world, &id).await;
    let error = run.steps[0].error.as_ref().unwrap();
    assert_eq!(
        (error.code.as_str(), error.provider_status, error.retryable),
        ("HTTPStatusError", Some(429), Some(true))
    );
    assert!(error.message.starts_with("Client error '429 Too Many Requests'"), "{}", error.message);
}
