//! Kinds of runs that no recording here shows, made from what the recordings show of them.

use serde_json::{Value, json};

use super::fake::World;
use super::recorded::{first_failed, mapped, world};
use crate::run::{RunStatus, StepStatus};

fn state(id: &str, kind: &str, name: &str, second: u32, message: &str) -> Value {
    let at = format!("2026-11-22T21:00:{second:02}Z");
    json!({"id": id, "type": kind, "name": name, "timestamp": at, "message": message, "state_details": {}})
}

fn run(count: u32, state: &Value) -> Value {
    json!({"id": "r", "flow_id": "f", "run_count": count, "start_time": "2026-11-22T21:00:01Z", "state": state})
}

fn task(id: &str, attempt: u32, second: u32, state: &Value) -> Value {
    let at = format!("2026-11-22T21:00:{second:02}Z");
    json!({
        "id": id, "flow_run_id": "r", "name": format!("{id}-0"), "dynamic_key": "0", "task_key": "k-0123abcd",
        "run_count": 1, "flow_run_run_count": attempt, "start_time": at, "expected_start_time": at, "state": state,
    })
}

fn boom(id: &str, second: u32) -> Value {
    state(id, "FAILED", "Failed", second, "Task run encountered an exception RuntimeError: boom")
}

fn made(run: Value, tasks: Vec<Value>, states: &[Value]) -> World {
    let mut world = World { runs: vec![run], tasks, ..World::default() };
    world.states.insert("r".into(), json!(states));
    world
}

fn running(second: u32) -> Value {
    state("running", "RUNNING", "Running", second, "")
}

#[tokio::test]
async fn a_run_that_failed_after_a_pause_shows_its_failed_step_although_the_pause_counted_as_an_attempt() {
    let last = state("s", "FAILED", "Failed", 30, "Flow run encountered an exception: RuntimeError: boom");
    let states = vec![running(1), state("p", "PAUSED", "Paused", 5, ""), running(6), last.clone()];
    let run = mapped(made(run(2, &last), vec![task("a", 1, 10, &boom("t", 12))], &states), "r").await;
    assert_eq!(first_failed(&run).unwrap().title, "a");
    assert_eq!(run.error, None);
}

#[tokio::test]
async fn a_run_again_that_fails_before_its_first_step_does_not_show_the_step_of_the_attempt_before() {
    for (kind, count) in [("CRASHED", 1), ("FAILED", 1), ("FAILED", 2)] {
        let last = state("s", kind, "Crashed", 30, "Flow run could not start: no image");
        let again = state("again", "SCHEDULED", "AwaitingRetry", 20, "Retry from the UI");
        let states = vec![running(1), boom("old", 5), again, last.clone()];
        let run = mapped(made(run(count, &last), vec![task("a", 1, 2, &boom("t", 4))], &states), "r").await;
        assert_eq!(first_failed(&run), None, "{kind} {count}");
        assert_eq!(run.error.unwrap().message, "Flow run could not start: no image");
    }
}

#[tokio::test]
async fn rows_of_subflows_carry_no_attempt_and_are_told_apart_by_their_start() {
    let last = state("s", "FAILED", "Failed", 40, "Flow run encountered an exception: RuntimeError: boom");
    let again = state("again", "SCHEDULED", "AwaitingRetry", 20, "");
    let states = vec![running(1), again, running(21), last.clone()];
    let tasks = vec![task("old", 0, 2, &boom("t1", 4)), task("new", 0, 22, &boom("t2", 24))];
    let run = mapped(made(run(2, &last), tasks, &states), "r").await;
    assert_eq!(run.steps.iter().map(|step| step.title.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(run.started_at, Some("2026-11-22T21:00:21Z".parse().unwrap()));
}

#[tokio::test]
async fn a_flow_that_retries_takes_up_the_row_of_a_subflow_again() {
    let last = state("s", "FAILED", "Failed", 40, "Flow run encountered an exception: RuntimeError: boom");
    let again = state("again", "SCHEDULED", "AwaitingRetry", 20, "");
    let states = vec![running(1), again, running(21), last.clone()];
    let run = mapped(made(run(2, &last), vec![task("child", 0, 2, &boom("t", 39))], &states), "r").await;
    assert_eq!(first_failed(&run).unwrap().title, "child");
    assert_eq!(run.error, None);
}

#[tokio::test]
async fn a_run_that_says_something_else_than_its_failed_step_tells_both() {
    let last = state("s", "FAILED", "Failed", 30, "Flow run encountered an exception: ValueError: something else");
    let run = mapped(made(run(1, &last), vec![task("a", 1, 2, &boom("t", 4))], &[running(1), last]), "r").await;
    assert_eq!(first_failed(&run).unwrap().error.as_ref().unwrap().message, "boom");
    assert_eq!(run.error.unwrap().message, "something else");
}

#[tokio::test]
async fn a_task_that_still_waits_for_its_retry_is_not_the_first_that_failed() {
    let mut waits = state("w", "SCHEDULED", "AwaitingRetry", 3, "");
    waits["state_details"] = json!({"scheduled_time": "2026-11-22T21:00:50Z"});
    let tasks = vec![task("waits", 1, 2, &waits), task("fails", 1, 2, &boom("t", 8))];
    let run = mapped(made(run(1, &running(1)), tasks, &[]), "r").await;
    assert_eq!(run.status, RunStatus::Running);
    let statuses: Vec<_> = run.steps.iter().map(|step| (step.title.as_str(), step.status)).collect();
    assert_eq!(statuses, [("fails", StepStatus::Failed), ("waits", StepStatus::Retrying)]);
}

#[tokio::test]
async fn a_run_killed_with_its_process_stays_running_until_prefect_says_otherwise() {
    let run = mapped(made(run(1, &running(1)), vec![task("a", 1, 2, &running(2))], &[]), "r").await;
    assert_eq!((run.status, run.completed_at, run.error), (RunStatus::Running, None, None));
}

#[tokio::test]
async fn subflows_are_followed_down_to_the_last_and_a_circle_ends() {
    let (mut world, id) = world("h_parent_child", "after");
    // The child's task becomes the row of the parent: a circle that Prefect would never make.
    for task in &mut world.tasks {
        if task["name"] == "Child call-8d4" {
            task["state"]["state_details"]["child_flow_run_id"] = json!(id);
        }
    }
    let run = mapped(world, &id).await;
    assert_eq!(first_failed(&run).unwrap().title, "child › Child call");
}

#[tokio::test]
async fn a_cancel_seen_as_a_crash_shows_no_failed_step() {
    let last = state("s", "CRASHED", "Crashed", 30, "Execution was aborted by a termination signal.");
    let cancelling = state("c", "CANCELLING", "Cancelling", 29, "");
    let crash = state("t", "CRASHED", "Crashed", 29, "Execution was aborted by a termination signal.");
    let world = made(run(1, &last), vec![task("a", 1, 2, &crash)], &[running(1), cancelling, last]);
    let run = mapped(world, "r").await;
    assert_eq!((run.status, run.steps[0].status), (RunStatus::Cancelled, StepStatus::Cancelled));
    assert_eq!(run.error, None);
}
