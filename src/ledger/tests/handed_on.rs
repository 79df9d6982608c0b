//! What waits for a receiver that left the configuration, and what can't be read any more: neither waits for ever.

use super::*;
use crate::engine::{Kind, Subject};

fn trouble_of(delivery: &Delivery) -> crate::engine::OwnTrouble {
    match &delivery.notification.subject {
        Subject::Own(trouble) => trouble.clone(),
        Subject::Run(_) | Subject::Summary(_) | Subject::Daily(_) => panic!("not a trouble"),
    }
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_is_gone_goes_to_whom_the_rules_name_now() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), failed("r2")]).await;
    assert_eq!(bed.ledger.release("oncall", second(1)).await, Ok(0), "it is configured");
    bed.record(&bed.due("oncall", 0).await[0], 1, never()).await;
    bed.policy.send_replace(Arc::new(without_oncall()));
    let before = bed.due("data", 1).await.len();
    assert_eq!(bed.ledger.release("oncall", second(2)).await, Ok(1));
    assert_eq!(bed.ledger.release("oncall", second(2)).await, Ok(0));
    let due = bed.due("data", 2).await;
    assert_eq!(due.len(), before + 2, "the notification, and that it was handed on");
    assert_eq!(due[before].notification.kind, Kind::Failed);
    let trouble = trouble_of(&due[before + 1]);
    assert_eq!(trouble.summary, "`oncall` is no longer configured, and 1 notifications still waited for it.");
    assert_eq!(trouble.detail.as_deref(), Some("Handed to data."));
    assert_eq!(bed.ledger.troubles().await, Ok(Vec::new()), "what was open about it is over");
    assert!(bed.ledger.receivers_waiting().await.expect("an answer").iter().all(|(name, _, _)| name == "data"));
    let story = bed.ledger.stories("r2").await.expect("stories").remove(0);
    let note = story.deliveries[0].attempts.last().expect("a note");
    assert!(format!("{:?}", note.outcome).contains("no longer configured; handed to data"), "{note:?}");
}

#[tokio::test]
async fn what_nobody_may_see_is_given_up_and_counted() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let mut policy = without_oncall();
    if let Some(data) = policy.receivers.get_mut("data") {
        data.workspaces = Some(["other".to_owned()].into());
    }
    bed.policy.send_replace(Arc::new(policy));
    assert_eq!(bed.ledger.release("oncall", second(1)).await, Ok(1));
    let due = bed.due("data", 1).await;
    assert_eq!(due.len(), 1, "only that it happened");
    let detail = trouble_of(&due[0]).detail;
    assert_eq!(detail.as_deref(), Some("No rule names another receiver for them: nobody is told."));
}

#[tokio::test]
async fn a_notification_that_can_not_be_read_is_put_aside_and_its_run_is_named() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), failed("r2")]).await;
    bed.sql("UPDATE notifications SET body = 'nonsense' WHERE id = 1").await;
    assert_eq!(bed.due("oncall", 0).await.len(), 1, "the other is not held up");
    let due = bed.due("oncall", 5_000_000_000).await;
    assert_eq!(due.len(), 2, "the other, and what happened");
    let trouble = trouble_of(&due[1]);
    assert!(trouble.summary.contains("about run r1"), "{trouble:?}");
    let stories = bed.ledger.stories("r1").await.expect("the rest of the story");
    assert_eq!(stories[0].key.run, "r1");
    let waiting = bed.ledger.receivers_waiting().await.expect("an answer");
    assert_eq!(waiting.iter().map(|(_, count, _)| count).sum::<u64>(), 2, "it does not wait for ever");
}

#[tokio::test]
async fn who_was_told_in_another_ones_place_is_told_the_end_too() {
    let bed = Bed::with(super::outbox::with_fallback(None));
    let kinds = |told: &[Delivery]| -> Vec<Kind> {
        let about = told.iter().filter(|delivery| delivery.notification.incident.is_some());
        about.map(|delivery| delivery.notification.kind).collect()
    };
    bed.see(vec![failed("r1")]).await;
    bed.record(&bed.due("oncall", 0).await[0], 1, never()).await;
    assert_eq!(kinds(&bed.hear("data", 1).await), [Kind::Failed], "in oncall's place");
    bed.ledger.observe(super::board::at(vec![super::board::completed("r2")], 60)).await.expect("committed");
    assert_eq!(kinds(&bed.hear("oncall", 61).await), [Kind::Resolved]);
    assert_eq!(kinds(&bed.hear("data", 61).await), [Kind::Resolved], "what it shows must not stay up for ever");
}

#[tokio::test]
async fn who_is_given_an_old_word_after_the_end_is_given_the_end_with_it() {
    let bed = Bed::with(super::outbox::with_fallback(None));
    bed.see(vec![failed("r1")]).await;
    let opening = bed.due("oncall", 0).await.remove(0);
    bed.ledger.observe(super::board::at(vec![super::board::completed("r2")], 60)).await.expect("committed");
    bed.record(&opening, 61, never()).await;
    let told = bed.hear("data", 62).await;
    let about = told.iter().filter(|delivery| delivery.notification.incident.is_some());
    let kinds: Vec<Kind> = about.map(|delivery| delivery.notification.kind).collect();
    assert_eq!(kinds, [Kind::Failed, Kind::Resolved], "in this order");
}
