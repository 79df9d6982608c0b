//! Sub-workflows: one failure for a chain of runs, told for the run at its root.

use serde_json::{Value, json};

use super::bench::{Bench, run};
use super::recorded::first_failed;
use crate::run::RunStatus;

/// A failed run of a sub-workflow.
fn child(id: u64, parent: u64, waits: Option<bool>, second: i64) -> Value {
    let mut child = run(id, "error", second);
    child["mode"] = json!("integrated");
    child["workflowId"] = json!(format!("wf-{id}"));
    child["data"]["parentExecution"] = json!({"executionId": parent.to_string(), "workflowId": "wf"});
    if let Some(waits) = waits {
        child["data"]["parentExecution"]["shouldResume"] = json!(waits);
    }
    child
}

fn parent(id: u64, child: u64, second: i64) -> Value {
    let mut parent = run(id, "error", second);
    parent["data"]["resultData"]["runData"]["Call"][0]["error"]["executionId"] = json!(child.to_string());
    parent
}

async fn watched() -> Bench {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench
}

#[tokio::test]
async fn a_chain_of_sub_workflows_is_one_failure_at_its_leaf() {
    let mut bench = watched().await;
    bench.set(parent(1, 2, 9));
    let mut middle = child(2, 1, Some(true), 8);
    middle["data"]["resultData"]["runData"]["Call"][0]["error"]["executionId"] = json!("3");
    bench.set(middle);
    bench.set(child(3, 2, Some(true), 7));
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!(runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["1"]);
    let step = first_failed(&runs[0]).unwrap();
    assert_eq!(step.title, "Call › Call › Call");
    assert_eq!(step.error.as_ref().unwrap().message, "boom 3");
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
    assert_eq!(bench.fake.asked("includeData"), 0, "what was told is not read again");
}

#[tokio::test]
async fn a_child_that_fails_while_its_parent_goes_on_is_the_parent_s_to_tell() {
    let mut bench = watched().await;
    bench.set(run(1, "running", 5));
    bench.set(child(2, 1, Some(true), 7));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Running, false)]);
    bench.set(parent(1, 2, 12));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)]);
    assert!(bench.mark().children.is_empty());
}

#[tokio::test]
async fn what_a_parent_put_up_with_is_not_told() {
    let mut bench = watched().await;
    bench.set(run(1, "success", 9));
    bench.set(child(2, 1, Some(true), 8));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Completed, false)]);
}

#[tokio::test]
async fn a_child_that_nobody_waits_for_is_told_itself() {
    let mut bench = watched().await;
    bench.set(run(1, "success", 3));
    bench.set(child(2, 1, Some(false), 8));
    bench.poll(10).await.unwrap();
    assert!(bench.news().contains(&("2".into(), RunStatus::Failed, false)));
}

#[tokio::test]
async fn where_nothing_says_whether_a_parent_waited_its_nodes_do() {
    for (on_error, told) in [("stopWorkflow", true), ("continueRegularOutput", false)] {
        let mut bench = watched().await;
        let mut parent = run(1, "success", 3);
        parent["workflowData"]["nodes"][0]["onError"] = json!(on_error);
        bench.set(parent);
        bench.set(child(2, 1, None, 8));
        bench.poll(10).await.unwrap();
        assert_eq!(bench.news().contains(&("2".into(), RunStatus::Failed, false)), told, "{on_error}");
    }
}

#[tokio::test]
async fn a_child_whose_parent_was_not_kept_is_all_that_is_left_of_the_failure() {
    let mut bench = watched().await;
    bench.set(child(2, 1, Some(true), 8));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("2".into(), RunStatus::Failed, false)]);
    // The same where the parent goes only after the child has failed.
    bench.set(run(3, "running", 12));
    bench.set(child(4, 3, Some(true), 13));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [("3".into(), RunStatus::Running, false)]);
    bench.delete(3);
    bench.restart();
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), [("4".into(), RunStatus::Failed, false)]);
    assert_eq!(bench.taken.0.lock().unwrap().forgotten.len(), 1, "and the parent is gone");
}

#[tokio::test]
async fn a_child_that_can_not_be_read_leaves_what_the_parent_says_of_it() {
    let mut bench = watched().await;
    bench.set(parent(1, 2, 9));
    bench.fake.with(|world| world.broken.push(("/2?".into(), 500, "no".into())));
    bench.poll(10).await.unwrap();
    let runs = bench.runs();
    assert_eq!(first_failed(&runs[0]).unwrap().error.as_ref().unwrap().message, "boom 1");
}

#[tokio::test]
async fn a_circle_of_runs_ends() {
    let mut bench = watched().await;
    bench.set(parent(1, 2, 9));
    let mut second = parent(2, 1, 8);
    second["mode"] = json!("webhook");
    bench.set(second);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news().len(), 2);
    assert_eq!(bench.mark().told.len(), 2);
}

#[tokio::test]
async fn a_child_that_was_told_itself_is_told_when_it_ends_well() {
    let mut bench = watched().await;
    bench.set(run(1, "success", 3));
    bench.set(child(2, 1, Some(false), 8));
    bench.poll(10).await.unwrap();
    bench.news();
    for (id, workflow) in [(3, "wf-2"), (4, "wf-other"), (5, "wf-2")] {
        let mut well = run(id, "success", 12);
        well["mode"] = json!("integrated");
        well["workflowId"] = json!(workflow);
        bench.set(well);
    }
    bench.poll(20).await.unwrap();
    let ids: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["3", "5"]);
}

#[tokio::test]
async fn a_child_whose_data_can_not_be_had_keeps_no_other_from_being_told() {
    let mut bench = watched().await;
    bench.set(run(1, "running", 5));
    bench.set(child(2, 1, Some(true), 7));
    bench.set(child(3, 1, Some(true), 7));
    bench.poll(10).await.unwrap();
    bench.news();
    bench.delete(1);
    bench.fake.with(|world| world.silent.push("/2?".into()));
    bench.poll(20).await.unwrap_err();
    assert_eq!(bench.news(), [("3".into(), RunStatus::Failed, false)]);
    bench.fake.with(|world| world.silent[0] = "/2?includeData".into());
    for second in [100, 199] {
        bench.poll(second).await.unwrap_err();
        assert_eq!(bench.news(), []);
    }
    bench.poll(200).await.unwrap_err();
    assert_eq!(bench.news(), [("2".into(), RunStatus::Failed, false)]);
    bench.poll(210).await.unwrap();
}
