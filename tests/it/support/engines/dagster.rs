//! A real Dagster, pinned, offline, in a folder of its own; and the jobs that run in it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::served::Served;
use crate::support::client::Client;

/// How long what Dagster has to do may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A running webserver with its daemon.
#[derive(Debug)]
pub(crate) struct Dagster {
    server: Served,
    client: Client,
}

impl Dagster {
    /// Starts it and waits until its daemon is ready to start runs.
    pub(crate) async fn start(folder: &Path) -> Self {
        let own = Self { server: Served::start("dagster", folder, "/server_info").await, client: Client::patient() };
        let deadline = Instant::now() + PATIENCE;
        while !own.is_ready().await {
            assert!(Instant::now() < deadline, "the daemon does not start runs; its log:\n{}", own.server.log());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        own
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Lets what the job `bank_import` reads appear.
    pub(crate) fn heal(&self) {
        std::fs::write(self.server.home().join("healed"), "").expect("the folder is writable");
    }

    async fn is_ready(&self) -> bool {
        let query = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }";
        let health = self.ask(query, &json!({})).await;
        let daemons = health["instance"]["daemonHealth"]["allDaemonStatuses"].as_array().cloned().unwrap_or_default();
        !daemons.is_empty() && daemons.iter().all(|daemon| daemon["required"] != true || daemon["healthy"] == true)
    }

    /// Launches a job and answers the id of its run.
    pub(crate) async fn launch(&self, name: &str, stub: &str) -> String {
        let selector =
            json!({"repositoryName": "__repository__", "repositoryLocationName": "lab", "pipelineName": name});
        let tags = json!([{"key": "stub", "value": stub}]);
        let given = json!({"p": {
            "selector": selector, "runConfigData": {}, "mode": "default", "executionMetadata": {"tags": tags},
        }});
        let query = "mutation L($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename
            ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }";
        self.launched(query, &given, "launchRun").await
    }

    /// Re-executes a run from where it failed, and answers the id of the new run.
    pub(crate) async fn reexecute(&self, run: &str) -> String {
        let given = json!({"p": {"parentRunId": run, "strategy": "FROM_FAILURE"}});
        let query = "mutation R($p: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $p) { __typename
            ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }";
        self.launched(query, &given, "launchRunReexecution").await
    }

    async fn launched(&self, query: &str, given: &Value, field: &str) -> String {
        let answer = self.ask(query, given).await;
        answer[field]["run"]["runId"].as_str().unwrap_or_else(|| panic!("not launched: {answer}")).to_owned()
    }

    /// What Dagster recorded, apart from firstred: each run as `JOB=STATUS`, sorted, once so many have ended.
    pub(crate) async fn ends(&self, count: usize) -> Vec<String> {
        let query = "{ runsOrError(limit: 100) { ... on Runs { results { runId jobName status endTime } } } }";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(query, &json!({})).await;
            let runs = answer["runsOrError"]["results"].as_array().cloned().unwrap_or_default();
            if runs.len() >= count && runs.iter().all(|run| !run["endTime"].is_null()) {
                let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
                let mut ends: Vec<String> =
                    runs.iter().map(|run| format!("{}={}", text(&run["jobName"]), text(&run["status"]))).collect();
                ends.sort();
                return ends;
            }
            assert!(Instant::now() < deadline, "not all runs ended: {runs:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn ask(&self, query: &str, given: &Value) -> Value {
        let url = format!("{}/graphql", self.url());
        let body = json!({"query": query, "variables": given}).to_string().into_bytes();
        let headers = [("content-type", "application/json")];
        let answer = self.client.post(&url, &headers, body).await.expect("Dagster answers");
        answer.json()["data"].clone()
    }
}
