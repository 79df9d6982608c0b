//! A stand-in for Airflow's API that holds rows and answers filters, orders and pages as the real one does, as far as firstred uses
//! them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, DATE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::super::api::Transport;
use crate::net::{Answer, NetError, Request};
use crate::source::conformance::tie;

/// The rows, and how the server misbehaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// Such as `3.3.2`.
    pub(crate) version: String,
    /// Rows as the API gives them, with `updated_at` beside, which it does not give.
    pub(crate) runs: Vec<Value>,
    pub(crate) instances: Vec<Value>,
    /// The graph of each DAG.
    pub(crate) tasks: BTreeMap<String, Vec<Value>>,
    pub(crate) details: BTreeMap<String, Value>,
    /// What follows `/dags/` in the path of a log (with its map index after a `#`), and the log.
    pub(crate) logs: BTreeMap<String, String>,
    pub(crate) events: Vec<Value>,
    pub(crate) imports: Vec<Value>,
    /// By the path of the task, the run that it started.
    pub(crate) xcoms: BTreeMap<String, String>,
    /// The engine's clock.
    pub(crate) date: Option<Timestamp>,
    /// A part of the path and query, and the status and the body that are answered instead.
    pub(crate) broken: Vec<(String, u16, String)>,
    /// Parts of the path and query of questions that are not answered in time.
    pub(crate) lost: Vec<String>,
    /// A gateway before it guards also what Airflow tells everybody.
    pub(crate) guarded: bool,
    /// The token that has to be sent, where one has to.
    pub(crate) token: Option<String>,
    /// The most rows in one answer.
    pub(crate) most: Option<usize>,
    /// In which order rows come that the order asked for leaves equal.
    pub(crate) shuffle: u64,
    /// What was asked: method, path and query.
    pub(crate) asked: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<World>>);

impl Fake {
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.0.lock().unwrap())
    }

    /// How many questions hold this.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.with(|world| world.asked.iter().filter(|asked| asked.contains(part)).count())
    }
}

impl Transport for Fake {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        self.with(|world| {
            let answer = world.answer(&request);
            let lost =
                world.asked.last().is_some_and(|asked| world.lost.iter().any(|part| asked.contains(part.as_str())));
            if lost { Err(NetError::Timeout { after: request.timeout, connected: true }) } else { Ok(answer) }
        })
    }
}

impl World {
    fn answer(&mut self, request: &Request) -> Answer {
        let url = &request.url;
        let asked = format!("{} {}?{}", request.method, url.path(), url.query().unwrap_or_default());
        self.asked.push(asked.clone());
        let broken = self.broken.iter().find(|(part, ..)| asked.contains(part.as_str()));
        let header =
            |name| request.headers.iter().find(|(own, _)| *own == name).and_then(|(_, value)| value.to_str().ok());
        let (status, text) = match broken {
            Some((_, status, text)) => (*status, text.clone()),
            None => self.reply(request, header(AUTHORIZATION), header(ACCEPT)),
        };
        let mut headers = HeaderMap::new();
        if let Some(date) = self.date {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.insert(DATE, HeaderValue::from_str(&date).unwrap());
        }
        Answer { status, headers, body: text.into_bytes(), cut: false }
    }

    fn reply(&mut self, request: &Request, token: Option<&str>, accept: Option<&str>) -> (u16, String) {
        let segments: Vec<String> = request.url.path_segments().unwrap().map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let root = if self.version.starts_with('2') { "v1" } else { "v2" };
        let not_found = || (404, json!({"detail": "Not Found"}).to_string());
        let rest = match segments.as_slice() {
            ["auth", "token"] if root == "v2" => {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let right = body == json!({"username": "viewer", "password": "secret"});
                let token = self.token.clone().unwrap_or_default();
                return if right {
                    (201, json!({"access_token": token}).to_string())
                } else {
                    (401, json!({"detail": "Invalid credentials"}).to_string())
                };
            }
            ["api", version, rest @ ..] if *version == root => rest,
            _ => return not_found(),
        };
        if rest == ["version"] && !self.guarded {
            return (200, json!({"version": self.version}).to_string());
        }
        if let Some(right) = &self.token {
            match token {
                Some(token) if token.strip_prefix("Bearer ") == Some(right) => {}
                _ if root == "v1" => return (403, json!({"detail": null, "status": 403}).to_string()),
                None => return (401, json!({"detail": "Not authenticated"}).to_string()),
                Some(_) => return (401, json!({"detail": "Token Expired"}).to_string()),
            }
        }
        if rest == ["version"] {
            return (200, json!({"version": self.version}).to_string());
        }
        match self.rows(rest, &query, accept) {
            Some(text) => (200, text),
            None if matches!(rest, ["dags", _, "dagRuns", _]) => {
                (404, json!({"detail": "The DagRun with dag_id: `x` and run_id: `y` was not found"}).to_string())
            }
            None => not_found(),
        }
    }

    fn rows(&self, path: &[&str], query: &[(String, String)], accept: Option<&str>) -> Option<String> {
        let states: Vec<&str> =
            query.iter().filter(|(name, _)| name == "state").map(|(_, state)| state.as_str()).collect();
        let value = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let of_state =
            |row: &&Value| states.is_empty() || row["state"].as_str().is_some_and(|state| states.contains(&state));
        let of_run = |row: &&Value, dag: &str, run: &str| {
            (dag == "~" || row["dag_id"] == dag) && (run == "~" || row["dag_run_id"] == run)
        };
        Some(match path {
            ["importErrors"] => self.page("import_errors", self.imports.iter().collect(), query),
            ["eventLogs"] => {
                let own = |row: &&Value| {
                    row["dag_id"].as_str() == value("dag_id")
                        && row["run_id"].as_str() == value("run_id")
                        && value("task_id").is_none_or(|task| row["task_id"] == task)
                };
                let mut rows: Vec<&Value> = self.events.iter().filter(own).collect();
                rows.sort_by_key(|row| std::cmp::Reverse(row["when"].to_string()));
                self.page("event_logs", rows, query)
            }
            ["dags", dag, "tasks"] => json!({"tasks": self.tasks.get(*dag)?}).to_string(),
            ["dags", dag, "details"] => self.details.get(*dag)?.to_string(),
            ["dags", dag, "dagRuns"] => {
                let since = value("updated_at_gte").map(|at| at.parse::<Timestamp>().unwrap());
                let late = |row: &&Value| since.is_none_or(|since| updated(row).is_some_and(|at| at >= since));
                let rows = self.runs.iter().filter(|row| of_run(row, dag, "~")).filter(of_state).filter(late);
                let mut rows: Vec<&Value> = rows.collect();
                rows.sort_by_cached_key(|row| tie(self.shuffle, row["dag_run_id"].as_str().unwrap_or_default()));
                match value("order_by") {
                    Some("updated_at") => rows.sort_by_cached_key(|row| updated(row)),
                    Some("-end_date") => rows.sort_by_cached_key(|row| std::cmp::Reverse(row["end_date"].to_string())),
                    Some("id") => rows.sort_by_cached_key(|row| row["dag_run_id"].to_string()),
                    other => assert_eq!(other, None, "an order that nobody asks for"),
                }
                self.page("dag_runs", rows, query)
            }
            ["dags", dag, "dagRuns", run] => self.runs.iter().find(|row| of_run(row, dag, run))?.to_string(),
            ["dags", dag, "dagRuns", run, "taskInstances"] => {
                // Airflow 2 refuses what it does not know.
                if value("order_by").is_some() && self.version.starts_with('2') {
                    return None;
                }
                let rows = self.instances.iter().filter(|row| of_run(row, dag, run)).filter(of_state);
                self.page("task_instances", rows.collect(), query)
            }
            ["dags", dag, "dagRuns", run, "taskInstances", task, "logs", number] => {
                let index = value("map_index").map(|index| format!("#{index}")).unwrap_or_default();
                let log = self.logs.get(&format!("{dag}/{run}/{task}/{number}{index}"))?;
                let lines = accept == Some("application/x-ndjson");
                match serde_json::from_str::<Value>(log) {
                    Ok(log) if lines => {
                        log["content"].as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
                    }
                    _ => log.clone(),
                }
            }
            ["dags", dag, "dagRuns", run, "taskInstances", task, "xcomEntries", "trigger_run_id"] => {
                json!({"key": "trigger_run_id", "value": self.xcoms.get(&format!("{dag}/{run}/{task}"))?}).to_string()
            }
            _ => return None,
        })
    }

    fn page(&self, name: &str, rows: Vec<&Value>, query: &[(String, String)]) -> String {
        let number = |name: &str, or: usize| {
            query.iter().find(|(own, _)| own == name).map_or(or, |(_, value)| value.parse().unwrap())
        };
        let total = rows.len();
        let limit = number("limit", 50).min(self.most.unwrap_or(100));
        let rows: Vec<&Value> = rows.into_iter().skip(number("offset", 0)).take(limit).collect();
        json!({name: rows, "total_entries": total}).to_string()
    }
}

fn updated(row: &Value) -> Option<Timestamp> {
    let time = |name: &str| row[name].as_str().and_then(|at| at.parse().ok());
    time("updated_at").or_else(|| time("end_date")).or_else(|| time("start_date"))
}

fn decoded(segment: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned()
}
