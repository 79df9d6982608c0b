//! In which order ends are told, and what one of which the data can't be had costs the others.

use serde_json::{Value, json};

use super::super::checkpoint::{Checkpoint, Mark};
use super::bench::{Bench, at, run};
use crate::run::RunStatus;

async fn watched() -> Bench {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench
}

fn ids(bench: &Bench) -> Vec<String> {
    bench.news().into_iter().map(|(id, ..)| id).collect()
}

fn of(workflow: &str, mut run: Value) -> Value {
    run["workflowId"] = json!(workflow);
    run
}

#[tokio::test]
async fn ends_are_told_in_the_order_in_which_they_happened() {
    let mut bench = watched().await;
    // The ids are in another order: that of their begin.
    for (id, status, second) in [(4, "error", 2), (3, "success", 4), (2, "error", 6), (1, "success", 8)] {
        bench.set(run(id, status, second));
    }
    bench.poll(10).await.unwrap();
    assert_eq!(ids(&bench), ["4", "3", "2", "1"]);
}

#[tokio::test]
async fn one_run_that_n8n_is_slow_with_hides_no_other() {
    let mut bench = watched().await;
    for id in 1..=4 {
        bench.set(of(&format!("wf-{id}"), run(id, "error", id.cast_signed())));
    }
    bench.fake.with(|world| world.silent.push("/1?includeData".into()));
    bench.poll(10).await.unwrap_err();
    assert_eq!(ids(&bench), ["2", "3", "4"]);
    for second in [60, 189] {
        bench.set(of("wf-5", run(second, "error", second.cast_signed() - 1)));
        bench.poll(second.cast_signed()).await.unwrap_err();
        assert_eq!(ids(&bench), [second.to_string()]);
    }
    bench.poll(190).await.unwrap_err();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)], "with what is known of it");
    bench.poll(200).await.unwrap();
    assert_eq!(ids(&bench), [""; 0]);
}

#[tokio::test]
async fn after_two_slow_ones_the_others_are_asked_for_by_the_next_poll_and_first() {
    let mut bench = watched().await;
    for id in 1..=4 {
        bench.set(of(&format!("wf-{id}"), run(id, "error", id.cast_signed())));
    }
    bench.fake.with(|world| world.silent = vec!["/1?includeData".into(), "/2?includeData".into()]);
    bench.poll(10).await.unwrap_err();
    assert_eq!((ids(&bench), bench.fake.asked("includeData")), (vec![], 2));
    bench.poll(20).await.unwrap_err();
    assert_eq!(ids(&bench), ["3", "4"]);
}

#[tokio::test]
async fn an_outage_does_not_use_up_the_patience_with_a_run() {
    let mut bench = watched().await;
    bench.set(run(1, "error", 5));
    bench.fake.with(|world| world.broken.push(("includeData".into(), 503, "no".into())));
    for second in [10, 100, 300, 1_000] {
        bench.poll(second).await.unwrap_err();
        assert_eq!(ids(&bench), [""; 0]);
    }
    bench.fake.with(|world| world.broken.clear());
    bench.poll(1_010).await.unwrap();
    assert!(bench.runs()[0].steps[0].error.is_some());
}

#[tokio::test]
async fn what_ends_well_waits_with_the_failure_before_it_and_for_no_other_workflow_s() {
    let mut bench = watched().await;
    bench.set(of("a", run(1, "success", 2)));
    bench.set(of("a", run(2, "error", 4)));
    bench.set(of("a", run(3, "success", 6)));
    bench.set(of("b", run(4, "success", 7)));
    bench.fake.with(|world| world.broken.push(("/2?includeData".into(), 500, "no".into())));
    bench.poll(10).await.unwrap_err();
    assert_eq!(ids(&bench), ["1", "4"]);
    bench.fake.with(|world| world.broken.clear());
    bench.poll(20).await.unwrap();
    let told: Vec<String> = ids(&bench).into_iter().filter(|id| id == "2" || id == "3").collect();
    assert_eq!(told, ["2", "3"]);
}

#[tokio::test]
async fn a_failure_that_can_be_told_waits_for_none_and_what_lies_between_goes_before_it() {
    let mut bench = watched().await;
    for (id, status) in [(1, "error"), (2, "success"), (3, "error"), (4, "success")] {
        bench.set(run(id, status, id.cast_signed()));
    }
    bench.fake.with(|world| world.broken.push(("/1?includeData".into(), 500, "no".into())));
    bench.poll(10).await.unwrap_err();
    assert_eq!(ids(&bench), ["2", "3"]);
}

#[tokio::test]
async fn a_late_finisher_is_told_also_where_a_list_of_open_runs_can_not_be_read() {
    let mut bench = Bench::new(vec![run(1, "running", -50)]);
    bench.poll(0).await.unwrap();
    for id in 2..900 {
        bench.set(run(id, "success", 5));
    }
    for second in [10, 700, 1400] {
        bench.poll(second).await.unwrap();
    }
    bench.news();
    bench.set(run(1, "error", 1405));
    bench.fake.with(|world| world.broken.push(("status=waiting".into(), 500, "no".into())));
    bench.poll(1410).await.unwrap_err();
    assert_eq!(ids(&bench), ["1"]);
}

#[tokio::test]
async fn runs_that_are_in_no_list_are_asked_for_in_turn() {
    let mut bench = Bench::new((1..=201).map(|id| run(id, "running", -5)).collect());
    bench.poll(0).await.unwrap();
    for id in 1..=200 {
        bench.set(run(id, "unknown", 5));
    }
    bench.delete(201);
    bench.poll(10).await.unwrap();
    bench.poll(20).await.unwrap();
    let forgotten = bench.taken.0.lock().unwrap().forgotten.clone();
    assert_eq!(forgotten.iter().map(|key| key.run.as_str()).collect::<Vec<_>>(), ["201"]);
}

#[tokio::test]
async fn a_row_that_nobody_can_read_does_not_stop_the_checkpoint_for_ever() {
    let mut bench = Bench::new(vec![run(1, "running", -5)]);
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| {
        let list = json!({"data": [{"id": "odd", "status": "waiting"}], "nextCursor": null});
        world.broken.push(("status=waiting".into(), 200, list.to_string()));
    });
    bench.delete(1);
    let marks = bench.mark().marks;
    bench.poll(100).await.unwrap_err();
    assert_eq!(bench.mark().marks, marks);
    assert_eq!(bench.taken.0.lock().unwrap().forgotten.len(), 1, "what left the lists is asked for");
    bench.poll(280).await.unwrap_err();
    assert_ne!(bench.mark().marks, marks);
}

#[tokio::test]
async fn a_proxy_that_has_lost_its_way_makes_no_run_unknown() {
    let mut bench = Bench::new(vec![run(1, "running", -5)]);
    bench.poll(0).await.unwrap();
    bench.delete(1);
    bench.fake.with(|world| world.broken.push(("/1?".into(), 404, "<h1>404 Not Found</h1>".into())));
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.taken.0.lock().unwrap().forgotten, []);
}

#[tokio::test]
async fn a_run_that_n8n_takes_up_again_after_a_crash_may_fail_again() {
    let mut bench = watched().await;
    for (second, status) in [(10, "crashed"), (20, "running"), (30, "error")] {
        bench.set(run(1, status, second - 1));
        bench.poll(second).await.unwrap();
        assert_eq!(ids(&bench), ["1"], "{status}");
    }
}

#[test]
fn a_flood_raises_the_floor_only_when_all_of_it_was_told() {
    for (settled, floor) in [(true, 1_001), (false, 0)] {
        let marks = vec![Mark { at: at(0), id: 0 }];
        let mut mark = Checkpoint { marks, told: (1..=6_000).collect(), ..Checkpoint::default() };
        mark.trim(settled);
        assert_eq!(mark.floor(), floor);
    }
}
