//! The real binary as a process: started, asked, killed, started again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::SOON;
use super::client::{Answered, Client};
use super::setup::{Setup, TOKEN};

/// What the daemon writes to standard output once it listens.
const LISTENING: &str = "listening on ";

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_firstred");

/// A running daemon. Killed when it is dropped; its log is printed when the test fails.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    config: PathBuf,
    log: PathBuf,
    base: String,
    client: Client,
    folder: Arc<TempDir>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of firstred ---\n{}--- end of log ---", self.log());
        }
    }
}

impl Daemon {
    /// Writes the configuration, starts the daemon and waits until it listens.
    pub(crate) async fn start(setup: &Setup) -> Self {
        let config = setup.write();
        let log = setup.folder().join("log.jsonl");
        let (child, base) = spawn(&config, &log).await;
        Self { child, config, log, base, client: Client::default(), folder: setup.hold() }
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// `host:port`, for raw connections.
    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap_or(&self.base)
    }

    /// Where its configuration and its ledger are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Everything that it logged, earlier lives included.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Pushes runs and expects that they are accepted.
    pub(crate) async fn ingest(&self, runs: &Value) {
        let answer = self.push(runs.to_string()).await;
        assert!(answer.accepted(), "refused with {}: {}", answer.status, answer.text);
    }

    /// Pushes a body with the right token.
    pub(crate) async fn push(&self, body: impl Into<Vec<u8>>) -> Answered {
        let token = format!("Bearer {TOKEN}");
        self.push_with("events", &[("authorization", &token), ("content-type", "application/json")], body).await
    }

    /// Pushes a body to a source.
    pub(crate) async fn push_with(&self, source: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answered {
        let url = format!("{}/ingest/{source}", self.base);
        self.client.post(&url, headers, body.into()).await.expect("the daemon answers")
    }

    /// GET of a path.
    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.client.get(&format!("{}{path}", self.base)).await.expect("the daemon answers")
    }

    /// The value of a metric's first sample; `labels` is a part of its label set, or empty.
    pub(crate) async fn metric(&self, name: &str, labels: &str) -> Option<f64> {
        let text = self.get("/metrics").await.text;
        let sample = text.lines().find(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])) && line.contains(labels)
        })?;
        sample.rsplit(' ').next()?.parse().ok()
    }

    /// Waits until a metric has a value.
    pub(crate) async fn wait_metric(&self, name: &str, labels: &str, value: f64) {
        let reached =
            async |daemon: &Self| daemon.metric(name, labels).await.is_some_and(|now| (now - value).abs() < 0.5);
        self.poll(&format!("{name}{{{labels}}} = {value}"), reached).await;
    }

    /// Waits until `/readyz` says yes.
    pub(crate) async fn wait_ready(&self) {
        self.poll("ready", async |daemon: &Self| daemon.get("/readyz").await.accepted()).await;
    }

    /// Waits until `/readyz` says no.
    pub(crate) async fn wait_unready(&self) {
        self.poll("unready", async |daemon: &Self| daemon.get("/readyz").await.status == 503).await;
    }

    /// Waits until the log holds `needle`.
    pub(crate) async fn wait_log(&self, needle: &str) {
        self.poll(&format!("a log line with {needle:?}"), async |daemon: &Self| daemon.log().contains(needle)).await;
    }

    /// Asks again and again until `reached`; what is asked has no other way to tell. Ends with [`SOON`].
    pub(crate) async fn poll(&self, what: &str, reached: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        while !reached(self).await {
            assert!(Instant::now() < deadline, "firstred did not get to {what} within {SOON:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL, and gone.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Sends a signal such as `TERM` or `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("there is a kill");
        assert!(status.success(), "kill -s {name} {pid}: {status}");
    }

    /// SIGTERM; returns how it ended and after how long.
    pub(crate) async fn terminate(&mut self, deadline: Duration) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.signal("TERM");
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < deadline, "firstred still runs {deadline:?} after SIGTERM");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it again with the same file and the same ledger. It must have ended.
    pub(crate) async fn restart(&mut self) {
        assert!(self.child.try_wait().expect("a child of ours").is_some(), "it still runs");
        let (child, base) = spawn(&self.config, &self.log).await;
        self.child = child;
        self.base = base;
    }

    /// Kills it and starts it again.
    pub(crate) async fn crash(&mut self) {
        self.kill9();
        self.restart().await;
    }

    /// It has not ended by itself.
    pub(crate) fn assert_alive(&mut self) {
        let ended = self.child.try_wait().expect("a child of ours");
        assert!(ended.is_none(), "firstred ended by itself: {ended:?}");
    }
}

async fn spawn(config: &std::path::Path, log: &std::path::Path) -> (Child, String) {
    let log_file = OpenOptions::new().create(true).append(true).open(log).expect("the folder is writable");
    let mut child = command()
        .arg("run")
        .arg("--config")
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::from(log_file))
        .spawn()
        .expect("the binary starts");
    let stdout = child.stdout.take().expect("it is piped");
    let (send, mut lines) = mpsc::unbounded_channel();
    // Reads to the end, so that the daemon never blocks on its output.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let listening = async {
        while let Some(line) = lines.recv().await {
            if let Some(base) = line.strip_prefix(LISTENING) {
                return Some(base.trim().trim_end_matches('/').to_owned());
            }
        }
        None
    };
    match tokio::time::timeout(SOON, listening).await {
        Ok(Some(base)) => (child, base),
        outcome => {
            let _ = child.kill();
            let ended = child.wait();
            let log = std::fs::read_to_string(log).unwrap_or_default();
            panic!("firstred did not say `{LISTENING}…` ({outcome:?}, {ended:?}); its log:\n{log}")
        }
    }
}

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn command() -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FIRSTRED_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).env_remove("RUST_LOG").env("NO_COLOR", "1");
    command
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Said {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not JSON ({error}): {self:#?}"))
    }

    /// Standard output and standard error.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs a command of the binary to its end, with `input` on standard input.
pub(crate) fn run(folder: &std::path::Path, arguments: &[&str], input: Option<&str>) -> Said {
    let began = Instant::now();
    let mut command = command();
    command.current_dir(folder).args(arguments);
    if let Some(input) = input {
        let file = folder.join("standard-input");
        std::fs::write(&file, input).expect("the folder is writable");
        command.stdin(File::open(file).expect("just written"));
    }
    let output = command.output().expect("the binary starts");
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: began.elapsed(),
    }
}
