//! How many always-new failed runs the ledger takes in a second, and what one costs, beside a bare append and fdatasync. One
//! command: `cargo bench --bench ledger`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program, not the product")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use firstred::config::LedgerSettings;
use firstred::engine::{Audience, Field, Matcher, Policy, Rule, RuleSet};
use firstred::ledger::{Keeper, Ledger, Observed};
use firstred::metrics::Metrics;
use firstred::run::{Run, read_run};
use firstred::triage::{Classes, Observation, observe};
use jiff::Timestamp;
use tokio::sync::watch;

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("bare append of 1 KiB + fdatasync: {:.0}/s", bare());
    let one = How { random: true, workflows: 1, apart: false };
    let kinds = [
        ("one problem, ids that count up", How { random: false, ..one }),
        ("one problem, random ids", one),
        ("200 problems", How { workflows: 200, ..one }),
        ("each run a problem and a message of its own", How { apart: true, ..one }),
    ];
    for (name, how) in kinds {
        println!("{name}");
        for _ in 0..3 {
            runtime.block_on(measure("64 callers, one run each", 64, 1, 100_000, how));
            runtime.block_on(measure("8 callers, arrays of 100", 8, 100, 200_000, how));
        }
    }
    for per_second in [100, 1_000, 5_000] {
        runtime.block_on(latency(per_second));
    }
    runtime.block_on(measure("1 caller, one run each", 1, 1, 10_000, one));
    if std::env::args().any(|argument| argument == "million") {
        runtime.block_on(measure("a million: 8 callers, arrays of 1000", 8, 1000, 1_000_000, one));
    }
}

fn bare() -> f64 {
    let folder = tempfile::tempdir_in(".").unwrap();
    let mut file = std::fs::File::create(folder.path().join("bare")).unwrap();
    let start = Instant::now();
    let mut count = 0.0;
    while start.elapsed() < Duration::from_secs(1) {
        file.write_all(&[7; 1024]).unwrap();
        file.sync_data().unwrap();
        count += 1.0;
    }
    count / start.elapsed().as_secs_f64()
}

/// Which runs are measured.
#[derive(Clone, Copy)]
struct How {
    /// Ids as random as a UUID, or ones that count up as some engines' do: the one index that can't grow at its end feels that.
    random: bool,
    /// Of how many workflows, one after the other.
    workflows: u64,
    /// Each run is a problem of its own, with a message; else those of a workflow are one.
    apart: bool,
}

fn policy(apart: bool) -> Policy {
    let audience = Audience::default();
    let rule = Rule {
        notify: vec!["oncall".to_owned()],
        group_by: apart.then(|| vec![Field::Run]),
        ..Rule::new("everything", Matcher::default())
    };
    Policy {
        rules: RuleSet::new(vec![rule]),
        receivers: BTreeMap::from([("oncall".to_owned(), audience)]),
        ..Policy::default()
    }
}

fn template() -> Run {
    let json = br#"{"id":"x","workflow":{"id":"wf_42","name":"Lead sync","version":"14"},"workspace":"acme","status":"failed",
        "trigger":"schedule","startedAt":"2026-11-22T02:07:00Z","completedAt":"2026-11-22T02:07:09Z","updatedAt":"2026-11-22T02:07:09Z",
        "labels":{"owner":"growth"},"steps":[{"number":3,"id":"n3","title":"Create contact","kind":"http.request","status":"failed",
        "attempt":1,"maxAttempts":3,"error":{"code":"AUTH_MISSING","message":"No connection is attached to this action node.",
        "providerStatus":401,"retryable":false,"detail":"Action node 'Create contact' resolved no active connection."}}]}"#;
    read_run(json, firstred::run::Limits::default()).unwrap()
}

fn observation(template: &Observation, number: u64, how: How) -> Observation {
    let mut observation = template.clone();
    let workflow = format!("wf_{}", number % how.workflows);
    let first = if how.random { number.wrapping_mul(0x9e37_79b9_7f4a_7c15) } else { 0 };
    let id = format!("{first:016x}{number:016x}");
    if let Some(card) = &mut observation.card {
        card.run.id.clone_from(&id);
        card.run.workflow.id = Some(workflow.clone());
    }
    observation.key.workflow = workflow;
    observation.key.run = id;
    observation
}

fn open(folder: &std::path::Path, apart: bool) -> (Ledger, Keeper, watch::Sender<Arc<Policy>>) {
    let settings = LedgerSettings { path: folder.join("bench.db"), retention: Duration::from_hours(24) };
    let policy = watch::Sender::new(Arc::new(policy(apart)));
    let (ledger, keeper) = Ledger::open(&settings, 10_000, policy.subscribe(), Metrics::default()).unwrap();
    (ledger, keeper, policy)
}

async fn measure(name: &str, callers: u64, size: u64, total: u64, how: How) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let (ledger, keeper, policy) = open(folder.path(), how.apart);
    let template = observe("events", template(), &Classes::default());
    // Made before the clock starts: making them is not the ledger's work.
    let numbers = AtomicU64::new(0);
    let mut work: Vec<Vec<Observed>> = Vec::new();
    for _ in 0..callers {
        let batches = (0..total / callers / size).map(|_| Observed {
            source: "events".to_owned(),
            polled: false,
            at: Timestamp::UNIX_EPOCH,
            observations: (0..size)
                .map(|_| (observation(&template, numbers.fetch_add(1, Ordering::Relaxed), how), false))
                .collect(),
            forgotten: Vec::new(),
            checkpoint: None,
        });
        work.push(batches.collect());
    }
    let (cpu, start) = (cpu(), Instant::now());
    let callers: Vec<_> = work
        .into_iter()
        .map(|batches| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for batch in batches {
                    ledger.observe(batch).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), self::cpu().saturating_sub(cpu).as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let total = numbers.into_inner() as f64;
    println!("{name}: {:.0} runs/s, {:.1} µs CPU each", total / seconds, cpu / total * 1e6);
    keeper.close().await;
    let start = Instant::now();
    let (_ledger, keeper, _policy) = open(folder.path(), how.apart);
    println!("    opening it again: {:?}", start.elapsed());
    keeper.close().await;
    drop(policy);
}

/// How long a commit takes that nobody queues for, at a steady rate of single runs.
async fn latency(per_second: u32) {
    let how = How { random: true, workflows: 1, apart: false };
    let folder = tempfile::tempdir_in(".").unwrap();
    let (ledger, keeper, _policy) = open(folder.path(), false);
    let template = observe("events", template(), &Classes::default());
    let total = per_second * 8;
    let start = tokio::time::Instant::now();
    let mut commits = Vec::new();
    for number in 0..total {
        tokio::time::sleep_until(start + Duration::from_secs(1) * number / per_second).await;
        let observations = vec![(observation(&template, u64::from(number), how), false)];
        let (source, forgotten) = ("events".to_owned(), Vec::new());
        let batch =
            Observed { source, at: Timestamp::UNIX_EPOCH, observations, forgotten, checkpoint: None, polled: false };
        let ledger = ledger.clone();
        commits.push(tokio::spawn(async move {
            let start = Instant::now();
            ledger.observe(batch).await.unwrap();
            start.elapsed()
        }));
    }
    let mut times = Vec::new();
    for commit in commits {
        times.push(commit.await.unwrap());
    }
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1000];
    println!(
        "{per_second} runs/s: p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?}, most {:.1?}",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    keeper.close().await;
}

/// The process's own time, user and system.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<i64> =
        stat.rsplit(')').next().unwrap().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // After the state letter, which is no number, utime and stime are the 11th and 12th number; ticks of 10 ms.
    Duration::from_millis((fields[10] + fields[11]).unsigned_abs() * 10)
}
