//! GitHub's API and its webhooks as the `github` source meets them: entity tags, a run list that searches filter, jobs, annotations, and a
//! signature over what is pushed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use firstred::clock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::Answered;
use super::daemon::Daemon;
use super::http::{self, Answer, Asked, Server};
use super::record::Record;

/// The token that the API wants.
pub(crate) const TOKEN: &str = "github_pat_11AAAAAAA0firstredTests";
/// The secret of the webhook.
pub(crate) const SECRET: &str = "the secret of the webhook, long enough";
/// The one repository that there is.
pub(crate) const REPOSITORY: &str = "acme/shop";

/// The double.
#[derive(Debug)]
pub(crate) struct GitHub {
    server: Server,
    runs: Arc<Mutex<BTreeMap<u64, Value>>>,
    asked: Record<(String, u16)>,
}

impl GitHub {
    /// Starts one that knows no runs.
    pub(crate) async fn start() -> Self {
        let (runs, asked) = (Arc::<Mutex<BTreeMap<u64, Value>>>::default(), Record::default());
        let (own, record) = (Arc::clone(&runs), asked.clone());
        let server = http::serve(move |request| {
            let (status, answer) = answer(&request, &own.lock().expect("no panic in the double"));
            record.push((request.uri.to_string(), status));
            async move { answer }
        })
        .await;
        Self { server, runs, asked }
    }

    /// A source on it, called `ci`.
    pub(crate) fn source(&self, more: &str) -> String {
        let url = format!("http://{}", self.server.address);
        format!(
            "[sources.ci]\ntype = \"github\"\nurl = {url:?}\nrepositories = [{REPOSITORY:?}]\ntoken = {TOKEN:?}\n{more}"
        )
    }

    /// A run as it stands now.
    pub(crate) fn set(&self, run: &Value) {
        let id = run["id"].as_u64().expect("a number");
        self.runs.lock().expect("no panic in the double").insert(id, run.clone());
    }

    /// What was asked and how it was answered.
    pub(crate) fn asked(&self) -> Vec<(String, u16)> {
        self.asked.all()
    }

    /// Waits until so many more questions were answered by "not modified".
    pub(crate) async fn wait_unchanged(&self, more: usize) {
        let count = |asked: &[(String, u16)]| asked.iter().filter(|(_, status)| *status == 304).count();
        let wanted = count(&self.asked()) + more;
        let came = self.asked.wait(super::SOON, |asked| count(asked) >= wanted).await;
        assert!(came.is_some(), "no {more} answers of 304: {:#?}", self.asked());
    }
}

/// A run of a workflow with this name, of which a step failed a moment ago.
pub(crate) fn failed(id: u64, name: &str) -> Value {
    run(id, name, "completed", Some("failure"))
}

/// A run, created a minute ago and changed just now.
pub(crate) fn run(id: u64, name: &str, status: &str, conclusion: Option<&str>) -> Value {
    json!({
        "id": id, "name": name, "path": format!(".github/workflows/{name}.yml"), "run_number": 7, "run_attempt": 1,
        "event": "push", "status": status, "conclusion": conclusion, "head_branch": "main",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
        "html_url": format!("https://github.com/{REPOSITORY}/actions/runs/{id}"),
        "created_at": at(-60), "run_started_at": at(-60), "updated_at": at(0),
        "actor": {"login": "mona"}, "triggering_actor": {"login": "mona"},
    })
}

/// The one job of a run, with a failed step.
pub(crate) fn job(run: u64) -> Value {
    let step = |number: u64, name: &str, end: &str, from: i64, until: i64| {
        json!({"number": number, "name": name, "status": "completed", "conclusion": end,
               "started_at": at(from), "completed_at": at(until)})
    };
    let id = run * 10;
    json!({
        "id": id, "run_id": run, "run_attempt": 1, "name": "test (ubuntu-latest)", "status": "completed",
        "conclusion": "failure", "started_at": at(-50), "completed_at": at(-1),
        "html_url": format!("https://github.com/{REPOSITORY}/actions/runs/{run}/job/{id}"),
        "check_run_url": format!("https://api.github.com/repos/{REPOSITORY}/check-runs/{id}"),
        "steps": [step(1, "Set up job", "success", -50, -48), step(2, "Run npm test", "failure", -48, -2),
                  step(3, "Upload coverage", "skipped", -2, -2)],
    })
}

/// A webhook as GitHub sends and signs it.
pub(crate) async fn push(daemon: &Daemon, event: &str, action: &str, what: &Value) -> Answered {
    push_signed(daemon, event, action, what, SECRET).await
}

/// A webhook, signed by this secret.
pub(crate) async fn push_signed(daemon: &Daemon, event: &str, action: &str, what: &Value, secret: &str) -> Answered {
    let body = json!({"action": action, event: what, "repository": {"full_name": REPOSITORY}}).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body.as_bytes());
    let mut signature = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}").expect("a string takes all");
    }
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", event),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("x-hub-signature-256", signature.as_str()),
    ];
    daemon.push_with("ci", &headers, body).await
}

fn at(seconds: i64) -> String {
    (clock::now() + SignedDuration::from_secs(seconds)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn answer(asked: &Asked, runs: &BTreeMap<u64, Value>) -> (u16, Answer) {
    let date = clock::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let signed_in = asked.header("authorization") == format!("Bearer {TOKEN}");
    let known = signed_in && asked.header("x-github-api-version") == "2022-11-28";
    let found = if known { rows(asked, runs) } else { None };
    let (status, text) = match (known, found) {
        (false, _) => (401, json!({"message": "Bad credentials"}).to_string()),
        (_, None) => (404, json!({"message": "Not Found"}).to_string()),
        (_, Some(found)) => (200, found.to_string()),
    };
    let etag = format!(
        "W/\"{:x}\"",
        Sha256::digest(text.as_bytes()).iter().fold(0_u64, |sum, byte| sum * 31 % 997_002_299 + u64::from(*byte))
    );
    let headers = [("date", date.as_str()), ("etag", etag.as_str()), ("content-type", "application/json")];
    if status == 200 && asked.header("if-none-match") == etag {
        return (304, Answer::make(304, &headers, Body::empty()));
    }
    (status, Answer::make(status, &headers, Body::from(text)))
}

fn rows(asked: &Asked, runs: &BTreeMap<u64, Value>) -> Option<Value> {
    let path = asked.uri.path().strip_prefix("/repos/")?.strip_prefix(REPOSITORY)?;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["actions", "runs"] => {
            let status = asked.query("status");
            let fits = |row: &&Value| {
                let is = |name: &str| row[name].as_str() == status.as_deref();
                status.is_none() || is("status") || is("conclusion")
            };
            let found: Vec<&Value> = runs.values().rev().filter(fits).collect();
            Some(json!({"total_count": found.len(), "workflow_runs": found}))
        }
        ["actions", "runs", id] => runs.get(&id.parse().ok()?).cloned(),
        ["actions", "runs", id, "attempts", "1", "jobs"] => {
            let job = job(id.parse().ok()?);
            Some(json!({"total_count": 1, "jobs": [job]}))
        }
        ["check-runs", _, "annotations"] => {
            let note = |path: &str, line: u64, message: &str| {
                json!({"path": path, "start_line": line, "annotation_level": "failure", "title": "", "message": message,
                       "raw_details": ""})
            };
            let said = note("src/cart.test.ts", 41, "Expected 12.50, received 12.05");
            Some(json!([note(".github", 28, "Process completed with exit code 1."), said]))
        }
        _ => None,
    }
}
