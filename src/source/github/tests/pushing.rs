//! What GitHub's webhooks tell: in any order, again and again, with and without a token beside them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::push::{Reader, Received};
use super::bench::{Bench, failed, run};
use super::recorded::fixture;
use super::{REPOSITORY, settings};
use crate::config::GitHubSource;
use crate::run::{Run, RunStatus, StepStatus};

fn pushed_only() -> Reader {
    Reader::new(&GitHubSource { token: None, repositories: Vec::new(), ..settings() })
}

fn headers(event: &str, kind: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-github-event"), HeaderValue::from_str(event).unwrap());
    headers.insert(HeaderName::from_static("content-type"), HeaderValue::from_static(kind));
    headers
}

fn push(reader: &Reader, event: &str, body: &Value) -> Received {
    reader.read(&headers(event, "application/json"), body.to_string().as_bytes()).unwrap()
}

/// The webhook of this kind that is kept for tests.
fn send(reader: &Reader, event: &str, action: &str) -> Received {
    push(reader, event, &fixture(&format!("webhook_{event}_{action}")))
}

fn first_failed(run: &Run) -> Option<&str> {
    run.steps.iter().find(|step| step.status == StepStatus::Failed).map(|step| step.title.as_str())
}

#[test]
fn without_a_token_a_run_is_told_with_the_step_that_its_jobs_brought() {
    let reader = pushed_only();
    assert_eq!(send(&reader, "workflow_run", "requested").run.unwrap().status, RunStatus::Pending);
    for action in ["queued", "in_progress", "completed"] {
        assert_eq!(send(&reader, "workflow_job", action), Received::default(), "a job alone says nothing of its run");
    }
    let run = send(&reader, "workflow_run", "completed").run.unwrap();
    assert_eq!((run.status, first_failed(&run)), (RunStatus::Failed, Some("test › Run npm test")));
    assert_eq!(run.workflow.id.as_deref(), Some("acme/shop/.github/workflows/ci.yml"));
    let step = run.steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
    assert_eq!(step.url.as_deref(), Some("https://github.com/acme/shop/actions/runs/1001/job/2#step:3:1"));
}

#[test]
fn in_any_order_the_last_word_is_the_same() {
    let events = [
        ("workflow_run", "requested"),
        ("workflow_run", "in_progress"),
        ("workflow_run", "completed"),
        ("workflow_job", "in_progress"),
        ("workflow_job", "completed"),
    ];
    for start in 0..events.len() {
        for reverse in [false, true] {
            let mut order: Vec<_> = (0..events.len()).map(|at| events[(at + start) % events.len()]).collect();
            if reverse {
                order.reverse();
            }
            let reader = pushed_only();
            // Each is delivered twice.
            let told = order.iter().chain(&order).filter_map(|(event, action)| send(&reader, event, action).run);
            let last = told.last().unwrap();
            assert_eq!(
                (last.status, first_failed(&last)),
                (RunStatus::Failed, Some("test › Run npm test")),
                "{order:?}"
            );
        }
    }
}

#[test]
fn a_run_again_forgets_the_jobs_of_the_attempt_before() {
    let reader = pushed_only();
    send(&reader, "workflow_job", "completed");
    send(&reader, "workflow_run", "completed");
    let mut again = fixture("webhook_workflow_run_completed");
    again["workflow_run"]["run_attempt"] = json!(2);
    again["workflow_run"]["updated_at"] = json!("2026-11-20T11:00:00Z");
    let run = push(&reader, "workflow_run", &again).run.unwrap();
    assert_eq!((run.attempt, run.status, run.steps.len()), (Some(2), RunStatus::Failed, 0));
    // What belongs to the first attempt comes late.
    assert_eq!(send(&reader, "workflow_job", "completed"), Received::default());
}

#[test]
fn what_is_not_about_runs_says_nothing_and_what_is_not_githubs_is_refused() {
    let reader = pushed_only();
    assert_eq!(push(&reader, "ping", &fixture("webhook_ping")), Received::default());
    assert_eq!(push(&reader, "issues", &json!({"action": "opened"})), Received::default());
    assert!(reader.read(&HeaderMap::new(), b"{}").unwrap_err().contains("x-github-event"));
    let broken = reader.read(&headers("workflow_run", "application/json"), b"{\"workflow_run\": 7}").unwrap_err();
    assert!(broken.starts_with("no `workflow_run` as GitHub sends it"), "{broken}");
}

#[test]
fn a_webhook_that_is_sent_as_a_form_is_read_as_well() {
    let body = fixture("webhook_workflow_run_completed").to_string();
    let form: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &body).finish();
    let headers = headers("workflow_run", "application/x-www-form-urlencoded");
    let told = pushed_only().read(&headers, form.as_bytes()).unwrap();
    assert_eq!(told.run.unwrap().status, RunStatus::Failed);
}

#[test]
fn only_repositories_that_are_watched_are_told_under_the_name_that_the_settings_have() {
    let watched = |name: &str| {
        let repositories = vec![name.to_owned()];
        Reader::new(&GitHubSource { token: None, repositories, ..settings() })
    };
    assert_eq!(send(&watched("acme/site"), "workflow_run", "completed"), Received::default());
    let run = send(&watched("Acme/Shop"), "workflow_run", "completed").run.unwrap();
    assert_eq!(run.workflow.id.as_deref(), Some("Acme/Shop/.github/workflows/ci.yml"));
}

#[test]
fn beside_a_token_a_push_wakes_who_asks_and_tells_no_end() {
    let reader = Reader::new(&settings());
    assert_eq!(send(&reader, "workflow_run", "completed"), Received { run: None, wake: true });
    assert_eq!(send(&reader, "workflow_job", "completed"), Received::default());
    let begun = send(&reader, "workflow_run", "in_progress");
    assert_eq!((begun.run.unwrap().status, begun.wake), (RunStatus::Running, false));
}

#[tokio::test]
async fn an_old_run_that_is_run_again_is_followed_because_a_push_named_it() {
    let old = (2..400).map(|id| failed(id, -900_000 + i64::try_from(id).unwrap() * 2_000, -90_000));
    let mut bench = Bench::new(old.chain([failed(1, -2_000_000, -1_999_000)]).collect());
    bench.poll(0).await.unwrap();
    bench.news();
    let row = run(1, 2, "in_progress", None, -2_000_000, 10);
    let body = json!({"action": "in_progress", "repository": {"full_name": REPOSITORY}, "workflow_run": row});
    let begun = push(&Reader::new(&settings()), "workflow_run", &body).run.unwrap();
    bench.taken.keep(&begun);
    bench.set(run(1, 2, "completed", Some("failure"), -2_000_000, 25));
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), [(1, 2, RunStatus::Failed, false)]);
}
