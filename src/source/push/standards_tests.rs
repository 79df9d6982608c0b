//! The standards as their specifications and their real senders write them: forms of the envelope, order, repeats, parents that come
//! late. The samples lie in `tests/fixtures/push`, each with where it is from.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::config::WebhookAuth;
use crate::run::{RunStatus, StepStatus};

fn reader(format: PushFormat, filter: Option<&str>) -> Reader {
    let settings = WebhookSource { auth: WebhookAuth::Open, format, filter: filter.map(str::to_owned) };
    Reader::new(&settings).unwrap().unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}

fn push(reader: &Reader, body: &Value) -> Vec<Run> {
    let read = reader.read(&HeaderMap::new(), body.to_string().as_bytes(), Limits::default()).unwrap();
    read.into_iter().map(Result::unwrap).collect()
}

fn sample(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/push/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    sample["events"].as_array().unwrap().clone()
}

/// The last word about each run, in the order of the first.
fn last_words(told: impl IntoIterator<Item = Run>) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    for run in told {
        match all.iter_mut().find(|known| known.id == run.id) {
            Some(known) => *known = run,
            None => all.push(run),
        }
    }
    all
}

fn failed(run: &Run) -> Vec<(&str, Option<u32>)> {
    let steps = run.steps.iter().filter(|step| step.status == StepStatus::Failed && !step.tolerated);
    steps.map(|step| (step.title.as_str(), step.attempt)).collect()
}

#[test]
fn what_dbt_sends_at_the_end_is_a_run_with_the_model_that_failed() {
    let reader = reader(PushFormat::OpenLineage, None);
    let told = last_words(sample("openlineage-dbt-at-the-end").iter().flat_map(|event| push(&reader, event)));
    let [run] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((run.status, run.workflow.title()), (RunStatus::Failed, "dbt-run-shop"));
    assert_eq!(failed(run), [("shop.main.shop.orders", None)]);
    assert_eq!(run.steps.len(), 2, "dbt says nothing of what it skipped");
}

#[test]
fn what_dbt_sends_as_it_goes_is_the_same_run_and_a_query_is_no_step_beside_its_model() {
    let reader = reader(PushFormat::OpenLineage, None);
    let told = last_words(sample("openlineage-dbt-as-it-goes").iter().flat_map(|event| push(&reader, event)));
    let [run] = told.as_slice() else { panic!("{told:?}") };
    let steps: Vec<_> = run.steps.iter().map(|step| (step.title.as_str(), step.status)).collect();
    assert_eq!(
        steps,
        [
            ("model.shop.stg_customers", StepStatus::Completed),
            ("model.shop.orders", StepStatus::Failed),
            ("model.shop.report", StepStatus::Cancelled)
        ]
    );
    let error = run.steps[1].error.as_ref().unwrap();
    assert!(error.message.contains("Referenced column \"no_such_column\" not found"), "{error:?}");
}

#[test]
fn in_whatever_order_and_however_often_the_events_come_the_last_word_is_the_same() {
    let events = sample("openlineage-dbt-as-it-goes");
    let (first, rest) = events.split_first().unwrap();
    let mut orders: Vec<Vec<&Value>> = vec![
        rest.iter().rev().chain([first]).collect(),
        rest.iter().chain([first]).chain(&events).collect(),
        events.iter().flat_map(|event| [event, event]).collect(),
    ];
    // Every rotation: each event is once the first.
    orders.extend((0..events.len()).map(|by| events[by..].iter().chain(&events[..by]).collect()));
    for order in orders {
        let reader = reader(PushFormat::OpenLineage, None);
        let told = last_words(order.iter().flat_map(|event| push(&reader, event)));
        let run = told.iter().find(|run| run.workflow.title() == "dbt-run-shop").unwrap();
        assert_eq!((run.status, failed(run)), (RunStatus::Failed, vec![("model.shop.orders", None)]), "{told:#?}");
        let other = told.iter().filter(|run| run.workflow.title() != "dbt-run-shop").map(|run| run.status);
        assert!(other.clone().all(RunStatus::is_final), "what was told as a run of its own is not left open");
    }
}

fn lineage(kind: &str, at: &str, run: &str, job: &str, above: &[&str]) -> Value {
    let mut event = json!({
        "eventType": kind, "eventTime": format!("2026-11-22T02:{at}Z"), "producer": "https://example.com/1.0",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": { "runId": run, "facets": {} }, "job": { "namespace": "prod", "name": job, "facets": {} },
    });
    if let [root @ .., parent] = above {
        event["run"]["facets"]["parent"] =
            json!({ "run": { "runId": parent }, "job": { "namespace": "prod", "name": "billing" } });
        if let [root] = root {
            event["run"]["facets"]["parent"]["root"] =
                json!({ "run": { "runId": root }, "job": { "namespace": "prod", "name": "x" } });
        }
    }
    event
}

fn of_airflow(mut event: Value, try_number: u32, map_index: i64) -> Value {
    event["run"]["facets"]["airflow"] = json!({ "taskInstance": { "try_number": try_number, "map_index": map_index,
        "log_url": "https://airflow.example.com/dags/billing/log" } });
    event
}

#[test]
fn a_task_that_starts_before_its_run_is_heard_of_is_no_run_of_its_own() {
    let reader = reader(PushFormat::OpenLineage, None);
    assert!(push(&reader, &lineage("START", "00:01", "t", "billing.charge", &["dag"])).is_empty());
    assert_eq!(push(&reader, &lineage("START", "00:00", "dag", "billing", &[])).len(), 1);
    assert!(push(&reader, &lineage("FAIL", "00:05", "t", "billing.charge", &["dag"])).is_empty());
    let ended = push(&reader, &lineage("FAIL", "00:06", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("charge", None)]);
    assert_eq!(ended.steps[0].started_at, Some("2026-11-22T02:00:01Z".parse().unwrap()));
}

#[test]
fn a_failure_whose_run_comes_later_still_is_told_at_once_and_is_the_cause_of_that_run_too() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "00:01", "t", "billing.charge", &["dag"]));
    let alone = push(&reader, &lineage("FAIL", "00:05", "t", "billing.charge", &["dag"])).remove(0);
    assert_eq!((alone.id.as_str(), alone.started_at), ("t", Some("2026-11-22T02:00:01Z".parse().unwrap())));
    let ended = push(&reader, &lineage("FAIL", "00:06", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("charge", None)]);
}

#[test]
fn the_end_of_an_older_try_that_comes_late_undoes_nothing() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "00:00", "dag", "billing", &[]));
    for event in [
        lineage("START", "00:01", "t1", "billing.charge", &["dag"]),
        lineage("START", "01:01", "t2", "billing.charge", &["dag"]),
        lineage("COMPLETE", "01:05", "t2", "billing.charge", &["dag"]),
        lineage("FAIL", "00:05", "t1", "billing.charge", &["dag"]),
        lineage("START", "01:06", "t3", "billing.send", &["dag"]),
        lineage("FAIL", "01:07", "t3", "billing.send", &["dag"]),
    ] {
        assert!(push(&reader, &event).is_empty());
    }
    let ended = push(&reader, &lineage("FAIL", "01:08", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("send", None)]);
    let charge = ended.steps.iter().find(|step| step.title == "charge").unwrap();
    assert_eq!((charge.status, charge.attempt), (StepStatus::Completed, Some(2)));
}

#[test]
fn the_instances_of_a_mapped_task_do_not_hide_one_another() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "00:00", "dag", "billing", &[]));
    for (at, index, end) in [("00:10", 0, "COMPLETE"), ("00:11", 1, "FAIL"), ("00:12", 2, "COMPLETE")] {
        let own = format!("m{index}");
        push(&reader, &of_airflow(lineage("START", "00:01", &own, "billing.charge", &["dag"]), 2, index));
        // Only the start has Airflow's facet.
        push(&reader, &lineage(end, at, &own, "billing.charge", &["dag"]));
    }
    let ended = push(&reader, &lineage("FAIL", "00:20", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("charge [1]", Some(2))]);
    let step = ended.steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
    assert_eq!(step.url.as_deref(), Some("https://airflow.example.com/dags/billing/log"));
    // Without the facet, what runs side by side is no try of the other.
    let reader = self::reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "00:00", "dag", "billing", &[]));
    for (own, begin, end, how) in [("a", "00:01", "00:09", "FAIL"), ("b", "00:02", "00:10", "COMPLETE")] {
        push(&reader, &lineage("START", begin, own, "billing.charge", &["dag"]));
        push(&reader, &lineage(how, end, own, "billing.charge", &["dag"]));
    }
    let ended = push(&reader, &lineage("FAIL", "00:20", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("charge", None)]);
}

#[test]
fn a_spark_application_that_completes_although_its_query_failed_has_failed() {
    let spark = |kind: &str, at: &str| {
        let mut event = lineage(kind, at, "app", "daily_load", &[]);
        event["job"]["facets"]["jobType"] =
            json!({ "processingType": "NONE", "integration": "SPARK", "jobType": "APPLICATION" });
        event
    };
    let query = |kind: &str, at: &str, own: &str| {
        let mut event = lineage(kind, at, own, "daily_load.execute_insert_into", &["app"]);
        event["run"]["facets"]["errorMessage"] = json!({ "message": "Job aborted due to stage failure", "programmingLanguage": "JAVA",
            "stackTrace": "org.apache.spark.SparkException: Job aborted due to stage failure" });
        event
    };
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &spark("START", "00:00"));
    push(&reader, &query("START", "00:01", "q1"));
    push(&reader, &query("RUNNING", "00:02", "q1"));
    push(&reader, &query("FAIL", "00:03", "q1"));
    let ended = push(&reader, &spark("COMPLETE", "00:04")).remove(0);
    assert_eq!((ended.status, failed(&ended).len()), (RunStatus::Failed, 1));
    assert_eq!(ended.steps[0].error.as_ref().unwrap().code, "SparkException");
    // The same query again, and it went well: the application has recovered by itself.
    let reader = self::reader(PushFormat::OpenLineage, None);
    for event in [
        spark("START", "00:00"),
        query("START", "00:01", "q1"),
        query("FAIL", "00:03", "q1"),
        query("START", "00:04", "q2"),
        query("COMPLETE", "00:05", "q2"),
    ] {
        push(&reader, &event);
    }
    assert_eq!(push(&reader, &spark("COMPLETE", "00:06")).remove(0).status, RunStatus::Completed);
}

#[test]
fn a_query_of_an_application_of_a_task_belongs_to_the_run_of_the_task_also_without_its_root() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "00:00", "dag", "billing", &[]));
    push(&reader, &lineage("START", "00:01", "task", "billing.load", &["dag"]));
    push(&reader, &lineage("START", "00:02", "app", "spark_load", &["task"]));
    let mut query = lineage("FAIL", "00:03", "query", "spark_load.insert", &["app"]);
    query["run"]["facets"]["errorMessage"] = json!({ "message": "table not found", "programmingLanguage": "SCALA" });
    assert!(push(&reader, &query).is_empty());
    push(&reader, &lineage("FAIL", "00:05", "task", "billing.load", &["dag"]));
    let ended = push(&reader, &lineage("FAIL", "00:06", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("load", None), ("spark_load.insert", None)], "triage takes the one that failed first");
}

#[test]
fn what_failed_within_a_part_that_ended_well_was_tolerated() {
    let reader = reader(PushFormat::OpenLineage, None);
    push(&reader, &lineage("START", "00:00", "dag", "billing", &[]));
    push(&reader, &lineage("START", "00:01", "task", "billing.load", &["dag"]));
    push(&reader, &lineage("FAIL", "00:02", "query", "insert", &["dag", "task"]));
    push(&reader, &lineage("COMPLETE", "00:03", "task", "billing.load", &["dag"]));
    push(&reader, &lineage("FAIL", "00:04", "other", "billing.send", &["dag"]));
    let ended = push(&reader, &lineage("FAIL", "00:06", "dag", "billing", &[])).remove(0);
    assert_eq!(failed(&ended), [("send", None)]);
}

#[test]
fn the_conformance_samples_of_cdevents_are_read_in_every_version() {
    let [queued, started, finished, task_started, task_finished, task_queued] =
        <[Value; 6]>::try_from(sample("cdevents-conformance")).unwrap();
    for format in [PushFormat::CdEvents, PushFormat::CloudEvents] {
        let reader = reader(format, None);
        // CDEvents' binding to CloudEvents: the whole event is the data.
        let wrapped = |event: &Value| match format {
            PushFormat::CloudEvents => {
                json!({ "specversion": "1.0", "id": event["context"]["id"], "source": event["context"]["source"],
                "type": event["context"]["type"], "time": event["context"]["timestamp"], "datacontenttype": "application/json",
                "data": event })
            }
            _ => event.clone(),
        };
        assert_eq!(push(&reader, &wrapped(&queued))[0].status, RunStatus::Pending);
        assert_eq!(push(&reader, &wrapped(&started))[0].status, RunStatus::Running);
        for event in [&task_queued, &task_started, &task_finished] {
            assert!(push(&reader, &wrapped(event)).is_empty(), "a task of a known pipeline");
        }
        let ended = push(&reader, &wrapped(&finished)).remove(0);
        assert_eq!(
            (ended.status, ended.id.as_str(), ended.workflow.title()),
            (RunStatus::Failed, "mySubject123", "myPipeline")
        );
        assert_eq!(ended.url.as_deref(), Some("https://www.example.com/mySubject123"));
        assert_eq!(ended.error.as_ref().unwrap().message, "Something went wrong\nWith some more details");
        assert_eq!(failed(&ended), [("myTask", None)]);
    }
}

#[test]
fn the_same_id_in_two_sources_of_cdevents_is_not_the_same_run() {
    let [_, started, finished, _, mut task, _] = <[Value; 6]>::try_from(sample("cdevents-conformance")).unwrap();
    let reader = reader(PushFormat::CdEvents, None);
    push(&reader, &started);
    task["subject"]["source"] = json!("/another");
    assert_eq!(push(&reader, &task).len(), 1, "nobody has heard of its pipeline");
    task["subject"]["content"]["pipelineRun"]["source"] = json!("/event/source/123");
    task["subject"]["id"] = json!("another");
    assert!(push(&reader, &task).is_empty(), "it says where its pipeline is from");
    assert_eq!(failed(&push(&reader, &finished)[0]).len(), 1);
    let custom =
        json!({ "context": { "type": "dev.cdeventsx.mytool-resource.created.0.1.0" }, "subject": { "id": "x" } });
    assert!(push(&reader, &custom).is_empty());
}

#[test]
fn an_outcome_that_nobody_knows_and_errors_in_any_shape_are_no_success() {
    let [_, _, mut finished, ..] = <[Value; 6]>::try_from(sample("cdevents-conformance")).unwrap();
    for (outcome, errors, status) in [
        (json!("timeout"), json!(null), RunStatus::Failed),
        (json!(null), json!([{"message": "no disk"}]), RunStatus::Failed),
        (json!(null), json!([]), RunStatus::Completed),
        (json!("success"), json!(null), RunStatus::Completed),
    ] {
        finished["subject"]["content"]["outcome"] = outcome;
        finished["subject"]["content"]["errors"] = errors;
        let run = push(&reader(PushFormat::CdEvents, None), &finished).remove(0);
        assert_eq!(run.status, status, "{}", finished["subject"]["content"]);
    }
}

const RUN: &str = r#"{"id":"r1","workflow":{"name":"sync"},"status":"failed"}"#;

fn cloud(filter: Option<&str>, pairs: &[(&'static str, &str)], body: &[u8]) -> Result<Run, String> {
    let read = reader(PushFormat::CloudEvents, filter).read(&headers(pairs), body, Limits::default());
    let runs = read.map_err(|error| format!("{error:?}"))?;
    runs.into_iter().next().ok_or("nothing")?.map_err(|error| error.message)
}

#[test]
fn the_content_type_says_which_form_an_event_has() {
    let event = format!(
        r#"{{"specversion":"1.0","type":"x","source":"/e","id":"1","datacontenttype":"application/json","data":{RUN}}}"#
    );
    let binary = [("ce-specversion", "1.0"), ("ce-type", "x"), ("ce-source", "/e"), ("ce-id", "1")];
    for kind in
        ["application/cloudevents+json", "application/cloudevents+json; charset=UTF-8", "Application/CloudEvents+JSON"]
    {
        // A proxy that copies the attributes to the headers does not make it binary.
        let both: Vec<_> = binary.into_iter().chain([("content-type", kind)]).collect();
        assert_eq!(cloud(None, &both, event.as_bytes()).unwrap().id, "r1", "{kind}");
    }
    let batch = format!("[{event},{event}]");
    let read = reader(PushFormat::CloudEvents, None).read(
        &headers(&[("content-type", "application/cloudevents-batch+json")]),
        batch.as_bytes(),
        Limits::default(),
    );
    assert_eq!(read.unwrap().len(), 2);
    let empty = reader(PushFormat::CloudEvents, None).read(&HeaderMap::new(), b"[]", Limits::default());
    assert!(empty.unwrap().is_empty(), "an empty batch is a batch");
    for kind in ["application/json", "application/vnd.acme.run+json; charset=utf-8", ""] {
        let with: Vec<_> = binary.into_iter().chain([("content-type", kind)]).collect();
        assert_eq!(cloud(None, &with, RUN.as_bytes()).unwrap().id, "r1", "{kind}");
    }
}

#[test]
fn an_event_without_what_it_must_have_is_refused_by_name() {
    let whole = json!({ "specversion": "1.0", "type": "x", "source": "/e", "id": "1", "data": {} });
    for missing in ["id", "source", "type"] {
        let mut event = whole.clone();
        event[missing] = json!("");
        let refused = cloud(None, &[], event.to_string().as_bytes()).unwrap_err();
        assert_eq!(refused, format!("no CloudEvent: the attribute `{missing}` is missing"));
    }
    let mut old = whole;
    old["specversion"] = json!("0.3");
    assert_eq!(
        cloud(None, &[], old.to_string().as_bytes()).unwrap_err(),
        "CloudEvents \"0.3\" is not read; send version 1.0"
    );
    let refused =
        cloud(None, &[("ce-specversion", "1.0"), ("ce-type", "x"), ("ce-id", "1")], RUN.as_bytes()).unwrap_err();
    assert_eq!(refused, "no CloudEvent: the attribute `source` is missing");
}

#[test]
fn data_that_is_no_json_reaches_the_filter_as_text_and_attributes_are_decoded() {
    let filter = r#"{id: .id, workflow: {name: .subject}, status: "failed", error: {message: .data, code: (.datacontenttype // "none")}}"#;
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-type", "x"),
        ("ce-source", "/e"),
        ("ce-id", "7"),
        ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("content-type", "text/plain"),
    ];
    let run = cloud(Some(filter), &binary, b"disk full").unwrap();
    let error = run.error.as_ref().unwrap();
    assert_eq!(
        (run.workflow.title(), error.message.as_str(), error.code.as_str()),
        ("Euro € 😀", "disk full", "text/plain")
    );
    let packed = json!({ "specversion": "1.0", "type": "x", "source": "/e", "id": "7", "subject": "s", "datacontenttype": "text/plain",
        "data_base64": "ZGlzayBmdWxs" });
    assert_eq!(cloud(Some(filter), &[], packed.to_string().as_bytes()).unwrap().error.unwrap().message, "disk full");
    let broken = json!({ "specversion": "1.0", "type": "x", "source": "/e", "id": "7", "data_base64": "ZGlzayBmdWxs" });
    assert!(cloud(Some(filter), &[], broken.to_string().as_bytes()).unwrap_err().contains("not JSON"));
}
