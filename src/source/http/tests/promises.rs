//! What every polled source promises, held against an API that lists native runs in pages, and tells each with its steps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use reqwest::header::{DATE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use url::Url;

use super::super::Http;
use super::*;
use crate::net::{Answer, NetError, Request};
use crate::source::conformance::{FakeEngine, Faulty, Kind, Reruns, Row, State, conformance, tie};
use crate::source::talk::Transport;

conformance!(with_details, Listing<true>);
conformance!(without_details, Listing<false>);

const PAGE: usize = 4;

/// Rows, newest change first. With `DETAILS` each run has to be asked for, and is run again under its id; without, the list tells all, and
/// a run that is run again is another one.
#[derive(Debug, Clone, Default)]
struct Listing<const DETAILS: bool>(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    all: BTreeMap<u32, Row>,
    now: Timestamp,
    shuffle: u64,
}

impl<const DETAILS: bool> FakeEngine for Listing<DETAILS> {
    type Watcher = Http<Faulty<Self>>;
    const KIND: Kind = Kind {
        reruns: if DETAILS { Reruns::SameRun } else { Reruns::NewRun },
        shows_open: true,
        forgets: true,
        page: 4,
        settle: SignedDuration::ZERO,
        clock_step: SignedDuration::from_mins(10),
        requests: 4,
        open: (120, if DETAILS { 104 } else { 34 }),
    };

    fn new() -> Self {
        Self::default()
    }

    fn put(&self, row: &Row) {
        self.0.lock().unwrap().all.insert(row.number, row.clone());
    }

    fn delete(&self, number: u32) {
        self.0.lock().unwrap().all.remove(&number);
    }

    fn set_clock(&self, now: Timestamp) {
        self.0.lock().unwrap().now = now;
    }

    fn shuffle(&self, seed: u64) {
        self.0.lock().unwrap().shuffle = seed;
    }

    fn id(number: u32) -> String {
        name(number)
    }

    fn watcher(transport: Faulty<Self>) -> Self::Watcher {
        let mut settings = settings("http://engine.example");
        settings.detail = DETAILS.then(|| detail("http://engine.example"));
        settings.pagination =
            Pagination::Page { param: "page".to_owned(), first: 1, size: Some(("size".to_owned(), 4)) };
        Http::over(transport, "prod", settings).unwrap()
    }
}

impl<const DETAILS: bool> Transport for Listing<DETAILS> {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        let rows = self.0.lock().unwrap();
        let said = match request.url.path().strip_prefix("/runs/") {
            Some(id) => rows.one(id),
            None => Some(rows.page(&request.url, !DETAILS)),
        };
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_str(&http_date(rows.now)).unwrap());
        let status = if said.is_some() { 200 } else { 404 };
        Ok(Answer { status, headers, body: said.unwrap_or_default().to_string().into_bytes(), cut: false })
    }
}

impl Rows {
    fn page(&self, url: &Url, steps: bool) -> Value {
        let mut rows: Vec<&Row> = self.all.values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.changed, tie(self.shuffle, &name(row.number)))));
        let number = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.parse::<usize>().unwrap();
        assert_eq!(number("size"), PAGE);
        let page = rows.into_iter().skip((number("page") - 1) * PAGE).take(PAGE);
        page.map(|row| native(row, steps)).collect()
    }

    fn one(&self, id: &str) -> Option<Value> {
        let row = self.all.values().find(|row| name(row.number) == id)?;
        Some(native(row, true))
    }
}

fn name(number: u32) -> String {
    format!("run-{number}")
}

fn native(row: &Row, steps: bool) -> Value {
    let error = (row.state == State::Failed).then(|| json!({"code": "BOOM", "message": row.error()}));
    let step = json!({
        "number": 1, "title": "Create contact", "status": if error.is_some() { "failed" } else { "completed" },
        "error": error,
    });
    json!({
        "id": name(row.number), "attempt": row.attempt, "workflow": {"id": "wf"},
        "status": row.state.status().as_str(), "startedAt": row.started, "completedAt": row.ended,
        "updatedAt": row.changed, "replayOf": row.replays.map(name), "steps": if steps && row.ended.is_some() { vec![step] } else { Vec::new() },
    })
}
