//! The way of a run through the ledger.

use super::*;

#[tokio::test]
async fn a_failure_becomes_one_delivery_however_often_it_is_seen() {
    let bed = Bed::new();
    for _ in 0..3 {
        bed.see(vec![failed("r1")]).await;
    }
    let due = bed.due("oncall", 0).await;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].attempts, 0);
    assert_eq!(due[0].created_at, second(0));
    assert!(bed.due("data", 0).await.is_empty());
}

#[tokio::test]
async fn the_same_run_twice_in_one_batch_is_told_once() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), failed("r1"), failed("r2")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 2);
}

#[tokio::test]
async fn a_failure_that_is_reported_before_its_start_stays_a_failure() {
    let bed = Bed::new();
    let mut late = seen("r1", RunStatus::Running, Standing::Open);
    late.updated_at = Some(second(-20));
    let mut failure = failed("r1");
    failure.updated_at = Some(second(-10));
    bed.see(vec![failure, late]).await;
    let stories = bed.ledger.stories("r1").await.expect("stories");
    assert_eq!(stories[0].known.status, RunStatus::Failed);
    assert_eq!(bed.due("oncall", 0).await.len(), 1);
}

#[tokio::test]
async fn history_is_known_and_not_told() {
    let bed = Bed::new();
    let mut old = batch(vec![failed("r1")]);
    old.observations[0].1 = true;
    bed.ledger.observe(old).await.expect("committed");
    bed.see(vec![failed("r1")]).await;
    assert!(bed.due("oncall", 0).await.is_empty());
    let stories = bed.ledger.stories("r1").await.expect("stories");
    assert!(stories[0].card().is_some(), "what was not told keeps its card");
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_crash() {
    let bed = Bed::new();
    let mut first = batch(vec![failed("r1"), seen("r2", RunStatus::Running, Standing::Open)]);
    first.checkpoint = Some("page 7".to_owned());
    bed.ledger.observe(first).await.expect("committed");
    let due = bed.due("oncall", 0).await;
    bed.record(&due[0], 1, yes()).await;
    let bed = bed.crash();
    assert!(bed.due("oncall", 10).await.is_empty(), "sent is sent");
    assert_eq!(bed.ledger.checkpoint("events").await.expect("an answer").as_deref(), Some("page 7"));
    let open = bed.ledger.open_runs("events", 10).await.expect("an answer");
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0].key, open[0].status), (&key("r2"), RunStatus::Running));
    bed.see(vec![failed("r1")]).await;
    assert!(bed.due("oncall", 10).await.is_empty(), "seen again after the crash, told once");
}

#[tokio::test]
async fn a_checkpoint_moves_only_with_its_batch() {
    let bed = Bed::new();
    bed.sql("CREATE TRIGGER p BEFORE INSERT ON runs WHEN new.run = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END")
        .await;
    let mut bad = batch(vec![failed("r1"), failed("poison")]);
    bad.checkpoint = Some("beyond".to_owned());
    assert!(matches!(bed.ledger.observe(bad).await, Err(LedgerError::Failed(_))));
    assert_eq!(bed.ledger.checkpoint("events").await.expect("an answer"), None);
    assert!(bed.due("oncall", 0).await.is_empty());
    bed.see(vec![failed("r1")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 1);
}

#[tokio::test]
async fn a_child_is_silent_while_its_parent_is_open_in_the_same_workspace() {
    let bed = Bed::new();
    let child = |run: &str| Observation { parent: Some("parent".to_owned()), ..failed(run) };
    let mut elsewhere = seen("parent", RunStatus::Running, Standing::Open);
    elsewhere.key.workspace = "other".to_owned();
    bed.see(vec![elsewhere, child("c1")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 1, "a run of that id in another workspace is not the parent");
    let parent = seen("parent", RunStatus::Running, Standing::Open);
    bed.see(vec![parent, child("c2")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 1);
    bed.see(vec![failed("parent")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 2);
}

#[tokio::test]
async fn a_hold_that_ends_is_told_and_one_that_recovers_never_is() {
    let bed = Bed::new();
    bed.see(vec![retrying("r1"), retrying("r2")]).await;
    assert!(bed.due("oncall", 0).await.is_empty());
    let next = bed.ledger.end_holds(second(0)).await.expect("an answer");
    assert_eq!(next, Some(second(0).saturating_add(minutes(15)).expect("a time")));
    bed.see(vec![seen("r2", RunStatus::Completed, Standing::Completed)]).await;
    let bed = bed.restart();
    let next = bed.ledger.end_holds(second(15 * 60)).await.expect("an answer");
    assert_eq!(next, Some(second((15 + 4 * 60) * 60)), "no hold any more: the reminder");
    let due = bed.due("oncall", 15 * 60).await;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].notification.kind, crate::engine::Kind::StillRetrying);
    assert_eq!(bed.ledger.end_holds(second(16 * 60)).await, Ok(next));
    assert_eq!(bed.due("oncall", 16 * 60).await.len(), 1);
}

#[tokio::test]
async fn a_hold_that_goes_on_as_it_was_wakes_nobody() {
    let bed = Bed::new();
    bed.see(vec![retrying("r1")]).await;
    let bell = bed.ledger.hold_wakeup();
    bell.notified().await;
    let mut again = retrying("r1");
    if let Some(retrying) = again.card.as_mut().and_then(|card| card.retrying.as_mut()) {
        retrying.attempt = Some(2);
    }
    bed.see(vec![again]).await;
    let rung = tokio::time::timeout(Duration::from_millis(50), bell.notified()).await;
    assert!(rung.is_err(), "its deadline did not change");
}

#[tokio::test]
async fn a_hold_that_can_not_be_read_does_not_keep_the_others_from_ending() {
    let bed = Bed::new();
    bed.see(vec![retrying("r1"), retrying("r2")]).await;
    bed.sql("UPDATE runs SET known = '{' WHERE run = 'r1'").await;
    let next = bed.ledger.end_holds(second(900)).await.expect("an answer");
    assert_eq!(next, Some(second(960)));
    assert_eq!(bed.due("oncall", 900).await.len(), 1);
}

#[tokio::test]
async fn a_forgotten_run_is_no_longer_asked_for() {
    let bed = Bed::new();
    bed.see(vec![seen("r1", RunStatus::Running, Standing::Open)]).await;
    let mut gone = batch(Vec::new());
    gone.forgotten = vec![key("r1"), key("never seen")];
    bed.ledger.observe(gone).await.expect("committed");
    assert!(bed.ledger.open_runs("events", 10).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn a_run_stays_with_the_source_that_can_ask_about_it_whoever_saw_it_first_or_last() {
    let bed = Bed::new();
    let seen_by = |source: &str, polled: bool, status| {
        let mut observation = seen("r1", status, Standing::Open);
        source.clone_into(&mut observation.source);
        Observed { source: source.to_owned(), polled, ..batch(vec![observation]) }
    };
    let open = async |source: &str| bed.ledger.open_runs(source, 10).await.expect("an answer").len();
    bed.ledger.observe(seen_by("events", false, RunStatus::Running)).await.expect("committed");
    // Nothing new is seen, and yet from now on it is the one to ask.
    bed.ledger.observe(seen_by("prod", true, RunStatus::Running)).await.expect("committed");
    assert_eq!((open("events").await, open("prod").await), (0, 1));
    bed.ledger.observe(seen_by("events", false, RunStatus::Waiting)).await.expect("committed");
    assert_eq!((open("events").await, open("prod").await), (0, 1));
    let story = bed.ledger.stories("r1").await.expect("an answer").remove(0);
    assert_eq!(story.known.source, "events", "who saw it last is told as before");
}

#[tokio::test]
async fn of_more_open_runs_than_one_poll_asks_for_each_has_its_turn() {
    let bed = Bed::new();
    let runs = ["a", "b", "c", "d", "e"];
    bed.see(runs.iter().map(|run| seen(run, RunStatus::Paused, Standing::Open)).collect()).await;
    let mut asked = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let open = bed.ledger.open_runs("events", 2).await.expect("an answer");
        assert!((1..=2).contains(&open.len()));
        asked.extend(open.into_iter().map(|open| open.key.run));
    }
    assert!(asked.iter().eq(&runs), "{asked:?}");
}

#[tokio::test]
async fn pruning_keeps_what_is_open_held_or_not_delivered() {
    let bed = Bed::new();
    let open = seen("open", RunStatus::Running, Standing::Open);
    bed.see(vec![failed("delivered"), failed("waiting"), open, retrying("held")]).await;
    let ended = |index: i32| {
        // Of another workflow: it proves nothing about the others.
        as_workflow(seen(&format!("ok-{index}"), RunStatus::Completed, Standing::Completed), "other", None)
    };
    bed.see((0..1200).map(ended).collect()).await;
    let due = bed.due("oncall", 0).await;
    bed.record(&due[0], 1, yes()).await;
    assert_eq!(bed.ledger.prune(second(-1)).await, Ok(0), "nothing is that old");
    assert_eq!(bed.ledger.prune(second(10)).await, Ok(1201));
    let mut left = Vec::new();
    for run in ["delivered", "waiting", "open", "held", "ok-7"] {
        left.extend(bed.ledger.stories(run).await.expect("stories").into_iter().map(|story| story.key.run));
    }
    assert_eq!(left, ["waiting", "open", "held"]);
    assert_eq!(bed.due("oncall", 0).await.len(), 1);
}

#[tokio::test]
async fn a_run_that_the_engine_still_lists_is_not_pruned_and_told_again() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    bed.record(&bed.due("oncall", 0).await[0], 1, yes()).await;
    let day = 86_400;
    let mut again = batch(vec![failed("r1")]);
    again.at = second(day);
    bed.ledger.observe(again).await.expect("committed");
    assert_eq!(bed.ledger.prune(second(day / 2)).await, Ok(0));
    bed.see(vec![failed("r1")]).await;
    assert!(bed.due("oncall", day).await.is_empty());
}

#[tokio::test]
async fn a_story_tells_what_was_decided_said_and_tried() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let due = bed.due("oncall", 0).await;
    bed.record(&due[0], 1, no()).await;
    let reader = Reader::open(&bed.path()).expect("readable beside the writer");
    let story = reader.stories("r1").expect("stories").remove(0);
    assert_eq!(story.key, key("r1"));
    assert_eq!(story.known.lines.len(), 1);
    assert_eq!(story.notifications.len(), 1);
    assert_eq!(story.card().map(|card| card.run.id.as_str()), Some("r1"));
    let delivery = &story.deliveries[0];
    assert_eq!((delivery.state, delivery.tries, delivery.attempts.len()), (DeliveryState::Waiting, 1, 1));
    assert!(delivery.next_at > Some(second(1)));
    assert_eq!(delivery.attempts[0].outcome, no());
    assert_eq!(reader.receivers_waiting(), Ok(vec![("oncall".to_owned(), 1, Some(second(0)))]));
    let text = serde_json::to_value(&story).expect("JSON");
    assert_eq!(text["deliveries"][0]["attempts"][0]["outcome"], "refused");
}

#[tokio::test]
async fn a_backup_is_a_ledger() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let copy = bed.folder.path().join("copy.db");
    bed.ledger.backup(&copy).await.expect("a copy");
    assert_eq!(Reader::open(&copy).expect("it opens").stories("r1").expect("stories").len(), 1);
    assert!(bed.ledger.backup(&copy).await.is_err(), "nothing is overwritten");
}

#[tokio::test]
async fn a_source_that_knows_only_the_workflows_name_speaks_of_the_same_run() {
    for orders in [[("wf1", Some("sync")), ("sync", None)], [("sync", None), ("wf1", Some("sync"))]] {
        let bed = Bed::new();
        for (key, name) in orders {
            bed.see(vec![as_workflow(failed("r1"), key, name)]).await;
        }
        assert_eq!(bed.due("oncall", 0).await.len(), 1, "{orders:?}");
    }
    let bed = Bed::new();
    bed.see(vec![as_workflow(failed("r1"), "wf1", Some("sync")), as_workflow(failed("r1"), "wf2", Some("sync"))]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 2, "two workflows of one name are two");
}
