//! firstred's own troubles: who is told, how often, and what ends them.

use super::outbox::with_fallback;
use super::*;
use crate::engine::{Failing, Kind, NotificationId, OwnTrouble, Subject};

const HOUR: i64 = 3600;

fn trouble(what: &str) -> OwnTrouble {
    OwnTrouble {
        what: what.to_owned(),
        summary: "It does not answer.".to_owned(),
        detail: Some("what it said".to_owned()),
        advice: "Look.".to_owned(),
        since: second(0),
    }
}

impl Bed {
    /// The troubles that `receiver` is to be told, oldest first.
    async fn told(&self, receiver: &str, at: i64) -> Vec<(NotificationId, OwnTrouble)> {
        let due = self.due(receiver, at).await.into_iter().filter_map(|delivery| match delivery.notification.subject {
            Subject::Own(trouble) => Some((delivery.notification.id, trouble)),
            Subject::Run(_) | Subject::Summary(_) | Subject::Daily(_) => None,
        });
        due.collect()
    }

    async fn open(&self) -> Vec<(String, String, u64)> {
        let open = self.ledger.troubles().await.expect("an answer");
        open.into_iter().map(|trouble| (trouble.what, trouble.address, trouble.count)).collect()
    }

    /// A failure at `at`, and what came of telling it.
    async fn attempt_at(&self, run: &str, at: i64, outcome: Outcome) {
        let mut batch = batch(vec![failed(run)]);
        batch.at = second(at);
        self.ledger.observe(batch).await.expect("committed");
        let due = self.due("oncall", at).await;
        let delivery = due.iter().find(|delivery| delivery.created_at == second(at)).expect("a delivery");
        self.record(delivery, at, outcome).await;
    }
}

#[tokio::test]
async fn a_fallback_that_is_bound_to_another_workspace_hears_of_nothing() {
    let bed = Bed::with(with_fallback(Some("other")));
    bed.see(vec![failed("r1")]).await;
    bed.record(&bed.due("oncall", 0).await[0], 1, never()).await;
    assert!(bed.due("data", 1).await.is_empty());
    assert_eq!(bed.open().await, [("receiver oncall".to_owned(), String::new(), 1)], "it still shows");
}

#[tokio::test]
async fn a_bound_receiver_is_not_told_what_stands_in_the_configuration_not_even_as_a_fallback() {
    let mut policy = with_fallback(None);
    policy.default_notify = vec!["data".to_owned()];
    if let Some(oncall) = policy.receivers.get_mut("oncall") {
        oncall.workspaces = Some(["acme".to_owned()].into());
    }
    let bed = Bed::with(policy);
    assert_eq!(bed.ledger.raise(trouble("configuration")).await, Ok(true));
    let far = 100 * 365 * 86_400;
    let due = bed.due("data", far).await;
    assert!(bed.told("data", far).await[0].1.detail.is_some());
    bed.record(&due[0], 1, never()).await;
    let told = bed.told("oncall", far).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].1.what.as_str(), told[0].1.detail.as_deref()), ("configuration", None));
}

#[tokio::test]
async fn a_receiver_that_refuses_every_second_message_is_told_of_once_and_counted() {
    let bed = Bed::new();
    for index in 0..8 {
        let outcome = if index % 2 == 0 { never() } else { yes() };
        bed.attempt_at(&format!("r{index}"), index * 30, outcome).await;
    }
    assert_eq!(bed.told("data", 300).await.len(), 1);
    assert_eq!(bed.open().await, [("receiver oncall".to_owned(), String::new(), 4)]);
    // A success long after the last refusal says that nothing is refused any more.
    bed.attempt_at("later", 2 * HOUR, yes()).await;
    assert!(bed.open().await.is_empty());
}

#[tokio::test]
async fn a_trouble_that_comes_back_within_the_hour_is_told_at_its_end_if_it_still_is() {
    let bed = Bed::new();
    let asked = || Outcome::Refused { permanent: false, reason: "503".to_owned(), retry_after: Some(300) };
    bed.attempt_at("r1", 0, asked()).await;
    bed.attempt_at("r2", 10, yes()).await;
    assert!(bed.open().await.is_empty(), "a success ends what was transient");
    bed.attempt_at("r3", 20, asked()).await;
    assert_eq!((bed.told("data", 30).await.len(), bed.open().await.len()), (1, 1), "open, and not told again");
    bed.ledger.sweep(second(HOUR - 1)).await.expect("committed");
    assert_eq!(bed.told("data", HOUR).await.len(), 1);
    for _ in 0..2 {
        bed.ledger.sweep(second(HOUR)).await.expect("committed");
    }
    let told = bed.told("data", HOUR).await;
    assert_eq!(told.len(), 2);
    assert_ne!(told[0].0, told[1].0);
}

#[tokio::test]
async fn one_bad_address_is_one_trouble_that_the_good_one_does_not_end() {
    let mut policy = simple();
    if let Some(oncall) = policy.receivers.get_mut("oncall") {
        oncall.addresses = vec!["bad@example.com".to_owned(), "good@example.com".to_owned()];
    }
    let bed = Bed::with(policy);
    for run in ["r1", "r2", "r3"] {
        bed.see(vec![failed(run)]).await;
        for delivery in bed.due("oncall", 1).await {
            let bad = delivery.address.as_deref() == Some("bad@example.com");
            bed.record(&delivery, 1, if bad { never() } else { yes() }).await;
        }
    }
    let told = bed.told("data", 1).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].1.summary.contains("bad@example.com"), "{:?}", told[0].1);
    assert_eq!(bed.open().await, [("receiver oncall".to_owned(), "bad@example.com".to_owned(), 3)]);
    let failing = bed.ledger.failing().await.expect("an answer");
    assert_eq!(
        failing.iter().map(|entry| (entry.address.as_str(), entry.failing.refused)).collect::<Vec<_>>(),
        [("bad@example.com", 3)]
    );
}

#[tokio::test]
async fn one_refusal_in_a_long_queue_is_no_broken_receiver() {
    let bed = Bed::new();
    bed.see((0..100).map(|run| failed(&format!("r{run}"))).collect()).await;
    let due = bed.due("oncall", 0).await;
    for (at, delivery) in (1..).zip(&due[..90]) {
        bed.record(delivery, at, yes()).await;
    }
    let busy = Outcome::Refused { permanent: false, reason: "429".to_owned(), retry_after: Some(30) };
    bed.record(&due[90], 91, busy.clone()).await;
    assert!(bed.open().await.is_empty() && bed.due("data", 91).await.is_empty());
    let failing = bed.ledger.failing().await.expect("an answer").remove(0).failing;
    assert_eq!(failing, Failing { since: Some(second(91)), refused: 0 });
    bed.record(&due[91], 140, busy).await;
    assert_eq!(bed.told("data", 140).await.len(), 1, "a minute after its first failure it is");
    bed.record(&due[92], 150, yes()).await;
    assert!(bed.open().await.is_empty());
    assert_eq!(bed.ledger.failing().await, Ok(Vec::new()));
}

#[tokio::test]
async fn troubles_do_not_outlive_their_cause_and_a_restart_repeats_none() {
    let mut policy = simple();
    policy.sources.insert("prod".to_owned(), crate::engine::Tenancy::default());
    let bed = Bed::with(policy.clone());
    for what in ["configuration", "heartbeat", "source prod", "source gone", "receiver oncall"] {
        assert_eq!(bed.ledger.raise(trouble(what)).await, Ok(true), "{what}");
    }
    let bed = bed.restart();
    assert_eq!(bed.ledger.settle("configuration").await, Ok(false));
    let open: Vec<String> = bed.open().await.into_iter().map(|(what, _, _)| what).collect();
    assert_eq!(open, ["heartbeat", "receiver oncall", "source prod"]);
    assert_eq!(bed.ledger.raise(trouble("receiver oncall")).await, Ok(false), "open already");
    policy.receivers.remove("oncall");
    bed.policy.send_replace(Arc::new(policy));
    assert_eq!(bed.ledger.settle("nothing").await, Ok(false));
    let open: Vec<String> = bed.open().await.into_iter().map(|(what, _, _)| what).collect();
    assert_eq!(open, ["heartbeat", "source prod"]);
}

#[tokio::test]
async fn another_configuration_gives_a_refusing_receiver_a_fresh_chance() {
    let bed = Bed::new();
    bed.attempt_at("r1", 0, never()).await;
    bed.attempt_at("r2", 1, never()).await;
    assert!(bed.ledger.failing().await.expect("an answer")[0].failing.is_refusing());
    bed.policy.send_replace(Arc::new(simple()));
    bed.ledger.settle("configuration").await.expect("committed");
    assert_eq!(bed.ledger.failing().await, Ok(Vec::new()));
    assert_eq!(bed.open().await.len(), 1);
    bed.attempt_at("r3", 10, yes()).await;
    assert!(bed.open().await.is_empty(), "its next success ends the trouble");
}

#[tokio::test]
async fn what_is_remembered_is_what_the_tables_say_after_a_transaction_was_undone() {
    let bed = Bed::new();
    bed.attempt_at("r1", 0, no()).await;
    bed.sql("DELETE FROM receivers").await;
    assert!(bed.ledger.ask(Work::Sql("no SQL".to_owned()), None).await.is_err());
    bed.attempt_at("r2", 30, no()).await;
    let failing = bed.ledger.failing().await.expect("an answer").remove(0).failing;
    assert_eq!(failing.since, Some(second(30)));
}

#[tokio::test]
async fn a_raised_trouble_skips_the_receiver_that_it_is_about() {
    let bed = Bed::new();
    assert_eq!(bed.ledger.raise(trouble("receiver oncall")).await, Ok(true));
    assert_eq!(bed.ledger.raise(trouble("receiver oncall")).await, Ok(false));
    let waiting = bed.ledger.receivers_waiting().await.expect("an answer");
    assert_eq!(waiting.iter().map(|(name, count, _)| (name.as_str(), *count)).collect::<Vec<_>>(), [("data", 1)]);
    let kinds: Vec<Kind> = bed.due("data", 100 * 365 * 86_400).await.iter().map(|due| due.notification.kind).collect();
    assert_eq!(kinds, [Kind::Trouble]);
}
