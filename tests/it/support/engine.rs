//! A workflow engine's JSON API as the `http` source meets it: a paged list, a detail, a token, and faults. Its words are foreign, so
//! that the filter of the source has work to do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use firstred::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::http::{self, Answer, Asked, Server};
use super::record::Record;

/// The token that the engine wants.
pub(crate) const TOKEN: &str = "engine-token-4f1c9a7e2b";

/// From the list's answer to native runs.
pub(crate) const LIST_FILTER: &str = r#".entries[] | {id: .uid, workflow: {name: .flow}, status: {ok: "completed", error: "failed", busy: "running", stopped: "cancelled"}[.state], startedAt: .began, completedAt: .ended, updatedAt: .touched}"#;

/// From the detail's answer to a native run with steps.
pub(crate) const DETAIL_FILTER: &str = r#"{id: .uid, workflow: {name: .flow}, status: {ok: "completed", error: "failed", busy: "running", stopped: "cancelled"}[.state], startedAt: .began, completedAt: .ended, updatedAt: .touched, steps: [.nodes[] | {number: .pos, title: .label, status: {ok: "completed", error: "failed"}[.state], completedAt: .ended, error: (if .fault then {code: .fault.code, message: .fault.text, providerStatus: .fault.http} else null end)}]}"#;

/// The engine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    /// What it is ahead of ours, in minutes.
    pub(crate) ahead: i64,
    /// What its answers say in `Date`.
    pub(crate) date: Date,
    /// It stamps runs in whole seconds.
    pub(crate) whole_seconds: bool,
}

/// The `Date` of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Date {
    /// The time of the clock that stamps runs.
    #[default]
    OfTheRuns,
    /// The true time, whatever stamps runs.
    True,
    /// There is none.
    Absent,
}

impl Clock {
    fn at(self, seconds: i64) -> Timestamp {
        clock::now() + SignedDuration::from_mins(self.ahead) + SignedDuration::from_secs(seconds)
    }

    fn stamp(self, seconds: i64) -> String {
        let at = self.at(seconds);
        if self.whole_seconds { at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() } else { format!("{at:.3}") }
    }

    fn date(self) -> Option<String> {
        let at = match self.date {
            Date::OfTheRuns => self.at(0),
            Date::True => clock::now(),
            Date::Absent => return None,
        };
        Some(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }
}

/// What happens to the next request of the list.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An error status.
    Status(u16),
    /// 200 with a sign-in page.
    Html200,
    /// The JSON ends in the middle.
    Truncated,
    /// JSON of another shape.
    WrongShape,
    /// The connection is cut.
    Drop,
    /// Nothing is answered.
    Hang,
    /// A list that is empty although it is not.
    Empty,
}

#[derive(Debug, Default)]
struct State {
    runs: BTreeMap<String, Value>,
    order: Vec<String>,
    hidden: BTreeSet<String>,
    faults: VecDeque<Fault>,
    fault_on_page: BTreeMap<usize, Fault>,
}

/// The double.
#[derive(Debug)]
pub(crate) struct EngineApi {
    server: Server,
    state: Arc<Mutex<State>>,
    lists: Record<String>,
    details: Record<String>,
    clock: Clock,
}

impl EngineApi {
    /// Starts one with `page` runs a page.
    pub(crate) async fn start(page: usize) -> Self {
        Self::start_at(page, Clock::default()).await
    }

    /// Starts one with a clock of its own.
    pub(crate) async fn start_at(page: usize, clock: Clock) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (lists, details) = (Record::default(), Record::default());
        let parts = (Arc::clone(&state), lists.clone(), details.clone());
        let server = http::serve(move |asked| {
            let mut answer = answer(&asked, page, &parts.0, &parts.1, &parts.2);
            if let (Answer::Full(response), Some(date)) = (&mut answer, clock.date()) {
                response.headers_mut().insert("date", date.parse().expect("a header value"));
            }
            async move { answer }
        })
        .await;
        Self { server, state, lists, details, clock }
    }

    /// The list's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v2/executions", self.server.address)
    }

    /// Sets a run: newest first in the list, as engines do.
    pub(crate) fn set(&self, id: &str, flow: &str, state: &str) {
        self.set_ago(id, flow, state, 0);
    }

    /// Sets a run as it was `ago` seconds ago.
    pub(crate) fn set_ago(&self, id: &str, flow: &str, state: &str, ago: i64) {
        let at = |seconds: i64| self.clock.stamp(seconds - ago);
        let ended = matches!(state, "ok" | "error" | "stopped").then(|| at(0));
        let nodes = if state == "error" {
            json!([
                {"pos": 1, "label": "Read sheet", "state": "ok", "ended": at(-2)},
                {"pos": 2, "label": "Write row", "state": "error", "ended": at(-1),
                 "fault": {"code": "QUOTA_EXCEEDED", "text": "Quota exceeded for this minute.", "http": 429}},
            ])
        } else {
            json!([])
        };
        let run = json!({"uid": id, "flow": flow, "state": state, "began": at(-5), "ended": ended, "touched": at(0), "nodes": nodes});
        let mut held = self.state.lock().expect("no panic in the double");
        held.order.retain(|known| known != id);
        held.order.insert(0, id.to_owned());
        held.runs.insert(id.to_owned(), run);
    }

    /// From now on the list leaves it out; its detail is still there.
    pub(crate) fn hide(&self, id: &str) {
        self.state.lock().expect("no panic in the double").hidden.insert(id.to_owned());
    }

    /// From now on the list shows it as its last, however young it is.
    pub(crate) fn bury(&self, id: &str) {
        let mut held = self.state.lock().expect("no panic in the double");
        held.order.retain(|known| known != id);
        held.order.push(id.to_owned());
    }

    /// Forgets a run.
    pub(crate) fn forget(&self, id: &str) {
        let mut held = self.state.lock().expect("no panic in the double");
        held.order.retain(|known| known != id);
        held.runs.remove(id);
    }

    /// Scripts what happens to the next list requests.
    pub(crate) fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().expect("no panic in the double").faults.extend(faults);
    }

    /// From now on, page `page` (from 0) always fails so; `None` heals it.
    pub(crate) fn break_page(&self, page: usize, fault: Option<Fault>) {
        let mut state = self.state.lock().expect("no panic in the double");
        match fault {
            Some(fault) => state.fault_on_page.insert(page, fault),
            None => state.fault_on_page.remove(&page),
        };
    }

    /// The queries of all list requests so far.
    pub(crate) fn lists(&self) -> Vec<String> {
        self.lists.all()
    }

    /// The ids of all detail requests so far.
    pub(crate) fn details(&self) -> Vec<String> {
        self.details.all()
    }

    /// Waits until the list was asked for `more` times from now on: so many polls have begun.
    pub(crate) async fn wait_polls(&self, more: usize, deadline: Duration) {
        let first_pages = |queries: &[String]| queries.iter().filter(|query| !query.contains("cursor=")).count();
        let target = self.lists.with(first_pages) + more;
        let found = self.lists.wait(deadline, |queries| first_pages(queries) >= target).await;
        assert!(found.is_some(), "the source made no {more} polls within {deadline:?}");
    }
}

fn answer(
    asked: &Asked,
    page: usize,
    state: &Mutex<State>,
    lists: &Record<String>,
    details: &Record<String>,
) -> Answer {
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return Answer::json(401, &json!({"message": "unauthorized"}));
    }
    // firstred only reads the engine.
    if asked.method != "GET" {
        return Answer::json(405, &json!({"message": "read only"}));
    }
    let path = asked.uri.path();
    if let Some(id) = path.strip_prefix("/v2/executions/") {
        details.push(id.to_owned());
        let state = state.lock().expect("no panic in the double");
        return match state.runs.get(id) {
            Some(run) => Answer::json(200, run),
            None => Answer::json(404, &json!({"message": "no such execution"})),
        };
    }
    if path != "/v2/executions" {
        return Answer::json(404, &json!({"message": "no such path"}));
    }
    let number: usize = asked.query("cursor").and_then(|cursor| cursor.strip_prefix("c")?.parse().ok()).unwrap_or(0);
    let fault = {
        let mut state = state.lock().expect("no panic in the double");
        state.fault_on_page.get(&number).cloned().or_else(|| state.faults.pop_front())
    };
    let full = list(&state.lock().expect("no panic in the double"), page, number);
    lists.push(asked.uri.query().unwrap_or_default().to_owned());
    match fault {
        None => Answer::json(200, &full),
        Some(Fault::Status(status)) => Answer::json(status, &json!({"message": "scripted"})),
        Some(Fault::Html200) => Answer::text(200, "<!doctype html><title>Sign in</title>"),
        Some(Fault::Truncated) => {
            let text = full.to_string();
            let cut: String = text.chars().take(text.len() / 2).collect();
            Answer::make(200, &[("content-type", "application/json")], Body::from(cut))
        }
        Some(Fault::WrongShape) => Answer::json(200, &json!({"entries": "soon"})),
        Some(Fault::Empty) => Answer::json(200, &json!({"entries": [], "next": null})),
        Some(Fault::Drop) => Answer::Drop,
        Some(Fault::Hang) => Answer::Hang,
    }
}

fn list(state: &State, page: usize, number: usize) -> Value {
    let entries: Vec<Value> = state
        .order
        .iter()
        .filter(|id| !state.hidden.contains(*id))
        .skip(number * page)
        .take(page)
        .map(|id| {
            let mut run = state.runs[id].clone();
            // Lists of engines hold no steps: that is what the detail is for.
            run.as_object_mut().expect("a run is an object").remove("nodes");
            run
        })
        .collect();
    let more = state.order.len() - state.hidden.len() > (number + 1) * page;
    json!({"entries": entries, "next": more.then(|| format!("c{}", number + 1))})
}
