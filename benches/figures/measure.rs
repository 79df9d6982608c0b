//! Each figure: a daemon in a folder of its own, a load, and what came of it.

use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use firstred::run::{Limits, read_run};
use firstred::triage::{Classes, observe};

use crate::daemon::Daemon;
use crate::load::{Connection, Prepared, failed_run, fill, flood, retrying_run};
use crate::sink::{Arrivals, listen};

const TIME: Duration = Duration::from_secs(4);

/// A receiver that nobody listens to would be tried and counted; a console in JSON goes to /dev/null with the child's output.
const NOBODY: &str = "[[rules]]\nname = \"all\"\nnotify = []\n";

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Always-new failed runs, committed. Answers runs for each second and microseconds of CPU for each.
pub(crate) async fn ingest(batch: usize, connections: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), NOBODY);
    let runs = vec![failed_run("wf-1"); batch];
    let (_, warm) = flood(daemon.address, &runs, connections, 0, Duration::from_millis(500)).await;
    let before = daemon.cpu_micros();
    let (rate, count) = flood(daemon.address, &runs, connections, warm, TIME).await;
    (rate, (daemon.cpu_micros() - before) / count as f64)
}

fn webhook(address: std::net::SocketAddr) -> String {
    format!(
        "[receivers.sink]\ntype = \"webhook\"\nurl = \"http://{address}/\"\n[[rules]]\nname = \"all\"\nnotify = [\"sink\"]\n"
    )
}

/// From the POST of a failure to the receiver's socket. Answers p50 and p99 in milliseconds.
pub(crate) async fn latency(per_second: u64) -> (f64, f64) {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let arrivals = Rc::new(Arrivals::default());
            let sink = listen(Rc::clone(&arrivals)).await;
            let folder = tempfile::tempdir().unwrap();
            let daemon = Daemon::start(folder.path(), &webhook(sink));
            let address = daemon.address;
            let warm = 50;
            let count = warm + (per_second * 5).min(4_000);
            let sent = Rc::new(std::cell::RefCell::new(Vec::new()));
            let mut every = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second as f64));
            let mut lanes = Vec::new();
            for _ in 0..16 {
                lanes.push(Rc::new(tokio::sync::Mutex::new(Connection::open(address).await)));
            }
            for number in 0..count {
                every.tick().await;
                let lane = Rc::clone(&lanes[number as usize % lanes.len()]);
                let sent = Rc::clone(&sent);
                tokio::task::spawn_local(async move {
                    let mut prepared = Prepared::new(&[failed_run("wf-1")]);
                    let mut connection = lane.lock().await;
                    sent.borrow_mut().push((number, Instant::now()));
                    assert_eq!(connection.call(prepared.number(number)).await, 200);
                });
            }
            arrivals.wait(count as usize).await;
            assert_eq!(*arrivals.repeats.borrow(), 0);
            let arrived = arrivals.at.borrow();
            let mut took: Vec<f64> = sent
                .borrow()
                .iter()
                .filter(|(number, _)| *number >= warm)
                .map(|(number, at)| arrived[number].duration_since(*at).as_secs_f64() * 1000.0)
                .collect();
            took.sort_by(f64::total_cmp);
            (took[took.len() / 2], took[took.len() * 99 / 100])
        })
        .await
}

/// Many failures at once; answers messages for each second from the first POST to the last arrival.
pub(crate) async fn storm(count: u64) -> f64 {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let arrivals = Rc::new(Arrivals::default());
            let sink = listen(Rc::clone(&arrivals)).await;
            let folder = tempfile::tempdir().unwrap();
            let daemon = Daemon::start(folder.path(), &webhook(sink));
            let begin = Instant::now();
            fill(daemon.address, &failed_run("wf-1"), count).await;
            arrivals.wait(count as usize).await;
            assert_eq!(*arrivals.repeats.borrow(), 0);
            count as f64 / begin.elapsed().as_secs_f64()
        })
        .await
}

/// Idle megabytes, and bytes for each of `count` held runs.
pub(crate) async fn memory(count: u64) -> (f64, f64) {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let sink = listen(Rc::new(Arrivals::default())).await;
            let folder = tempfile::tempdir().unwrap();
            let config = webhook(sink).replace("name = \"all\"", "name = \"all\"\nhold = \"4h\"");
            let daemon = Daemon::start(folder.path(), &config);
            tokio::time::sleep(Duration::from_secs(3)).await;
            let idle = daemon.rss();
            // Buffers and caches grow to their bounds first; what then grows with the items is theirs.
            fill(daemon.address, &retrying_run(), count).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            (idle / 1e6, (daemon.rss() - idle) / count as f64)
        })
        .await
}

/// CPU for each failure under 10,000 rules as a multiple of that under 10.
pub(crate) async fn rules() -> f64 {
    let mut cpu = Vec::new();
    for count in [10_u32, 10_000] {
        let rules: String = (0..count)
            .map(|rule| format!("[[rules]]\nname = \"r{rule}\"\nmatch = {{ workflow = \"wf-{rule}\" }}\nnotify = []\n"))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(folder.path(), &rules);
        let runs: Vec<String> = (0..100).map(|run| failed_run(&format!("wf-{}", run * (count / 10) % count))).collect();
        let (_, warm) = flood(daemon.address, &runs, 8, 0, Duration::from_millis(500)).await;
        let before = daemon.cpu_micros();
        let (_, posted) = flood(daemon.address, &runs, 8, warm, TIME).await;
        cpu.push((daemon.cpu_micros() - before) / posted as f64);
    }
    cpu[1] / cpu[0]
}

/// Seconds from the start of the process to its first word, with `count` runs in the ledger.
pub(crate) async fn start(count: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), NOBODY);
    fill(daemon.address, &failed_run("wf-1"), count).await;
    drop(daemon);
    let begin = Instant::now();
    let daemon = Daemon::start(folder.path(), NOBODY);
    let mut connection = Connection::open(daemon.address).await;
    assert_eq!(connection.call(Prepared::new(&[failed_run("wf-1")]).number(0)).await, 200);
    begin.elapsed().as_secs_f64()
}

/// Microseconds for each triage of a run of 200 steps whose 150th failed.
pub(crate) fn triage() -> f64 {
    let steps: Vec<String> = (1..=200)
        .map(|number| match number {
            150 => r#"{"number":150,"title":"Create contact","kind":"http.request","status":"failed","completedAt":"2026-11-22T02:07:09Z","error":{"code":"X","message":"POST https://api.example.com/contacts?page=2 answered 503: upstream connect error or disconnect, reset reason: connection timeout, request id 7f3c9a52-1b1e-4a41-9c3e-0b6b0e2f5d11","providerStatus":503}}"#.to_owned(),
            151.. => format!(r#"{{"number":{number},"title":"Step {number}","status":"skipped"}}"#),
            _ => format!(r#"{{"number":{number},"title":"Step {number}","status":"completed"}}"#),
        })
        .collect();
    let json = format!(r#"{{"id":"r","workflow":{{"name":"w"}},"status":"failed","steps":[{}]}}"#, steps.join(","));
    let run = read_run(json.as_bytes(), Limits::default()).unwrap();
    let classes = Classes::default();
    let mut took = Vec::new();
    for _ in 0..2_000 {
        let run = run.clone();
        let begin = Instant::now();
        std::hint::black_box(observe("bench", run, &classes));
        took.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    median(took)
}

/// Megabytes of the release binary.
pub(crate) fn binary_size() -> f64 {
    std::fs::metadata(env!("CARGO_BIN_EXE_firstred")).unwrap().len() as f64 / 1e6
}

/// The table at the end.
pub(crate) struct Figures {
    lines: Vec<String>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self { lines: Vec::new() }
    }

    pub(crate) fn limit(&mut self, title: &str, value: f64, unit: &str) {
        self.lines.push(format!("{title:<52} {value:>12.1} {unit:<14} (the machine's limit)"));
    }

    pub(crate) fn at_least(&mut self, title: &str, value: f64, unit: &str, goal: f64) {
        let verdict = if value >= goal { "reached" } else { "MISSED" };
        self.lines.push(format!("{title:<52} {value:>12.1} {unit:<14} goal ≥ {goal:<8} {verdict}"));
    }

    pub(crate) fn at_most(&mut self, title: &str, value: f64, unit: &str, goal: f64) {
        let verdict = if value <= goal { "reached" } else { "MISSED" };
        self.lines.push(format!("{title:<52} {value:>12.2} {unit:<14} goal ≤ {goal:<8} {verdict}"));
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
