//! What is asked, what is told of it, and that nothing is lost on the way.

use reqwest::header::{HeaderValue, RETRY_AFTER};
use serde_json::json;

use super::bench::{Bench, at, id, run, tagged, unix};
use crate::run::{RunStatus, StepStatus};
use crate::triage::Standing;

#[tokio::test]
async fn the_first_start_announces_no_history_and_knows_what_goes_on() {
    let mut bench = Bench::new(vec![run(1, "STARTED", -90_000), run(2, "FAILURE", -300), run(3, "SUCCESS", -20)]);
    bench.poll(0).await.unwrap();
    let mut news = bench.news();
    news.sort();
    let known =
        [(id(1), RunStatus::Running, false), (id(2), RunStatus::Failed, true), (id(3), RunStatus::Completed, false)];
    assert_eq!(news, known);
    assert!(bench.mark().settled);
    bench.set(run(1, "FAILURE", 5));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_that_ends_long_after_newer_ones_were_created_is_seen() {
    let mut bench = Bench::new(vec![run(1, "STARTED", 0)]);
    bench.poll(0).await.unwrap();
    bench.create((2..900).map(|number| run(number, "SUCCESS", 20)));
    bench.set(run(1, "FAILURE", 25));
    bench.poll(30).await.unwrap();
    assert!(bench.news().contains(&(id(1), RunStatus::Failed, false)));
}

#[tokio::test]
async fn what_was_told_is_not_told_again_nor_asked_about_again() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(run(1, "FAILURE", 5));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news().len(), 1);
    bench.poll(20).await.unwrap();
    assert!(bench.news().is_empty());
    assert_eq!((bench.fake.asked("FirstredSteps"), bench.fake.asked("FirstredEvents")), (0, 0));
}

#[tokio::test]
async fn requests_do_not_grow_with_ten_thousand_open_runs_or_finished_ones() {
    let open = (1..10_000).map(|number| run(number, "STARTED", -3_600)).collect();
    let mut bench = Bench::new(open);
    bench.poll(0).await.unwrap();
    assert_eq!(bench.news().len(), 9_999);
    for second in [10, 20, 30, 40, 50] {
        bench.poll(second).await.unwrap();
        assert!(bench.news().is_empty());
        let asked = bench.fake.with(|world| world.asked.len());
        assert!(asked <= 26, "{asked} requests: {:?}", bench.fake.with(|world| world.asked.clone()));
    }
    bench.fake.with(|world| {
        for row in &mut world.runs {
            (row["status"], row["updateTime"]) = (json!("SUCCESS"), json!(unix(55)));
        }
    });
    for second in [60, 1_000, 2_000] {
        while bench.poll(second).await.unwrap().more {}
    }
    let asked = bench.fake.with(|world| world.asked.len());
    assert!(asked <= 26, "{asked} requests");
}

#[tokio::test]
async fn a_run_that_is_deleted_while_the_list_is_read_hides_no_other() {
    for deleted in [1_899, 1_405, 1_406, 1_400] {
        let mut bench = Bench::new((1..1_900).map(|number| run(number, "SUCCESS", -20)).collect());
        bench.set(run(1, "FAILURE", 12));
        // Asked for: what is open, what changed; then the page that begins after the row that goes away.
        bench.fake.with(|world| world.deletes = Some((2, id(deleted))));
        let mut told = Vec::new();
        for second in [10, 20, 30] {
            let _ = bench.poll(second).await;
            told.extend(bench.news().into_iter().filter(|(_, status, _)| *status == RunStatus::Failed));
        }
        assert_eq!(told, [(id(1), RunStatus::Failed, false)], "{deleted}");
    }
}

#[tokio::test]
async fn what_changed_in_a_long_absence_is_read_one_stretch_of_time_after_another() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.create((1..15_000).map(|number| run(number, "SUCCESS", i64::from(number))));
    bench.set(run(1, "FAILURE", 5));
    bench.set(run(7_000, "FAILURE", 15_000));
    let (mut news, mut polls) = (Vec::new(), 0);
    while bench.poll(15_100).await.unwrap().more {
        news.extend(bench.news());
        polls += 1;
        assert!(polls < 10, "{:?}", bench.mark());
    }
    news.extend(bench.news());
    news.sort();
    news.dedup();
    assert_eq!(news.len(), 14_999);
    for number in [1, 7_000] {
        assert!(news.contains(&(id(number), RunStatus::Failed, false)));
    }
    assert_eq!(bench.mark().changed, Some(at(15_100)));
}

#[tokio::test]
async fn an_undecided_failure_is_held_until_dagster_decides_or_had_its_time() {
    let undecided =
        |number, second| tagged(run(number, "FAILURE", second), &[("dagster/failure_reason", "STEP_FAILURE")]);
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(undecided(1, 9));
    let polled = bench.poll(10).await.unwrap();
    assert!(polled.again.is_some());
    assert_eq!(bench.last().1, Standing::Retrying);
    bench.poll(15).await.unwrap();
    assert!(bench.news().is_empty());
    bench.poll(20).await.unwrap();
    assert_eq!(bench.last().1, Standing::Failed);
    // Decided in between: told at once.
    bench.set(undecided(2, 29));
    bench.poll(30).await.unwrap();
    assert_eq!(bench.last().1, Standing::Retrying);
    bench.set(tagged(run(2, "FAILURE", 29), &[("dagster/will_retry", "false")]));
    bench.fake.with(|world| world.runs.last_mut().unwrap()["updateTime"] = json!(unix(30)));
    bench.poll(31).await.unwrap();
    assert_eq!(bench.last().1, Standing::Failed);
}

#[tokio::test]
async fn where_failed_runs_are_never_run_again_nothing_is_undecided() {
    let mut bench = Bench::new(vec![]);
    bench.fake.with(|world| {
        world.daemons = Some(vec![json!({"daemonType": "SENSOR", "required": true, "healthy": true})]);
    });
    bench.poll(0).await.unwrap();
    bench.set(tagged(run(1, "FAILURE", 9), &[]));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.last().1, Standing::Failed);
}

#[tokio::test]
async fn the_run_in_the_place_of_a_failed_one_has_the_word() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(tagged(run(1, "FAILURE", 9), &[("dagster/will_retry", "true"), ("dagster/max_retries", "1")]));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.last().1, Standing::Retrying);
    let tags = [("dagster/will_retry", "true"), ("dagster/auto_retry_run_id", &id(2))];
    let mut first = tagged(run(1, "FAILURE", 9), &tags);
    first["updateTime"] = json!(unix(13));
    bench.set(first);
    let mut second = tagged(
        run(2, "FAILURE", 30),
        &[("dagster/will_retry", "false"), ("dagster/retry_number", "1"), ("dagster/max_retries", "1")],
    );
    second["parentRunId"] = json!(id(1));
    bench.set(second);
    bench.poll(31).await.unwrap();
    let seen: Vec<_> = bench.seen();
    let of = |number| seen.iter().find(|seen| seen.run.id == id(number)).unwrap().run.clone();
    assert_eq!(of(1).retried_as, Some(id(2)));
    assert_eq!((of(2).replay_of, of(2).attempt, of(2).max_attempts), (Some(id(1)), Some(2), Some(2)));
}

#[tokio::test]
async fn a_step_that_waits_for_its_next_try_is_seen_though_its_run_does_not_change() {
    let mut bench = Bench::new(vec![run(1, "STARTED", 0)]);
    bench.poll(1).await.unwrap();
    bench.seen();
    let up = |second: i64| {
        json!({"__typename": "ExecutionStepUpForRetryEvent", "stepKey": "call", "secondsToWait": 30.0,
            "timestamp": at(second).as_millisecond().to_string(),
            "error": {"className": "OSError", "message": "OSError: no route\n", "errorChain": []}})
    };
    bench.event(1, up(5));
    bench.poll(10).await.unwrap();
    let (run_, standing) = bench.last();
    assert_eq!(standing, Standing::Retrying);
    let step = &run_.steps[0];
    assert_eq!((step.status, step.attempt, step.retry_at), (StepStatus::Retrying, Some(1), Some(at(35))));
    assert_eq!(step.error.as_ref().unwrap().code, "OSError");
    bench.poll(20).await.unwrap();
    assert!(bench.news().is_empty(), "nothing new happened");
    bench.event(1, json!({"__typename": "ExecutionStepRestartEvent", "stepKey": "call"}));
    bench.event(1, up(40));
    bench.poll(41).await.unwrap();
    let (run_, _) = bench.last();
    assert_eq!(run_.steps[0].attempt, Some(2));
}

#[tokio::test]
async fn a_run_that_is_gone_is_forgotten_and_one_that_can_not_be_asked_is_not() {
    let mut bench = Bench::new(vec![run(1, "STARTED", -1_000), run(2, "STARTED", -1_000)]);
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| {
        world.runs.remove(0);
        world.broken = vec![("FirstredRuns".into(), 500, json!({"errors": [{"message": "locked"}]}).to_string())];
    });
    bench.poll(10).await.unwrap_err();
    assert!(bench.taken.0.lock().unwrap().forgotten.is_empty());
    bench.fake.with(|world| world.broken.clear());
    bench.poll(20).await.unwrap();
    let forgotten: Vec<String> = bench.taken.0.lock().unwrap().forgotten.iter().map(|key| key.run.clone()).collect();
    assert_eq!(forgotten, [id(1)]);
}

#[tokio::test]
async fn an_error_in_an_answer_of_200_or_500_moves_no_checkpoint_and_keeps_what_was_answered() {
    let answers = [
        (200, json!({"data": null, "errors": [{"message": "database is locked"}]})),
        (200, json!({"data": {"runsOrError": {"__typename": "PythonError", "className": "X", "message": "locked"}}})),
        (200, json!({"data": {"runsOrError": {"__typename": "InvalidPipelineRunsFilterError", "message": "no"}}})),
        (500, json!({"data": {"runsOrError": null}, "errors": [{"message": "locked"}]})),
        (502, json!("bad gateway")),
    ];
    for (status, body) in answers {
        let mut bench = Bench::new(vec![]);
        bench.poll(0).await.unwrap();
        let before = bench.mark();
        bench.set(run(1, "FAILURE", 5));
        bench.fake.with(|world| world.broken = vec![("FirstredRuns".into(), status, body.to_string())]);
        bench.poll(10).await.unwrap_err();
        assert_eq!(bench.mark(), before, "{body}");
        bench.fake.with(|world| world.broken.clear());
        bench.poll(900).await.unwrap();
        assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)], "{body}");
    }
}

#[tokio::test]
async fn a_failure_whose_events_can_not_be_read_is_told_when_they_can() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(run(1, "FAILURE", 5));
    bench.set(run(2, "FAILURE", 6));
    bench.fake.with(|world| world.broken = vec![("FirstredEvents".into(), 500, json!({"errors": []}).to_string())]);
    bench.poll(10).await.unwrap_err();
    bench.fake.with(|world| world.broken.clear());
    bench.poll(7_000).await.unwrap();
    assert_eq!(bench.news().len(), 2);
}

#[tokio::test]
async fn an_engine_that_asks_us_to_wait_is_left_in_peace_for_that_long() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| {
        world.broken = vec![("FirstredRuns".into(), 429, "slow down".into())];
        world.header = Some((RETRY_AFTER, HeaderValue::from_static("77")));
    });
    let error = bench.poll(10).await.unwrap_err();
    assert_eq!(error.retry_after, Some(77));
}

#[tokio::test]
async fn rows_that_are_too_long_for_one_answer_are_read_in_smaller_pages() {
    let mut bench = Bench::new((1..450).map(|number| run(number, "SUCCESS", -20)).collect());
    bench.fake.with(|world| world.largest = Some(30));
    bench.set(run(1, "FAILURE", 12));
    bench.poll(10).await.unwrap();
    let news = bench.news();
    assert_eq!(news.len(), 449);
    assert!(news.contains(&(id(1), RunStatus::Failed, false)));
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_poll_ended() {
    let mut bench = Bench::new(vec![run(1, "FAILURE", -3_000)]);
    bench.poll(0).await.unwrap();
    bench.news();
    bench.set(run(2, "FAILURE", 100));
    bench.restart();
    bench.poll(9_000).await.unwrap();
    assert_eq!(bench.news(), [(id(2), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn what_the_ledger_does_not_take_is_read_again() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(run(1, "FAILURE", 5));
    bench.taken.0.lock().unwrap().full = true;
    bench.poll(10).await.unwrap_err();
    bench.taken.0.lock().unwrap().full = false;
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_tag_that_is_written_on_an_old_failure_makes_no_news_of_it() {
    let mut bench = Bench::new(vec![run(1, "FAILURE", -200_000)]);
    bench.poll(0).await.unwrap();
    assert!(bench.news().is_empty());
    let mut old = run(1, "FAILURE", -200_000);
    old["updateTime"] = json!(unix(5));
    bench.set(old);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, true)]);
}

#[tokio::test]
async fn a_code_location_that_does_not_load_is_told_once_and_over_when_it_loads() {
    let broken = json!({"name": "jobs", "locationOrLoadError": {"__typename": "PythonError", "className": "ImportError",
        "message": "ImportError: no module named x\n", "errorChain": []}});
    let loaded = json!({"name": "jobs", "locationOrLoadError": {"__typename": "RepositoryLocation"}});
    let mut bench = Bench::new(vec![]);
    bench.fake.with(|world| world.locations = Some(vec![broken]));
    let mut news = Vec::new();
    for second in 0..12 {
        if second == 8 {
            bench.fake.with(|world| world.locations = Some(vec![loaded.clone()]));
        }
        if second == 5 {
            bench.restart();
        }
        bench.poll(second * 10).await.unwrap();
        news.extend(bench.seen().into_iter().map(|seen| seen.run));
    }
    let told: Vec<_> = news.iter().map(|run| (run.id.as_str(), run.status)).collect();
    assert_eq!(told, [("code-location/jobs", RunStatus::Failed), ("code-location/jobs", RunStatus::Completed)]);
    assert_eq!(news[0].error.as_ref().unwrap().message, "no module named x");
    assert_eq!(news[0].url.as_deref(), Some("http://ui/locations"));
}

#[tokio::test]
async fn a_dagster_that_does_not_say_how_it_is_can_be_watched_all_the_same() {
    let mut bench = Bench::new(vec![]);
    bench.fake.with(|world| {
        world.locations = None;
        world.broken = vec![("FirstredDaemons".into(), 400, json!({"errors": [{"message": "no field"}]}).to_string())];
    });
    for second in [0, 10, 20, 30] {
        bench.poll(second).await.unwrap();
    }
    bench.set(run(1, "FAILURE", 35));
    bench.poll(40).await.unwrap();
    assert_eq!(bench.news(), [(id(1), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn the_token_of_dagster_plus_and_the_headers_of_a_guard_go_with_every_question() {
    let mut settings = super::settings();
    settings.token = Some("user:abc".into());
    settings.headers.insert("x-guard".into(), "secret".into());
    let bench = Bench::new(vec![]);
    let mut watcher = super::super::poll::Watcher::new("plus".into(), bench.fake.clone(), &settings).unwrap();
    watcher.round(&bench.taken, at(0)).await.unwrap();
    let headers = bench.fake.with(|world| world.headers.clone());
    let of =
        |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.to_str().unwrap().to_owned());
    assert_eq!(of("dagster-cloud-api-token").as_deref(), Some("user:abc"));
    assert_eq!(of("x-guard").as_deref(), Some("secret"));
}
