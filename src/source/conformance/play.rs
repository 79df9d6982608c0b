//! One seed: the polls in a world of its kind, and the quiet at its end.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::rhythm::Poller;
use super::book::Book;
use super::engine::{FakeEngine, State};
use super::faulty::Fault;
use super::plan::Plan;
use super::truth::{Change, ended};
use super::world::{Shared, Trouble, World};
use super::{Faulty, Promise};

/// A world, and what polls in it.
pub(super) struct Play<F: FakeEngine> {
    pub(super) world: Shared<F>,
    pub(super) watcher: F::Watcher,
    /// The engine's clock was put back or forward once.
    stepped: bool,
    /// A poll read everything: what is history is decided, and clocks may be put.
    settled: bool,
    /// What goes wrong in each of the next polls, and how many these are.
    outage: Option<((u64, Fault, u64), u32)>,
}

impl<F: FakeEngine> Play<F> {
    pub(super) fn new(plan: Plan, traced: bool) -> Self {
        let world = Shared::new(World::<F>::new(plan, traced));
        let watcher = F::watcher(Faulty(world.clone()));
        Self { world, watcher, stepped: false, settled: false, outage: None }
    }

    /// A fresh process.
    pub(super) fn restart(&mut self) {
        self.world.with(|world| world.note(|| "restart".to_owned()));
        self.watcher = F::watcher(Faulty(self.world.clone()));
    }

    /// One poll. Whether it read everything.
    pub(super) async fn poll(&mut self, trouble: Trouble) -> bool {
        self.world.with(|world| world.begin_poll(trouble));
        let now = self.world.with(|world| world.now());
        let book = Book(self.world.clone());
        // Time is paused: only a request that hangs lets it go on.
        let polled = tokio::time::timeout(Duration::from_hours(1), self.watcher.poll(&book, now)).await;
        let Ok(outcome) = polled else {
            self.restart();
            return false;
        };
        let good = self.world.with(|world| {
            let asked = world.requests;
            world.note(|| format!("  ends after {asked} requests: {outcome:?}"));
            match outcome {
                Ok(polled) => {
                    if !polled.more {
                        world.end_good_poll();
                    }
                    !polled.more
                }
                Err(error) => {
                    if !world.hindered {
                        world.broken(Promise::Quiet, format!("nothing went wrong, and a poll fails: {error}"));
                    }
                    false
                }
            }
        });
        self.settled |= good;
        good
    }

    pub(super) async fn calm_poll(&mut self) -> bool {
        self.poll(Trouble::default()).await
    }

    /// Lets the engine have some past.
    fn past(&self) {
        self.world.with(|world| {
            let first = ended(
                &world.truth.begin(world.clock - SignedDuration::from_hours(700), None),
                State::Completed,
                world.clock - SignedDuration::from_hours(699),
            );
            world.apply(&Change::Put(first));
            for _ in 0..world.plan.history {
                let ago = SignedDuration::from_secs(
                    5 + world.chance.span(if world.chance.clone().percent(50) { 500 } else { 90_000 }),
                );
                let state = world.chance.one_of(&[State::Failed, State::Completed]);
                let at = world.clock - ago;
                let run = ended(&world.truth.begin(at - SignedDuration::from_secs(1), None), state, at);
                world.apply(&Change::Put(run));
            }
            for _ in 0..world.chance.below(4) {
                let ago = SignedDuration::from_secs(1 + world.chance.span(200_000));
                world.apply(&Change::Put(world.truth.begin(world.clock - ago, None)));
            }
        });
    }

    /// What goes wrong in the next poll. Some of it lasts for several.
    fn trouble(&mut self) -> Trouble {
        let mut trouble = self.new_trouble();
        if let Some((wire, left @ 1..)) = &mut self.outage {
            trouble.wire = Some(*wire);
            *left -= 1;
        } else {
            let lasts = self.world.with(|world| if world.chance.percent(20) { 2 + world.chance.below(5) } else { 0 });
            let lasts = u32::try_from(lasts).unwrap();
            self.outage = trouble.wire.map(|(from, fault, _)| ((from, fault, u64::MAX), lasts));
        }
        trouble
    }

    fn new_trouble(&self) -> Trouble {
        self.world.with(|world| {
            let (plan, chance) = (world.plan.clone(), &mut world.chance);
            let faults = [
                Fault::Busy(429),
                Fault::Busy(503),
                Fault::Status(500),
                Fault::Status(502),
                Fault::Status(401),
                Fault::Html,
                Fault::Cut,
                Fault::NotSent,
                Fault::Lost,
                Fault::Hang,
            ];
            let wire = chance.percent(plan.faults).then(|| {
                let deep = if chance.percent(25) { 60 } else { 8 };
                let from = chance.below(deep);
                (from, chance.one_of(&faults), if chance.percent(60) { 1 } else { 1_000 })
            });
            let refusing = if chance.percent(plan.refusals) { 30 } else { 0 };
            Trouble { wire, refusing, restless: plan.restless }
        })
    }

    /// What happens between two polls.
    fn meanwhile(&mut self) {
        let wait = self.world.with(|world| match world.chance.below(10) {
            0..7 => SignedDuration::from_secs(10),
            7 | 8 => SignedDuration::from_secs(60 + world.chance.span(240)),
            _ => SignedDuration::from_secs(3_600 + world.chance.span(18_000)),
        });
        self.world.with(|world| {
            // After a long time there is more than a page to catch up with.
            let most = if wait.as_hours() > 0 { 20 } else { 4 };
            let events = i32::try_from(world.chance.below(most)).unwrap();
            for _ in 0..events {
                world.pass(wait / (events + 1));
                world.happen();
            }
            world.pass(wait / (events + 1));
        });
        let steps = self.world.with(|world| world.plan.steps && world.chance.percent(10));
        if steps && self.settled && !self.stepped {
            self.stepped = true;
            self.world.with(|world| {
                let most = F::KIND.clock_step.as_secs();
                let by = SignedDuration::from_secs(world.chance.span(2 * most + 1) - most);
                world.note(|| format!("the engine's clock is put by {by}"));
                world.pass(by);
                world.ahead -= by;
                let by = SignedDuration::from_secs(world.chance.span(7_200) - 3_600);
                world.note(|| format!("our clock is put by {by}"));
                world.ahead += by;
            });
        }
    }

    /// Many runs fail, some of them at the same moment.
    fn burst(&self) {
        self.world.with(|world| {
            for _ in 0..F::KIND.page * 2 + F::KIND.page / 3 {
                if world.chance.percent(70) {
                    world.pass(SignedDuration::from_millis(world.chance.clone().span(900)));
                }
                let at = world.clock;
                let run = ended(&world.truth.begin(at, None), State::Failed, at);
                world.apply(&Change::Put(run));
            }
        });
    }

    /// Plays the whole seed.
    pub(super) async fn whole(mut self) -> Self {
        self.past();
        let (polls, burst, restarts) =
            self.world.with(|world| (world.plan.polls, world.plan.burst, world.plan.restarts));
        for number in 0..polls {
            let restart = self.world.with(|world| world.chance.percent(restarts));
            if restart && number > 0 {
                self.restart();
            }
            let trouble = self.trouble();
            self.poll(trouble).await;
            self.meanwhile();
            if burst && number == polls / 2 {
                self.burst();
            }
        }
        self.quiet().await;
        self
    }

    /// Nothing happens any more, and nothing goes wrong: soon everything is known, and nothing is told again.
    pub(super) async fn quiet(&mut self) {
        self.world.with(|world| world.pass(SignedDuration::from_secs(30)));
        let mut good = 0;
        for _ in 0..40 {
            good += u32::from(self.calm_poll().await);
            self.world.with(|world| world.pass(SignedDuration::from_secs(10)));
            if good == 6 {
                break;
            }
        }
        if good < 6 {
            self.world
                .with(|world| world.broken(Promise::Quiet, "forty quiet polls, and not six that read all".into()));
        }
        self.world.with(World::judge_known);
        let mut requests = Vec::new();
        for wait in [10, 10, 10, 300, 10, 700, 10, 3_600, 10, 10] {
            let before = self.world.with(|world| world.ledger.taken);
            self.calm_poll().await;
            self.world.with(|world| {
                let again = world.ledger.taken - before;
                if again > 0 {
                    world.broken(Promise::Quiet, format!("{again} runs are handed over again in quiet"));
                }
                requests.push(world.requests);
                world.pass(SignedDuration::from_secs(wait));
            });
        }
        self.world.with(|world| {
            let last = &requests[requests.len() - 2..];
            // Where the order is open, a run more or less on a page may decide whether the next one is read.
            let slack = u64::from(world.plan.ties);
            if last[0].abs_diff(last[1]) > slack || last[1] > requests[0] + slack {
                world.broken(Promise::Quiet, format!("the requests of quiet polls differ: {requests:?}"));
            }
            world.judge_known();
        });
    }
}
