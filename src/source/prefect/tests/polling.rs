//! Polling a stand-in for Prefect: what is told, what is not told twice, and what a broken answer costs.

use std::time::Duration;

use serde_json::json;

use super::bench::{Bench, at, failed, id, run};
use crate::run::{RunStatus, StepStatus};

#[tokio::test]
async fn the_first_poll_announces_no_history_and_the_next_tells_what_is_new() {
    let mut bench = Bench::new(vec![failed(1, -500), failed(2, -20)]);
    bench.poll(0).await.unwrap();
    assert!(bench.news().iter().all(|(_, _, history)| *history));
    bench.set(3, failed(3, 4));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(3), RunStatus::Failed, false)]);
    bench.restart();
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn what_fails_while_the_first_start_takes_several_tries_is_news() {
    let mut bench = Bench::new(vec![failed(1, -50)]);
    bench.fake.with(|world| world.broken.push((String::new(), 0, 500, "no".into())));
    bench.poll(0).await.unwrap_err();
    bench.fake.with(|world| world.broken.clear());
    bench.set(2, failed(2, 30));
    bench.poll(60).await.unwrap();
    let mut news = bench.news();
    news.sort();
    assert_eq!(news, [(id(1), RunStatus::Failed, true), (id(2), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_long_pause_is_caught_up_over_pages() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for number in 0..450 {
        bench.set(number, failed(number, 100 + i64::from(number)));
    }
    bench.poll(100_000).await.unwrap();
    let mut news: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
    news.sort();
    news.dedup();
    assert_eq!(news.len(), 450);
    bench.poll(100_010).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_second_page_that_always_fails_hands_over_the_first_and_leaves_the_cursor() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for number in 0..250 {
        bench.set(number, failed(number, 100 + i64::from(number)));
    }
    let ended = bench.mark().ended;
    bench
        .fake
        .with(|world| world.broken.push(("flow_runs/filter".into(), 1, 500, "<html>https://x/?key=s</html>".into())));
    for second in [5000, 5010] {
        let error = bench.poll(second).await.unwrap_err();
        assert_eq!(error.to_string(), "asking for failed runs (page 2): HTTP 500: [address]");
        assert_eq!(bench.mark().ended, ended);
    }
    assert_eq!(bench.news().len(), 200, "told once, not with each try");
    bench.fake.with(|world| world.broken.clear());
    bench.poll(5020).await.unwrap();
    assert_eq!(bench.news().len(), 50);
}

#[tokio::test]
async fn nonsense_is_an_error_and_not_no_runs() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for text in ["<html>", "[{\"id\": \"x\"", "{}", "[1]", ""] {
        bench.fake.with(|world| world.broken = vec![("flow_runs/filter".into(), 0, 200, text.into())]);
        let mark = bench.mark();
        let error = bench.poll(10).await.unwrap_err();
        assert!(error.doing.starts_with("asking for"), "{error}");
        assert_eq!(bench.mark(), mark, "{text}");
    }
}

#[tokio::test]
async fn an_open_run_is_asked_for_until_it_ends() {
    let mut bench = Bench::new(vec![run(1, 1, "running", "RUNNING", "Running", -5)]);
    bench.poll(0).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Running, false)]);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [], "nothing changed");
    bench.set(1, run(1, 1, "done", "COMPLETED", "Completed", 15));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Completed, false)]);
}

#[tokio::test]
async fn an_open_run_that_the_server_no_longer_knows_is_forgotten() {
    let mut bench = Bench::new(vec![run(1, 1, "running", "RUNNING", "Running", -5)]);
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| world.runs.clear());
    bench.poll(10).await.unwrap();
    let forgotten = bench.taken.0.lock().unwrap().forgotten.clone();
    assert_eq!(forgotten.iter().map(|key| key.run.clone()).collect::<Vec<_>>(), [id(1)]);
}

#[tokio::test]
async fn a_run_again_under_the_same_id_is_told_at_each_turn() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for (second, row, status) in [
        (10, failed(1, 5), RunStatus::Failed),
        (20, run(1, 1, "again", "SCHEDULED", "AwaitingRetry", 15), RunStatus::Running),
        (30, run(1, 2, "failed again", "FAILED", "Failed", 25), RunStatus::Failed),
        // Run again, and done, between two polls: only its id can tell.
        (40, run(1, 3, "done", "COMPLETED", "Completed", 35), RunStatus::Completed),
    ] {
        let history = json!([row["state"].clone()]);
        bench.fake.with(|world| world.states.insert(id(1), history));
        bench.set(1, row);
        bench.poll(second).await.unwrap();
        assert_eq!(bench.news(), [(id(1), status, false)], "at {second}");
        bench.poll(second + 5).await.unwrap();
        assert_eq!(bench.news(), [], "at {second}");
    }
}

#[tokio::test]
async fn a_task_that_waits_for_its_retry_tells_its_run_and_so_does_the_end_of_the_wait() {
    let mut bench = Bench::new(vec![run(1, 1, "running", "RUNNING", "Running", -5)]);
    bench.poll(0).await.unwrap();
    bench.news();
    let task = |state_id: &str, kind: &str, name: &str| {
        json!({
            "id": "t", "flow_run_id": id(1), "name": "call-0", "dynamic_key": "0", "run_count": 1,
            "flow_run_run_count": 1, "empirical_policy": {"retries": 2}, "start_time": at(5),
            "state": {"id": state_id, "type": kind, "name": name, "timestamp": at(6),
                      "state_details": {"scheduled_time": at(60)}},
        })
    };
    bench.fake.with(|world| world.tasks = vec![task("waits", "SCHEDULED", "AwaitingRetry")]);
    bench.poll(10).await.unwrap();
    {
        let ledger = bench.taken.0.lock().unwrap();
        let step = &ledger.seen[0].run.steps[0];
        assert_eq!((step.status, step.retry_at, step.max_attempts), (StepStatus::Retrying, Some(at(60)), Some(3)));
    }
    assert_eq!(bench.news().len(), 1);
    // Nor does the log of the task say why, yet: it is asked for again, and then no more.
    for second in 11..30 {
        bench.poll(second).await.unwrap();
        assert_eq!(bench.news().len(), usize::from(second < 20), "at {second}");
    }
    bench.fake.with(|world| world.tasks = vec![task("runs", "RUNNING", "Retrying")]);
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Running, false)]);
}

#[tokio::test]
async fn a_run_that_a_person_forces_to_failed_is_learned_from_the_events() {
    let mut bench = Bench::new(vec![run(1, 1, "done", "COMPLETED", "Completed", -5000)]);
    bench.poll(0).await.unwrap();
    bench.news();
    let mut forced = run(1, 1, "forced", "FAILED", "Failed", 10);
    forced["end_time"] = json!(at(-5000));
    bench.set(1, forced);
    let resource = json!({"prefect.resource.id": format!("prefect.flow-run.{}", id(1))});
    bench.fake.with(|world| {
        world.events = Some(vec![json!({"id": "forced", "occurred": at(10), "resource": resource})]);
    });
    bench.poll(15).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
    bench.poll(25).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_run_whose_tasks_are_not_written_down_yet_is_asked_for_again_soon() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(1, failed(1, 10));
    let polled = bench.poll(11).await.unwrap();
    assert_eq!((polled.again, bench.news()), (Some(Duration::from_secs(3)), vec![]));
    let polled = bench.poll(14).await.unwrap();
    assert_eq!((polled.again, bench.news()), (None, vec![(id(1), RunStatus::Failed, false)]));
}

#[tokio::test]
async fn a_server_without_events_is_polled_without_them() {
    let mut bench = Bench::new(vec![]);
    bench.fake.with(|world| world.events = None);
    for second in 0..5 {
        bench.poll(second * 10).await.unwrap();
    }
    assert_eq!(bench.fake.asked("events/filter"), 1);
}

#[tokio::test]
async fn a_run_that_has_just_failed_and_shows_no_failed_task_waits_for_the_next_poll() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(1, failed(1, 9));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), []);
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_whose_parts_can_never_be_had_is_told_with_what_is_known() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(1, failed(1, 5));
    let ended = bench.mark().ended;
    bench.fake.with(|world| world.broken.push(("task_runs/filter".into(), 0, 500, "no".into())));
    for second in [20, 30] {
        bench.poll(second).await.unwrap_err();
        assert_eq!((bench.news(), bench.mark().ended), (vec![], ended));
    }
    bench.poll(40).await.unwrap_err();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn pages_that_are_too_large_are_asked_for_in_smaller_ones() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for number in 0..45 {
        bench.set(number, failed(number, 100));
    }
    bench.fake.with(|world| world.largest = Some(25));
    bench.poll(1000).await.unwrap();
    assert_eq!(bench.news().len(), 45);
}

#[tokio::test]
async fn child_runs_are_never_told() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    let mut child = failed(1, 5);
    child["parent_task_run_id"] = json!("t");
    bench.set(1, child);
    let resource = json!({"prefect.resource.id": format!("prefect.flow-run.{}", id(1))});
    bench.fake.with(|world| {
        world.events = Some(vec![json!({"id": "failed-1-5", "occurred": at(5), "resource": resource})]);
    });
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_server_that_demands_a_csrf_token_gets_one() {
    let mut bench = Bench::new(vec![failed(1, 5)]);
    bench.fake.with(|world| world.csrf = Some("token".into()));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.fake.asked("csrf-token"), 1);
}

#[tokio::test]
async fn an_engine_whose_clock_is_put_back_is_still_heard() {
    let mut bench = Bench::new(vec![failed(1, -5)]);
    bench.poll(0).await.unwrap();
    bench.news();
    bench.set(2, failed(2, -3600));
    bench.poll(-3590).await.unwrap();
    assert_eq!(bench.news(), [(id(2), RunStatus::Failed, false)]);
}
