//! Runs that are run again: under the same number, with the creation time of the first attempt.

use super::bench::{Bench, failed, run};
use crate::run::RunStatus;

#[tokio::test]
async fn a_run_again_is_told_at_each_turn_with_its_attempt_and_its_own_page() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for (second, row, attempt, status) in [
        (30, failed(1, 1, 25), 1, RunStatus::Failed),
        (60, run(1, 2, "queued", None, 1, 55), 2, RunStatus::Pending),
        (90, run(1, 2, "in_progress", None, 1, 85), 2, RunStatus::Running),
        (120, run(1, 2, "completed", Some("failure"), 1, 115), 2, RunStatus::Failed),
        // Run again, and done, between two polls.
        (150, run(1, 3, "completed", Some("success"), 1, 145), 3, RunStatus::Completed),
    ] {
        bench.set(row);
        bench.poll(second).await.unwrap();
        let page = match attempt {
            1 => "https://github.com/acme/shop/actions/runs/1".to_owned(),
            _ => format!("https://github.com/acme/shop/actions/runs/1/attempts/{attempt}"),
        };
        let told = bench.runs();
        let seen: Vec<_> = told.iter().map(|run| (run.attempt, run.status, run.url.clone())).collect();
        assert_eq!(seen, [(Some(attempt), status, Some(page))], "at {second}");
        bench.poll(second + 15).await.unwrap();
        assert_eq!(bench.news(), [], "at {second}");
    }
}

/// A repository with `runs` runs of the last weeks, the oldest of which failed; and two polls behind it.
async fn long_lived(runs: u64, end: &str) -> Bench {
    let old = (2..=runs).map(|id| {
        let created = -2_000_000 + i64::try_from(id).unwrap() * 1_000;
        run(id, 1, "completed", Some(end), created, created + 100)
    });
    let mut bench = Bench::new(old.chain([failed(1, -2_000_000, -1_999_900)]).collect());
    bench.poll(0).await.unwrap();
    bench.poll(30).await.unwrap();
    bench.news();
    bench
}

#[tokio::test]
async fn an_old_run_that_is_run_again_is_seen_while_it_runs_and_when_it_fails() {
    let mut bench = long_lived(900, "success").await;
    bench.set(run(1, 2, "in_progress", None, -2_000_000, 50));
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), [(1, 2, RunStatus::Running, false)]);
    bench.set(run(1, 2, "completed", Some("failure"), -2_000_000, 85));
    bench.poll(90).await.unwrap();
    assert_eq!(bench.news(), [(1, 2, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn an_old_run_that_fails_again_between_two_polls_is_among_the_newest_failed_ones() {
    let mut bench = long_lived(900, "success").await;
    bench.set(run(1, 2, "completed", Some("failure"), -2_000_000, 55));
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), [(1, 2, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn an_old_run_that_no_list_shows_is_found_by_the_slow_walk_and_told_once() {
    let mut bench = long_lived(900, "failure").await;
    bench.set(run(1, 2, "completed", Some("failure"), -2_000_000, 55));
    let mut told = Vec::new();
    for poll in 2..40 {
        bench.poll(poll * 30).await.unwrap();
        told.extend(bench.news());
        assert!(bench.fake.asked("").len() <= 11, "{:?}", bench.fake.asked(""));
    }
    assert_eq!(told, [(1, 2, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_failed_run_that_is_run_again_and_passes_between_two_polls_is_known_to_have_passed() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(failed(1, 1, 25));
    bench.poll(30).await.unwrap();
    bench.news();
    for id in 2..250 {
        bench.set(run(id, 1, "completed", Some("success"), 5_000, 5_010));
    }
    bench.poll(6_000).await.unwrap();
    bench.news();
    bench.set(run(1, 2, "completed", Some("success"), 1, 6_020));
    bench.poll(6_030).await.unwrap();
    assert_eq!(bench.news(), [(1, 2, RunStatus::Completed, false)]);
}

#[tokio::test]
async fn a_search_that_lags_behind_takes_nothing_back() {
    let mut bench = Bench::new(vec![run(1, 1, "in_progress", None, -5, -1)]);
    bench.poll(0).await.unwrap();
    bench.set(failed(1, -5, 25));
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news().len(), 2);
    let stale = serde_json::json!({"total_count": 1, "workflow_runs": [run(1, 1, "in_progress", None, -5, 20)]});
    bench.fake.with(|world| world.broken.push(("status=in_progress".into(), 200, vec![], stale.to_string())));
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), []);
}
