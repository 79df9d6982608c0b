//! A stand-in for Dagster's GraphQL that holds rows and answers filters, orders, pages and limits as the real one does, as far as firstred
//! uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::api::Transport;
use crate::net::{Answer, NetError, Request};

/// The rows, and how the server misbehaves.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// In the order of their creation.
    pub(crate) runs: Vec<Value>,
    /// Plan and step statistics, by run.
    pub(crate) details: BTreeMap<String, Value>,
    /// Events by run.
    pub(crate) events: BTreeMap<String, Vec<Value>>,
    /// `None`: this Dagster does not say.
    pub(crate) locations: Option<Vec<Value>>,
    pub(crate) daemons: Option<Vec<Value>>,
    /// The engine's clock.
    pub(crate) date: Option<Timestamp>,
    /// The name of a question, and the answer instead.
    pub(crate) broken: Vec<(String, u16, String)>,
    /// Runs whose events are an internal error, in plain text; and those whose events never come.
    pub(crate) unreadable: BTreeSet<String>,
    pub(crate) endless: BTreeSet<String>,
    /// A header besides, of such answers.
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
    /// Rows longer than this many in one answer are too large.
    pub(crate) largest: Option<usize>,
    /// A run that is deleted after this many more questions for runs.
    pub(crate) deletes: Option<(usize, String)>,
    /// What was asked: the name of the question, and its variables.
    pub(crate) asked: Vec<(String, Value)>,
    /// The headers of the last question.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<World>>);

impl Fake {
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.0.lock().unwrap())
    }

    /// How often a question was put.
    pub(crate) fn asked(&self, name: &str) -> usize {
        self.with(|world| world.asked.iter().filter(|(asked, _)| asked == name).count())
    }
}

impl Transport for Fake {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        self.with(|world| {
            let answer = world.answer(&request);
            let asked = world.asked.last().filter(|(name, _)| name == "FirstredEvents");
            let id = asked.and_then(|(_, given)| given["id"].as_str()).unwrap_or_default();
            if world.endless.contains(id) {
                return Err(NetError::Lost("no answer in time".to_owned()));
            }
            if world.unreadable.contains(id) {
                return Ok(Answer { status: 500, body: b"Internal Server Error".to_vec(), ..answer });
            }
            Ok(answer)
        })
    }
}

impl World {
    fn answer(&mut self, request: &Request) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let query = body["query"].as_str().unwrap();
        let name = query.split_whitespace().nth(1).unwrap().split('(').next().unwrap().to_owned();
        self.headers.clone_from(&request.headers);
        self.asked.push((name.clone(), body["variables"].clone()));
        assert!(request.url.path().ends_with("/graphql"), "{}", request.url);
        let mut headers = HeaderMap::new();
        if let Some(date) = self.date {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.insert(DATE, HeaderValue::from_str(&date).unwrap());
        }
        if let Some((_, status, text)) = self.broken.iter().find(|(at, ..)| *at == name) {
            if let Some((name, value)) = &self.header {
                headers.insert(name.clone(), value.clone());
            }
            return Answer { status: *status, headers, body: text.clone().into_bytes(), cut: false };
        }
        if name == "FirstredRuns"
            && let Some((left, id)) = self.deletes.take()
        {
            match left.checked_sub(1) {
                Some(left) => self.deletes = Some((left, id)),
                None => self.runs.retain(|run| run["runId"] != id.as_str()),
            }
        }
        let data = self.data(&name, &body["variables"]);
        let rows = data["runsOrError"]["results"].as_array().map_or(0, Vec::len);
        let cut = self.largest.is_some_and(|largest| rows > largest);
        Answer { status: 200, headers, body: json!({ "data": data }).to_string().into_bytes(), cut }
    }

    fn data(&self, name: &str, given: &Value) -> Value {
        let id = given["id"].as_str().unwrap_or_default();
        match name {
            "FirstredRuns" => json!({"runsOrError": {"__typename": "Runs", "results": self.rows(given)}}),
            "FirstredSteps" => match self.details.get(id) {
                Some(detail) => json!({ "runOrError": detail }),
                None => json!({"runOrError": {"__typename": "RunNotFoundError", "message": "gone"}}),
            },
            "FirstredEvents" => json!({ "logsForRun": self.page(id, given) }),
            "FirstredLocations" => match &self.locations {
                Some(entries) => json!({"workspaceOrError": {"__typename": "Workspace", "locationEntries": entries}}),
                None => json!({"workspaceOrError": {"__typename": "UnauthorizedError", "message": "not for you"}}),
            },
            "FirstredDaemons" => json!({"instance": {"daemonHealth": {"allDaemonStatuses": self.daemons}}}),
            "FirstredPermissions" => {
                json!({"permissions": [{"permission": "LAUNCH_PIPELINE_EXECUTION", "value": true}]})
            }
            "FirstredVersion" => json!({"version": "1.13.27"}),
            other => panic!("no such question: {other}"),
        }
    }

    fn rows(&self, given: &Value) -> Vec<&Value> {
        let filter = &given["filter"];
        let limit = usize::try_from(given["limit"].as_u64().expect("never without a limit")).unwrap();
        // A cursor of a run that is gone is before nothing.
        let before = match given["cursor"].as_str() {
            None => self.runs.len(),
            Some(cursor) => self.runs.iter().position(|run| run["runId"] == cursor).unwrap_or(0),
        };
        let (after, until) = (filter["updatedAfter"].as_f64(), filter["updatedBefore"].as_f64());
        let set = |values: &Value| {
            let values = values.as_array()?.iter();
            Some(values.map(|value| value.as_str().unwrap().to_owned()).collect::<BTreeSet<String>>())
        };
        let (ids, statuses) = (set(&filter["runIds"]), set(&filter["statuses"]));
        let any = |values: &Option<BTreeSet<String>>, value: &Value| {
            values.as_ref().is_none_or(|values| values.contains(value.as_str().unwrap()))
        };
        let fits = |run: &&Value| {
            any(&statuses, &run["status"])
                && any(&ids, &run["runId"])
                && after.is_none_or(|after| run["updateTime"].as_f64().is_some_and(|at| at > after))
                && until.is_none_or(|until| run["updateTime"].as_f64().is_some_and(|at| at < until))
        };
        self.runs[..before].iter().rev().filter(fits).take(limit).collect()
    }

    fn page(&self, id: &str, given: &Value) -> Value {
        let limit = usize::try_from(given["limit"].as_u64().unwrap()).unwrap();
        if limit > 1_000 {
            return json!({"__typename": "PythonError", "className": "X", "message": "Limit of 5000 is too large"});
        }
        let Some(events) = self.events.get(id) else {
            return json!({"__typename": "RunNotFoundError", "message": "gone"});
        };
        let from: usize = given["after"].as_str().map_or(0, |after| after.parse().unwrap());
        let page: Vec<&Value> = events.iter().skip(from).take(limit).collect();
        let end = from + page.len();
        json!({"__typename": "EventConnection", "cursor": end.to_string(), "hasMore": end < events.len(), "events": page})
    }
}
