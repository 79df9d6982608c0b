//! A stand-in for n8n's public API that holds runs and answers lists, pages and refusals as the real one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::super::api::Transport;
use crate::net::{Answer, NetError, Request};

pub(crate) const KEY: &str = "a-key";

const STATUSES: [&str; 8] = ["canceled", "crashed", "error", "new", "running", "success", "unknown", "waiting"];
/// What 1.x lists by status.
const OLD_STATUSES: [&str; 5] = ["canceled", "error", "running", "success", "waiting"];

/// The runs, and how the server misbehaves.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Whole, as `includeData=true` gives them.
    pub(crate) runs: BTreeMap<u64, Value>,
    /// It is 1.x.
    pub(crate) old: bool,
    /// The engine's clock.
    pub(crate) date: Option<Timestamp>,
    /// A part of path and query, and the answer instead.
    pub(crate) broken: Vec<(String, u16, String)>,
    /// A part of path and query that n8n takes and never answers.
    pub(crate) silent: Vec<String>,
    /// What was asked: path and query.
    pub(crate) asked: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<World>>);

impl Fake {
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.0.lock().unwrap())
    }

    /// How often something with this in its path and query was asked since the last time.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.with(|world| world.asked.iter().filter(|asked| asked.contains(part)).count())
    }
}

impl Transport for Fake {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        self.with(|world| {
            let answer = world.answer(&request);
            let line = world.asked.last().cloned().unwrap_or_default();
            if world.silent.iter().any(|part| line.contains(part.as_str())) {
                return Err(NetError::Timeout { after: request.timeout, connected: true });
            }
            Ok(answer)
        })
    }
}

impl World {
    fn answer(&mut self, request: &Request) -> Answer {
        let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let line = format!("{}?{}", request.url.path(), request.url.query().unwrap_or_default());
        self.asked.push(line.clone());
        let key = request.headers.iter().find(|(name, _)| name == "x-n8n-api-key").map(|(_, value)| value.as_bytes());
        let broken = self.broken.iter().find(|(part, ..)| line.contains(part.as_str()));
        let (status, text) = if let Some((_, status, text)) = broken {
            (*status, text.clone())
        } else if key != Some(KEY.as_bytes()) {
            (401, json!({"message": "Unauthorized"}).to_string())
        } else {
            let (status, body) = self.route(request.url.path(), &query);
            (status, body.to_string())
        };
        let mut headers = HeaderMap::new();
        if let Some(date) = self.date {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.insert(DATE, HeaderValue::from_str(&date).unwrap());
        }
        let cut = text.len() > request.body_cap;
        Answer { status, headers, body: text.into_bytes(), cut }
    }

    fn route(&self, path: &str, query: &BTreeMap<String, String>) -> (u16, Value) {
        let Some(rest) = path.strip_prefix("/api/v1/executions") else {
            return (404, json!({"message": "not found"}));
        };
        let Some(id) = rest.strip_prefix('/') else { return self.list(query) };
        let Ok(id) = id.parse::<u64>() else {
            return (400, json!({"message": "request/params/executionId must be a positive integer"}));
        };
        match self.runs.get(&id) {
            None => (404, json!({"message": "Not Found"})),
            Some(run) if query.get("includeData").is_some_and(|data| data == "true") => (200, run.clone()),
            Some(run) => (200, row(run)),
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> (u16, Value) {
        let status = query.get("status").map(String::as_str);
        let known = if self.old { &OLD_STATUSES[..] } else { &STATUSES[..] };
        if let Some(status) = status.filter(|status| !known.contains(status)) {
            return (400, json!({"message": format!("request/query/status Invalid enum value, received '{status}'")}));
        }
        let limit: usize = query.get("limit").map_or(100, |limit| limit.parse().unwrap());
        let Some(below) = query.get("cursor").map_or(Some(u64::MAX), |cursor| below(cursor)) else {
            return (400, json!({"message": "An invalid cursor was provided"}));
        };
        let fits = |run: &&Value| match (status, run["status"].as_str().unwrap()) {
            (None, own) => own != "running",
            (Some("error"), "crashed") => self.old,
            (Some(status), own) => own == status,
        };
        let rows: Vec<&Value> = self.runs.range(..below).rev().map(|(_, run)| run).filter(fits).collect();
        let page: Vec<Value> = rows.iter().take(limit).map(|run| row(run)).collect();
        let last = page.last().filter(|_| rows.len() > limit).map(|run| run["id"].clone());
        let cursor = last.map(|id| STANDARD.encode(json!({"lastId": id, "limit": limit}).to_string()));
        (200, json!({"data": page, "nextCursor": cursor}))
    }
}

fn below(cursor: &str) -> Option<u64> {
    let cursor: Value = serde_json::from_slice(&STANDARD.decode(cursor).ok()?).ok()?;
    cursor["lastId"].as_str()?.parse().ok()
}

/// What is left of a run without its data.
fn row(run: &Value) -> Value {
    let mut row = run.clone();
    let fields = row.as_object_mut().unwrap();
    fields.retain(|name, _| !matches!(name.as_str(), "data" | "workflowData" | "workflowVersionId"));
    row
}
