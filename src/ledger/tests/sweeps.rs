//! What waited for too long for a receiver that can't be reached.

use super::outbox::with_fallback;
use super::*;
use crate::engine::Kind;
use crate::metrics::AttemptLabel;

const DAY: i64 = 86_400;

#[tokio::test]
async fn what_waited_for_too_long_behind_a_dead_receiver_goes_to_the_fallback_at_once() {
    let bed = Bed::with(with_fallback(None));
    bed.see((0..600).map(|run| failed(&format!("r{run}"))).collect()).await;
    let first = bed.due("oncall", 0).await.remove(0);
    bed.record(&first, 1, no()).await;
    assert_eq!(bed.ledger.sweep(second(DAY - 1)).await, Ok(false));
    assert_eq!(bed.ledger.receivers_waiting().await.expect("an answer")[0].1, 600, "its time is not over");
    assert_eq!(bed.ledger.sweep(second(DAY)).await, Ok(true), "a bounded number at a time");
    assert_eq!(bed.ledger.sweep(second(DAY)).await, Ok(false));

    let waiting = bed.ledger.receivers_waiting().await.expect("an answer");
    assert_eq!(waiting.iter().map(|(name, count, _)| (name.as_str(), *count)).collect::<Vec<_>>(), [("data", 601)]);
    let told = bed.ledger.due("data", second(DAY), 1_000, &[]).await.expect("an answer").0;
    assert_eq!(told.iter().filter(|delivery| delivery.notification.kind == Kind::Trouble).count(), 1);
    let story = bed.ledger.stories("r7").await.expect("stories").remove(0);
    assert_eq!((story.deliveries[0].state, story.deliveries[0].tries), (DeliveryState::GivenUp, 0));
    let Outcome::Refused { reason, .. } = &story.deliveries[0].attempts[0].outcome else { panic!("no reason") };
    assert_eq!(reason, "given up: it waited for more than 24 h, and the receiver can't be reached");
    let label = AttemptLabel { receiver: "oncall".to_owned(), outcome: "given_up" };
    assert_eq!(bed.metrics.attempts.get_or_create(&label).get(), 600);
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_answers_is_left_to_its_lane() {
    let bed = Bed::with(with_fallback(None));
    bed.see(vec![failed("r1"), failed("r2")]).await;
    let due = bed.due("oncall", 0).await;
    bed.record(&due[0], 1, no()).await;
    bed.record(&due[1], 2 * DAY, yes()).await;
    assert_eq!(bed.ledger.sweep(second(2 * DAY + 60)).await, Ok(false));
    assert_eq!(bed.due("oncall", 2 * DAY + 60).await.len(), 1);
}

#[tokio::test]
async fn what_arrives_although_it_was_given_up_meanwhile_is_on_record_as_arrived() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), failed("r2")]).await;
    let due = bed.due("oncall", 0).await;
    bed.record(&due[0], 1, no()).await;
    bed.ledger.sweep(second(DAY)).await.expect("committed");
    bed.record(&due[1], DAY + 1, yes()).await;
    let state =
        |run: &'static str| async { bed.ledger.stories(run).await.expect("stories").remove(0).deliveries[0].state };
    assert_eq!((state("r1").await, state("r2").await), (DeliveryState::GivenUp, DeliveryState::Done));
}
