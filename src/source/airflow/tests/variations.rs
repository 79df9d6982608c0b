//! Recordings of real Airflows with one thing changed: what can't be asked, and what happens more rarely.

use serde_json::{Value, json};

use super::bench::at;
use super::fake::World;
use super::recorded::{first_failed, mapped, world};
use crate::run::{RunStatus, StepStatus, UNKNOWN_ERROR};

fn refuse_audit_log(world: &mut World) {
    world.broken.push(("eventLogs".into(), 403, json!({"detail": null, "status": 403}).to_string()));
}

/// What the log of Airflow 3 says of a task that was told to stop.
fn stopped() -> String {
    let event = "Server indicated the task shouldn't be running anymore. Terminating process";
    json!({"content": [{"timestamp": at(0), "event": event, "logger": "task", "level": "error"}]}).to_string()
}

#[tokio::test]
async fn without_the_audit_log_a_cancel_is_known_by_what_it_skipped_and_has_no_name() {
    for case in ["airflow2/f_marked_failed", "airflow3/f_marked_failed"] {
        let mut world = world(case);
        refuse_audit_log(&mut world);
        let run = mapped(world).await;
        assert_eq!((run.status, run.labels.get("cancelled_by")), (RunStatus::Cancelled, None), "{case}");
    }
}

#[tokio::test]
async fn a_task_that_a_person_marked_as_failed_fails_its_run_and_says_by_whom() {
    for known in [true, false] {
        let mut world = world("airflow3/f_marked_failed");
        let run = world.runs[0]["dag_run_id"].clone();
        for task in &mut world.instances {
            if task["state"] == "skipped" {
                task["state"] = json!("upstream_failed");
            }
        }
        world.events = vec![json!({
            "dag_id": "f_marked_failed", "run_id": run, "task_id": "long_running", "map_index": -1, "owner": "ada",
            "event": "patch_task_instance", "when": "2026-11-22T20:47:35Z", "extra": "{\"new_state\": \"failed\"}",
        })];
        if !known {
            refuse_audit_log(&mut world);
        }
        let run = mapped(world).await;
        let error = first_failed(&run).unwrap().error.clone().unwrap();
        assert_eq!((run.status, error.code.as_str()), (RunStatus::Failed, "ExternallySet"));
        assert_eq!(error.detail.as_deref(), known.then_some("ada marked the task as failed"));
    }
}

#[tokio::test]
async fn a_run_that_took_longer_than_its_dag_allows_is_told_apart_from_a_deadlock_where_the_limit_is_known() {
    for (limit, code) in [
        (json!("PT10S"), "dagrun_timeout"),
        (json!({"__type": "TimeDelta", "days": 0, "seconds": 10, "microseconds": 0}), "dagrun_timeout"),
        (json!("PT1H"), "run_timeout_or_deadlock"),
        (json!(null), "run_timeout_or_deadlock"),
    ] {
        let mut world = world("airflow3/e_dagrun_timeout_running");
        world.details.insert("e_dagrun_timeout_running".into(), json!({"dag_run_timeout": limit}));
        let error = mapped(world).await.error.unwrap();
        assert_eq!(error.code, code, "{limit}");
        assert!(error.message.contains("\"long_running\" was running"), "{}", error.message);
    }
}

#[tokio::test]
async fn where_the_time_of_a_run_was_up_a_task_that_was_tolerated_is_not_the_cause() {
    let mut world = world("airflow3/e_dagrun_timeout_running");
    world.details.insert("e_dagrun_timeout_running".into(), json!({"dag_run_timeout": "PT10S"}));
    let mut optional = world.instances[0].clone();
    let start = optional["start_date"].clone();
    for (name, value) in [("task_id", json!("optional")), ("state", json!("failed")), ("end_date", start)] {
        optional[name] = value;
    }
    optional["task_display_name"] = json!("optional");
    world.instances.push(optional);
    let tasks = world.tasks.get_mut("e_dagrun_timeout_running").unwrap();
    tasks.push(json!({"task_id": "optional", "downstream_task_ids": ["long_running"]}));
    let run = mapped(world.clone()).await;
    assert_eq!(run.error.as_ref().unwrap().code, "dagrun_timeout");
    assert!(first_failed(&run).is_none() && run.steps.iter().any(|step| step.title == "optional" && step.tolerated));
    // Where the limit is not known, what failed is told rather than nothing.
    world.details.clear();
    assert_eq!(first_failed(&mapped(world).await).unwrap().title, "optional");
}

#[tokio::test]
async fn a_teardown_that_fails_its_run_is_the_cause_only_where_nothing_else_is() {
    let mut world = world("airflow3/j_teardown_fails_only");
    world.runs[0]["state"] = json!("failed");
    let teardown = world.instances.iter().find(|task| task["state"] == "failed").unwrap()["task_id"].clone();
    let run = mapped(world.clone()).await;
    assert!(first_failed(&run).unwrap().url.as_ref().unwrap().contains(teardown.as_str().unwrap()));
    let work = world.instances.iter_mut().find(|task| task["task_id"] == "work").unwrap();
    // Later than the teardown, and the cause all the same.
    (work["state"], work["end_date"]) = (json!("failed"), json!("2026-11-22T20:50:30Z"));
    assert_eq!(first_failed(&mapped(world).await).unwrap().title, "work");
}

#[tokio::test]
async fn what_was_stopped_because_another_task_failed_is_not_the_cause() {
    let mut world = world("airflow3/c_parallel");
    // As `fail_fast` has it: the others are stopped at once, and their ends may be noted earlier.
    let slow = world.instances.iter_mut().find(|task| task["task_id"] == "a_slow_fail").unwrap();
    slow["end_date"] = json!("2026-11-22T20:37:20Z");
    for (path, log) in &mut world.logs {
        if path.contains("a_slow_fail") {
            *log = stopped();
        }
    }
    let run = mapped(world).await;
    let step = first_failed(&run).unwrap();
    assert_eq!((step.title.as_str(), step.error.as_ref().unwrap().code.as_str()), ("z_fast_fail", "ValueError"));
}

#[tokio::test]
async fn without_its_log_the_task_is_told_and_no_error_is_made_up() {
    for case in ["airflow3/b_middle", "airflow2/b_middle"] {
        let mut world = world(case);
        world.logs.clear();
        let run = mapped(world).await;
        let step = first_failed(&run).unwrap();
        assert_eq!(step.title, "3. Transform → facts", "{case}");
        assert_eq!(step.error.as_ref().unwrap().code, UNKNOWN_ERROR, "{case}");
    }
}

#[tokio::test]
async fn a_dag_that_is_gone_costs_the_numbers_and_not_the_cause() {
    let mut world = world("airflow3/a_http_401");
    world.tasks.clear();
    let run = mapped(world).await;
    let step = first_failed(&run).unwrap();
    assert_eq!((step.title.as_str(), step.number), ("call_api", None));
    assert_eq!(step.error.as_ref().unwrap().provider_status, Some(401));
}

#[tokio::test]
async fn fields_that_are_missing_or_strange_cost_only_themselves() {
    let mut world = world("airflow3/a_http_401");
    for row in &mut world.instances {
        let row = row.as_object_mut().unwrap();
        row.remove("map_index");
        row.insert("max_tries".into(), Value::Null);
        row.insert("start_date".into(), json!("yesterday"));
        row.insert("rendered_fields".into(), json!("odd"));
        row.insert("rendered_map_index".into(), json!(7));
    }
    for rows in world.tasks.values_mut() {
        rows.push(json!({"task_id": null}));
        rows.push(json!({"task_id": "later", "retry_delay": "PT5M", "owner": ["a"]}));
    }
    world.runs[0]["run_type"] = json!(3);
    world.runs[0]["dag_versions"] = Value::Null;
    let run = mapped(world).await;
    let step = first_failed(&run).unwrap();
    assert_eq!((step.status, step.started_at, step.max_attempts), (StepStatus::Failed, None, Some(1)));
    assert_eq!(run.workflow.version, None);
}
