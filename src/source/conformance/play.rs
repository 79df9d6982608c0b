//! One seed: a plan of what kind of world it is, the polls in it, and the quiet at its end.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::rhythm::Poller;
use super::book::Book;
use super::chance::Chance;
use super::engine::{FakeEngine, State};
use super::faulty::Fault;
use super::truth::{Change, ended};
use super::world::{Shared, Trouble, World};
use super::{Faulty, Promise};

/// What kind of world it is.
#[derive(Debug, Clone)]
pub(in crate::source) struct Plan {
    pub(super) seed: u64,
    /// What our clock is ahead of the engine's.
    pub(super) ahead: SignedDuration,
    /// In so many of a hundred polls the wire fails.
    faults: u64,
    /// Between two requests, in so many of a hundred cases, something happens.
    restless: u64,
    /// Before so many of a hundred polls the process starts anew.
    restarts: u64,
    /// In so many of a hundred polls the ledger refuses now and then.
    refusals: u64,
    /// Times have whole seconds, and the engine's order leaves equal ones open.
    pub(super) ties: bool,
    /// The most milliseconds after which the engine shows what it wrote down.
    pub(super) lag: i64,
    /// Both clocks are put forward and back.
    steps: bool,
    /// Many runs fail at once.
    burst: bool,
    /// Finished runs at the first contact.
    history: u32,
    polls: u64,
}

impl Plan {
    /// The plan of a seed.
    pub(super) fn of<F: FakeEngine>(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let burst = chance.percent(8);
        let page = F::KIND.page;
        let history = if chance.percent(8) { page + page / 3 } else { u32::try_from(chance.below(8)).unwrap() };
        let skew = [0, 0, 1, -1, 120, -120, 37, -75];
        Self {
            seed,
            ahead: SignedDuration::from_secs(chance.one_of(&skew)),
            faults: chance.one_of(&[0, 15, 50]),
            restless: chance.one_of(&[0, 0, 10, 40]),
            restarts: chance.one_of(&[0, 10, 30]),
            refusals: chance.one_of(&[0, 0, 20]),
            ties: chance.percent(25),
            lag: chance.one_of(&[0, 0, 2_000, 20_000]),
            steps: chance.percent(20),
            burst,
            history,
            polls: if burst { 12 } else { 15 + chance.below(25) },
        }
    }

    /// A world in which nothing goes wrong.
    pub(super) fn calm() -> Self {
        Self {
            seed: 0,
            ahead: SignedDuration::ZERO,
            faults: 0,
            restless: 0,
            restarts: 0,
            refusals: 0,
            ties: false,
            lag: 0,
            steps: false,
            burst: false,
            history: 0,
            polls: 0,
        }
    }

    /// The same world, with nothing that goes wrong in it.
    pub(super) fn honest(self) -> Self {
        Self { faults: 0, restless: 0, restarts: 0, refusals: 0, steps: false, ..self }
    }

    /// Some things happen.
    pub(super) fn with_failures(self) -> Self {
        Self { polls: 20, history: 5, ..self }
    }
}

/// A world, and what polls in it.
pub(super) struct Play<F: FakeEngine> {
    pub(super) world: Shared<F>,
    pub(super) watcher: F::Watcher,
    /// The engine's clock was put back or forward once.
    stepped: bool,
}

impl<F: FakeEngine> Play<F> {
    pub(super) fn new(plan: Plan, traced: bool) -> Self {
        let world = Shared::new(World::<F>::new(plan, traced));
        let watcher = F::watcher(Faulty(world.clone()));
        Self { world, watcher, stepped: false }
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
        let polled = tokio::time::timeout(Duration::from_secs(3_600), self.watcher.poll(&book, now)).await;
        let outcome = match polled {
            Err(_) => {
                self.restart();
                return false;
            }
            Ok(outcome) => outcome,
        };
        self.world.with(|world| {
            world.note(|| format!("  ends: {outcome:?} after {} requests", world_requests(&outcome)));
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
        })
    }

    pub(super) async fn calm_poll(&mut self) -> bool {
        self.poll(Trouble::default()).await
    }

    /// Lets the engine have some past.
    fn past(&self) {
        self.world.with(|world| {
            let first = ended(&world.truth.begin(world.clock - SignedDuration::from_hours(700), None), State::Completed, world.clock - SignedDuration::from_hours(699));
            world.apply(&Change::Put(first));
            for _ in 0..world.plan.history {
                let ago = SignedDuration::from_secs(5 + world.chance.span(if world.chance.clone().percent(50) { 500 } else { 90_000 }));
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

    fn trouble(&self) -> Trouble {
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
                let from = chance.below(8);
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
        let settled = self.world.with(|world| world.ledger.checkpoint.is_some());
        self.world.with(|world| {
            let events = world.chance.below(4);
            for _ in 0..events {
                world.pass(wait / 5);
                world.happen();
            }
            world.pass(wait / 5);
        });
        let steps = self.world.with(|world| world.plan.steps && settled && world.chance.percent(10));
        if steps && !self.stepped {
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
            if good == 4 {
                break;
            }
        }
        if good < 4 {
            self.world.with(|world| world.broken(Promise::Quiet, "forty quiet polls, and not four that read all".into()));
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
            if last[0] != last[1] || last[1] > requests[0] {
                world.broken(Promise::Quiet, format!("the requests of quiet polls differ: {requests:?}"));
            }
            world.judge_known();
        });
    }
}

fn world_requests(outcome: &Result<super::super::Polled, super::super::PollError>) -> String {
    outcome.as_ref().map_or_else(ToString::to_string, |polled| polled.runs.to_string())
}
