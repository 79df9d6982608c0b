//! A stand-in for Prefect's API that holds rows and answers filters as the real one does, as far as firstred uses them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::super::api::Transport;
use crate::net::{Answer, NetError, Request};
use crate::source::conformance::tie;

/// The rows, and how the server misbehaves.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) runs: Vec<Value>,
    pub(crate) tasks: Vec<Value>,
    pub(crate) states: BTreeMap<String, Value>,
    pub(crate) logs: Vec<Value>,
    pub(crate) flows: Vec<Value>,
    pub(crate) events: Option<Vec<Value>>,
    /// The engine's clock.
    pub(crate) date: Option<Timestamp>,
    /// Path, the lowest offset it holds for, and the answer instead.
    pub(crate) broken: Vec<(String, u64, u16, String)>,
    /// The token that every POST has to carry.
    pub(crate) csrf: Option<String>,
    /// Rows longer than this many in one answer are too large.
    pub(crate) largest: Option<usize>,
    /// How rows come that an order leaves equal.
    pub(crate) shuffle: u64,
    /// What was asked: path and body.
    pub(crate) asked: Vec<(String, Value)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<World>>);

impl Fake {
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.0.lock().unwrap())
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.with(|world| world.asked.iter().filter(|(asked, _)| asked == path).count())
    }
}

impl Transport for Fake {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        self.with(|world| Ok(world.answer(&request)))
    }
}

impl World {
    fn answer(&mut self, request: &Request) -> Answer {
        let path = request.url.path().trim_start_matches("/api/").to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        self.asked.push((path.clone(), body.clone()));
        let offset = body["offset"].as_u64().unwrap_or_default();
        let token = request.headers.iter().find(|(name, _)| name == "prefect-csrf-token").map(|(_, value)| value);
        let broken = self.broken.iter().find(|(at, from, ..)| path.starts_with(at.as_str()) && offset >= *from);
        let (status, text) = if let Some((_, _, status, text)) = broken {
            (*status, text.clone())
        } else if path == "csrf-token" {
            (200, json!({"token": self.csrf}).to_string())
        } else if self.csrf.is_some()
            && !body.is_null()
            && token.and_then(|token| token.to_str().ok()) != self.csrf.as_deref()
        {
            (403, json!({"detail": "Missing CSRF token."}).to_string())
        } else {
            match self.rows(&path, &body, request.url.query().unwrap_or_default()) {
                Some(rows) => (200, rows.to_string()),
                None => (404, json!({"detail": "Not Found"}).to_string()),
            }
        };
        let mut headers = HeaderMap::new();
        if let Some(date) = self.date {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.insert(DATE, HeaderValue::from_str(&date).unwrap());
        }
        let rows = serde_json::from_str::<Vec<Value>>(&text).map_or(0, |rows| rows.len());
        let cut = self.largest.is_some_and(|largest| rows > largest);
        Answer { status, headers, body: text.into_bytes(), cut }
    }

    fn rows(&self, path: &str, body: &Value, query: &str) -> Option<Value> {
        let page = |rows: Vec<&Value>| {
            let number = |name: &str, or| usize::try_from(body[name].as_u64().unwrap_or(or)).unwrap();
            json!(rows.into_iter().skip(number("offset", 0)).take(number("limit", 200)).collect::<Vec<_>>())
        };
        match path {
            "flow_runs/filter" => {
                let mut rows: Vec<&Value> = self.runs.iter().filter(|run| matches(run, &body["flow_runs"])).collect();
                let by_end = body["sort"] == "END_TIME_DESC";
                rows.sort_by_key(|run| {
                    let id = run["id"].as_str().unwrap_or_default().to_owned();
                    let end = time(&run["end_time"]).filter(|_| by_end);
                    std::cmp::Reverse((end, if by_end { tie(self.shuffle, &id) } else { 0 }, id))
                });
                Some(page(rows))
            }
            "task_runs/filter" => {
                let of = |task: &&Value| any(&body["flow_runs"]["id"]["any_"], &task["flow_run_id"]);
                Some(page(self.tasks.iter().filter(of).filter(|task| matches(task, &body["task_runs"])).collect()))
            }
            "logs/filter" => {
                let filter = &body["logs"];
                let of = |line: &&Value| {
                    any(&filter["flow_run_id"]["any_"], &line["flow_run_id"])
                        && any(&filter["task_run_id"]["any_"], &line["task_run_id"])
                        && line["level"].as_i64() >= filter["level"]["ge_"].as_i64()
                };
                Some(page(self.logs.iter().filter(of).collect()))
            }
            "flows/filter" => {
                Some(page(self.flows.iter().filter(|flow| any(&body["flows"]["id"]["any_"], &flow["id"])).collect()))
            }
            "deployments/filter" => Some(json!([])),
            "flow_run_states/" => {
                Some(self.states.get(query.strip_prefix("flow_run_id=")?).cloned().unwrap_or_else(|| json!([])))
            }
            "events/filter" => {
                let since: Timestamp = body["filter"]["occurred"]["since"].as_str()?.parse().ok()?;
                let late = |event: &&Value| time(&event["occurred"]).is_some_and(|at| at >= since);
                let events: Vec<&Value> = self.events.as_ref()?.iter().filter(late).collect();
                Some(json!({"events": events, "total": events.len(), "next_page": null}))
            }
            _ => None,
        }
    }
}

fn matches(row: &Value, filter: &Value) -> bool {
    any(&filter["id"]["any_"], &row["id"])
        && any(&filter["state"]["type"]["any_"], &row["state"]["type"])
        && any(&filter["state"]["name"]["any_"], &row["state"]["name"])
        && (filter["parent_task_run_id"]["is_null_"] != true || row["parent_task_run_id"].is_null())
        && time(&filter["end_time"]["after_"]).is_none_or(|after| time(&row["end_time"]).is_some_and(|at| at >= after))
        && time(&filter["end_time"]["before_"])
            .is_none_or(|before| time(&row["end_time"]).is_some_and(|at| at <= before))
}

fn any(values: &Value, value: &Value) -> bool {
    values.as_array().is_none_or(|values| values.contains(value))
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
