//! A real Airflow 3 server, pinned, offline, in a folder of its own; and the DAGs that run in it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::served::Served;
use crate::support::client::Client;

/// How long what Airflow has to do may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// A running server.
#[derive(Debug)]
pub(crate) struct Airflow {
    server: Served,
    client: Client,
    token: String,
}

impl Airflow {
    /// Starts the server and waits until it has read this many DAGs. `stub` is the port of the outside service.
    pub(crate) async fn start(folder: &Path, stub: u16, dags: usize) -> Self {
        let home = folder.join("airflow");
        std::fs::create_dir_all(&home).expect("the folder is writable");
        std::fs::write(home.join("stub"), stub.to_string()).expect("the folder is writable");
        let server = Served::start("airflow", folder, "/api/v2/monitor/health").await;
        let mut airflow = Self { server, client: Client::patient(), token: String::new() };
        let body = json!({"username": "admin", "password": "adminpw"});
        let answer = airflow.post("auth/token", &body).await;
        airflow.token = answer["access_token"].as_str().expect("a token").to_owned();
        airflow
            .until("it has read its DAGs", async |airflow| {
                airflow.get("api/v2/dags?limit=100").await["dags"].as_array().is_some_and(|known| known.len() >= dags)
            })
            .await;
        airflow
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// A file among the DAGs: with this content, or gone.
    pub(crate) fn file(&self, name: &str, content: Option<&str>) {
        let path = self.server.home().join("dags").join(name);
        match content {
            Some(content) => std::fs::write(path, content).expect("the folder is writable"),
            None => std::fs::remove_file(path).expect("the file was there"),
        }
    }

    /// Starts a run of a DAG: its id.
    pub(crate) async fn trigger(&self, dag: &str) -> String {
        let path = format!("api/v2/dags/{dag}/dagRuns");
        let run = self.post(&path, &json!({"logical_date": null})).await;
        run["dag_run_id"].as_str().expect("an id").to_owned()
    }

    /// Clears what failed in a run, so that it runs again.
    pub(crate) async fn clear(&self, dag: &str, run: &str) {
        let body = json!({"dry_run": false, "dag_run_id": run, "only_failed": true, "reset_dag_runs": true});
        self.post(&format!("api/v2/dags/{dag}/clearTaskInstances"), &body).await;
    }

    /// Marks a run as failed, once it runs.
    pub(crate) async fn mark_failed(&self, dag: &str, run: &str) {
        self.until("its task runs", async |airflow| {
            let path = format!("api/v2/dags/{dag}/dagRuns/{}/taskInstances?state=running", encoded(run));
            airflow.get(&path).await["total_entries"] == 1
        })
        .await;
        let path = format!("api/v2/dags/{dag}/dagRuns/{}?update_mask=state", encoded(run));
        self.send("PATCH", &path, &json!({"state": "failed"})).await;
    }

    /// Waits until every run has ended, and answers each as `DAG=STATE`, sorted, with the seconds since the epoch at which it ended.
    /// This is what the DAGs were meant to do, checked apart from firstred.
    pub(crate) async fn ends(&self, count: usize) -> Vec<(String, f64)> {
        let path = "api/v2/dags/~/dagRuns?limit=100";
        let ended = |runs: &Value| {
            let runs = runs["dag_runs"].as_array().expect("a list of runs").clone();
            let end = |run: &Value| matches!(run["state"].as_str(), Some("failed" | "success"));
            runs.len() == count && runs.iter().all(end)
        };
        self.until("every run has ended", async |airflow| ended(&airflow.get(path).await)).await;
        let runs = self.get(path).await;
        let end = |run: &Value| {
            let at: jiff::Timestamp = run["end_date"].as_str().expect("an end").parse().expect("a time");
            let state = format!("{}={}", run["dag_id"].as_str().unwrap_or("?"), run["state"].as_str().unwrap_or("?"));
            (state, at.as_duration().as_secs_f64())
        };
        let mut ends: Vec<(String, f64)> =
            runs["dag_runs"].as_array().expect("a list of runs").iter().map(end).collect();
        ends.sort_by(|one, other| one.0.cmp(&other.0));
        ends
    }

    async fn until(&self, what: &str, reached: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached(self).await {
            assert!(
                Instant::now() < deadline,
                "{what}: not within {PATIENCE:?}; the log of Airflow:\n{}",
                self.server.log()
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", path, body).await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.server.url());
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("content-type", "application/json")];
        if !self.token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.client.send(method, &url, &headers, body.clone()).await;
            let answer = answer.unwrap_or_else(|error| panic!("{error}; the log of Airflow:\n{}", self.server.log()));
            // Its SQLite is locked now and then.
            if answer.status < 500 || Instant::now() > deadline {
                assert!(answer.accepted(), "{method} {path}: {answer:?}");
                return answer.json();
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

fn encoded(run: &str) -> String {
    run.replace(':', "%3A").replace('+', "%2B")
}
