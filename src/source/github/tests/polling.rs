//! Polling a stand-in for GitHub: what is told, what is not told twice, and what a broken answer costs.

use super::bench::{Bench, at, failed, job, run};
use super::{REPOSITORY, settings};
use crate::config::GitHubSource;
use crate::run::{RunStatus, StepStatus};

#[tokio::test]
async fn the_first_poll_announces_no_history_and_the_next_tells_what_is_new() {
    let mut bench = Bench::new(vec![failed(1, -520, -500), failed(2, -40, -20), failed(3, -90_000, -89_000)]);
    bench.poll(0).await.unwrap();
    let news = bench.news();
    assert!(news.iter().all(|(_, _, _, history)| *history) && news.len() == 2, "{news:?}");
    assert_eq!(bench.fake.asked("/jobs").len(), 0, "history needs no jobs");
    bench.set(failed(4, 1, 25));
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), [(4, 1, RunStatus::Failed, false)]);
    bench.restart();
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn what_fails_while_the_first_start_takes_several_tries_is_news() {
    let mut bench = Bench::new(vec![failed(1, -60, -50)]);
    bench.fake.with(|world| world.broken.push((String::new(), 500, vec![], "no".into())));
    bench.poll(0).await.unwrap_err();
    bench.fake.with(|world| world.broken.clear());
    bench.set(failed(2, 5, 30));
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, true), (2, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn at_rest_nothing_changes_and_nothing_is_spent_of_the_rate_limit() {
    let mut bench = Bench::new((1..=400).map(|id| failed(id, -9_000 + i64::try_from(id).unwrap(), -8_000)).collect());
    for second in [0, 30, 60, 90] {
        bench.poll(second).await.unwrap();
    }
    // Two lists of active runs, the newest ones, three pages of failed ones: all of them not modified.
    assert_eq!(bench.fake.asked("")[..6], [304; 6]);
    assert_eq!(bench.fake.asked("")[6..], [200], "only the slow walk reads anything, a page a poll");
    let small = Bench::new(vec![failed(1, -9_000, -8_000)]);
    let mut bench = small;
    for second in [0, 30, 60, 90] {
        bench.poll(second).await.unwrap();
    }
    assert_eq!(bench.fake.asked(""), [304; 5]);
}

#[tokio::test]
async fn a_failed_run_costs_two_more_requests_and_tells_step_and_words() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(failed(7, 1, 25));
    bench.poll(30).await.unwrap();
    assert_eq!((bench.fake.asked("/jobs"), bench.fake.asked("/annotations")), (vec![200], vec![200]));
    let run = bench.runs().remove(0);
    let step = run.steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
    assert_eq!(step.title, "test › Run tests");
    assert_eq!(step.error.as_ref().unwrap().code, "EXIT_1");
    assert_eq!(step.url.as_deref(), Some("https://github.com/acme/shop/actions/runs/7/job/71#step:2:1"));
}

#[tokio::test]
async fn a_run_that_was_open_is_followed_until_it_ends_however_long_it_takes() {
    let mut bench = Bench::new(vec![run(1, 1, "in_progress", None, -5, -1)]);
    bench.poll(0).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Running, false)]);
    // Many that begin later push it off the first page, and off the stretch that is read again.
    for id in 2..250 {
        bench.set(run(id, 1, "completed", Some("success"), 5_000, 5_010));
    }
    bench.poll(6_000).await.unwrap();
    bench.news();
    bench.set(failed(1, -5, 9_000));
    bench.poll(9_010).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn an_open_run_that_was_deleted_is_forgotten_and_a_repository_that_hides_forgets_none() {
    let mut bench = Bench::new(vec![run(1, 1, "in_progress", None, -5, -1)]);
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| world.broken.push(("repos/".into(), 404, vec![], "{}".into())));
    let error = bench.poll(30).await.unwrap_err();
    assert!(error.to_string().contains("may the token see it"), "{error}");
    assert!(bench.taken.0.lock().unwrap().forgotten.is_empty());
    bench.fake.with(|world| {
        world.broken.clear();
        world.runs.clear();
    });
    bench.poll(60).await.unwrap();
    let forgotten = bench.taken.0.lock().unwrap().forgotten.clone();
    assert_eq!(forgotten.iter().map(|key| key.run.as_str()).collect::<Vec<_>>(), ["1"]);
}

#[tokio::test]
async fn a_long_pause_is_caught_up_beyond_the_thousand_that_a_search_gives() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for id in 0..2_350 {
        bench.set(failed(id, 100 + i64::try_from(id).unwrap(), 200 + i64::try_from(id).unwrap()));
    }
    let mut polls = 0;
    while bench.poll(100_000 + polls * 30).await.unwrap().more {
        polls += 1;
    }
    bench.poll(100_500).await.unwrap();
    let mut told: Vec<u64> = bench.news().into_iter().map(|(id, ..)| id).collect();
    let count = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!((told.len(), count), (2_350, 2_350));
}

#[tokio::test]
async fn a_broken_page_moves_no_checkpoint_and_hides_no_other_run() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for id in 0..150 {
        bench.set(failed(id, 100 + i64::try_from(id).unwrap(), 400));
    }
    let before = bench.mark();
    bench.fake.with(|world| world.broken.push(("created=%3C".into(), 502, vec![], "<html>".into())));
    for second in [500, 530] {
        let error = bench.poll(second).await.unwrap_err();
        assert!(error.to_string().contains("(page 2): HTTP 502"), "{error}");
        assert_eq!((bench.mark().listed, bench.mark().seen), (before.listed, before.seen));
    }
    assert_eq!(bench.news().len(), 150, "the other lists show the rest, and each is told once, not with each try");
    bench.fake.with(|world| world.broken.clear());
    bench.poll(560).await.unwrap();
    assert_eq!((bench.news(), bench.mark().seen), (vec![], at(560)));
}

#[tokio::test]
async fn nonsense_is_an_error_and_not_no_runs() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for text in ["<html>", "[]", "{}", "{\"workflow_runs\": [1]}", ""] {
        bench.fake.with(|world| world.broken = vec![("actions/runs?".into(), 200, vec![], text.into())]);
        let seen = bench.mark().seen;
        let error = bench.poll(30).await.unwrap_err();
        assert!(error.doing.starts_with("asking for"), "{error}");
        assert_eq!(bench.mark().seen, seen, "{text}");
    }
}

#[tokio::test]
async fn a_run_whose_jobs_can_never_be_had_is_told_without_them() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(failed(1, 1, 5));
    bench.fake.with(|world| world.broken.push(("/jobs".into(), 500, vec![], "no".into())));
    let seen = bench.mark().seen;
    for second in [30, 31, 32, 33, 120, 200] {
        bench.poll(second).await.unwrap_err();
        assert_eq!((bench.news(), bench.mark().seen), (vec![], seen));
    }
    bench.poll(210).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_run_that_has_just_failed_and_shows_no_failed_job_waits_for_the_next_poll() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(failed(1, 1, 29));
    let jobs = bench.fake.with(|world| world.jobs.remove(&(1, 1)).unwrap());
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), []);
    bench.fake.with(|world| world.jobs.insert((1, 1), jobs));
    bench.poll(60).await.unwrap();
    let told = bench.runs().remove(0);
    assert!(told.steps.iter().any(|step| step.status == StepStatus::Failed));
}

#[tokio::test]
async fn without_the_right_to_read_annotations_the_step_is_told_without_words() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    let refused = "{\"message\": \"Resource not accessible by personal access token\"}";
    bench.fake.with(|world| world.broken.push(("/annotations".into(), 403, vec![], refused.into())));
    bench.set(failed(1, 1, 5));
    bench.set(failed(2, 1, 6));
    bench.poll(30).await.unwrap();
    for run in bench.runs() {
        let step = run.steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
        assert_eq!((step.title.as_str(), &step.error), ("test › Run tests", &None));
    }
    assert_eq!(bench.fake.asked("/annotations"), [403], "not asked again for every run");
}

#[tokio::test]
async fn of_several_repositories_one_that_is_gone_hides_none_of_the_others() {
    let repositories = vec!["acme/gone".to_owned(), REPOSITORY.to_owned()];
    let mut bench = Bench::with(vec![], GitHubSource { repositories, ..settings() });
    bench.poll(0).await.unwrap_err();
    bench.set(failed(1, 1, 20));
    let error = bench.poll(30).await.unwrap_err();
    assert!(error.to_string().contains("acme/gone"), "{error}");
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
    // One that is named later makes no flood of what is old in it.
    bench.set_in("acme/gone", failed(2, -3_000, -2_990));
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[tokio::test]
async fn runs_that_wait_for_a_person_for_ever_cost_nothing_of_the_rate_limit() {
    let waits = |id| run(id, 1, "completed", Some("action_required"), -400, -300);
    let mut bench = Bench::new((1..=20).map(waits).collect());
    bench.poll(0).await.unwrap();
    assert_eq!(bench.news().len(), 20);
    for id in 21..300 {
        bench.set(run(id, 1, "completed", Some("success"), 5_000, 5_010));
    }
    for poll in 0..12 {
        bench.poll(6_000 + poll * 30).await.unwrap();
        assert!(bench.fake.asked("actions/runs/").len() <= 3);
    }
    bench.poll(7_000).await.unwrap();
    assert_eq!(bench.fake.asked("actions/runs/"), [304; 3], "their turn has come again");
    bench.news();
    bench.set(run(7, 1, "completed", Some("cancelled"), -400, 7_005));
    for poll in 0..8 {
        bench.poll(7_010 + poll * 30).await.unwrap();
    }
    assert_eq!(bench.news(), [(7, 1, RunStatus::Cancelled, false)]);
}

#[tokio::test]
async fn a_run_that_its_own_time_limit_cancelled_has_failed_and_one_that_a_person_cancelled_has_not() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for id in [1, 2] {
        bench.set(run(id, 1, "completed", Some("cancelled"), 1, 1_300));
        bench.fake.with(|world| world.jobs.insert((id, 1), vec![job(id, id, "train", "cancelled", 90, 1_295)]));
    }
    let note = |message: &str| super::bench::note(message);
    bench.fake.with(|world| {
        let limit = note("The job has exceeded the maximum execution time of 20m0s");
        world.notes.insert(1, vec![limit, note("The operation was canceled.")]);
        world.notes.insert(2, vec![note("The operation was canceled.")]);
    });
    bench.poll(1_310).await.unwrap();
    let runs = bench.runs();
    assert_eq!(runs.iter().map(|run| run.status).collect::<Vec<_>>(), [RunStatus::Failed, RunStatus::Cancelled]);
    let step = runs[0].steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
    assert_eq!((step.title.as_str(), step.error.as_ref().unwrap().code.as_str()), ("train › Run tests", "JOB_TIMEOUT"));
}

#[tokio::test]
async fn a_github_whose_clock_is_put_back_is_still_heard() {
    let mut bench = Bench::new(vec![failed(1, -15, -5)]);
    bench.poll(0).await.unwrap();
    bench.news();
    bench.poll(-3_600).await.unwrap();
    bench.set(failed(2, -3_595, -3_590));
    bench.poll(-3_570).await.unwrap();
    assert_eq!(bench.news(), [(2, 1, RunStatus::Failed, false)]);
    assert!(bench.mark().seen <= at(-3_570));
}
