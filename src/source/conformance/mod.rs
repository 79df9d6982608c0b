//! What every polled source promises, in virtual time, against a fake engine that knows the truth: no failure lost, nothing told that
//! never was, the truth after quiet, no history, no repeats, a constant number of requests, whatever the wire, the ledger, the clocks and
//! the engine do meanwhile.
//!
//! A source joins with a [`FakeEngine`] and `conformance!(name, Fake)`. `FIRSTRED_SEED=7` plays one seed and prints its trace;
//! `FIRSTRED_SEEDS=10000` plays so many.

mod book;
mod chance;
mod costs;
mod counts;
mod engine;
mod faulty;
mod judge;
mod plan;
mod play;
mod truth;
mod world;

pub(super) use engine::{FakeEngine, Kind, Reruns, Row, State, tie};
pub(super) use faulty::Faulty;
use plan::Plan;
use play::Play;

pub(super) use costs::{many_open_runs, requests, retry_after};
pub(super) use counts::{census, survey};

/// How many worlds are played where nobody says otherwise.
const SEEDS: u64 = 30;

/// What a source promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// A failure that happened after the first contact, and that the engine still had at a good poll, is told as news, at its attempt.
    NoneLost,
    /// Nothing is told in a state that it never had, nor with the error of another attempt, nor forgotten while the engine has it.
    OnlyTruth,
    /// After quiet, what is known of each run is the truth; open runs that vanished are forgotten.
    Truth,
    /// What failed before the first contact is never news.
    NoHistory,
    /// In quiet, polls succeed, nothing is handed over again, and the number of requests stays.
    Quiet,
}

/// Plays seeds: in each of these worlds every promise is kept.
pub(super) fn seeds<F: FakeEngine>() {
    let one = asked("FIRSTRED_SEED");
    let (first, count) = (one.unwrap_or(0), if one.is_some() { 1 } else { asked("FIRSTRED_SEEDS").unwrap_or(SEEDS) });
    for seed in first..first + count {
        let broken = play::<F>(seed, false).0;
        if let Some((promise, what)) = broken.first() {
            let (_, trace) = play::<F>(seed, true);
            panic!("seed {seed} breaks {promise:?}: {what}\n{trace}\nreplay with FIRSTRED_SEED={seed}");
        }
    }
}

fn play<F: FakeEngine>(seed: u64, traced: bool) -> (Vec<(Promise, String)>, String) {
    let played = run(Play::<F>::new(Plan::of::<F>(seed), traced).whole());
    played.world.with(|world| {
        let plan = format!("{:?}\n", world.plan);
        (std::mem::take(&mut world.violations), plan + &world.trace.take().unwrap_or_default().join("\n"))
    })
}

/// Runs on paused time.
fn run<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

#[expect(clippy::disallowed_methods, reason = "a failed seed is replayed from the command line")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// The promises of one source, each a test.
macro_rules! conformance {
    ($name:ident, $fake:ty) => {
        mod $name {
            use super::*;
            use $crate::source::conformance as suite;

            #[test]
            fn whatever_goes_wrong_no_failure_is_lost_and_nothing_else_is_told() {
                suite::seeds::<$fake>();
            }

            #[test]
            fn the_requests_of_a_poll_do_not_grow_with_finished_runs() {
                suite::requests::<$fake>();
            }

            #[test]
            fn many_open_runs_cost_no_more_than_their_pages() {
                suite::many_open_runs::<$fake>();
            }

            #[test]
            fn what_the_engine_asks_to_wait_is_passed_on() {
                suite::retry_after::<$fake>();
            }

            #[test]
            fn what_polling_missed_is_counted_and_read_again() {
                suite::census::<$fake>();
            }

            #[test]
            fn a_survey_reaches_all_that_polling_needs_and_hands_nothing_over() {
                suite::survey::<$fake>();
            }
        }
    };
}
pub(super) use conformance;
