//! In which order ends are told, also where some have to wait and lists are read in stretches.

use serde_json::json;

use super::bench::{Bench, id, run};
use crate::run::RunStatus;

#[tokio::test]
async fn what_ended_is_handed_over_in_the_order_of_the_ends() {
    let mut bench = Bench::started("3.3.2").await;
    // Their names are in another order.
    bench.fail(3, 5, "ValueError", "x");
    bench.set(2, run(2, "success", 6));
    bench.fail(1, 7, "ValueError", "x");
    bench.set(4, run(4, "success", 8));
    bench.poll(30).await.unwrap();
    let ids: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, [id(3), id(2), id(1), id(4)]);
}

#[tokio::test]
async fn a_success_waits_with_the_failure_before_it_and_one_of_another_dag_does_not() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "x");
    let logs = bench.fake.with(|world| std::mem::take(&mut world.logs));
    bench.set(2, run(2, "success", 6));
    let mut other = run(3, "success", 7);
    other["dag_id"] = json!("other");
    bench.set(3, other);
    bench.poll(8).await.unwrap();
    assert_eq!(bench.news(), [(id(3), RunStatus::Completed, false)]);
    bench.fake.with(|world| world.logs = logs);
    bench.poll(10).await.unwrap();
    let news = [(id(1), RunStatus::Failed, false), (id(2), RunStatus::Completed, false)];
    assert_eq!(bench.news(), news);
}

#[tokio::test]
async fn a_success_is_not_told_while_the_failures_before_it_can_not_be_read() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 5, "ValueError", "x");
    bench.set(2, run(2, "success", 6));
    bench.break_all("state=failed", 500);
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news(), []);
    bench.fake.with(|world| world.broken.clear());
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false), (id(2), RunStatus::Completed, false)]);
}

#[tokio::test]
async fn rows_that_leave_a_long_list_while_it_is_read_in_stretches_hide_no_others() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fake.with(|world| world.most = Some(15));
    for number in 0..400 {
        bench.fail(number, 100 + i64::from(number), "ValueError", "x");
    }
    assert!(bench.poll(1_000).await.unwrap().more);
    for number in 0..30 {
        bench.set(number, run(number, "running", 1_000));
    }
    let mut second = 1_010;
    while bench.poll(second).await.unwrap().more {
        second += 10;
        assert!(second < 1_200);
    }
    let news = bench.news();
    let told = |number: u32| news.iter().filter(|told| **told == (id(number), RunStatus::Failed, false)).count();
    let counts: Vec<usize> = (0..400).map(told).collect();
    assert_eq!(counts, [1; 400]);
}

#[tokio::test]
async fn a_run_that_a_task_started_waits_a_moment_for_the_failure_of_the_run_that_may_have_waited_for_it() {
    let mut bench = Bench::started("3.3.2").await;
    bench.fail(1, 8, "ValueError", "x");
    bench.fake.with(|world| world.runs[0]["triggered_by"] = json!("operator"));
    let polled = bench.poll(10).await.unwrap();
    assert!(polled.again.is_some(), "it is asked for again soon");
    assert_eq!(bench.news(), []);
    bench.poll(24).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)], "nobody waited for it");
}
