//! What goes wrong with one run, or for a while: it costs no other run, and no failure is lost or told twice by it.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::evidence::Evidence;
use super::super::mapping::{self, Again};
use super::bench::{Bench, at, id, run, tagged, unix};
use crate::run::{RunKey, RunStatus};
use crate::source::{Census, Counted};
use crate::triage::Standing;

/// The run as one that repeats this other one.
fn repeats(mut row: Value, parent: u32) -> Value {
    row["parentRunId"] = json!(id(parent));
    row
}

async fn counted(bench: &mut Bench, second: i64) -> Vec<String> {
    let now = at(second);
    match bench.watcher.count(&bench.taken, now - SignedDuration::from_hours(24), now).await.unwrap() {
        Census::Counted(tally) => {
            assert!(tally.whole);
            tally.failed.into_iter().map(|run| run.key.run).collect()
        }
        Census::Unsaid { why } => panic!("{why}"),
    }
}

#[tokio::test]
async fn a_re_executed_run_that_has_the_marks_of_its_parent_fails_as_itself() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    let next = id(2);
    let marks =
        [("dagster/will_retry", "true"), ("dagster/auto_retry_run_id", next.as_str()), ("dagster/max_retries", "1")];
    bench.set(tagged(run(1, "FAILURE", 5), &marks));
    bench.set(repeats(tagged(run(2, "SUCCESS", 8), &[("dagster/retry_number", "1")]), 1));
    bench.poll(10).await.unwrap();
    bench.seen();
    let own = [("dagster/will_retry", "false"), marks[1], marks[2]];
    bench.set(repeats(tagged(run(3, "FAILURE", 15), &own), 1));
    bench.poll(20).await.unwrap();
    let (told, standing) = bench.last();
    assert_eq!((told.id, told.retried_as, standing), (id(3), None, Standing::Failed));
    // What Dagster has not written yet is the parent's.
    bench.set(repeats(tagged(run(4, "FAILURE", 29), &marks), 1));
    bench.poll(30).await.unwrap();
    assert_eq!(bench.last().1, Standing::Retrying);
    bench.poll(40).await.unwrap();
    assert_eq!(bench.last().1, Standing::Failed);
    assert_eq!(counted(&mut bench, 50).await, [id(4), id(3)]);
    bench.poll(50).await.unwrap();
    assert_eq!(bench.fake.asked("FirstredRuns"), 1, "its relatives are known");
}

#[tokio::test]
async fn one_run_that_can_not_be_read_keeps_no_other_and_is_told_after_a_while() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(run(1, "FAILURE", 5));
    bench.set(run(2, "FAILURE", 6));
    bench.set(run(3, "SUCCESS", 7));
    bench.fake.with(|world| world.unreadable = [id(1)].into());
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news(), [(id(2), RunStatus::Failed, false)], "what went well waits with the failure before it");
    bench.poll(100).await.unwrap_err();
    assert!(bench.news().is_empty());
    bench.poll(200).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false), (id(3), RunStatus::Completed, false)]);
    assert_eq!(bench.mark().changed, Some(at(200)));
    bench.poll(210).await.unwrap();
    assert!(bench.news().is_empty());
}

#[tokio::test]
async fn a_question_without_an_answer_costs_its_run_only_and_an_outage_no_run() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for number in 1..4 {
        bench.set(run(number, "FAILURE", i64::from(number)));
    }
    bench.fake.with(|world| world.endless = [id(1)].into());
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news().len(), 2);
    // Nothing answers: that says nothing about the run.
    bench.fake.with(|world| world.broken = vec![("FirstredRuns".into(), 503, "restarting".into())]);
    bench.poll(300).await.unwrap_err();
    bench.fake.with(|world| world.broken.clear());
    bench.poll(310).await.unwrap_err();
    assert!(bench.news().is_empty());
    bench.poll(500).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_that_goes_on_and_can_not_be_followed_breaks_no_poll() {
    let mut bench = Bench::new(vec![run(1, "STARTED", -5)]);
    bench.fake.with(|world| world.unreadable = [id(1)].into());
    for second in [0, 10, 20, 30] {
        bench.poll(second).await.unwrap();
    }
    assert!(bench.mark().settled);
}

#[tokio::test]
async fn a_row_with_a_strange_field_is_told_with_the_others_and_moves_the_checkpoint() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    let mut strange = run(1, "FAILURE", 5);
    strange["jobName"] = json!({"odd": 1});
    bench.set(strange);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
    assert_eq!(bench.mark().changed, Some(at(10)));
}

#[tokio::test]
async fn ends_are_handed_over_in_the_order_in_which_they_happened() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for (number, status, ended) in [(1, "SUCCESS", 8), (2, "FAILURE", 5), (3, "FAILURE", 9), (4, "SUCCESS", 2)] {
        bench.set(run(number, status, ended));
    }
    bench.poll(10).await.unwrap();
    let order: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
    assert_eq!(order, [id(4), id(2), id(1), id(3)]);
}

#[tokio::test]
async fn a_tag_on_a_failure_from_before_the_first_look_makes_no_news_of_it() {
    let mut bench = Bench::new(vec![run(1, "FAILURE", -3_600)]);
    bench.poll(0).await.unwrap();
    let mut marked = run(1, "FAILURE", -3_600);
    marked["updateTime"] = json!(unix(1_800));
    bench.set(marked);
    bench.poll(1_810).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, true)]);
}

#[tokio::test]
async fn failures_that_dagster_never_decides_are_counted_and_read_again_once() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(tagged(run(1, "FAILURE", 5), &[]));
    bench.set(tagged(run(2, "FAILURE", 6), &[("dagster/will_retry", "true")]));
    bench.fake.with(|world| world.date = Some(at(200)));
    assert_eq!(counted(&mut bench, 200).await, [id(1)], "the other was announced just now");
    assert_eq!(counted(&mut bench, 2_000).await.len(), 2);
    let key = RunKey { workspace: String::new(), workflow: "lab/sync".into(), run: id(1) };
    let missing = [Counted { key, attempt: None, ended: Some(at(5)) }];
    assert_eq!(bench.watcher.read_again(&bench.taken, &missing, at(3_800)).await.unwrap(), 1);
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
    bench.poll(201).await.unwrap();
    assert!(!bench.news().iter().any(|(told, ..)| *told == id(1)), "it was told");
}

#[test]
fn a_row_alone_says_that_a_step_failed_and_no_more() {
    let row = tagged(run(1, "FAILURE", 5), &[("dagster/failure_reason", "STEP_FAILURE")]);
    let evidence = Evidence::of(serde_json::from_value(row).unwrap());
    assert_eq!(mapping::run(&evidence, false, Again::Decided, "").error, None);
}
