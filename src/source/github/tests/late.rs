//! What GitHub shows late or touches again, and the order in which ends are told.

use super::super::checkpoint::{Mark, Told};
use super::bench::{Bench, at, failed, job, note, run};
use super::{REPOSITORY, settings};
use crate::config::GitHubSource;
use crate::run::{RunStatus, StepStatus};

const LIMIT: &str = "The job has exceeded the maximum execution time of 20m0s";

fn success(id: u64, created: i64, changed: i64) -> serde_json::Value {
    run(id, 1, "completed", Some("success"), created, changed)
}

#[tokio::test]
async fn a_success_is_told_after_the_failure_that_it_follows() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for row in [success(4, 2, 12), failed(3, 3, 20), success(2, 4, 24), failed(1, 5, 26)] {
        bench.set(row);
    }
    bench.set(run(9, 1, "in_progress", None, 1, 28));
    bench.poll(30).await.unwrap();
    let told: Vec<u64> = bench.news().into_iter().map(|(id, ..)| id).collect();
    assert_eq!(told, [9, 4, 3, 2, 1]);
}

#[tokio::test]
async fn while_a_failure_waits_for_its_jobs_the_successes_of_its_workflow_wait_with_it() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    let mut other = success(3, 2, 29);
    other["path"] = ".github/workflows/docs.yml".into();
    for row in [failed(1, 1, 27), success(2, 2, 28), other] {
        bench.set(row);
    }
    let jobs = bench.fake.with(|world| world.jobs.remove(&(1, 1)).unwrap());
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), [(3, 1, RunStatus::Completed, false)]);
    bench.fake.with(|world| world.jobs.insert((1, 1), jobs));
    bench.poll(35).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false), (2, 1, RunStatus::Completed, false)]);
}

#[tokio::test]
async fn a_time_limit_is_told_also_where_the_end_or_the_words_of_its_job_come_late() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for id in [1, 2, 3] {
        bench.set(run(id, 1, "completed", Some("cancelled"), 1, 1_305));
        bench.fake.with(|world| world.jobs.insert((id, 1), vec![job(id, id, "train", "cancelled", 90, 1_300)]));
    }
    let mut open = job(1, 1, "train", "cancelled", 90, 1_300);
    (open["status"], open["conclusion"], open["completed_at"]) =
        ("in_progress".into(), None::<u8>.into(), None::<u8>.into());
    let closed = bench.fake.with(|world| world.jobs.insert((1, 1), vec![open]).unwrap());
    assert!(bench.poll(1_310).await.unwrap().again.is_some());
    assert_eq!(bench.news(), []);
    bench.fake.with(|world| {
        world.jobs.insert((1, 1), closed);
        world.notes.insert(1, vec![note(LIMIT)]);
        world.notes.insert(2, vec![note(LIMIT)]);
    });
    bench.poll(1_315).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false), (2, 1, RunStatus::Failed, false)]);
    // Nobody said anything of the third one: a person cancelled it.
    bench.poll(1_326).await.unwrap();
    assert_eq!(bench.news(), [(3, 1, RunStatus::Cancelled, false)]);
}

#[tokio::test]
async fn an_outage_makes_no_time_limit_a_cancelled_run_however_often_it_is_asked() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(run(1, 1, "completed", Some("cancelled"), 1, 1_300));
    bench.fake.with(|world| {
        world.jobs.insert((1, 1), vec![job(1, 1, "train", "cancelled", 90, 1_295)]);
        world.notes.insert(1, vec![note(LIMIT)]);
    });
    for (part, status, times) in
        [("/jobs", 502, 1_310..1_320), ("/annotations", 503, 1_320..1_330), ("/runs", 503, 1_400..1_410)]
    {
        bench.fake.with(|world| world.broken = vec![(part.into(), status, vec![], "no".into())]);
        for second in times {
            bench.poll(second).await.unwrap_err();
            assert_eq!(bench.news(), []);
        }
    }
    bench.fake.with(|world| world.broken = vec![("/jobs".into(), 502, vec![], "no".into())]);
    bench.poll(9_000).await.unwrap_err();
    assert_eq!(bench.news(), [], "its time begins anew after the outage");
    bench.fake.with(|world| world.broken.clear());
    bench.poll(9_010).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn one_run_about_which_no_answer_comes_holds_up_no_other_and_is_told_at_last() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for row in [failed(1, 1, 20), failed(2, 1, 21)] {
        bench.set(row);
    }
    bench.fake.with(|world| world.broken.push(("runs/1/attempts".into(), 503, vec![], "no".into())));
    for second in [30, 300] {
        bench.poll(second).await.unwrap_err();
    }
    assert_eq!(bench.news(), [(2, 1, RunStatus::Failed, false)]);
    bench.poll(1_840).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn the_end_of_a_run_that_was_open_is_never_too_old_to_be_told() {
    let mut bench = Bench::new(vec![run(1, 1, "in_progress", None, -5, -1)]);
    bench.poll(0).await.unwrap();
    bench.news();
    let stale = serde_json::json!({"total_count": 1, "workflow_runs": [run(1, 1, "in_progress", None, -5, -1)]});
    bench.set(failed(1, -5, 25));
    bench.fake.with(|world| world.broken.push(("actions/runs?".into(), 200, vec![], stale.to_string())));
    for second in [30, 5_000, 5_030] {
        bench.poll(second).await.unwrap();
    }
    assert_eq!(bench.news(), []);
    bench.fake.with(|world| world.broken.clear());
    bench.poll(5_060).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn an_old_failure_that_github_only_touches_is_no_news() {
    let mut bench = Bench::new(vec![failed(1, -90_000, -89_000)]);
    for second in [0, 30] {
        bench.poll(second).await.unwrap();
    }
    assert_eq!(bench.news(), []);
    let asked = bench.fake.asked("status=failure&created=%3E%3D2026-10-18T00:00:00Z");
    assert_eq!(asked, [304], "what can't be run again is not asked for");
    bench.set(failed(1, -90_000, 50));
    bench.fake.with(|world| world.jobs.insert((1, 1), vec![job(11, 1, "test", "failure", -89_500, -89_000)]));
    bench.poll(60).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, true)]);
    bench.poll(90).await.unwrap();
    assert_eq!(bench.news(), []);
}

#[test]
fn however_many_runs_there_are_the_failed_ones_that_are_listed_stay_known() {
    let mut mark = Mark::new(at(0));
    for id in 0..300 {
        mark.told.insert(id, Told { mark: "1f".into(), at: at(i64::try_from(id).unwrap()) });
    }
    for id in 300..5_000 {
        mark.told.insert(id, Told { mark: "1s".into(), at: at(i64::try_from(id).unwrap()) });
    }
    mark.trim(at(-100));
    assert!((0..300).all(|id| mark.told.contains_key(&id)));
    assert!(mark.told.len() <= 3_300, "{}", mark.told.len());
}

#[tokio::test]
async fn a_run_that_timed_out_and_so_is_in_no_list_of_failed_ones_is_not_asked_for_again() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(run(1, 1, "completed", Some("timed_out"), 1, 5));
    bench.poll(30).await.unwrap();
    assert_eq!(bench.news(), [(1, 1, RunStatus::Failed, false)]);
    for id in 2..250 {
        bench.set(success(id, 5_000, 5_010));
    }
    for second in [6_000, 6_030, 6_060] {
        bench.poll(second).await.unwrap();
        assert_eq!(bench.fake.asked("actions/runs/1?").len(), 0, "at {second}");
    }
}

#[tokio::test]
async fn a_repository_whose_annotations_are_hidden_hides_those_of_no_other() {
    let repositories = vec![REPOSITORY.to_owned(), "acme/site".to_owned()];
    let mut bench = Bench::with(vec![], GitHubSource { repositories, ..settings() });
    bench.set_in("acme/site", success(90, -9_000, -8_000));
    bench.poll(0).await.unwrap();
    bench.news();
    bench.fake.with(|world| world.broken.push(("acme/site/check-runs".into(), 403, vec![], "{}".into())));
    for (second, id) in [(30, 10), (60, 20)] {
        bench.set_in("acme/site", failed(id, second - 29, second - 1));
        bench.set(failed(id + 1, second - 29, second - 1));
        bench.poll(second).await.unwrap();
        for run in bench.runs() {
            let step = run.steps.iter().find(|step| step.status == StepStatus::Failed).unwrap();
            assert_eq!(step.error.is_some(), run.id == (id + 1).to_string(), "{}", run.id);
        }
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_read_hides_none_of_the_others() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    bench.set(failed(1, 1, 25));
    bench.fake.with(|world| world.jobs.get_mut(&(1, 1)).unwrap().insert(0, serde_json::json!({"id": "seven"})));
    bench.poll(30).await.unwrap();
    assert!(bench.runs().remove(0).steps.iter().any(|step| step.status == StepStatus::Failed));
}
