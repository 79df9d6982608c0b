//! Deliveries, fallbacks and firstred's own troubles.

use super::*;
use crate::engine::Kind;
use crate::engine::testing::audience;

#[tokio::test]
async fn due_is_oldest_first_without_what_is_in_flight_and_says_when_to_ask_again() {
    let bed = Bed::new();
    for run in ["r1", "r2", "r3"] {
        bed.see(vec![failed(run)]).await;
    }
    let due = bed.due("oncall", 0).await;
    let ids: Vec<i64> = due.iter().map(|delivery| delivery.id).collect();
    assert!(ids.is_sorted());
    let (two, next) = bed.ledger.due("oncall", second(0), 2, &[]).await.expect("an answer");
    assert_eq!((two.len(), next), (2, Some(second(0))), "there is more, now");
    let (rest, next) = bed.ledger.due("oncall", second(0), 2, &ids[..2]).await.expect("an answer");
    assert_eq!((rest.len(), rest[0].id, next), (1, ids[2], None));
    bed.record(&due[0], 1, no()).await;
    let (_, next) = bed.ledger.due("oncall", second(1), 9, &ids[1..]).await.expect("an answer");
    let wait = next.expect("a retry").duration_since(second(1)).as_millis();
    assert!((500..=1000).contains(&wait), "{wait}");
    assert_eq!(bed.due("oncall", 3).await.last().map(|delivery| (delivery.id, delivery.attempts)), Some((ids[0], 1)));
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_hold_up_a_retry() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    bed.record(&bed.due("oncall", 0).await[0], 3600, no()).await;
    assert_eq!(bed.due("oncall", 5).await.len(), 1);
}

#[tokio::test]
async fn the_same_attempt_on_record_twice_counts_once() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let due = bed.due("oncall", 0).await;
    bed.record(&due[0], 1, no()).await;
    bed.record(&due[0], 1, no()).await;
    let story = bed.ledger.stories("r1").await.expect("stories").remove(0);
    assert_eq!((story.deliveries[0].tries, story.deliveries[0].attempts.len()), (1, 1));
    bed.record(&Delivery { attempts: 1, ..due[0].clone() }, 2, yes()).await;
    bed.record(&Delivery { attempts: 2, ..due[0].clone() }, 3, never()).await;
    let story = bed.ledger.stories("r1").await.expect("stories").remove(0);
    assert_eq!((story.deliveries[0].state, story.deliveries[0].tries), (DeliveryState::Done, 2));
}

#[tokio::test]
async fn the_log_of_a_delivery_keeps_the_newest_attempts() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let delivery = bed.due("oncall", 0).await.remove(0);
    for attempts in 0..30 {
        bed.record(&Delivery { attempts, ..delivery.clone() }, i64::from(attempts), no()).await;
    }
    let story = bed.ledger.stories("r1").await.expect("stories").remove(0);
    let numbers: Vec<u32> = story.deliveries[0].attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (11..=30).collect::<Vec<_>>());
}

pub(super) fn with_fallback(workspaces: Option<&str>) -> Policy {
    let mut policy = simple();
    if let Some(oncall) = policy.receivers.get_mut("oncall") {
        oncall.fallback = Some("data".to_owned());
    }
    if let Some(data) = policy.receivers.get_mut("data") {
        data.fallback = Some("oncall".to_owned());
        data.workspaces = workspaces.map(|name| [name.to_owned()].into());
    }
    policy
}

#[tokio::test]
async fn what_is_given_up_goes_to_the_fallback_once_and_a_trouble_with_it() {
    let bed = Bed::with(with_fallback(None));
    bed.see(vec![failed("r1"), failed("r2")]).await;
    for delivery in bed.due("oncall", 0).await {
        bed.record(&delivery, 1, never()).await;
    }
    let mut kinds: Vec<Kind> = bed.due("data", 1).await.iter().map(|delivery| delivery.notification.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [Kind::Failed, Kind::Failed, Kind::Trouble]);
    assert!(bed.due("oncall", 1).await.is_empty(), "never told to the one that is broken");

    // The fallback gives up too: its trouble goes to its own fallback, and nothing goes round in circles.
    for _ in 0..5 {
        for receiver in ["oncall", "data"] {
            for delivery in bed.due(receiver, 2).await {
                bed.record(&delivery, 2, never()).await;
            }
        }
    }
    assert!(bed.due("oncall", 2).await.is_empty());
    assert!(bed.due("data", 2).await.is_empty());
    assert_eq!(bed.ledger.receivers_waiting().await, Ok(Vec::new()));
}

#[tokio::test]
async fn what_was_on_its_way_to_a_receiver_that_left_the_configuration_waits_until_it_is_handed_on() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), failed("r2")]).await;
    let due = bed.due("oncall", 0).await;
    bed.policy.send_replace(Arc::new(without_oncall()));
    bed.record(&due[0], 1, no()).await;
    bed.record(&due[1], 1, yes()).await;
    assert_eq!(bed.ledger.release("oncall", second(2)).await, Ok(1));
    let states = async |run: &str| {
        let story = bed.ledger.stories(run).await.expect("stories").remove(0);
        story.deliveries.iter().map(|told| (told.receiver.clone(), told.state)).collect::<Vec<_>>()
    };
    let (oncall, data) = ("oncall".to_owned(), "data".to_owned());
    assert_eq!(states("r1").await, [(oncall.clone(), DeliveryState::GivenUp), (data, DeliveryState::Waiting)]);
    assert_eq!(states("r2").await, [(oncall, DeliveryState::Done)]);
}

#[tokio::test]
async fn a_test_message_goes_where_it_is_sent_and_is_due_at_once() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let mut test = bed.due("oncall", 0).await.remove(0).notification;
    test.id = crate::engine::NotificationId::of_parts(&["test", "1"]);
    test.kind = Kind::Test;
    let bell = bed.ledger.wakeup("data");
    bed.ledger.say(test.clone(), vec!["data".to_owned()]).await.expect("committed");
    bell.notified().await;
    bed.ledger.say(test, vec!["data".to_owned()]).await.expect("committed");
    assert_eq!(bed.due("data", 0).await.len(), 1);
    assert!(audience().fallback.is_none());
}

#[tokio::test]
async fn the_questions_of_the_dispatcher_are_range_scans() {
    let bed = Bed::new();
    let db = Connection::open(bed.path()).expect("a connection");
    let plan = |sql: &str| {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a plan");
        let rows = plan.query_map([], |row| row.get::<_, String>(3)).expect("rows");
        rows.map(|row| row.expect("a row")).collect::<Vec<_>>().join("; ")
    };
    let due = plan("SELECT id, next_at FROM deliveries WHERE receiver = 'a' AND state = 0 ORDER BY next_at, id");
    assert_eq!(due, "SEARCH deliveries USING COVERING INDEX deliveries_due (receiver=?)");
    let parent = plan("SELECT 1 FROM runs WHERE run = 'a' AND workspace = 'b' AND +open = 1");
    assert!(parent.contains("sqlite_autoindex_runs_1 (run=? AND workspace=?)"), "{parent}");
    let held = plan("SELECT id FROM runs WHERE hold_until IS NOT NULL AND hold_until <= 5 ORDER BY hold_until LIMIT 5");
    assert!(held.contains("runs_held") && !held.contains("TEMP"), "{held}");
}

#[tokio::test]
async fn what_is_said_of_a_problem_arrives_in_order_and_the_receiver_gets_back_where_its_message_stands() {
    let bed = Bed::with(testing::policy(vec![testing::rule("all", Matcher::default())]));
    bed.see(vec![failed("r1")]).await;
    bed.ledger.observe(super::board::at(vec![super::board::completed("r2")], 60)).await.expect("committed");
    let due = bed.due("oncall", 60).await;
    assert_eq!((due.len(), due[0].notification.kind, &due[0].post), (1, Kind::Failed, &None));
    bed.record(&due[0], 61, no()).await;
    assert!(bed.due("oncall", 61).await.is_empty(), "the end waits until the beginning is told");
    let again = bed.due("oncall", 120).await;
    let posted = Outcome::Delivered { receipt: "ok".to_owned(), plain: false, post: Some("C1 17.5".to_owned()) };
    bed.record(&again[0], 121, posted).await;
    let end = bed.due("oncall", 122).await;
    assert_eq!((end[0].notification.kind, end[0].post.as_deref()), (Kind::Resolved, Some("C1 17.5")));
    let bed = bed.crash();
    assert_eq!(bed.due("oncall", 122).await[0].post.as_deref(), Some("C1 17.5"), "also after a crash");
}
