//! What the real Dagster 1.13.27 and 1.11.16 answered, mapped, against what a right mapping yields.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::api::Api;
use super::super::ask::Which;
use super::super::evidence::Evidence;
use super::super::mapping;
use super::fake::{Fake, World};
use super::settings;
use crate::run::{Run, RunStatus, Step, StepStatus};
use crate::triage::{Classes, Standing, observe};

fn json_file(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// One recording as a server that knows nothing else.
fn world(key: &str) -> World {
    let mut world = World { locations: Some(Vec::new()), daemons: Some(Vec::new()), ..World::default() };
    for exchange in json_file(&format!("{key}.json"))["exchanges"].as_array().unwrap() {
        let data = &exchange["body"]["data"];
        match exchange["asked"].as_str().unwrap() {
            "FirstredRuns" => world.runs.extend(data["runsOrError"]["results"].as_array().unwrap().iter().cloned()),
            "FirstredSteps" => {
                let detail = &data["runOrError"];
                world.details.insert(detail["runId"].as_str().unwrap().to_owned(), detail.clone());
            }
            "FirstredEvents" => {
                let id = exchange["variables"]["id"].as_str().unwrap().to_owned();
                let events = data["logsForRun"]["events"].as_array().unwrap().iter().cloned();
                world.events.entry(id).or_default().extend(events);
            }
            _ => {}
        }
    }
    world
}

async fn mapped(world: World, id: &str) -> Run {
    let fake = Fake::default();
    fake.with(|own| *own = world);
    let api = Api::new(fake.clone(), &settings()).unwrap();
    let row = api.runs("", Which::These(&[id])).await.rows.remove(0);
    let inside = api.inside(id).await.unwrap();
    let again = mapping::again(&row, None);
    mapping::run(&Evidence { run: row, inside }, false, again, "")
}

/// The step that is told: the first that failed.
fn first_failed(run: &Run) -> Option<&Step> {
    let failed = |step: &&Step| step.status == StepStatus::Failed;
    run.steps.iter().filter(failed).min_by_key(|step| step.completed_at)
}

/// The fields of `expected.json`, derived from a run.
fn derived(run: &Run) -> Value {
    let mut got = json!({"engine": "dagster", "run_id": run.id, "status": run.status, "workflow": run.workflow.name});
    if let Some(replay_of) = &run.replay_of {
        got["rerun_of"] = json!(replay_of);
        got["root"] = json!(run.labels.get("root_run"));
    }
    if run.status != RunStatus::Failed {
        return got;
    }
    got["retried_as"] = json!(run.retried_as);
    got["will_retry"] = json!(run.retried_as.is_some() || run.retry_at.is_some());
    let error = |error: &crate::run::StepError| {
        json!({"code": error.code, "message": error.message, "detail": error.detail,
               "provider_status": error.provider_status, "retryable": error.retryable})
    };
    if let Some(step) = first_failed(run) {
        got["error"] = step.error.as_ref().map_or(Value::Null, error);
        got["failed_step"] = json!({
            "attempt": step.attempt, "id": step.title, "kind": step.kind, "number": step.number, "title": step.title,
            "total": run.progress.and_then(|progress| progress.total),
        });
        got["log_url"] = json!(step.url);
    } else {
        got["run_error"] = run.error.as_ref().map_or(Value::Null, error);
        got["log_url"] = json!(run.url);
    }
    got
}

/// Whether all that is expected is there. What runs at the time stands in the detail.
fn fits(got: &Value, want: &Value) -> bool {
    if let Some(step) = want["run_error"]["step_at_the_time"].as_str() {
        let mut plain = want.clone();
        plain["run_error"].as_object_mut().unwrap().remove("step_at_the_time");
        let said = format!("Running at the time: {step}.");
        return got["run_error"]["detail"].as_str().is_some_and(|detail| detail.starts_with(&said))
            && fits(got, &plain);
    }
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            want.iter().all(|(key, want)| got.get(key).is_some_and(|got| fits(got, want)))
        }
        (got, want) => got == want,
    }
}

#[tokio::test]
async fn every_recording_maps_to_what_is_expected_of_it() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for folder in ["dagster", "dagster111"] {
        let expected: BTreeMap<String, Value> =
            serde_json::from_value(json_file(&format!("{folder}/expected.json"))).unwrap();
        for (key, want) in &expected {
            let got = derived(&mapped(world(key), want["run_id"].as_str().unwrap()).await);
            count += 1;
            if !fits(&got, want) {
                wrong.push(format!("{key}\n got {got:#}\nwant {want:#}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn a_run_that_was_retried_is_left_to_the_one_in_its_place() {
    let world = world("dagster/d_run_retry_exhaust__chain_1");
    let id = world.runs[0]["runId"].as_str().unwrap().to_owned();
    let run = mapped(world, &id).await;
    assert_eq!((run.attempt, run.max_attempts), (Some(1), Some(2)));
    let seen = observe("d", run, &Classes::default());
    assert_eq!(seen.standing, Standing::Cancelled);
}

#[test]
fn a_failure_is_undecided_then_announced_then_another_run_has_the_word() {
    let recorded = json_file("dagster/d_run_retry__transitions.json");
    let mut seen = Vec::new();
    for row in recorded.as_array().unwrap() {
        let tags: Vec<Value> =
            row["tags"].as_array().unwrap().iter().map(|tag| json!({"key": tag[0], "value": tag[1]})).collect();
        let row = json!({"runId": "r", "status": row["status"], "updateTime": row["updateTime"], "tags": tags});
        let row: super::super::wire::Run = serde_json::from_value(row).unwrap();
        let again = mapping::again(&row, Some(true));
        let run = mapping::run(&Evidence::of(row), true, again, "");
        seen.push(observe("d", run, &Classes::default()).standing);
    }
    let [open, retrying] = [Standing::Open, Standing::Retrying];
    assert_eq!(seen, [open, open, open, retrying, retrying, Standing::Cancelled]);
}
