//! A real Prefect server, pinned, offline, in a folder of its own; and the flows that run against it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};

use super::client::Client;
use super::http::{self, Answer, Server};

/// The server may take this long to answer: it takes 13 s on an idle machine.
const START: Duration = Duration::from_mins(2);

/// A running server. Ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Prefect {
    child: Child,
    port: u16,
    home: PathBuf,
    client: Client,
}

impl Drop for Prefect {
    fn drop(&mut self) {
        // It ends its own children on SIGTERM; SIGKILL would leave them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prefect {
    /// Makes the virtual environment (once, cached in `target/`), starts the server and waits until it answers.
    pub(crate) async fn start(folder: &Path) -> Self {
        let install = script(&["install", &venv()]).status().expect("there is a bash");
        assert!(install.success(), "tests/prefect/start.sh install failed: {install}");
        let port = free_port();
        let home = folder.join("prefect");
        std::fs::create_dir_all(&home).expect("the folder is writable");
        let log = File::create(home.join("server.log")).expect("the folder is writable");
        let child = script(&["serve", &venv(), &home.to_string_lossy(), &port.to_string()])
            .stdout(Stdio::from(log.try_clone().expect("a second handle")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("there is a bash");
        let mut prefect = Self { child, port, home, client: Client::default() };
        prefect.wait_healthy().await;
        prefect
    }

    async fn wait_healthy(&mut self) {
        let health = format!("{}/health", self.api());
        let deadline = Instant::now() + START;
        loop {
            if self.client.get(&health).await.is_ok_and(|answer| answer.accepted()) {
                return;
            }
            let ended = self.child.try_wait().expect("a child of ours");
            if ended.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.home.join("server.log")).unwrap_or_default();
                panic!("the Prefect server does not answer ({ended:?}); its log:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// The API's URL.
    pub(crate) fn api(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    /// Runs the flows of `tests/prefect/flows.py`, two processes at a time, and waits for all of them. What their processes
    /// exit with says nothing; a process that could not even start its flow shows in [`Prefect::ends`].
    pub(crate) async fn run(&self, flows: &[&str], stub: &str) {
        let mut running = JoinSet::new();
        for flow in flows {
            if running.len() == 2 {
                running.join_next().await.expect("two are running").expect("no panic");
            }
            let process = self.flow(flow, stub);
            running.spawn(async move { spawn_blocking(move || finish(process)).await.expect("no panic") });
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("no panic");
        }
    }

    fn flow(&self, flow: &str, stub: &str) -> Command {
        let log = File::create(self.home.join(format!("{flow}.log"))).expect("the folder is writable");
        let mut command = Command::new(format!("{}/bin/python", venv()));
        command
            .args([&source("flows.py"), flow, stub])
            .env("PREFECT_API_URL", self.api())
            .env("PREFECT_HOME", self.home.join("client"))
            .env("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
            .env("DO_NOT_TRACK", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().expect("a second handle")))
            .stderr(Stdio::from(log));
        command
    }

    /// What the server recorded: each top-level flow run as `FLOW=STATE_TYPE`, sorted. This is what the flows were meant to do,
    /// checked apart from firstred.
    pub(crate) async fn ends(&self) -> Vec<String> {
        let flows = self.post("/flows/filter", &json!({})).await;
        let name = |id: &Value| {
            let flows = flows.as_array().expect("a list of flows");
            flows
                .iter()
                .find(|flow| &flow["id"] == id)
                .map_or("?", |flow| flow["name"].as_str().unwrap_or("?"))
                .to_owned()
        };
        let top = json!({"flow_runs": {"parent_task_run_id": {"is_null_": true}}, "limit": 200});
        let runs = self.post("/flow_runs/filter", &top).await;
        let runs = runs.as_array().expect("a list of runs").iter();
        let mut ends: Vec<String> = runs
            .map(|run| format!("{}={}", name(&run["flow_id"]), run["state_type"].as_str().unwrap_or("?")))
            .collect();
        ends.sort();
        ends
    }

    /// The newest run of a flow.
    pub(crate) async fn run_of(&self, flow: &str) -> String {
        let asked = json!({"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC", "limit": 1});
        let runs = self.post("/flow_runs/filter", &asked).await;
        runs[0]["id"].as_str().unwrap_or_else(|| panic!("no run of {flow}")).to_owned()
    }

    /// A run that ends at once, without a process: its flow's name and what its state says.
    pub(crate) async fn fail(&self, flow: &str, message: &str) {
        let flow = self.post("/flows/", &json!({"name": flow})).await;
        let run = self.post("/flow_runs/", &json!({"flow_id": flow["id"], "state": {"type": "PENDING"}})).await;
        let run = run["id"].as_str().expect("an id");
        for (kind, message) in [("RUNNING", None), ("FAILED", Some(message))] {
            self.force(run, kind, None, message).await;
        }
    }

    /// Waits until the clock that the server sends has moved on so far that what ended until now lies behind it. It knows no
    /// fractions of a second, lags behind by a second or two under load, and firstred takes off what its first contact took.
    pub(crate) async fn let_age(&self) {
        let health = format!("{}/health", self.api());
        let date = async || self.client.get(&health).await.expect("Prefect answers").date;
        let (mut last, mut ticks, deadline) = (date().await, 0, Instant::now() + START);
        while ticks < 4 {
            assert!(Instant::now() < deadline, "the clock of the Prefect server stands still: {last:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = date().await;
            ticks += u32::from(now != last);
            last = now;
        }
    }

    /// Puts a run into a state, as a person or the engine may.
    pub(crate) async fn force(&self, run: &str, kind: &str, name: Option<&str>, message: Option<&str>) {
        let state = json!({"type": kind, "name": name, "message": message});
        let path = format!("/flow_runs/{run}/set_state");
        let answer = self.post(&path, &json!({"state": state, "force": true})).await;
        assert_eq!(answer["status"], "ACCEPT", "{kind}: {answer}");
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.api());
        let headers = [("content-type", "application/json")];
        let deadline = Instant::now() + START;
        let answer = loop {
            let answer =
                self.client.post(&url, &headers, body.to_string().into_bytes()).await.expect("Prefect answers");
            // Its SQLite is locked now and then: it did nothing, and asks to be asked again.
            if answer.status != 503 || Instant::now() > deadline {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        };
        assert!(answer.accepted(), "{path}: {answer:?}");
        answer.json()
    }
}

/// The outside service that the flows call: `/status/401` answers 401.
pub(crate) async fn outside_service() -> Server {
    http::serve(|asked| async move {
        let status = asked.uri.path().rsplit('/').next().and_then(|status| status.parse().ok()).unwrap_or(404);
        Answer::json(status, &json!({"error": {"code": format!("stub_{status}"), "message": "the stub says no"}}))
    })
    .await
}

fn finish(mut process: Command) -> ExitStatus {
    process.status().expect("the virtual environment has a python")
}

fn source(file: &str) -> String {
    format!("{}/tests/prefect/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// Cached between runs, beside the builds; `.ci/run` may put it elsewhere.
fn venv() -> String {
    let elsewhere = std::env::vars().find(|(name, _)| name == "FIRSTRED_PREFECT_VENV").map(|(_, path)| path);
    elsewhere.unwrap_or_else(|| format!("{}/target/prefect-venv", env!("CARGO_MANIFEST_DIR")))
}

fn script(arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command.arg(source("start.sh")).args(arguments).stdin(Stdio::null());
    command
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound address").port()
}
