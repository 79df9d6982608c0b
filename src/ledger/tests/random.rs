//! A seeded walk: failures, repeats, attempts and crashes in any order; at the end each failure has one delivery for each receiver.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Crashes copy the file, so that a walk costs milliseconds, not microseconds.
const SEEDS: u64 = 6;
const STEPS: usize = 60;

#[tokio::test]
async fn each_failure_is_delivered_exactly_once_to_each_receiver_whatever_happens_in_between() {
    for seed in 0..SEEDS {
        let mut rule = rule("all", Matcher::default());
        rule.notify = vec!["oncall".to_owned(), "data".to_owned()];
        let mut bed = Bed::with(policy(vec![rule]));
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut reported = BTreeSet::new();
        let mut arrived: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut crashes = 0;
        for step in 0..STEPS {
            let at = i64::try_from(step).expect("small") * 10;
            match chance.u32(..10) {
                0..=4 => {
                    let runs: Vec<String> = (0..chance.usize(1..5)).map(|_| format!("r{}", chance.u32(..30))).collect();
                    bed.see(runs.iter().map(|run| failed(run)).collect()).await;
                    reported.extend(runs);
                }
                5..=8 => attempts(&bed, at, &mut chance, &mut arrived).await,
                _ => {
                    bed = bed.crash();
                    crashes += 1;
                }
            }
        }
        let bed = bed.crash();
        for round in 0..50 {
            attempts(&bed, 10_000 + round * 1_000, &mut chance, &mut arrived).await;
        }
        let wanted: BTreeMap<(String, String), usize> = reported
            .iter()
            .flat_map(|run| ["oncall", "data"].map(|receiver| ((run.clone(), receiver.to_owned()), 1)))
            .collect();
        assert_eq!(arrived, wanted, "seed {seed}, {crashes} crashes");
        assert_eq!(bed.ledger.receivers_waiting().await, Ok(Vec::new()), "seed {seed}");
    }
}

async fn attempts(bed: &Bed, at: i64, chance: &mut fastrand::Rng, arrived: &mut BTreeMap<(String, String), usize>) {
    for receiver in ["oncall", "data"] {
        let limit = chance.usize(1..8);
        let (due, _) = bed.ledger.due(receiver, second(at), limit, &[]).await.expect("an answer");
        for delivery in due {
            let outcome = if chance.bool() { yes() } else { no() };
            if let (Outcome::Delivered { .. }, crate::engine::Subject::Run(card)) =
                (&outcome, &delivery.notification.subject)
            {
                *arrived.entry((card.run.id.clone(), receiver.to_owned())).or_default() += 1;
            }
            bed.record(&delivery, at, outcome).await;
        }
    }
}
