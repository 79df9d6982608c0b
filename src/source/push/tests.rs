//! What engines push by standards, and what is made of it. The events follow the examples of the specifications.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::config::WebhookAuth;
use crate::run::{RunStatus, StepStatus};

fn reader(format: PushFormat, filter: Option<&str>) -> Reader {
    let settings = WebhookSource { auth: WebhookAuth::Open, format, filter: filter.map(str::to_owned) };
    Reader::new(&settings).expect("it compiles").expect("not native")
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn push(reader: &Reader, body: &Value) -> Vec<Run> {
    let read = reader.read(&HeaderMap::new(), body.to_string().as_bytes(), Limits::default()).expect("a body");
    read.into_iter().map(|run| run.expect("a run")).collect()
}

fn lineage(
    kind: &str,
    at: &str,
    run: &str,
    job: &str,
    parent: Option<(&str, &str)>,
    error: Option<(&str, &str)>,
) -> Value {
    let mut facets = json!({});
    if let Some((run, job)) = parent {
        facets["parent"] = json!({ "run": { "runId": run }, "job": { "namespace": "prod", "name": job } });
    }
    if let Some((message, stack)) = error {
        facets["errorMessage"] = json!({ "message": message, "programmingLanguage": "PYTHON", "stackTrace": stack });
    }
    json!({
        "eventType": kind, "eventTime": format!("2026-11-22T{at}Z"), "producer": "https://example.com/lineage/1.0",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": { "runId": run, "facets": facets },
        "job": { "namespace": "prod", "name": job, "facets": {
            "jobType": { "processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK" },
            "ownership": { "owners": [{ "name": "growth", "type": "MAINTAINER" }] } } },
    })
}

#[test]
fn a_failed_task_that_was_pushed_by_itself_is_the_step_of_its_run() {
    let reader = reader(PushFormat::OpenLineage, None);
    let above = Some(("dag-run", "billing"));
    let events = [
        lineage("START", "02:00:00", "dag-run", "billing", None, None),
        lineage("START", "02:00:01", "t1", "billing.extract", above, None),
        lineage("COMPLETE", "02:00:05", "t1", "billing.extract", above, None),
        lineage("START", "02:00:06", "t2", "billing.charge", above, None),
        lineage(
            "FAIL",
            "02:00:07",
            "t2",
            "billing.charge",
            above,
            Some(("timed out", "Traceback (most recent call last):\n  File \"a.py\"\nReadTimeout: timed out")),
        ),
        lineage("START", "02:01:06", "t2b", "billing.charge", above, None),
        lineage(
            "FAIL",
            "02:01:09",
            "t2b",
            "billing.charge",
            above,
            Some((
                "503 Server Error: Service Unavailable",
                "Traceback (most recent call last):\n  File \"a.py\"\nrequests.exceptions.HTTPError: 503 Server Error: Service Unavailable",
            )),
        ),
    ];
    let told: Vec<Run> = events.iter().flat_map(|event| push(&reader, event)).collect();
    assert_eq!(told.iter().map(|run| run.status).collect::<Vec<_>>(), [RunStatus::Running], "parts are no runs");
    let ended = push(&reader, &lineage("FAIL", "02:01:11", "dag-run", "billing", None, None)).remove(0);
    assert_eq!((ended.status, ended.steps.len()), (RunStatus::Failed, 2));
    assert_eq!(ended.started_at, Some("2026-11-22T02:00:00Z".parse().expect("a time")), "from its START");
    assert_eq!(ended.labels.get("owner").map(String::as_str), Some("growth"));
    let step = ended.steps.iter().find(|step| step.status == StepStatus::Failed).expect("a failed step");
    let error = step.error.as_ref().expect("an error");
    assert_eq!((step.title.as_str(), step.attempt, step.kind.as_deref()), ("charge", Some(2), Some("task")));
    assert_eq!((error.code.as_str(), error.provider_status, error.retryable), ("HTTPError", Some(503), Some(true)));
    assert_eq!(error.message, "503 Server Error: Service Unavailable");
}

#[test]
fn a_part_whose_run_nobody_has_heard_of_is_told_as_a_run_of_its_own() {
    let reader = reader(PushFormat::OpenLineage, None);
    let error = Some(("org.apache.spark.sql.AnalysisException: Table or view not found: wrong; line 1 pos 14", ""));
    let told = push(&reader, &lineage("FAIL", "02:00:07", "spark-1", "etl.load", Some(("nobody", "etl")), error));
    let error = told[0].error.as_ref().expect("an error");
    assert_eq!(
        (told[0].id.as_str(), told[0].status, error.code.as_str()),
        ("spark-1", RunStatus::Failed, "AnalysisException")
    );
    // And it stays one, whoever is heard of later: a run that changes its mind about what it is would be open for ever.
    push(&reader, &lineage("START", "02:01:00", "nobody", "etl", None, None));
    let again = push(&reader, &lineage("COMPLETE", "02:02:00", "spark-1", "etl.load", Some(("nobody", "etl")), None));
    assert_eq!((again[0].id.as_str(), again[0].status), ("spark-1", RunStatus::Completed));
}

#[test]
fn a_part_that_fails_after_its_run_was_told_is_told_with_it() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "02:00:00", "dag-run", "billing", None, None));
    let ended = push(&reader, &lineage("FAIL", "02:00:09", "dag-run", "billing", None, None)).remove(0);
    assert!(ended.steps.is_empty());
    let late = lineage("FAIL", "02:00:08", "t", "billing.charge", Some(("dag-run", "billing")), Some(("no", "")));
    let again = push(&reader, &late).remove(0);
    assert_eq!(
        (again.id.as_str(), again.completed_at, again.steps[0].title.as_str()),
        ("dag-run", ended.completed_at, "charge")
    );
}

#[test]
fn a_grandchild_is_a_step_of_the_outermost_run() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "02:00:00", "dag-run", "billing", None, None));
    let mut spark = lineage("FAIL", "02:00:05", "s", "spark.load", Some(("t", "billing.load")), Some(("boom", "")));
    spark["run"]["facets"]["parent"]["root"] =
        json!({ "run": { "runId": "dag-run" }, "job": { "namespace": "prod", "name": "billing" } });
    assert!(push(&reader, &spark).is_empty());
    let ended = push(&reader, &lineage("FAIL", "02:00:09", "dag-run", "billing", None, None)).remove(0);
    assert_eq!(ended.steps[0].title, "spark.load");
}

fn cdevent(kind: &str, id: &str, content: &Value) -> Value {
    json!({
        "context": { "version": "0.4.1", "id": "271069a8-fc18-44f1-b38f-9d70a1695819", "source": "/ci/jenkins",
                     "type": format!("dev.cdevents.{kind}.0.2.0"), "timestamp": "2026-11-22T10:14:01Z" },
        "subject": { "id": id, "source": "/ci/jenkins", "type": "pipelineRun", "content": content },
    })
}

#[test]
fn pipeline_and_task_runs_of_cdevents_become_runs_and_steps() {
    let reader = reader(PushFormat::CdEvents, None);
    let started = push(
        &reader,
        &cdevent("pipelinerun.started", "p1", &json!({ "pipelineName": "deploy", "url": "https://ci.example.com/p1" })),
    );
    assert_eq!((started[0].status, started[0].workflow.title()), (RunStatus::Running, "deploy"));
    let task = json!({ "taskName": "push image", "pipelineRun": { "id": "p1", "source": "/ci/jenkins" }, "outcome": "failure", "errors": "denied: requested access to the resource is denied" });
    assert!(push(&reader, &cdevent("taskrun.finished", "t1", &task)).is_empty());
    let ended = push(
        &reader,
        &cdevent("pipelinerun.finished", "p1", &json!({ "pipelineName": "deploy", "outcome": "failure" })),
    )
    .remove(0);
    assert_eq!((ended.status, ended.url.as_deref()), (RunStatus::Failed, Some("https://ci.example.com/p1")));
    let error = ended.steps[0].error.as_ref().expect("an error");
    assert_eq!(
        (ended.steps[0].title.as_str(), error.message.as_str()),
        ("push image", "denied: requested access to the resource is denied")
    );
    assert!(
        push(&reader, &cdevent("artifact.published", "a", &json!({}))).is_empty(),
        "what is about no run says nothing"
    );
    for (outcome, status) in
        [("success", RunStatus::Completed), ("error", RunStatus::Failed), ("cancel", RunStatus::Cancelled)]
    {
        let told = push(
            &reader,
            &cdevent("pipelinerun.finished", "p2", &json!({ "pipelineName": "deploy", "outcome": outcome })),
        );
        assert_eq!(told[0].status, status, "{outcome}");
    }
}

#[test]
fn the_three_forms_of_a_cloudevent_are_opened() {
    let reader = reader(PushFormat::CloudEvents, None);
    let run = json!({ "id": "r1", "workflow": { "name": "sync" }, "status": "failed" });
    let structured =
        json!({ "specversion": "1.0", "type": "com.example.run", "source": "/engine", "id": "1", "data": run });
    assert_eq!(push(&reader, &structured)[0].id, "r1");
    let packed = json!({ "specversion": "1.0", "type": "x", "source": "/e", "id": "2", "data_base64": "eyJpZCI6InIyIiwid29ya2Zsb3ciOnsibmFtZSI6InN5bmMifSwic3RhdHVzIjoiZmFpbGVkIn0=" });
    let batch = json!([structured, packed, { "specversion": "1.0", "type": "dev.cdevents.pipelinerun.finished.0.2.0", "source": "/ci", "id": "3",
        "data": cdevent("pipelinerun.finished", "p9", &json!({ "pipelineName": "deploy", "outcome": "success" })) }]);
    assert_eq!(push(&reader, &batch).iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r1", "r2", "p9"]);
    let binary =
        headers(&[("ce-specversion", "1.0"), ("ce-type", "com.example.run"), ("ce-source", "/engine"), ("ce-id", "4")]);
    let read = reader.read(&binary, run.to_string().as_bytes(), Limits::default()).expect("a body");
    assert_eq!(read[0].as_ref().expect("a run").id, "r1");
}

#[test]
fn a_filter_sees_the_whole_event() {
    let filter = r#"select(.type == "com.example.job.failed") | {id: .data.job, workflow: {name: .subject}, status: "failed", updatedAt: .time}"#;
    let reader = reader(PushFormat::CloudEvents, Some(filter));
    let event = json!({ "specversion": "1.0", "type": "com.example.job.failed", "source": "/e", "id": "1", "subject": "nightly", "time": "2026-11-22T10:00:00Z", "data": { "job": "j7" } });
    let told = push(&reader, &event);
    assert_eq!((told[0].id.as_str(), told[0].workflow.title()), ("j7", "nightly"));
    let other = json!({ "specversion": "1.0", "type": "com.example.job.done", "source": "/e", "id": "2", "data": {} });
    assert!(push(&reader, &other).is_empty());
}

#[test]
fn a_mistake_names_the_event_and_does_not_spoil_the_others() {
    let reader = reader(PushFormat::CloudEvents, None);
    let good = json!({ "specversion": "1.0", "type": "x", "source": "/e", "id": "1", "data": { "id": "r1", "workflow": { "name": "w" }, "status": "failed" } });
    let bad = json!({ "specversion": "1.0", "type": "x", "source": "/e", "id": "2", "data": { "id": "r2", "workflow": { "name": "w" }, "status": "Failed" } });
    let body = json!([bad, good, { "hello": 1 }, 7]).to_string();
    let read = reader.read(&HeaderMap::new(), body.as_bytes(), Limits::default()).expect("a body");
    let wrong: Vec<(usize, &str)> =
        read.iter().filter_map(|run| run.as_ref().err()).map(|error| (error.index, error.pointer.as_str())).collect();
    assert_eq!(wrong, [(0, "/0/status"), (2, "/2"), (3, "/3")]);
    assert_eq!(read.iter().filter(|run| run.is_ok()).count(), 1);
    assert!(reader.read(&HeaderMap::new(), b"<html>", Limits::default()).is_err());
}

#[test]
fn a_filter_over_any_body_gives_native_runs_and_its_mistakes_are_said() {
    let reader = reader(PushFormat::Native, Some(".builds[]"));
    let told = push(&reader, &json!({ "builds": [{ "id": "b1", "workflow": { "name": "w" }, "status": "failed" }] }));
    assert_eq!(told[0].id, "b1");
    let read = reader.read(&HeaderMap::new(), br#"{"builds":[{"id":"b"}]}"#, Limits::default()).expect("a body");
    assert!(
        read[0].as_ref().is_err_and(|error| error.message.starts_with("the jq filter gives no native run")),
        "{read:?}"
    );
    let failed = reader.read(&HeaderMap::new(), br#"{"builds":7}"#, Limits::default()).expect_err("no array");
    assert!(matches!(&failed, PushError::Wrong(error) if error.message.contains("jq filter failed")), "{failed:?}");
}

#[test]
fn what_is_kept_of_runs_has_a_bound() {
    let reader = reader(PushFormat::OpenLineage, None);
    for run in 0..5_000 {
        push(&reader, &lineage("START", "02:00:00", &format!("r{run}"), "w", None, None));
    }
    let gather = reader.gather.lock().expect("no panic");
    assert_eq!(gather.kept(), 4_000);
}

#[test]
fn a_filter_that_does_not_end_asks_for_the_body_again_and_loses_nothing() {
    let reader = reader(PushFormat::Native, Some("if .loop then last(repeat(.)) else . end"));
    let push = |body: &str| reader.read(&HeaderMap::new(), body.as_bytes(), Limits::default());
    let good = r#"{"id":"r1","workflow":{"name":"w"},"status":"failed"}"#;
    assert!(push(good).is_ok());
    for body in [r#"{"loop":true}"#, good] {
        assert!(matches!(push(body), Err(PushError::Busy(_))), "{body}");
    }
}

#[test]
fn a_start_that_comes_after_the_end_does_not_undo_it() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("FAIL", "02:00:09", "dag-run", "billing", None, None));
    let late = push(&reader, &lineage("START", "02:00:00", "dag-run", "billing", None, None)).remove(0);
    assert_eq!(late.status, RunStatus::Failed);
    let part = lineage("FAIL", "02:00:08", "t", "billing.charge", Some(("dag-run", "billing")), Some(("no", "")));
    assert_eq!(push(&reader, &part).remove(0).steps[0].title, "charge");
    // Run again, later: that is news.
    let again = push(&reader, &lineage("START", "02:10:00", "dag-run", "billing", None, None)).remove(0);
    assert_eq!(again.status, RunStatus::Running);
}

#[test]
fn what_ended_well_keeps_no_parts_and_all_parts_together_have_a_bound() {
    let reader = reader(PushFormat::OpenLineage, None);
    for run in 0..150 {
        let id = format!("r{run}");
        push(&reader, &lineage("START", "02:00:00", &id, "w", None, None));
        for part in 0..400 {
            push(
                &reader,
                &lineage("START", "02:00:01", &format!("{id}-{part}"), &format!("w.{part}"), Some((&id, "w")), None),
            );
        }
        if run < 10 {
            push(&reader, &lineage("COMPLETE", "02:00:02", &id, "w", None, None));
        }
    }
    let kept = reader.gather.lock().expect("no panic").parts();
    assert!(kept <= 50_000, "{kept}");
}
