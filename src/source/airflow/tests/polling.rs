//! Polling a stand-in for Airflow: what is told, what is not told twice, and what a broken answer costs.

use serde_json::json;

use super::bench::{Bench, at, id, log, run};
use crate::run::{RunStatus, StepStatus};

#[tokio::test]
async fn the_first_poll_announces_no_history_and_the_next_tells_what_is_new() {
    let mut bench = Bench::new("3.3.2", vec![run(1, "failed", -500), run(2, "failed", -20)]);
    bench.poll(0).await.unwrap();
    assert!(bench.news().iter().all(|(_, _, history)| *history));
    bench.fail(3, 4, "HTTPError", "401 Client Error: Unauthorized for url: http://x");
    bench.poll(10).await.unwrap();
    let told = bench.runs();
    assert_eq!(told.len(), 1);
    let step = told[0].steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
    assert_eq!((step.number, step.title.as_str()), (Some(1), "call_api"));
    assert_eq!(step.error.as_ref().unwrap().provider_status, Some(401));
    assert_eq!(told[0].labels["owner"], "growth");
    assert_eq!(told[0].labels["tags"], "crm");
    bench.restart();
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn what_fails_while_the_first_start_takes_several_tries_is_news() {
    let mut bench = Bench::new("3.3.2", vec![run(1, "failed", -50)]);
    bench.break_all("", 500);
    bench.poll(0).await.unwrap_err();
    bench.fake.with(|world| world.broken.clear());
    bench.fail(2, 30, "ValueError", "x");
    bench.poll(60).await.unwrap();
    let mut news = bench.news();
    news.sort();
    assert_eq!(news, [(id(1), RunStatus::Failed, true), (id(2), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_that_started_long_ago_and_fails_now_is_told() {
    let mut bench = Bench::started("2.11.2").await;
    bench.set(1, run(1, "running", 5));
    bench.put_task(1, "call_api", "running", 1, 5);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Running, false)]);
    bench.fail(1, 400_000, "ValueError", "late");
    let mut row = run(1, "failed", 400_000);
    row["start_date"] = json!(at(0));
    bench.set(1, row);
    bench.poll(400_010).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_long_pause_is_caught_up_over_pages_also_of_a_server_that_gives_few_rows_at_once() {
    for most in [100, 15] {
        let mut bench = Bench::started("3.3.2").await;
        bench.fake.with(|world| world.most = Some(most));
        for number in 0..250 {
            bench.fail(number, 100 + i64::from(number), "ValueError", "x");
        }
        bench.poll(100_000).await.unwrap();
        let mut news: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
        news.sort();
        news.dedup();
        assert_eq!(news.len(), 250);
        bench.poll(100_010).await.unwrap();
        assert_eq!(bench.news(), []);
    }
}

#[tokio::test]
async fn a_run_that_is_cleared_and_fails_again_under_its_id_is_told_again() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "first");
    bench.poll(10).await.unwrap();
    bench.seen();
    bench.fail(1, 16, "ValueError", "second");
    bench.poll(20).await.unwrap();
    let told = bench.runs();
    assert_eq!((told.len(), told[0].started_at), (1, Some(at(11))));
    let mut cleared = run(1, "queued", 30);
    (cleared["start_date"], cleared["queued_at"]) = (json!(null), json!(at(30)));
    bench.set(1, cleared);
    bench.poll(31).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Pending, false)]);
    bench.set(1, run(1, "success", 50));
    bench.poll(51).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Completed, false)]);
}

#[tokio::test]
async fn a_task_that_waits_for_its_retry_is_told_with_its_time_and_its_error_and_again_when_the_retry_runs() {
    let mut bench = Bench::started("3.3.2").await;
    bench.set(1, run(1, "running", 5));
    bench.put_task(1, "call_api", "up_for_retry", 1, 8);
    bench.log(1, "call_api", 1, log("AirflowException", "503:Service Unavailable", 8));
    bench.poll(10).await.unwrap();
    let told = bench.runs();
    let step = &told[0].steps[0];
    assert_eq!((told.len(), told[0].status, step.status), (1, RunStatus::Running, StepStatus::Retrying));
    assert_eq!((step.attempt, step.max_attempts, step.retry_at), (Some(1), Some(3), Some(at(38))));
    assert_eq!(step.error.as_ref().unwrap().provider_status, Some(503));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [], "nothing has changed");
    bench.put_task(1, "call_api", "running", 2, 40);
    bench.poll(41).await.unwrap();
    let told = bench.runs();
    assert_eq!((told.len(), told[0].steps[0].status), (1, StepStatus::Running));
}

#[tokio::test]
async fn an_open_run_that_the_engine_deletes_is_forgotten_and_one_that_ends_is_told() {
    let mut bench = Bench::started("3.3.2").await;
    bench.set(1, run(1, "running", 5));
    bench.set(2, run(2, "running", 5));
    bench.poll(10).await.unwrap();
    bench.seen();
    bench.fake.with(|world| world.runs.retain(|run| run["dag_run_id"] != id(1).as_str()));
    bench.set(2, run(2, "success", 15));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(id(2), RunStatus::Completed, false)]);
    let forgotten = bench.taken.0.lock().unwrap().forgotten.clone();
    assert_eq!(forgotten.iter().map(|key| key.run.clone()).collect::<Vec<_>>(), [id(1)]);
}

#[tokio::test]
async fn the_requests_of_a_poll_do_not_grow_with_thousands_of_open_runs() {
    let mut bench = Bench::started("3.3.2").await;
    for number in 0..4_000 {
        bench.fake.with(|world| world.runs.push(run(number, "running", 5)));
    }
    for second in [10, 20, 30] {
        bench.poll(second).await.unwrap();
    }
    let known = bench.news().len();
    assert!(known >= 2_700, "{known} of them are known after three polls");
    bench.fake.with(|world| world.asked.clear());
    bench.poll(40).await.unwrap();
    let asked = bench.fake.asked("");
    assert!(asked <= 40, "{asked} requests");
}

#[tokio::test]
async fn an_idle_poll_asks_five_questions_and_writes_nothing() {
    let mut bench = Bench::started("3.3.2").await;
    bench.poll(10).await.unwrap();
    bench.fake.with(|world| world.asked.clear());
    let writes = bench.taken.0.lock().unwrap().writes;
    bench.poll(20).await.unwrap();
    assert_eq!(bench.fake.asked(""), 5);
    assert_eq!(bench.taken.0.lock().unwrap().writes, writes);
}

#[tokio::test]
async fn a_list_that_can_not_be_read_moves_no_checkpoint_and_the_others_are_read() {
    let mut bench = Bench::started("3.3.2").await;
    let read = bench.mark().read;
    bench.fail(1, 100, "ValueError", "x");
    bench.break_all("state=success", 500);
    let error = bench.poll(110).await.unwrap_err();
    assert!(error.reason.contains("HTTP 500") && !error.reason.contains("key=s"), "{error}");
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
    assert_eq!(bench.mark().read, read);
    bench.fake.with(|world| world.broken.clear());
    bench.poll(120).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_log_that_is_written_late_is_waited_for_and_one_that_never_comes_is_said_to_be_missing() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "x");
    let logs = bench.fake.with(|world| std::mem::take(&mut world.logs));
    bench.poll(6).await.unwrap();
    assert_eq!(bench.news(), [], "its log may come yet");
    bench.fake.with(|world| world.logs = logs);
    bench.poll(8).await.unwrap();
    let told = bench.runs();
    assert_eq!(told[0].steps[0].error.as_ref().unwrap().code, "ValueError");
    bench.fail(2, 20, "ValueError", "x");
    bench.fake.with(|world| world.logs.clear());
    for second in [21, 23, 25, 27, 29] {
        bench.poll(second).await.unwrap();
        assert_eq!(bench.news(), [], "it is waited for ten seconds, however often is asked meanwhile");
    }
    bench.poll(31).await.unwrap();
    let told = bench.runs();
    let error = told[0].steps[0].error.as_ref().unwrap();
    assert_eq!((told.len(), error.code.as_str()), (1, "UNKNOWN_ERROR"));
    assert!(error.message.contains("no log"), "{}", error.message);
}

#[tokio::test]
async fn a_part_that_can_never_be_had_delays_a_failure_and_does_not_hide_it() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "x");
    bench.break_all("/tasks?", 500);
    for second in (10..200).step_by(10) {
        bench.poll(second).await.unwrap_err();
        assert_eq!(bench.news(), []);
    }
    bench.poll(200).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_that_a_person_marks_as_failed_is_cancelled_and_says_by_whom() {
    let mut bench = Bench::started("3.3.2").await;
    bench.set(1, run(1, "failed", 8));
    bench.put_task(1, "call_api", "skipped", 0, 8);
    bench.fake.with(|world| {
        world.events.push(json!({
            "dag_id": "lead_sync", "run_id": id(1), "event": "patch_dag_run", "owner": "ada", "when": at(8),
            "extra": "{\"state\": \"failed\", \"method\": \"PATCH\"}",
        }));
    });
    bench.poll(10).await.unwrap();
    let told = bench.runs();
    assert_eq!((told[0].status, told[0].labels["cancelled_by"].as_str()), (RunStatus::Cancelled, "ada"));
    bench.fail(1, 30, "ValueError", "after it was cleared");
    bench.poll(40).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)], "the mark was of the attempt before");
}

#[tokio::test]
async fn a_worker_that_was_lost_is_told_in_the_words_of_the_audit_log() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 8, "ValueError", "x");
    bench.fake.with(|world| {
        world.logs.clear();
        world.events.push(json!({
            "dag_id": "lead_sync", "run_id": id(1), "task_id": "call_api", "map_index": -1, "event": "heartbeat timeout",
            "owner": "airflow", "when": at(7), "extra": "Task did not emit heartbeat within time limit (300 seconds)",
        }));
    });
    bench.poll(10).await.unwrap();
    let told = bench.runs();
    let error = told[0].steps[0].error.clone().unwrap();
    assert_eq!(error.code, "heartbeat_timeout");
    assert!(error.message.contains("did not emit heartbeat"), "{}", error.message);
}

#[tokio::test]
async fn a_child_run_that_fails_while_its_parent_waits_for_it_is_left_to_the_parent() {
    let mut bench = Bench::started("3.3.2").await;
    let mut parent = run(1, "running", 5);
    parent["dag_id"] = json!("nightly");
    bench.set(1, parent);
    bench.put_task(1, "run_child", "running", 1, 5);
    bench.fake.with(|world| {
        let task = world.instances.last_mut().unwrap();
        (task["dag_id"], task["operator"]) = (json!("nightly"), json!("TriggerDagRunOperator"));
        task["rendered_fields"] = json!({"trigger_dag_id": "lead_sync"});
        world.tasks.insert("nightly".into(), vec![json!({"task_id": "run_child"})]);
        world.xcoms.insert(format!("nightly/{}/run_child", id(1)), id(2));
    });
    bench.fail(2, 8, "ValueError", "inside");
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Running, false)], "the child is not told by itself");
    bench.fake.with(|world| {
        let run = world.runs.iter_mut().find(|run| run["dag_id"] == "nightly").unwrap();
        (run["state"], run["end_date"], run["updated_at"]) = (json!("failed"), json!(at(30)), json!(at(30)));
        let task = world.instances.iter_mut().find(|task| task["dag_id"] == "nightly").unwrap();
        (task["state"], task["end_date"]) = (json!("failed"), json!(at(30)));
        let ended = json!({"content": [{"timestamp": at(30), "event": "DagRun finished with failed state.", "logger": "task"}]});
        world.logs.insert(format!("nightly/{}/run_child/1", id(1)), ended.to_string());
    });
    bench.poll(40).await.unwrap();
    let told = bench.runs();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].steps[0].title, "run_child › call_api");
    assert_eq!(told[0].steps[0].error.as_ref().unwrap().message, "inside");
    bench.restart();
    bench.poll(50).await.unwrap();
    assert_eq!(bench.news(), [], "nor later, by another process");
    bench.fail(2, 60, "ValueError", "cleared by itself, and failed again");
    bench.poll(70).await.unwrap();
    assert_eq!(bench.news(), [(id(2), RunStatus::Failed, false)], "nobody waits for it any more");
}

#[tokio::test]
async fn a_dag_file_that_can_not_be_read_is_told_once_and_over_when_it_is_gone() {
    let mut bench = Bench::started("3.3.2").await;
    let broken = json!({
        "import_error_id": 7, "filename": "billing.py", "bundle_name": "dags-folder",
        "stack_trace": "Traceback (most recent call last):\n  File \"x\", line 2\n    import y\nModuleNotFoundError: No module named 'y'\n",
    });
    bench.fake.with(|world| world.imports.push(broken));
    bench.poll(10).await.unwrap();
    let told = bench.runs();
    assert_eq!((told.len(), told[0].status), (1, RunStatus::Failed));
    assert_eq!(told[0].workflow.title(), "DAG file dags-folder/billing.py");
    bench.poll(20).await.unwrap();
    bench.restart();
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), []);
    bench.break_all("importErrors", 500);
    bench.poll(40).await.unwrap_err();
    assert_eq!(bench.news(), [], "an unread list ends nothing");
    bench.fake.with(|world| {
        world.broken.clear();
        world.imports.clear();
    });
    bench.poll(50).await.unwrap();
    let told = bench.runs();
    assert_eq!((told.len(), told[0].status), (1, RunStatus::Completed));
}

#[tokio::test]
async fn a_server_that_shows_no_import_errors_is_polled_all_the_same() {
    let mut bench = Bench::started("3.3.2").await;
    let refusal = json!({"detail": "Forbidden"}).to_string();
    bench.fake.with(|world| world.broken = vec![("importErrors".into(), 403, refusal)]);
    bench.fail(1, 5, "ValueError", "x");
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
    bench.poll(20).await.unwrap();
    assert_eq!(bench.fake.asked("importErrors"), 2, "once at the start, once refused, and then it is left in peace");
}

#[tokio::test]
async fn a_run_whose_tasks_all_expect_something_waits() {
    let mut bench = Bench::started("3.3.2").await;
    bench.set(1, run(1, "running", 5));
    bench.put_task(1, "call_api", "deferred", 1, 5);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Waiting, false)]);
    bench.put_task(1, "call_api", "running", 1, 15);
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Running, false)]);
}

#[tokio::test]
async fn a_run_that_is_deleted_while_it_waits_for_a_retry_is_not_asked_for_again_and_again() {
    let mut bench = Bench::started("3.3.2").await;
    bench.set(1, run(1, "running", 5));
    bench.put_task(1, "call_api", "up_for_retry", 1, 8);
    bench.poll(10).await.unwrap();
    bench.fake.with(|world| {
        world.runs.clear();
        world.instances.clear();
    });
    bench.poll(20).await.unwrap();
    bench.fake.with(|world| world.asked.clear());
    bench.poll(30).await.unwrap();
    assert_eq!(bench.fake.asked(""), 5);
}

#[tokio::test]
async fn a_lost_worker_is_found_behind_a_hundred_lines_about_other_tasks() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 8, "ValueError", "x");
    bench.fake.with(|world| {
        world.logs.clear();
        let line = |task: &str, event: &str, second| {
            json!({
                "dag_id": "lead_sync", "run_id": id(1), "task_id": task, "map_index": -1, "event": event, "when": at(second),
            })
        };
        world.events.push(line("call_api", "heartbeat timeout", 7));
        world.events.extend((0..120).map(|_| line("other", "running", 8)));
    });
    bench.poll(10).await.unwrap();
    assert_eq!(bench.runs()[0].steps[0].error.as_ref().unwrap().code, "heartbeat_timeout");
}
