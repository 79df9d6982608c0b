//! What polling costs: the requests of a poll over many runs, and what is passed on when the engine wants fewer.

use jiff::SignedDuration;

use super::engine::{FakeEngine, State};
use super::faulty::{Fault, RETRY_AFTER_SECONDS};
use super::plan::Plan;
use super::play::Play;
use super::truth::{Change, ended};
use super::world::Trouble;
use super::{Promise, book::Book};
use crate::source::rhythm::Poller;

/// Seconds between two runs: less than a page of them lies within the overlap, which every poll reads again.
const APART: i64 = 120;

impl<F: FakeEngine> Play<F> {
    fn calm() -> Self {
        Self::new(Plan::calm(), false)
    }

    /// This many runs, so many seconds apart, that end so.
    fn run_all(&self, count: u32, apart: i64, state: Option<State>) {
        self.world.with(|world| {
            for _ in 0..count {
                world.pass(SignedDuration::from_secs(apart));
                let run = world.truth.begin(world.clock, None);
                let run = state.map_or(run.clone(), |state| ended(&run, state, world.clock));
                world.apply(&Change::Put(run));
            }
        });
    }

    /// Polls until everything is read, and then once more: the requests of that, and how many runs it handed over.
    async fn quiet_requests(&mut self) -> (u64, u64) {
        let mut good = 0;
        for _ in 0..100 {
            self.world.with(|world| world.pass(SignedDuration::from_mins(20)));
            good += u32::from(self.calm_poll().await);
            if good == 4 {
                break;
            }
        }
        let taken = self.world.with(|world| world.ledger.taken);
        assert!(self.calm_poll().await, "a quiet poll fails or has more to read");
        self.world.with(|world| (world.requests, world.ledger.taken - taken))
    }
}

/// However many runs have finished, before the first contact and after it, a quiet poll costs the same.
pub(in crate::source) fn requests<F: FakeEngine>() {
    let cost = |pages: u32| {
        super::run(async move {
            let mut play = Play::<F>::calm();
            let many = F::KIND.page * pages;
            play.run_all(many, APART, Some(State::Completed));
            play.run_all(many, APART, Some(State::Failed));
            play.world.with(|world| world.pass(SignedDuration::from_hours(30)));
            play.quiet_requests().await;
            play.run_all(many, APART, Some(State::Completed));
            play.run_all(many, APART, Some(State::Failed));
            play.quiet_requests().await
        })
    };
    let (few, many) = (cost(1), cost(3));
    assert_eq!(few, many, "requests and repeats of a quiet poll over few and over many finished runs");
    assert!(few.0 <= F::KIND.requests, "{} requests, and {} are promised", few.0, F::KIND.requests);
    assert_eq!(few.1, 0, "runs are handed over again");
}

/// Many open runs cost their pages and nothing more, and are handed over once.
pub(in crate::source) fn many_open_runs<F: FakeEngine>() {
    let (open, most) = F::KIND.open;
    let (requests, again) = super::run(async move {
        let mut play = Play::<F>::calm();
        play.run_all(1, 1, Some(State::Completed));
        play.run_all(open, 1, None);
        play.quiet_requests().await
    });
    assert_eq!(again, 0, "open runs are handed over again");
    assert!(requests <= most, "{requests} requests over {open} open runs, and {most} are promised");
}

/// Whichever request is refused with `Retry-After`, the poll says how long to wait.
pub(in crate::source) fn retry_after<F: FakeEngine>() {
    super::run(async {
        for status in [429, 503] {
            for number in 0.. {
                let mut play = Play::<F>::calm();
                play.run_all(2, 1, Some(State::Completed));
                play.calm_poll().await;
                play.run_all(1, 1, None);
                play.run_all(3, 1, Some(State::Failed));
                play.world.with(|world| world.pass(SignedDuration::from_mins(1)));
                let trouble = Trouble { wire: Some((number, Fault::Busy(status), u64::MAX)), ..Trouble::default() };
                let now = play.world.with(|world| {
                    world.begin_poll(trouble);
                    world.now()
                });
                let outcome = play.watcher.poll(&Book(play.world.clone()), now).await;
                let asked = play.world.with(|world| world.requests);
                if asked <= number {
                    assert!(number > 0, "a poll without requests");
                    break;
                }
                let error = outcome.expect_err("a poll whose last questions were refused did not read all");
                assert_eq!(error.retry_after, Some(RETRY_AFTER_SECONDS), "request {number}, HTTP {status}: {error}");
                let broken = play.world.with(|world| std::mem::take(&mut world.violations));
                assert!(broken.iter().all(|(of, _)| *of == Promise::Quiet), "{broken:?}");
            }
        }
    });
}
