//! The figures that firstred answers for, beside the machine's own limits. One command: `cargo bench --bench figures`.
//! Everything is measured on the real release binary over loopback; the load generator shares its cores. Medians of several
//! runs (`FIRSTRED_BENCH_RUNS`, default 3); CPU for each item is the steady figure where the machine is shared.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring program, not the product"
)]
#![expect(clippy::disallowed_methods, reason = "it is configured by the environment and measures real time")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::format_collect,
    clippy::panic,
    clippy::unnecessary_debug_formatting,
    reason = "counts are small, a path in TOML wants its quotes, and a broken measurement may stop the program"
)]

mod daemon;
mod limits;
mod load;
mod measure;
mod sink;

use measure::{Figures, median};

fn main() {
    // `cargo test --benches` and nextest list benches by asking them; there is nothing to list.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let runs: usize = std::env::var("FIRSTRED_BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(3);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut figures = Figures::new();
    runtime.block_on(async {
        if wanted("limits") {
            figures.limit("raw HTTP, POST of 470 B, 64 connections", limits::raw_http().await, "requests/s");
            figures.limit("bare writer thread, append + fdatasync", limits::bare_writer(), "commits/s");
            figures.limit("bare SQLite group commit, 64 rows a commit", limits::bare_sqlite(), "rows/s");
        }
        if wanted("ingest") {
            for (title, batch, connections, rate, cpu) in [
                ("ingest, one run a request, 64 connections", 1, 64, 25_000.0, 59.0),
                ("ingest, arrays of 100, 8 connections", 100, 8, 65_000.0, 28.0),
            ] {
                let mut rates = Vec::new();
                let mut cpus = Vec::new();
                for _ in 0..runs {
                    let (rate, cpu) = measure::ingest(batch, connections).await;
                    rates.push(rate);
                    cpus.push(cpu);
                }
                figures.at_least(title, median(rates), "runs/s", rate);
                figures.at_most(title, median(cpus), "µs CPU each", cpu);
            }
        }
        if wanted("latency") {
            for (per_second, p50_limit, p99_limit) in [(100, 0.8, 5.0), (1_000, 0.5, 13.0)] {
                let mut p50s = Vec::new();
                let mut p99s = Vec::new();
                for _ in 0..runs {
                    let (p50, p99) = measure::latency(per_second).await;
                    p50s.push(p50);
                    p99s.push(p99);
                }
                let title = format!("failure to receiver's socket at {per_second}/s");
                figures.at_most(&title, median(p50s), "ms p50", p50_limit);
                figures.at_most(&title, median(p99s), "ms p99", p99_limit);
            }
        }
        if wanted("storm") {
            let mut rates = Vec::new();
            for _ in 0..runs {
                rates.push(measure::storm(20_000).await);
            }
            figures.at_least("a storm of 20,000 failures drains", median(rates), "messages/s", 3_000.0);
        }
        if wanted("memory") {
            let (idle, each) = measure::memory(100_000).await;
            figures.at_most("memory, idle", idle, "MB", 15.0);
            figures.at_most("memory, each of 100,000 held runs", each, "bytes", 1_000.0);
        }
        if wanted("rules") {
            let mut ratios = Vec::new();
            for _ in 0..runs {
                ratios.push(measure::rules().await);
            }
            figures.at_most("10,000 rules against 10, CPU for each failure", median(ratios), "times", 1.5);
        }
        if wanted("start") {
            figures.at_most("start with 1,000,000 known runs", measure::start(1_000_000).await, "s", 2.0);
        }
    });
    if wanted("triage") {
        figures.at_most("triage of a 200-step run", measure::triage(), "µs", 50.0);
    }
    if wanted("size") {
        figures.at_most("release binary", measure::binary_size(), "MB", 20.0);
    }
    println!("{figures}");
}
