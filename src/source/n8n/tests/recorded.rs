//! What the real n8n 2.41.1 and 1.123.81 answered, mapped, against what a right mapping yields.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::api::Api;
use super::super::ends;
use super::super::error;
use super::super::mapping::{self, Evidence, View};
use super::super::nodes;
use super::super::wire::{self, Execution};
use super::fake::{Fake, World};
use super::settings;
use crate::run::{Run, RunStatus, Step, StepStatus};

pub(super) const VERSIONS: [&str; 2] = ["n8n", "n8n-1.123"];

pub(super) fn json_file(version: &str, name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version).join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(super) fn execution(recorded: &Value) -> Execution {
    wire::execution(recorded.to_string().as_bytes()).unwrap()
}

pub(super) fn view(tell_timeouts: bool) -> View {
    View { ui: "http://ui".to_owned(), nodes: true, tell_timeouts }
}

pub(super) fn mapped(recorded: &Value) -> Run {
    mapping::run(&Evidence::of(execution(recorded)), None, &view(false)).unwrap()
}

/// The recordings of a case as a server, and the run of one of them with all that was followed from it.
pub(super) async fn followed(version: &str, case: &str, label: &str) -> Run {
    let recorded = json_file(version, &format!("{case}.json"));
    let fake = Fake::default();
    fake.with(|world| *world = World::default());
    for run in recorded.as_object().unwrap().values().filter(|run| run["workflowData"].is_object()) {
        fake.with(|world| world.runs.insert(run["id"].as_str().unwrap().parse().unwrap(), run.clone()));
    }
    let own = settings();
    let api = Api::new(fake, &own.url, &own.api_key, own.polling.timeout).unwrap();
    let evidence = api.follow_down(execution(&recorded[label])).await.unwrap();
    mapping::run(&evidence, None, &view(false)).unwrap()
}

/// The earliest failed step of a failed run, as triage picks it.
pub(super) fn first_failed(run: &Run) -> Option<&Step> {
    let failed = |step: &&Step| step.status == StepStatus::Failed && !step.tolerated;
    let first = run.steps.iter().filter(failed).min_by_key(|step| (step.completed_at.or(step.started_at), step.number));
    first.filter(|_| run.status == RunStatus::Failed)
}

fn said(error: Option<&crate::run::StepError>) -> Value {
    let Some(error) = error else { return Value::Null };
    json!({
        "code": error.code, "message": error.message, "detail": error.detail,
        "providerStatus": error.provider_status, "retryable": error.retryable,
    })
}

/// The fields of `expected.json`, derived from a run.
fn derived(recorded: &Value) -> Value {
    let run = mapped(recorded);
    let execution = execution(recorded);
    let entry = nodes::first_failed(&execution);
    let item = entry.and_then(|entry| entry.error.as_ref()?["context"]["itemIndex"].as_u64());
    // The run shows an item or a pass that is not the first.
    assert_eq!(
        run.labels.get("item").map(String::as_str),
        item.filter(|item| *item > 0).map(|i| i.to_string()).as_deref()
    );
    let child = entry.and_then(|entry| error::child(entry.error.as_ref()?)).map(|id| id.to_string());
    let step = first_failed(&run).map(|step| {
        let pass = run.labels.get("pass").map_or(1, |pass| pass.split(' ').next().unwrap().parse().unwrap());
        json!({
            "number": step.number, "title": step.title, "kind": step.kind, "error": said(step.error.as_ref()),
            "pass": pass, "item": item, "childRun": child,
        })
    });
    json!({
        "id": run.id, "engineStatus": recorded["status"], "status": run.status, "workflow": run.workflow.name,
        "parentRun": run.parent, "rerunOf": run.replay_of, "firstFailedStep": step, "retry": run.retry_at,
        "runError": said(run.error.as_ref()),
        "steps": {"seen": run.steps.len(), "total": nodes::total(&execution)},
        "rerunSucceededAs": recorded["retrySuccessId"],
    })
}

#[test]
fn every_recording_maps_to_what_is_expected_of_it() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for version in VERSIONS {
        let expected: BTreeMap<String, Value> = serde_json::from_value(json_file(version, "expected.json")).unwrap();
        for (key, want) in expected {
            let mut parts = key.splitn(3, '/').skip(1);
            let (case, label) = (parts.next().unwrap(), parts.next().unwrap());
            let got = derived(&json_file(version, &format!("{case}.json"))[label]);
            count += 1;
            if got != want {
                wrong.push(format!("{key}\n got {got:#}\nwant {want:#}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert_eq!(count, 68);
}

#[tokio::test]
async fn a_failed_sub_workflow_is_told_as_the_node_inside_that_failed() {
    let run = followed("n8n-1.123", "h_subworkflow", "parent: detail").await;
    let step = first_failed(&run).unwrap();
    assert_eq!(
        (step.title.as_str(), step.number, step.kind.as_deref()),
        ("Call child › Child call", Some(3), Some("executeWorkflow"))
    );
    assert!(step.url.as_ref().unwrap().starts_with("http://ui/workflow/yl8722kp0sI9znpT/executions/20/"), "{step:?}");
}

#[tokio::test]
async fn two_levels_down_the_status_of_the_leaf_is_known_again() {
    let run = followed("n8n", "h_nested_two_levels", "parent: detail").await;
    let step = first_failed(&run).unwrap();
    let error = step.error.as_ref().unwrap();
    assert_eq!(step.title, "Call middle › Call GC › GC call");
    assert_eq!((error.code.as_str(), error.provider_status, error.retryable), ("stub_503", Some(503), Some(true)));
}

#[test]
fn the_step_links_to_its_node_where_n8n_has_such_pages() {
    let recorded = &json_file("n8n", "b_middle.json")["detail"];
    let run = mapped(recorded);
    let page = format!("http://ui/workflow/{}/executions/15", recorded["workflowId"].as_str().unwrap());
    assert_eq!(run.url.as_deref(), Some(page.as_str()));
    let node = format!("{page}/2cbc013c-5860-42d6-be99-7896904599f5");
    assert_eq!(first_failed(&run).unwrap().url.as_deref(), Some(node.as_str()));
    let old = mapping::run(&Evidence::of(execution(recorded)), None, &View { nodes: false, ..view(false) }).unwrap();
    assert_eq!(first_failed(&old).unwrap().url.as_deref(), Some(page.as_str()));
}

#[test]
fn what_goes_on_after_an_error_is_tolerated_and_not_the_first_that_failed() {
    let run = mapped(&json_file("n8n", "c_two_fail_continue_then_fatal.json")["detail"]);
    let slow = run.steps.iter().find(|step| step.title == "A slow").unwrap();
    assert!(slow.tolerated);
    assert_eq!(first_failed(&run).unwrap().title, "B later fatal");
    for case in ["j_continue_regular_http", "j_continue_error_output_http"] {
        let run = mapped(&json_file("n8n", &format!("{case}.json"))["detail"]);
        assert_eq!(run.status, RunStatus::Completed);
        let tolerated: Vec<&Step> = run.steps.iter().filter(|step| step.tolerated).collect();
        assert_eq!(tolerated.iter().map(|step| step.title.as_str()).collect::<Vec<_>>(), ["Charge card"], "{case}");
        assert!(tolerated[0].error.as_ref().unwrap().provider_status.is_some(), "{case}");
    }
}

#[test]
fn a_node_that_is_tried_again_has_used_up_its_tries_when_it_failed() {
    let run = mapped(&json_file("n8n", "d_retry_exhausted.json")["after: detail"]);
    let step = first_failed(&run).unwrap();
    assert_eq!((step.attempt, step.max_attempts), (step.max_attempts, step.max_attempts));
    assert!(step.max_attempts.unwrap() >= 2);
}

#[test]
fn a_time_limit_is_a_cancel_unless_it_is_to_be_told() {
    let recorded = &json_file("n8n", "e_workflow_timeout.json")["detail"];
    assert_eq!(mapped(recorded).status, RunStatus::Cancelled);
    let told = mapping::run(&Evidence::of(execution(recorded)), None, &view(true)).unwrap();
    assert_eq!(told.status, RunStatus::Failed);
    let error = told.error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("WorkflowTimeout", "n8n ended this run at the limit of its workflow, 2 s")
    );
    let stopped = execution(&json_file("n8n", "f_cancelled.json")["after stop: detail"]);
    assert_eq!(ends::timed_out(&stopped), None);
    assert_eq!(mapping::run(&Evidence::of(stopped), None, &view(true)).unwrap().status, RunStatus::Cancelled);
}

#[test]
fn the_steps_of_a_crashed_run_have_the_times_that_n8n_wrote_in_seconds() {
    let run = mapped(&json_file("n8n", "e_crash.json")["after restart (no progress saved): detail"]);
    let step = first_failed(&run).unwrap();
    assert_eq!(step.started_at, Some("2026-11-22T21:05:44Z".parse().unwrap()));
    assert_eq!(step.completed_at, run.completed_at);
}
