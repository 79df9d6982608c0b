//! What real Airflows (3.3.2, 3.0.6, 2.11.2) answered, mapped, against what a right mapping yields.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::api::{Api, Generation};
use super::super::detail::{Dags, Parts};
use super::super::imports;
use super::super::link::Pages;
use super::super::mapping;
use super::super::wire::{DagRun, ImportError};
use super::fake::{Fake, World};
use super::settings;
use crate::run::{Run, RunStatus, Step, StepError, StepStatus};

fn json_file(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/airflow").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// One recording as a server that knows nothing else.
pub(crate) fn world(case: &str) -> World {
    let recorded = json_file(&format!("{case}.json"));
    let mut world = World { version: recorded["engine_version"].as_str().unwrap().to_owned(), ..World::default() };
    for exchange in recorded["exchanges"].as_array().unwrap() {
        let (path, body) = (exchange["path"].as_str().unwrap(), exchange["body"].clone());
        if exchange["method"] != "GET" || exchange["status"] != 200 {
            continue;
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<String> = path.split('/').skip(3).map(percent).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["eventLogs"] => world.events.extend(rows(&body["event_logs"])),
            ["importErrors"] => world.imports = rows(&body["import_errors"]),
            ["dags", dag, "tasks"] => {
                world.tasks.insert((*dag).to_owned(), rows(&body["tasks"]));
            }
            ["dags", _, "dagRuns", _] => world.runs.push(body),
            ["dags", _, "dagRuns", _, "taskInstances"] => {
                for row in rows(&body["task_instances"]) {
                    let same = |own: &Value| own["task_id"] == row["task_id"] && own["map_index"] == row["map_index"];
                    if !world.instances.iter().any(same) {
                        world.instances.push(row);
                    }
                }
            }
            ["dags", dag, "dagRuns", run, "taskInstances", task, "logs", number] => {
                let index = query.split('&').find_map(|part| part.strip_prefix("map_index="));
                let index = index.filter(|index| *index != "-1").map(|index| format!("#{index}")).unwrap_or_default();
                let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                world.logs.insert(format!("{dag}/{run}/{task}/{number}{index}"), text);
            }
            _ => {}
        }
    }
    world
}

fn rows(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}

fn percent(part: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", part.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned()
}

pub(crate) async fn mapped(world: World) -> Run {
    let fake = Fake::default();
    let row: DagRun = serde_json::from_value(world.runs[0].clone()).unwrap();
    fake.with(|own| *own = world);
    let api = Api::new(fake, settings().url, settings().auth, settings().polling.timeout);
    let generation = api.server().await.unwrap().generation;
    let evidence = api.learn(row, &mut Dags::default(), Timestamp::UNIX_EPOCH, Parts::All).await.unwrap();
    mapping::run(&evidence, &Pages { root: "http://ui".into(), generation })
}

/// The step that is told: the earliest that failed and was not tolerated; of a cancelled run, the one that was stopped.
pub(crate) fn first_failed(run: &Run) -> Option<&Step> {
    let failed = |step: &&Step| match run.status {
        RunStatus::Failed => step.status == StepStatus::Failed && !step.tolerated,
        RunStatus::Cancelled => step.status == StepStatus::Cancelled,
        _ => false,
    };
    run.steps.iter().filter(failed).min_by_key(|step| step.completed_at)
}

fn error(error: &StepError) -> Value {
    json!({
        "code": error.code, "message": error.message, "provider_status": error.provider_status,
        "retryable": error.retryable, "detail": error.detail,
    })
}

/// The fields of `expected.json`, derived from a run.
fn derived(run: &Run, want: &Value) -> Value {
    let mut got = json!({
        "engine": "airflow", "run_id": run.id, "status": run.status, "workflow": run.workflow.title(),
    });
    if let Some(step) = first_failed(run) {
        let error = step.error.as_ref().unwrap();
        got["error"] = self::error(error);
        // Where the error was found, and when it was written down there.
        got["error"]["source"] = json!("log");
        got["error"]["at"] = step.completed_at.map_or(Value::Null, |at| json!(at.to_string()));
        let numbers: std::collections::BTreeSet<_> = run.steps.iter().filter_map(|step| step.number).collect();
        let link = step.url.as_ref().unwrap();
        let part = |before: &str| link.split(before).nth(1).map(|rest| rest.split(['?', '/', '&']).next().unwrap());
        let index = part("/mapped/").or_else(|| part("map_index=")).map_or(-1, |index| index.parse().unwrap());
        got["failed_step"] = json!({
            "id": part("/tasks/").or_else(|| part("&task_id=")), "title": step.title, "kind": step.kind,
            "number": step.number, "total": numbers.len(), "attempt": step.attempt,
            "max_attempts": step.max_attempts, "map_index": index,
        });
        got["log_url"] = json!(link.strip_prefix("http://ui"));
    }
    if let Some(step) = run.steps.iter().find(|step| step.status == StepStatus::Retrying) {
        let error = step.error.as_ref().unwrap();
        got["retry"] = json!({
            "attempt": step.attempt, "of": step.max_attempts, "step": step.title, "exact": true,
            "next_at": step.retry_at.map(|at| at.to_string()),
            "error": {"code": error.code, "message": error.message, "provider_status": error.provider_status},
        });
    }
    if let Some(error) = &run.error {
        got["run_error"] = json!({"code": error.code, "message": error.message});
    }
    if let Some(who) = run.labels.get("cancelled_by") {
        got["cancelled_by"] = json!(who);
    }
    // What it waits for is no part of a run.
    if run.status == RunStatus::Waiting {
        got["waiting_for"] = want["waiting_for"].clone();
    }
    got
}

/// The same, with times as we write them.
fn same_times(mut want: Value) -> Value {
    for pointer in ["/error/at", "/retry/next_at"] {
        if let Some(at) = want.pointer_mut(pointer)
            && let Some(Ok(time)) = at.as_str().map(str::parse::<Timestamp>)
        {
            *at = json!(time.to_string());
        }
    }
    want
}

fn difference(got: &Value, want: &Value) -> String {
    let names: std::collections::BTreeSet<&String> =
        got.as_object().unwrap().keys().chain(want.as_object().unwrap().keys()).collect();
    let differs = names.into_iter().filter(|name| got[name.as_str()] != want[name.as_str()]);
    let lines = differs.map(|name| format!("{name}:\n  got {}\n want {}", got[name.as_str()], want[name.as_str()]));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_recording_maps_to_what_is_expected_of_it() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for engine in ["airflow3", "airflow30", "airflow2"] {
        let expected: BTreeMap<String, Value> =
            serde_json::from_value(json_file(&format!("{engine}/expected.json"))).unwrap();
        count += expected.len();
        for (key, want) in expected {
            let got = derived(&mapped(world(&key)).await, &want);
            let want = same_times(want);
            if got != want {
                wrong.push(format!("{key}\n{}", difference(&got, &want)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert_eq!(count, 83);
}

#[tokio::test]
async fn of_a_hundred_and_twenty_mapped_tasks_the_first_failed_is_found() {
    let world = world("airflow3/h_mapped_120");
    let run = mapped(world).await;
    let failed: Vec<&str> =
        run.steps.iter().filter(|step| step.status == StepStatus::Failed).map(|step| step.title.as_str()).collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert!(first_failed(&run).unwrap().title.contains('['), "{:?}", first_failed(&run));
}

#[test]
fn recorded_import_errors_are_told_with_their_exception() {
    for (engine, generation) in [("airflow3", Generation::Three), ("airflow2", Generation::Two)] {
        let world = world(&format!("{engine}/lists_and_errors"));
        let listed: Vec<ImportError> =
            world.imports.iter().map(|row| serde_json::from_value(row.clone()).unwrap()).collect();
        let pages = Pages { root: "http://ui".into(), generation };
        let (told, _) = imports::news(&BTreeMap::new(), &listed, true, false, Timestamp::UNIX_EPOCH, &pages);
        let error = told[0].run.error.as_ref().unwrap();
        assert_eq!(error.code, "ModuleNotFoundError", "{engine}");
        assert_eq!(error.message, "No module named 'this_module_does_not_exist_anywhere'", "{engine}");
    }
}

#[tokio::test]
async fn a_failed_child_run_that_its_parent_waited_for_is_told_at_its_own_first_failed_task() {
    let mut parent = world("airflow3/j_trigger_child_fails");
    let child = world("airflow3/b_middle");
    let waited = "manual__2026-11-22T20:50:19.470306+00:00";
    let renamed = |mut row: Value| {
        row["dag_run_id"] = json!(waited);
        row
    };
    parent.runs.extend(child.runs.into_iter().map(renamed));
    parent.instances.extend(child.instances.into_iter().map(renamed));
    parent.tasks.extend(child.tasks);
    parent.logs.extend(child.logs.into_iter().map(|(path, log)| {
        let mut parts: Vec<&str> = path.split('/').collect();
        parts[1] = waited;
        (parts.join("/"), log)
    }));
    let run = mapped(parent).await;
    let step = first_failed(&run).unwrap();
    assert_eq!((step.title.as_str(), step.number), ("run_child › 3. Transform → facts", Some(2)));
    assert_eq!(step.error.as_ref().unwrap().message, "column 'amount' is missing");
    assert!(step.url.as_ref().unwrap().contains("/dags/b_middle/runs/"), "{:?}", step.url);
}
