//! What is not polling: the count of what failed, reading again what was missed, and the survey for a person.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::engine::FakeEngine;
use super::faulty::Fault;
use super::plan::Plan;
use super::play::Play;
use super::world::Trouble;
use super::{Promise, book::Book};
use crate::run::RunStatus;
use crate::source::rhythm::Poller;
use crate::source::{Census, Intake};

/// Seeds of a census.
const SEEDS: u64 = 12;

/// The engine counts exactly what failed since the first contact and is failed now; what the ledger lost of it comes back.
pub(in crate::source) fn census<F: FakeEngine>() {
    for seed in 0..SEEDS {
        super::run(one_census::<F>(seed));
    }
}

async fn one_census<F: FakeEngine>(seed: u64) {
    let mut play = Play::<F>::new(Plan::of::<F>(seed).honest(), true).whole().await;
    let book = Book(play.world.clone());
    let now = play.world.with(|world| {
        world.begin_poll(Trouble::default());
        world.violations.clear();
        world.now()
    });
    let trace = |play: &Play<F>| play.world.with(|world| world.trace.clone().unwrap_or_default().join("\n"));
    let from = now - SignedDuration::from_hours(24 * 20);
    let taken = play.world.with(|world| world.ledger.taken);
    let counted = play.watcher.census(&book, from, now).await;
    let counted = counted.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", trace(&play)));
    assert_eq!(play.world.with(|world| world.ledger.taken), taken, "a census hands nothing over");
    let Census::Counted(tally) = counted else { return };
    assert!(tally.whole, "seed {seed}: the stretch is short, and was not read whole");
    let ids: BTreeSet<(String, Option<u32>)> =
        tally.failed.iter().map(|one| (one.key.run.clone(), one.attempt)).collect();
    assert_eq!(ids.len(), tally.failed.len(), "seed {seed}: counted twice");
    let news = play.world.with(|world| world.news());
    for (number, attempt, _) in &news {
        let id = F::id(*number);
        assert!(
            ids.iter().any(|(run, of)| *run == id && of.is_none_or(|of| of == *attempt)),
            "seed {seed}: run {number} is not counted\n{}",
            trace(&play)
        );
    }
    // A run that was history at the first contact may be counted too: it is known.
    for (id, _) in &ids {
        let failed = play.world.with(|world| {
            world.truth.rows.values().any(|row| F::id(row.number) == *id && row.state == super::State::Failed)
        });
        assert!(failed, "seed {seed}: run {id} is counted, and is not failed\n{}", trace(&play));
    }
    assert_eq!(book.unknown("prod", tally.failed.clone()).await.unwrap(), [], "seed {seed}: all of them are known");
    let told = tally.failed.into_iter().filter(|one| news.iter().any(|(number, ..)| F::id(*number) == one.key.run));
    recall(&mut play, &book, seed, &told.collect::<Vec<_>>()).await;
}

/// The ledger loses every other failure; what it does not know is read again.
async fn recall<F: FakeEngine>(play: &mut Play<F>, book: &Book<F>, seed: u64, failed: &[super::super::Counted]) {
    let lost: Vec<_> = failed.iter().step_by(2).cloned().collect();
    let (checkpoint, now) = play.world.with(|world| {
        world.ledger.known.retain(|key, _| lost.iter().all(|lost| lost.key.run != key.run));
        world.begin_poll(Trouble::default());
        (world.ledger.checkpoint.clone(), world.now())
    });
    let unknown = book.unknown("prod", failed.to_vec()).await.unwrap();
    assert_eq!(unknown.len(), lost.len(), "seed {seed}");
    let read = play.watcher.recall(book, &unknown, now).await.unwrap();
    assert_eq!(read, lost.len(), "seed {seed}: read again");
    play.world.with(|world| {
        assert_eq!(world.ledger.checkpoint, checkpoint, "seed {seed}: a recall moves no checkpoint");
        for lost in &lost {
            let known = world.ledger.known.iter().find(|(key, _)| key.run == lost.key.run);
            let known = known.unwrap_or_else(|| panic!("seed {seed}: {lost:?} did not come back")).1;
            assert_eq!((known.status, known.attempt), (RunStatus::Failed, lost.attempt), "seed {seed}");
        }
        let broken: Vec<_> = world.violations.iter().filter(|(of, _)| *of != Promise::Quiet).collect();
        assert!(broken.is_empty(), "seed {seed}: {broken:?}");
    });
}

/// A survey reaches everything in a good world, says the engine's clock, and shows what failed last; in a bad one it says what to do.
pub(in crate::source) fn survey<F: FakeEngine>() {
    super::run(async {
        let mut play = Play::<F>::new(Plan::calm().with_failures(), false).whole().await;
        play.world.with(|world| {
            world.ahead = SignedDuration::from_secs(-90);
            world.begin_poll(Trouble::default());
        });
        let (taken, now) = play.world.with(|world| (world.ledger.taken, world.now()));
        let survey = play.watcher.survey(now).await;
        assert!(survey.is_good(), "{survey:?}");
        assert_eq!(play.world.with(|world| world.ledger.taken), taken, "a survey hands nothing over");
        assert!(!survey.engine.is_empty() && survey.requests > 0 && !survey.counts.is_empty(), "{survey:?}");
        assert!(survey.ahead.is_none_or(|ahead| (88..=92).contains(&ahead.as_secs())), "{:?}", survey.ahead);
        let last = play.world.with(|world| {
            let failed = world.truth.rows.values().filter(|row| row.state == super::State::Failed);
            failed.max_by_key(|row| row.ended).map(|row| F::id(row.number))
        });
        let sample = survey.sample.expect("something failed");
        assert_eq!((Some(sample.id.clone()), sample.status), (last, RunStatus::Failed), "the last that failed");
        for fault in [
            Fault::NotSent,
            Fault::Status(401),
            Fault::Status(403),
            Fault::Status(404),
            Fault::Status(500),
            Fault::Html,
        ] {
            let mut fresh = Play::<F>::new(Plan::calm(), false);
            let trouble = Trouble { wire: Some((0, fault, u64::MAX)), ..Trouble::default() };
            fresh.world.with(|world| world.begin_poll(trouble));
            let survey = fresh.watcher.survey(now).await;
            assert!(!survey.is_good(), "{fault:?}: {survey:?}");
            let obstacles = survey.reached.iter().filter_map(|reached| reached.outcome.as_ref().err());
            assert!(
                obstacles.clone().all(|one| !one.remedy.is_empty() && !one.why.is_empty()),
                "{fault:?}: {survey:?}"
            );
            assert!(obstacles.count() > 0, "{fault:?}: {survey:?}");
        }
    });
}
