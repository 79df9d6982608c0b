//! What does not come in time costs the run that it belongs to, for a while, and no other one.

use super::super::ask::plain;
use super::bench::{Bench, id};
use crate::run::RunStatus;

fn log_of(number: u32) -> String {
    format!("{}/taskInstances/call_api/logs", plain(&id(number)))
}

/// Polls every ten seconds until a run is told: when, and the code of its error.
async fn told(bench: &mut Bench, from: i64) -> (i64, String) {
    for second in (from..from + 600).step_by(10) {
        let _ = bench.poll(second).await;
        if let Some(run) = bench.runs().first() {
            return (second, run.steps[0].error.as_ref().unwrap().code.clone());
        }
    }
    panic!("it is never told");
}

#[tokio::test]
async fn a_log_that_never_comes_in_time_hides_no_other_failure_and_costs_its_own_run_the_error() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "x");
    bench.fail(2, 6, "ValueError", "x");
    bench.fake.with(|world| world.lost = vec![log_of(1)]);
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news(), [(id(2), RunStatus::Failed, false)]);
    bench.fail(3, 15, "ValueError", "x");
    bench.poll(20).await.unwrap_err();
    assert_eq!(bench.news(), [(id(3), RunStatus::Failed, false)]);
    let (second, code) = told(&mut bench, 30).await;
    assert!((190..=260).contains(&second), "{second}");
    assert_eq!(code, "UNKNOWN_ERROR");
    bench.poll(second + 10).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn an_outage_costs_no_run_its_error() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "x");
    bench.fake.with(|world| world.lost = vec!["dagRuns/manual".into()]);
    for second in (10..600).step_by(10) {
        bench.poll(second).await.unwrap_err();
    }
    assert_eq!(bench.news(), []);
    bench.fake.with(|world| world.lost.clear());
    assert_eq!(told(&mut bench, 600).await, (600, "ValueError".to_owned()));
}

#[tokio::test]
async fn where_no_log_can_be_had_all_failures_are_told_without_and_few_logs_are_waited_for() {
    let mut bench = Bench::started("3.3.2").await;
    for number in 0..30 {
        bench.fail(number, 5, "ValueError", "x");
    }
    bench.fake.with(|world| world.lost = vec!["/logs/".into()]);
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.fake.asked("/logs/"), 2);
    for second in (20..300).step_by(10) {
        let _ = bench.poll(second).await;
    }
    assert_eq!(bench.news().len(), 30);
    assert!(bench.fake.asked("/logs/") <= 60, "{}", bench.fake.asked("/logs/"));
}
