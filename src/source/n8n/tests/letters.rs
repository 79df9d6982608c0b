//! What n8n's error workflow posts: a wake-up, and now and then all that there is.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::bench::{Bench, at, run};
use super::recorded::{first_failed, json_file};
use crate::run::{Limits, Run, RunStatus};

/// Posts a body as the endpoint does, and commits what comes of it.
async fn post(bench: &Bench, body: &Value) -> Vec<Run> {
    use crate::source::{Batch, Intake, Seen};
    let runs = bench.mail.post(&HeaderMap::new(), body.to_string().as_bytes(), Limits::default()).unwrap();
    let runs: Vec<Run> = runs.into_iter().map(Result::unwrap).collect();
    let seen = runs.iter().map(|run| Seen { run: run.clone(), history: false }).collect();
    bench.taken.take("prod", Batch { runs: seen, ..Batch::default() }).await.unwrap();
    bench.news();
    runs
}

fn trigger_failed(second: i64) -> Value {
    let mut body = json_file("n8n", "e_poll_trigger_fails.json")["deliveries"][0].clone();
    body["trigger"]["error"]["timestamp"] = json!(at(second).as_millisecond());
    body
}

async fn watched() -> Bench {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench
}

#[tokio::test]
async fn a_letter_about_a_run_brings_the_run_and_nothing_else() {
    let mut bench = watched().await;
    for body in json_file("n8n", "p_error_workflow.json")["deliveries"].as_array().unwrap() {
        assert_eq!(post(&bench, body).await[0].status, RunStatus::Pending, "on record before n8n hears yes");
        let id = body["execution"]["id"].as_str().unwrap();
        bench.set(run(id.parse().unwrap(), "error", 5));
    }
    bench.poll(10).await.unwrap();
    let mut told: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
    told.sort();
    assert_eq!(told, ["59", "61", "63", "65"]);
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_failed_run_that_n8n_does_not_keep_is_told_by_its_letter() {
    let mut bench = watched().await;
    let body = json_file("n8n", "p_error_workflow.json")["deliveries"][0].clone();
    post(&bench, &body).await;
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!(runs.len(), 1);
    let step = first_failed(&runs[0]).unwrap();
    assert_eq!((runs[0].id.as_str(), step.title.as_str()), ("59", "Charge card"));
    assert_eq!(step.error.as_ref().unwrap().provider_status, Some(429));
    assert_eq!(runs[0].workflow.name.as_deref(), Some("p_err_http"));
    post(&bench, &body).await;
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [], "told once, however often it is sent");
}

#[tokio::test]
async fn a_trigger_s_failure_that_n8n_keeps_a_run_of_is_told_as_that_run() {
    let mut bench = watched().await;
    bench.set(json_file("n8n", "e_poll_trigger_fails.json")["detail"].clone());
    let pending = post(&bench, &json_file("n8n", "e_poll_trigger_fails.json")["deliveries"][0]).await;
    assert_eq!(pending[0].status, RunStatus::Pending);
    bench.poll(10).await.unwrap();
    let news = bench.news();
    assert_eq!(news, [("80".into(), RunStatus::Failed, false), (pending[0].id.clone(), RunStatus::Cancelled, false)]);
    // A letter that comes after the run was told.
    post(&bench, &json_file("n8n", "e_poll_trigger_fails.json")["deliveries"][0]).await;
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(pending[0].id.clone(), RunStatus::Cancelled, false)]);
}

#[tokio::test]
async fn a_trigger_s_failure_that_n8n_keeps_nothing_of_is_a_run_of_its_own() {
    let mut bench = watched().await;
    let pending = post(&bench, &trigger_failed(8)).await;
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!((runs[0].id.as_str(), runs[0].status), (pending[0].id.as_str(), RunStatus::Failed));
    assert_eq!(runs[0].id, format!("trigger-NaXmrvtq2ekDOCCm-{}", at(8).as_millisecond()));
    assert_eq!(runs[0].key(), pending[0].key());
    let step = first_failed(&runs[0]).unwrap();
    assert_eq!((step.title.as_str(), step.kind.as_deref()), ("RSS", Some("rssFeedReadTrigger")));
    assert_eq!(step.error.as_ref().unwrap().message, "RSS failed, and n8n does not pass on why");
    assert_eq!(runs[0].url.as_deref(), Some("http://ui/workflow/NaXmrvtq2ekDOCCm"));
}

#[tokio::test]
async fn a_letter_waits_while_n8n_can_not_be_asked() {
    let mut bench = watched().await;
    post(&bench, &trigger_failed(8)).await;
    bench.fake.with(|world| world.broken.push(("executions".into(), 503, "no".into())));
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news(), []);
    bench.fake.with(|world| world.broken.clear());
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news().len(), 1);
}

#[tokio::test]
async fn a_trigger_s_failure_outlives_the_process_that_heard_of_it() {
    let mut bench = watched().await;
    let pending = post(&bench, &trigger_failed(8)).await;
    bench.restart();
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!((runs[0].key(), runs[0].status), (pending[0].key(), RunStatus::Failed));
    assert!(runs[0].error.as_ref().unwrap().message.contains("before it could tell why"));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_letter_about_a_run_outlives_the_process_that_heard_of_it() {
    let mut bench = watched().await;
    let body = json_file("n8n", "p_error_workflow.json")["deliveries"][0].clone();
    let pending = post(&bench, &body).await;
    bench.restart();
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!((runs[0].key(), runs[0].status), (pending[0].key(), RunStatus::Failed));
    assert!(runs[0].error.as_ref().unwrap().message.contains("before it could tell why"));
    bench.poll(20).await.unwrap();
    assert_eq!((bench.news(), bench.taken.0.lock().unwrap().open.len()), (vec![], 0));
}

#[tokio::test]
async fn a_letter_outlives_a_ledger_that_does_not_take_what_comes_of_it() {
    let mut bench = watched().await;
    let body = json_file("n8n", "p_error_workflow.json")["deliveries"][0].clone();
    post(&bench, &body).await;
    bench.taken.0.lock().unwrap().refuse = 1;
    bench.poll(10).await.unwrap_err();
    // The same where something before it is not taken.
    bench.set(run(70, "error", 15));
    bench.taken.0.lock().unwrap().refuse = 1;
    bench.poll(20).await.unwrap_err();
    bench.poll(30).await.unwrap();
    let runs = bench.runs();
    let lost = runs.iter().find(|run| run.id == "59").unwrap();
    assert_eq!(first_failed(lost).unwrap().error.as_ref().unwrap().provider_status, Some(429));
}

#[tokio::test]
async fn a_letter_is_passed_on_to_the_source_that_is_built_anew() {
    let mut bench = watched().await;
    let (first, second) = (trigger_failed(8), trigger_failed(9));
    post(&bench, &first).await;
    let before = bench.mail.clone();
    let taken = before.take();
    bench.restart();
    before.move_to(&bench.mail);
    // One that the old poller had in its hands, and one that came by the old door.
    drop(taken);
    before.post(&HeaderMap::new(), second.to_string().as_bytes(), Limits::default()).unwrap();
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| first_failed(run).is_some()), "with what the letters say");
}

#[tokio::test]
async fn a_letter_about_a_sub_workflow_that_shows_in_its_parent_leaves_nothing_open() {
    let mut bench = watched().await;
    let body = json_file("n8n", "p_error_workflow.json")["deliveries"][0].clone();
    post(&bench, &body).await;
    let mut child = run(59, "error", 5);
    child["mode"] = json!("integrated");
    child["data"]["parentExecution"] = json!({"executionId": "58", "workflowId": "wf", "shouldResume": true});
    bench.set(child);
    bench.set(run(58, "error", 6));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("58".into(), RunStatus::Failed, false)]);
    bench.poll(20).await.unwrap();
    assert_eq!((bench.news(), bench.taken.0.lock().unwrap().open.len()), (vec![], 0));
}

#[test]
fn a_letter_can_not_reopen_the_run_that_it_names() {
    let bench = Bench::new(vec![]);
    let body = json!({"execution": {"id": "7", "error": {"message": "m"}}, "workflow": {"id": "w"}}).to_string();
    let runs = bench.mail.post(&HeaderMap::new(), body.as_bytes(), Limits::default()).unwrap();
    let pending = runs[0].as_ref().unwrap();
    assert!(pending.updated_at.unwrap() < crate::clock::now() - jiff::SignedDuration::from_hours(23));
}

#[test]
fn what_no_error_trigger_gives_is_refused() {
    let bench = Bench::new(vec![]);
    let post = |body: &str| bench.mail.post(&HeaderMap::new(), body.as_bytes(), Limits::default());
    for body in ["", "<html>", "{"] {
        assert!(post(body).unwrap_err().message.starts_with("not JSON"), "{body}");
    }
    for body in [
        "7",
        "{}",
        r#"{"execution":{"id":"7"}}"#,
        r#"{"execution":{},"workflow":{"id":"w"}}"#,
        r#"{"workflow":{"id":"w"}}"#,
    ] {
        let read = post(body).unwrap();
        assert!(read[0].as_ref().unwrap_err().message.contains("Error Trigger"), "{body}");
    }
    assert!(bench.mail.take().letters.is_empty());
}
