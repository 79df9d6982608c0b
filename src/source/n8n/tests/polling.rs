//! Polling a stand-in for n8n: what is told, what is not told twice, and what a broken answer costs.

use std::time::Duration;

use serde_json::json;

use super::super::api::PAGE;
use super::bench::{Bench, run};
use super::settings;
use crate::config::Polling;
use crate::run::RunStatus;

async fn watched() -> Bench {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench
}

#[tokio::test]
async fn the_first_poll_announces_no_history_and_the_next_tells_what_is_new() {
    let mut bench = Bench::new(vec![run(1, "error", -500), run(2, "crashed", -20), run(3, "success", -9)]);
    bench.poll(0).await.unwrap();
    assert!(bench.news().iter().all(|(_, _, history)| *history));
    bench.set(run(4, "error", 4));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("4".into(), RunStatus::Failed, false)]);
    bench.restart();
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_stretch_of_history_is_told_where_it_is_wanted() {
    let polling = Polling { history: Duration::from_hours(1), ..settings().polling };
    let runs = vec![run(1, "error", -4000), run(2, "error", -3000)];
    let mut bench = Bench::with(runs, crate::config::N8nSource { polling, ..settings() });
    bench.poll(0).await.unwrap();
    let mut news = bench.news();
    news.sort();
    assert_eq!(news, [("1".into(), RunStatus::Failed, true), ("2".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn what_fails_while_the_first_start_takes_several_tries_is_news() {
    let mut bench = Bench::new(vec![run(1, "error", -50)]);
    bench.fake.with(|world| world.broken.push((String::new(), 500, "no".into())));
    bench.poll(0).await.unwrap_err();
    bench.fake.with(|world| world.broken.clear());
    bench.set(run(2, "error", 30));
    bench.poll(60).await.unwrap();
    let mut news = bench.news();
    news.sort();
    assert_eq!(news, [("1".into(), RunStatus::Failed, true), ("2".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_late_finisher_with_a_low_id_is_told() {
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
    bench.poll(1410).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn failures_of_triggers_that_never_started_are_told() {
    let mut bench = watched().await;
    let mut failed = run(5, "error", 8);
    failed["startedAt"] = json!(null);
    failed["mode"] = json!("trigger");
    failed["data"]["resultData"]["runData"]["Call"][0]["startTime"] = json!(0);
    bench.set(failed);
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("5".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_that_crashed_long_after_its_last_sign_of_life_is_told() {
    let mut bench = Bench::new(vec![run(1, "running", -50)]);
    bench.poll(0).await.unwrap();
    bench.news();
    bench.poll(2000).await.unwrap();
    // n8n is started again, and writes an end that lies before the crash was found.
    bench.set(run(1, "crashed", -49));
    bench.poll(2010).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn version_1_is_asked_for_what_it_lists_and_crashed_runs_are_among_the_failed() {
    let mut bench = Bench::new(vec![]);
    bench.fake.with(|world| world.old = true);
    bench.poll(0).await.unwrap();
    bench.set(run(1, "crashed", 5));
    bench.set(run(2, "error", 6));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news().len(), 2);
    assert_eq!((bench.fake.asked("status=crashed"), bench.fake.asked("status=new")), (0, 0));
    // It becomes 2.x between two polls.
    bench.fake.with(|world| world.old = false);
    bench.set(run(3, "crashed", 15));
    bench.poll(20).await.unwrap();
    bench.poll(90).await.unwrap();
    assert_eq!(bench.news(), [("3".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn an_open_run_is_told_at_each_turn_and_asked_for_until_it_ends() {
    let mut bench = Bench::new(vec![run(1, "new", -5)]);
    bench.poll(0).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Pending, false)]);
    let mut waits = run(1, "waiting", 12);
    waits["waitTill"] = json!("2026-11-22T13:00:00.000Z");
    let mut paused = run(1, "waiting", 12);
    paused["waitTill"] = json!("3000-01-01T00:00:00.000Z");
    for (second, row, status) in [
        (10, run(1, "running", 9), RunStatus::Running),
        (20, waits, RunStatus::Waiting),
        (30, run(1, "running", 29), RunStatus::Running),
        (40, paused, RunStatus::Paused),
        (50, run(1, "success", 45), RunStatus::Completed),
    ] {
        bench.set(row);
        bench.poll(second).await.unwrap();
        assert_eq!(bench.news(), [("1".into(), status, false)], "at {second}");
        bench.poll(second + 5).await.unwrap();
        assert_eq!(bench.news(), [], "nothing changed at {second}");
    }
}

#[tokio::test]
async fn an_open_run_that_n8n_no_longer_knows_is_forgotten() {
    let mut bench = Bench::new(vec![run(1, "running", -5)]);
    bench.poll(0).await.unwrap();
    bench.delete(1);
    bench.poll(10).await.unwrap();
    let forgotten = bench.taken.0.lock().unwrap().forgotten.clone();
    assert_eq!(forgotten.iter().map(|key| key.run.clone()).collect::<Vec<_>>(), ["1"]);
    bench.poll(20).await.unwrap();
    assert_eq!(bench.fake.asked("/1?"), 0, "and asked for no more");
}

#[tokio::test]
async fn a_retry_is_a_run_of_its_own_that_says_what_it_repeats() {
    let mut bench = watched().await;
    bench.set(run(1, "error", 5));
    bench.poll(10).await.unwrap();
    bench.runs();
    let mut again = run(2, "success", 15);
    again["mode"] = json!("retry");
    again["retryOf"] = json!("1");
    bench.set(again);
    bench.poll(20).await.unwrap();
    let runs = bench.runs();
    assert_eq!((runs[0].status, runs[0].replay_of.as_deref()), (RunStatus::Completed, Some("1")));
    assert_eq!(runs[0].workflow.name.as_deref(), Some("Lead sync"), "its name is known from the failed one");
}

#[tokio::test]
async fn runs_that_end_well_between_two_polls_are_seen_once() {
    let mut bench = watched().await;
    bench.set(run(1, "success", 5));
    bench.set(run(2, "canceled", 6));
    bench.poll(10).await.unwrap();
    let mut news = bench.news();
    news.sort();
    assert_eq!(news, [("1".into(), RunStatus::Completed, false), ("2".into(), RunStatus::Cancelled, false)]);
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_run_that_reached_its_limit_is_told_where_that_is_wanted() {
    for tell_timeouts in [false, true] {
        let mut bench = Bench::with(vec![], crate::config::N8nSource { tell_timeouts, ..settings() });
        bench.poll(0).await.unwrap();
        let mut ended = run(1, "canceled", 8);
        ended["workflowData"]["settings"] = json!({"executionTimeout": 3});
        bench.set(ended);
        bench.set(run(2, "canceled", 8));
        for second in [10, 20] {
            bench.poll(second).await.unwrap();
            let mut news = bench.news();
            news.sort();
            let first = if tell_timeouts { RunStatus::Failed } else { RunStatus::Cancelled };
            let told = [("1".into(), first, false), ("2".into(), RunStatus::Cancelled, false)];
            assert_eq!(news, if second == 10 { &told[..] } else { &[] }, "{tell_timeouts} at {second}");
        }
    }
}

#[tokio::test]
async fn a_long_pause_is_caught_up_over_pages() {
    let mut bench = watched().await;
    let many = 2 * PAGE as u64 + 50;
    for id in 1..=many {
        bench.set(run(id, "error", 100));
    }
    bench.poll(100_000).await.unwrap();
    let mut news: Vec<String> = bench.news().into_iter().map(|(id, ..)| id).collect();
    news.sort();
    news.dedup();
    assert_eq!(news.len() as u64, many);
    bench.poll(100_010).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn a_second_page_that_always_fails_hands_over_the_first_and_moves_no_mark() {
    let mut bench = watched().await;
    for id in 1..=(PAGE as u64 + 50) {
        bench.set(run(id, "error", 100));
    }
    let marks = bench.mark().marks;
    bench
        .fake
        .with(|world| world.broken.push(("status=error&cursor".into(), 500, "<html>https://x/?key=s</html>".into())));
    for second in [5000, 5010] {
        let error = bench.poll(second).await.unwrap_err();
        assert_eq!(error.to_string(), "asking for runs that ended as error (page 2): HTTP 500: [address]");
        assert_eq!(bench.mark().marks, marks);
    }
    assert_eq!(bench.news().len(), PAGE, "told once, not with each try");
    bench.fake.with(|world| world.broken.clear());
    bench.poll(5020).await.unwrap();
    assert_eq!(bench.news().len(), 50);
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_does_not_begin_anew() {
    let mut bench = watched().await;
    for id in 1..=25 {
        bench.set(run(id, "error", 5));
    }
    bench.taken.0.lock().unwrap().refuse = 0;
    // The last of them can't be had.
    let counting = bench.taken.clone();
    bench.fake.with(|world| world.broken.push(("/25?".into(), 503, "no".into())));
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news().len(), 24);
    bench.restart();
    bench.fake.with(|world| world.broken.clear());
    bench.poll(20).await.unwrap();
    assert_eq!(bench.fake.asked("includeData"), 1, "only what was not handed over");
    assert_eq!(counting.0.lock().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn what_the_ledger_does_not_take_is_told_again() {
    let mut bench = watched().await;
    bench.set(run(1, "error", 5));
    bench.taken.0.lock().unwrap().refuse = 1;
    let error = bench.poll(10).await.unwrap_err();
    assert_eq!(error.to_string(), "handing over what was read: full");
    bench.poll(20).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn nonsense_is_an_error_and_not_no_runs() {
    let mut bench = watched().await;
    for text in
        ["<html>", "{\"data\": [{\"id\": \"x\"", "{}", "[1]", "", "{\"data\": [{\"id\": \"x\"}]}", "{\"data\": 7}"]
    {
        bench.fake.with(|world| world.broken = vec![("executions?".into(), 200, text.into())]);
        let mark = bench.mark();
        let error = bench.poll(10).await.unwrap_err();
        assert!(error.doing.starts_with("asking for"), "{error}");
        assert_eq!(bench.mark(), mark, "{text}");
    }
}

#[tokio::test]
async fn one_run_that_can_not_be_read_in_a_list_does_not_hide_the_others() {
    let mut bench = watched().await;
    let list = json!({"data": [{"id": "odd", "status": "error"}, run(2, "error", 5)], "nextCursor": null});
    bench.set(run(2, "error", 5));
    bench.fake.with(|world| world.broken.push(("status=error".into(), 200, list.to_string())));
    bench.poll(10).await.unwrap_err();
    assert_eq!(bench.news(), [("2".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_whose_data_can_never_be_had_is_told_with_what_is_known() {
    let mut bench = watched().await;
    bench.set(run(1, "error", 5));
    bench.fake.with(|world| world.broken.push(("includeData".into(), 403, "{\"message\":\"Forbidden\"}".into())));
    for second in [10, 20, 189] {
        let error = bench.poll(second).await.unwrap_err();
        assert!(error.reason.ends_with("the API key needs the scope execution:read"), "{error}");
        assert_eq!(bench.news(), []);
    }
    bench.poll(190).await.unwrap_err();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)]);
    bench.poll(200).await.unwrap();
}

#[tokio::test]
async fn a_run_that_is_deleted_between_its_list_and_its_data_is_told() {
    let mut bench = watched().await;
    bench.set(run(1, "error", 5));
    bench.fake.with(|world| world.broken.push(("includeData".into(), 404, "{\"message\":\"Not Found\"}".into())));
    bench.poll(10).await.unwrap();
    assert_eq!(bench.news(), [("1".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn quiet_polls_cost_the_same_however_much_has_ended() {
    let mut costs = Vec::new();
    for finished in [0, 1_000] {
        let mut bench = Bench::new(vec![]);
        for id in 1..=finished {
            bench.set(run(id, if id % 2 == 0 { "success" } else { "error" }, -5000));
        }
        for second in [0, 10, 20] {
            bench.poll(second).await.unwrap();
        }
        costs.push(bench.fake.with(|world| world.asked.len()));
    }
    assert_eq!(costs, [6, 6]);
}

#[tokio::test]
async fn a_database_whose_ids_begin_again_is_read_from_there() {
    let mut bench = Bench::new((5_000..5_010).map(|id| run(id, "error", -20)).collect());
    for second in [0, 700, 1_400] {
        bench.poll(second).await.unwrap();
    }
    bench.news();
    bench.fake.with(|world| world.runs.clear());
    bench.set(run(1, "success", 1_405));
    bench.set(run(2, "error", 1_406));
    bench.poll(1_410).await.unwrap();
    assert!(bench.news().contains(&("2".into(), RunStatus::Failed, false)));
}

#[tokio::test]
async fn an_engine_whose_clock_is_put_back_is_still_heard() {
    let mut bench = Bench::new(vec![run(1, "error", -5)]);
    bench.poll(0).await.unwrap();
    bench.news();
    bench.set(run(2, "error", -3600));
    bench.poll(-3590).await.unwrap();
    assert_eq!(bench.news(), [("2".into(), RunStatus::Failed, false)]);
}

#[tokio::test]
async fn what_n8n_asks_to_wait_and_a_wrong_key_are_passed_on() {
    let mut bench = watched().await;
    bench.fake.with(|world| world.broken.push((String::new(), 401, "{\"message\":\"Unauthorized\"}".into())));
    let error = bench.poll(10).await.unwrap_err();
    assert!(error.reason.contains("HTTP 401"), "{error}");
    assert_eq!(bench.fake.with(|world| world.asked.len()), 1, "nothing else will work either");
}
