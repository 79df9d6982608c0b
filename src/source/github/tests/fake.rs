//! A stand-in for GitHub's API that holds runs and answers searches, pages, entity tags and limits as GitHub documents them, as far as
//! firstred uses them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::api::Transport;
use crate::net::{Answer, NetError, Request};
use crate::source::conformance::tie;

/// So many rows of a search are given, however many there are.
const SEARCH: usize = 1_000;

/// A part of the path and query, and the answer instead: status, headers, body.
pub(crate) type Broken = (String, u16, Vec<(&'static str, String)>, String);

/// The rows, and how the server misbehaves.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// By repository and number.
    pub(crate) runs: BTreeMap<(String, u64), Value>,
    /// By the number of the run and its attempt.
    pub(crate) jobs: BTreeMap<(u64, u64), Vec<Value>>,
    /// By the number of the check run.
    pub(crate) notes: BTreeMap<u64, Vec<Value>>,
    /// GitHub's clock.
    pub(crate) date: Option<Timestamp>,
    /// What is answered in another way.
    pub(crate) broken: Vec<Broken>,
    /// What was asked: path and query, and the status of the answer.
    pub(crate) asked: Vec<(String, u16)>,
    /// The order of runs that were created at the same moment.
    pub(crate) shuffle: u64,
    /// Requests left of the limit, where there is one. A 304 costs none.
    pub(crate) left: Option<(u32, Timestamp)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<World>>);

impl Fake {
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.0.lock().unwrap())
    }

    /// The statuses of the answers to what held `part`.
    pub(crate) fn asked(&self, part: &str) -> Vec<u16> {
        self.with(|world| {
            world.asked.iter().filter(|(asked, _)| asked.contains(part)).map(|(_, status)| *status).collect()
        })
    }
}

impl Transport for Fake {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        self.with(|world| Ok(world.answer(&request)))
    }
}

impl World {
    fn answer(&mut self, request: &Request) -> Answer {
        let asked = &request.url[url::Position::BeforePath..];
        let header = |name: &str| {
            let found = request.headers.iter().find(|(own, _)| own.as_str() == name);
            found.and_then(|(_, value)| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        assert_eq!(header("authorization"), "Bearer github_pat_1");
        assert_eq!(header("x-github-api-version"), "2022-11-28");
        assert_eq!(header("accept"), "application/vnd.github+json");
        let mut headers = HeaderMap::new();
        if let Some(date) = self.date {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.insert(DATE, HeaderValue::from_str(&date).unwrap());
        }
        let (status, body) =
            if let Some((_, status, own, body)) = self.broken.iter().find(|(part, ..)| asked.contains(part.as_str())) {
                for (name, value) in own {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
                }
                (*status, body.clone())
            } else {
                self.limited(&mut headers, &request.url, &header("if-none-match"))
            };
        self.asked.push((asked.to_owned(), status));
        Answer { status, headers, body: body.into_bytes(), cut: false }
    }

    fn limited(&mut self, headers: &mut HeaderMap, url: &url::Url, known: &str) -> (u16, String) {
        let (mut status, mut body) = match self.rows(url) {
            Some(rows) => (200, rows.to_string()),
            None => (404, json!({"message": "Not Found", "status": "404"}).to_string()),
        };
        if status == 200 {
            let digest = Sha256::digest(body.as_bytes());
            let etag =
                format!("W/\"{:02x}{:02x}{:02x}{:02x}{:02x}\"", digest[0], digest[1], digest[2], digest[3], digest[4]);
            headers.insert("etag", HeaderValue::from_str(&etag).unwrap());
            if known == etag {
                (status, body) = (304, String::new());
            }
        }
        if let Some((left, reset)) = &mut self.left {
            if *left == 0 && status != 304 {
                (status, body) = (403, json!({"message": "API rate limit exceeded for user ID 1."}).to_string());
            }
            *left = left.saturating_sub(u32::from(status != 304));
            for (name, value) in [
                ("x-ratelimit-limit", 5000),
                ("x-ratelimit-remaining", i64::from(*left)),
                ("x-ratelimit-reset", reset.as_second()),
            ] {
                headers.insert(name, HeaderValue::from(value));
            }
        }
        (status, body)
    }

    fn rows(&self, url: &url::Url) -> Option<Value> {
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let path: Vec<&str> = url.path_segments()?.collect();
        let ["repos", owner, name, what @ ..] = path.as_slice() else { return None };
        let repository = format!("{owner}/{name}");
        let number = |text: &str| text.parse::<u64>().ok();
        let page = |rows: Vec<Value>, most: usize| {
            let size = query.get("per_page").and_then(|size| size.parse().ok()).unwrap_or(30_usize).min(100);
            let page = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1_usize).max(1);
            rows.into_iter().take(most).skip((page - 1) * size).take(size).collect::<Vec<_>>()
        };
        match what {
            ["actions", "runs"] => {
                let of = |(own, _): &&(String, u64)| *own == repository;
                if repository != super::REPOSITORY && !self.runs.keys().any(|key| of(&key)) {
                    return None;
                }
                let mut rows: Vec<Value> = self
                    .runs
                    .iter()
                    .filter(|(key, row)| of(key) && fits(row, &query))
                    .map(|(_, row)| row.clone())
                    .collect();
                let place = |row: &Value| match self.shuffle {
                    0 => row["id"].as_u64().unwrap(),
                    seed => tie(seed, &row["id"].to_string()),
                };
                rows.sort_by_key(|row| Reverse((row["created_at"].as_str().unwrap().to_owned(), place(row))));
                let total = rows.len();
                let search = query.contains_key("created") || query.contains_key("status");
                Some(
                    json!({"total_count": total, "workflow_runs": page(rows, if search { SEARCH } else { usize::MAX })}),
                )
            }
            ["actions", "runs", id] => self.runs.get(&(repository, number(id)?)).cloned(),
            ["actions", "runs", id, "attempts", attempt, "jobs"] => {
                self.runs.get(&(repository, number(id)?))?;
                let jobs = self.jobs.get(&(number(id)?, number(attempt)?)).cloned().unwrap_or_default();
                Some(json!({"total_count": jobs.len(), "jobs": page(jobs, usize::MAX)}))
            }
            ["check-runs", id, "annotations"] => {
                Some(json!(page(self.notes.get(&number(id)?).cloned().unwrap_or_default(), usize::MAX)))
            }
            _ => None,
        }
    }
}

/// Whether a search for `status` and `created` finds a run.
fn fits(row: &Value, query: &BTreeMap<String, String>) -> bool {
    let status = query
        .get("status")
        .is_none_or(|wanted| row["status"] == wanted.as_str() || row["conclusion"] == wanted.as_str());
    let created: Timestamp = row["created_at"].as_str().and_then(|at| at.parse().ok()).unwrap();
    let time = |text: &str, end: bool| -> Timestamp {
        text.parse().unwrap_or_else(|_| {
            let clock = if end { "23:59:59Z" } else { "00:00:00Z" };
            format!("{text}T{clock}").parse().unwrap()
        })
    };
    let within = query.get("created").is_none_or(|range| match range.split_once("..") {
        Some((from, until)) => (time(from, false)..=time(until, true)).contains(&created),
        None => match range.strip_prefix("<=") {
            Some(until) => created <= time(until, true),
            None => created >= time(range.strip_prefix(">=").unwrap(), false),
        },
    });
    status && within
}
