//! A real Prefect server, pinned, offline, in a folder of its own; and the flows that run against it.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};

use super::served::{Served, source};
use crate::support::client::Client;
use crate::support::http::{self, Answer, Server};

/// How long what the server has to do may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running server.
#[derive(Debug)]
pub(crate) struct Prefect {
    server: Served,
    client: Client,
}

impl Prefect {
    /// Starts the server and waits until it answers.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self { server: Served::start("prefect", folder, "/api/health").await, client: Client::patient() }
    }

    /// The API's URL.
    pub(crate) fn api(&self) -> String {
        format!("{}/api", self.server.url())
    }

    /// Runs the flows of `tests/engines/prefect/flows.py`, two processes at a time, and waits for all of them. What their processes
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
        let mut command = self.server.program("python", flow);
        command
            .args([&source("prefect", "flows.py"), flow, stub])
            .env("PREFECT_API_URL", self.api())
            .env("PREFECT_HOME", self.server.home().join("client"))
            .env("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
            .env("DO_NOT_TRACK", "1");
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
        let (mut last, mut ticks, deadline) = (date().await, 0, Instant::now() + PATIENCE);
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
        let deadline = Instant::now() + PATIENCE;
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
