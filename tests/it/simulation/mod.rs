//! The laws under seeded faults: the pure core in a made-up world, compared with a plain and independent account of what had to be said.
//!
//! `FIRSTRED_SEED=7 cargo nextest run simulation` replays one seed and prints its trace; `FIRSTRED_SEEDS=1000000` plays so many. See
//! `README.md` in this folder.

mod chance;
mod ledger;
mod life;
mod oracle;
mod plan;
mod settings;
mod shrink;
mod sometimes;
mod spec;
mod transaction;
mod wire;
mod wording;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use plan::{Plan, plan};
use sometimes::Sometimes;
use world::World;

/// How many seeds are played where nobody says otherwise.
const SEEDS: u64 = 5_000;

struct Played {
    broken: Option<String>,
    trace: String,
    sometimes: Sometimes,
    events: u64,
}

fn play(plan: &Plan, traced: bool) -> Played {
    let mut world = World::new(plan, traced);
    let result = catch_unwind(AssertUnwindSafe(|| world.play()));
    let broken = match result {
        Ok(result) => result.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Some(format!("panic: {}", text.unwrap_or_default()))
        }
    };
    let trace = world.trace.take().unwrap_or_default();
    Played { broken, trace, sometimes: std::mem::take(&mut world.sometimes), events: world.events }
}

#[expect(clippy::disallowed_methods, reason = "a failed seed is replayed from the command line")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Makes the failure small, and says how to see it again.
fn report(seed: u64, broken: String) -> String {
    let (small, why) = shrink::shrink(plan(seed), broken, |plan| play(plan, false).broken);
    let trace = play(&small, true).trace;
    let rules = format!("{:#?}", small.policies);
    format!(
        "seed {seed}: {why}\n\nthe smallest case that was found has {} actions:\n{trace}\nunder {}\n\
         replay with: FIRSTRED_SEED={seed} cargo nextest run simulation --no-capture",
        small.actions.len(),
        if asked("FIRSTRED_SEED").is_some() { rules } else { "the settings that a replay prints".to_owned() },
    )
}

#[test]
fn the_laws_hold_whatever_happens() {
    if let Some(seed) = asked("FIRSTRED_SEED") {
        let played = play(&plan(seed), true);
        eprintln!("{}", played.trace);
        if let Some(broken) = played.broken {
            panic!("{}", report(seed, broken));
        }
        return;
    }
    let seeds = asked("FIRSTRED_SEEDS").unwrap_or(SEEDS);
    let first = asked("FIRSTRED_FROM").unwrap_or(0);
    let began = std::time::Instant::now();
    let (next, stop) = (AtomicU64::new(first), AtomicBool::new(false));
    let all = Mutex::new((Sometimes::default(), 0_u64, Vec::<(u64, String)>::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (mut sometimes, mut events) = (Sometimes::default(), 0);
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    let played = play(&plan(seed), false);
                    sometimes.add(&played.sometimes);
                    events += played.events;
                    if let Some(broken) = played.broken {
                        all.lock().expect("no thread panics with it").2.push((seed, broken));
                        stop.store(asked("FIRSTRED_ALL").is_none(), Ordering::Relaxed);
                    }
                }
                let mut all = all.lock().expect("no thread panics with it");
                all.0.add(&sometimes);
                all.1 += events;
            });
        }
    });
    let (sometimes, events, mut broken) = all.into_inner().expect("no thread panicked");
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let (seeds_a_second, events_a_second) = (seeds as f64 / seconds, events as f64 / seconds);
    eprintln!(
        "{seeds} seeds in {seconds:.1} s on {threads} threads: {seeds_a_second:.0} seeds/s, {events_a_second:.0} events/s\n{}",
        sometimes.text()
    );
    broken.sort();
    for (seed, why) in broken.iter().skip(1).take(40) {
        eprintln!("seed {seed}: {}", why.chars().take(300).collect::<String>());
    }
    if let Some((seed, why)) = broken.into_iter().next() {
        panic!("{}", report(seed, why));
    }
    if seeds >= SEEDS {
        assert!(
            sometimes.never().is_empty(),
            "no seed came to {:?}: the simulation is vacuous there",
            sometimes.never()
        );
    }
}

#[test]
fn one_seed_plays_the_same_twice() {
    for seed in 0..40 {
        let (one, other) = (play(&plan(seed), true), play(&plan(seed), true));
        assert!(one.trace == other.trace, "seed {seed}");
    }
}
