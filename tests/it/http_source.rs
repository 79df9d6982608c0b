//! An engine's JSON API is polled: paged, detailed, translated, and not believed when it talks nonsense.

use crate::support::SOON;
use crate::support::daemon::{Daemon, run};
use crate::support::engine::{Clock, Date, EngineApi, Fault};
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use tokio::task::JoinSet;

fn setup(slack: &Slack, engine: &EngineApi) -> Setup {
    Setup::new().defaults(&["oncall"], "10m").slack("oncall", slack, "").engine("prod", engine)
}

async fn start(page: usize) -> (Slack, EngineApi, Daemon) {
    let (slack, engine) = (Slack::start().await, EngineApi::start(page).await);
    let daemon = Daemon::start(&setup(&slack, &engine)).await;
    daemon.wait_ready().await;
    (slack, engine, daemon)
}

#[tokio::test]
async fn a_failure_that_is_polled_is_told_with_the_step_from_the_detail() {
    let (slack, engine, _daemon) = start(100).await;
    engine.set("e1", "nightly-import", "error");
    let post = slack.wait_about("nightly-import", SOON).await;
    for needle in ["Write row", "QUOTA_EXCEEDED", "429"] {
        assert!(post.says(needle), "no {needle:?} in {:#}", post.body);
    }
    engine.wait_polls(3, SOON).await;
    assert_eq!(slack.messages().len(), 1);
    slack.assert_well_formed();
    assert!(engine.details().iter().all(|id| id == "e1") && !engine.details().is_empty(), "{:?}", engine.details());
}

#[tokio::test]
async fn what_failed_before_the_first_start_is_not_told() {
    let (slack, engine) = (Slack::start().await, EngineApi::start(100).await);
    engine.set_ago("old", "ancient-history", "error", 60);
    let daemon = Daemon::start(&setup(&slack, &engine)).await;
    engine.wait_polls(2, SOON).await;
    engine.set("new", "fresh", "error");
    slack.wait_about("fresh", SOON).await;
    engine.wait_polls(2, SOON).await;
    assert!(slack.about("ancient-history").is_empty());
    drop(daemon);
}

/// Lets a run fail as soon as the daemon says that it listens: that must not look like history, whatever the engine's clock says.
async fn fails_at_once(clock: Clock, empty: bool) {
    let (slack, engine) = (Slack::start().await, EngineApi::start_at(100, clock).await);
    if !empty {
        engine.set_ago("old-1", "ancient-history", "error", 7_200);
        engine.set_ago("old-2", "ancient-history", "ok", 600);
    }
    let _daemon = Daemon::start(&setup(&slack, &engine)).await;
    engine.set("new-1", "fresh-at-once", "error");
    slack.wait_about("fresh-at-once", SOON).await;
    engine.set("new-2", "fresh-and-later", "error");
    slack.wait_about("fresh-and-later", SOON).await;
    assert_eq!(slack.messages().len(), 2, "{clock:?}, empty: {empty}");
}

#[tokio::test]
async fn what_fails_after_the_start_is_never_taken_for_history_whatever_the_clock() {
    let mut tests = JoinSet::new();
    for (number, ahead) in [0, -60, 60].into_iter().enumerate() {
        for (other, date) in [Date::OfTheRuns, Date::True, Date::Absent].into_iter().enumerate() {
            let clock = Clock { ahead, date, whole_seconds: (number + other) % 2 == 0 };
            tests.spawn(fails_at_once(clock, other % 2 == number % 2));
        }
    }
    while let Some(test) = tests.join_next().await {
        test.expect("told of both failures and of nothing else");
    }
}

#[tokio::test]
async fn a_run_that_left_the_list_is_asked_for_until_it_ends() {
    let (slack, engine, daemon) = start(100).await;
    engine.set("e1", "long-runner", "busy");
    daemon.wait_metric("firstred_runs_total", "source=\"prod\"", 1.0).await;
    engine.hide("e1");
    engine.wait_polls(2, SOON).await;
    engine.set("e1", "long-runner", "error");
    let post = slack.wait_about("long-runner", SOON).await;
    assert!(post.says("Write row"), "{:#}", post.body);
    let asked = engine.details().len();
    engine.wait_polls(2, SOON).await;
    assert_eq!((engine.details().len(), slack.messages().len()), (asked, 1), "it has ended: nobody asks any more");
}

#[tokio::test]
async fn a_run_that_the_engine_forgets_is_counted_and_why_says_so() {
    let (slack, engine, mut daemon) = start(100).await;
    engine.set("e1", "vanishing", "busy");
    daemon.wait_metric("firstred_runs_total", "source=\"prod\"", 1.0).await;
    engine.forget("e1");
    daemon.wait_metric("firstred_forgotten_runs_total", "source=\"prod\"", 1.0).await;
    let said = run(daemon.folder(), &["why", "e1"], None);
    assert!(said.out.contains("forgotten by the engine while it was running"), "{said:#?}");
    engine.set("e2", "sentinel", "error");
    slack.wait_about("sentinel", SOON).await;
    assert_eq!(slack.messages().len(), 1);
    daemon.assert_alive();
}

#[tokio::test]
async fn every_page_of_the_list_is_read() {
    let (slack, engine, _daemon) = start(3).await;
    for number in 0..10 {
        engine.set(&format!("e{number}"), &format!("page-job-{number}-end"), "error");
    }
    for number in 0..10 {
        slack.wait_about(&format!("page-job-{number}-end"), SOON).await;
    }
    engine.wait_polls(2, SOON).await;
    assert_eq!(slack.messages().len(), 10);
    assert!(engine.lists().iter().any(|query| query.contains("cursor=c3")), "{:?}", engine.lists());
}

#[tokio::test]
async fn a_page_that_can_not_be_read_is_read_again_and_nothing_behind_it_is_lost() {
    let (slack, engine, _daemon) = start(2).await;
    engine.break_page(1, Some(Fault::Status(500)));
    for number in 0..5 {
        engine.set(&format!("e{number}"), &format!("broken-page-{number}-end"), "error");
    }
    engine.wait_polls(3, SOON).await;
    engine.break_page(1, None);
    for number in 0..5 {
        slack.wait_about(&format!("broken-page-{number}-end"), SOON).await;
    }
    engine.wait_polls(2, SOON).await;
    assert_eq!(slack.messages().len(), 5);
}

/// A failure that ends while the engine talks nonsense is told when it talks sense again.
async fn nonsense(fault: Fault) {
    let (slack, engine, mut daemon) = start(100).await;
    engine.set("e1", "before-the-storm", "error");
    slack.wait_about("before-the-storm", SOON).await;
    engine.script([fault]);
    engine.set("e2", "during-the-storm", "error");
    slack.wait_about("during-the-storm", SOON).await;
    engine.wait_polls(2, SOON).await;
    assert_eq!(slack.messages().len(), 2);
    daemon.assert_alive();
}

#[tokio::test]
async fn an_engine_that_talks_nonsense_loses_and_repeats_nothing() {
    use Fault::{Drop, Empty, Hang, Html200, Status, Truncated, WrongShape};
    // Each for itself: after eight in a row the source would wait for a minute.
    let mut tests = JoinSet::new();
    for fault in [Status(500), Status(429), Html200, Truncated, WrongShape, Drop, Empty, Hang] {
        tests.spawn(nonsense(fault));
    }
    while let Some(test) = tests.join_next().await {
        test.expect("told of both failures, once each");
    }
}

#[tokio::test]
async fn a_run_that_was_open_is_asked_for_until_it_ends() {
    let (slack, engine, mut daemon) = start(100).await;
    engine.set("e1", "long-runner", "busy");
    engine.wait_polls(2, SOON).await;
    daemon.kill9();
    engine.set("e1", "long-runner", "error");
    daemon.restart().await;
    slack.wait_about("long-runner", SOON).await;
    engine.wait_polls(2, SOON).await;
    assert_eq!(slack.messages().len(), 1);
}

#[tokio::test]
async fn what_failed_while_the_daemon_was_down_is_told_once() {
    let (slack, engine, mut daemon) = start(100).await;
    engine.wait_polls(1, SOON).await;
    daemon.kill9();
    engine.set("e1", "in-the-gap", "error");
    daemon.restart().await;
    slack.wait_about("in-the-gap", SOON).await;
    daemon.crash().await;
    engine.wait_polls(3, SOON).await;
    assert!(slack.about("in-the-gap").len() <= 2, "at most one repeat for a delivery that was on the wire");
}

#[tokio::test]
async fn what_ends_well_or_is_stopped_is_not_told() {
    let (slack, engine, _daemon) = start(100).await;
    engine.set("e1", "fine-job", "ok");
    engine.set("e2", "stopped-job", "stopped");
    engine.wait_polls(2, SOON).await;
    engine.set("e3", "sentinel", "error");
    slack.wait_about("sentinel", SOON).await;
    assert_eq!(slack.messages().len(), 1);
}

#[tokio::test]
async fn a_source_that_can_not_be_read_makes_the_daemon_unready() {
    let (_slack, engine, daemon) = start(100).await;
    engine.script(std::iter::repeat_n(Fault::Status(401), 1_000));
    engine.wait_polls(2, SOON).await;
    daemon.wait_log("401").await;
    let failed = daemon.metric("firstred_polls_total", "outcome=\"failed\"").await;
    assert!(failed.is_some_and(|polls| polls >= 1.0), "{failed:?}");
    assert!(daemon.get("/healthz").await.accepted(), "the process itself lives");
}
