//! A real n8n server, pinned, offline, in a folder of its own; and the workflows that run in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use serde_json::{Value, json};

use super::served::{Served, source};
use crate::support::client::{Answered, Client};
use crate::support::http::{self, Answer, Server};

/// How long what the server has to do may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// What the error workflow shows.
pub(crate) const TOKEN: &str = "a-token-for-letters";
/// n8n binds its sessions to the browser.
const BROWSER: &str = "firstred-tests";

/// A running server.
#[derive(Debug)]
pub(crate) struct N8n {
    server: Served,
    client: Client,
    /// May do anything.
    key: String,
    /// May list and read runs.
    pub(crate) reader: String,
    /// The workflows by name.
    pub(crate) workflows: BTreeMap<String, String>,
}

impl N8n {
    /// Starts the server, waits until it answers, and gives it its owner and two keys.
    pub(crate) async fn start(folder: &Path) -> Self {
        let server = Served::start("n8n", folder, "/healthz/readiness").await;
        let (client, workflows) = (Client::patient(), BTreeMap::new());
        let mut n8n = Self { server, client, key: String::new(), reader: String::new(), workflows };
        let owner = json!({"email": "owner@example.com", "firstName": "Own", "lastName": "Er", "password": "Passw0rd-for-tests"});
        let answer = n8n.ask("POST", "/rest/owner/setup", &[], &owner).await;
        let cookie = answer.cookie.split(';').next().unwrap_or_default().to_owned();
        let session = [("cookie", cookie.as_str())];
        let all = n8n.ask("GET", "/rest/api-keys/scopes", &session, &Value::Null).await.json()["data"].clone();
        n8n.key = n8n.make_key(&session, "all", &all).await;
        n8n.reader = n8n.make_key(&session, "firstred", &json!(["execution:list", "execution:read"])).await;
        n8n
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    async fn make_key(&self, session: &[(&str, &str)], label: &str, scopes: &Value) -> String {
        let wanted = json!({"label": label, "expiresAt": null, "scopes": scopes});
        let answer = self.ask("POST", "/rest/api-keys", session, &wanted).await.json();
        answer["data"]["rawApiKey"].as_str().unwrap_or_else(|| panic!("no key: {answer}")).to_owned()
    }

    /// Makes the error workflow of the docs and the workflows of `tests/engines/n8n/workflows.json`, and publishes them.
    pub(crate) async fn furnish(&mut self, stub: &str) {
        let header = json!({"name": "Authorization", "value": format!("Bearer {TOKEN}")});
        let credential = json!({"name": "firstred", "type": "httpHeaderAuth", "data": header});
        let credential = self.api("POST", "/credentials", &credential).await;
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources/n8n-error-workflow.json");
        let mut letters: Value = serde_json::from_str(&std::fs::read_to_string(docs).expect("the docs")).expect("JSON");
        letters["nodes"][1]["parameters"]["url"] = json!(format!("{stub}/letters"));
        letters["nodes"][1]["credentials"] = json!({"httpHeaderAuth": {"id": credential["id"], "name": "firstred"}});
        let letters = self.publish(&letters).await;
        let text = std::fs::read_to_string(source("n8n", "workflows.json")).expect("the workflows");
        let short: Vec<Value> = serde_json::from_str(&text.replace("STUB", stub)).expect("JSON");
        for short in short {
            let whole = self.whole(&short, &letters);
            let id = self.publish(&whole).await;
            self.workflows.insert(short["name"].as_str().expect("a name").to_owned(), id);
        }
    }

    /// A workflow as n8n takes it: its nodes in one line, behind their trigger.
    fn whole(&self, short: &Value, letters: &str) -> Value {
        let name = short["name"].as_str().expect("a name");
        let trigger = match short["trigger"].as_str() {
            Some("webhook") => Some(json!({
                "name": "Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": format!("hook-{name}"),
                "parameters": {"path": name, "httpMethod": "POST", "responseMode": "onReceived", "options": {}},
            })),
            Some("called") => Some(json!({
                "name": "When called", "type": "n8n-nodes-base.executeWorkflowTrigger", "typeVersion": 1.1,
                "parameters": {"inputSource": "passthrough"},
            })),
            _ => None,
        };
        let mut nodes: Vec<Value> = trigger.into_iter().collect();
        for node in short["nodes"].as_array().expect("nodes") {
            let (mut node, kind) = (node.clone(), node["type"].as_str().expect("a type"));
            node["type"] = json!(format!("n8n-nodes-base.{kind}"));
            node["typeVersion"] = json!(match kind {
                "httpRequest" => 4.2,
                "executeWorkflow" => 1.2,
                "code" => 2.0,
                _ => 1.0,
            });
            if let Some(called) = node["calls"].as_str().map(str::to_owned) {
                let id = &self.workflows[&called];
                node.as_object_mut().expect("an object").remove("calls");
                node["parameters"] = json!({
                    "source": "database", "mode": "once", "options": {"waitForSubWorkflow": true},
                    "workflowId": {"__rl": true, "mode": "id", "value": id},
                    "workflowInputs": {"mappingMode": "defineBelow", "value": null},
                });
            }
            nodes.push(node);
        }
        let mut connections = serde_json::Map::new();
        for pair in nodes.windows(2) {
            let next = json!({"main": [[{"node": pair[1]["name"], "type": "main", "index": 0}]]});
            connections.insert(pair[0]["name"].as_str().expect("a name").to_owned(), next);
        }
        for (index, node) in nodes.iter_mut().enumerate() {
            node["id"] = json!(format!("00000000-0000-4000-8000-{index:012}"));
            node["position"] = json!([index * 220, 0]);
            if node["parameters"].is_null() {
                node["parameters"] = json!({});
            }
        }
        let mut settings = if short["settings"].is_null() { json!({}) } else { short["settings"].clone() };
        settings["executionOrder"] = json!("v1");
        if short["error"] == true {
            settings["errorWorkflow"] = json!(letters);
        }
        json!({"name": name, "nodes": nodes, "connections": connections, "settings": settings})
    }

    async fn publish(&self, workflow: &Value) -> String {
        let made = self.api("POST", "/workflows", workflow).await;
        let id = made["id"].as_str().unwrap_or_else(|| panic!("no id: {made}")).to_owned();
        self.api("POST", &format!("/workflows/{id}/activate"), &json!({})).await;
        id
    }

    /// Starts a run by its workflow's webhook. n8n publishes a moment later than it says.
    pub(crate) async fn run(&self, workflow: &str) {
        let deadline = Instant::now() + PATIENCE;
        let url = format!("{}/webhook/{workflow}", self.url());
        loop {
            let answer = self.client.post(&url, &[("content-type", "application/json")], b"{}".to_vec()).await;
            let answer = answer.expect("n8n answers");
            if answer.accepted() {
                return;
            }
            assert!(answer.status == 404 && Instant::now() < deadline, "{workflow}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// The newest run of a workflow.
    pub(crate) async fn newest(&self, workflow: &str) -> Value {
        let id = &self.workflows[workflow];
        self.api("GET", &format!("/executions?workflowId={id}&limit=1"), &Value::Null).await["data"][0].clone()
    }

    /// Starts a run again, as a person does; it answers when that has ended.
    pub(crate) async fn retry(&self, run: &Value) {
        let id = run["id"].as_str().expect("an id");
        self.api("POST", &format!("/executions/{id}/retry"), &json!({})).await;
    }

    /// What n8n recorded: each run as `WORKFLOW=STATUS`, sorted, without those of the error workflow. This is what the workflows were
    /// meant to do, checked apart from firstred.
    pub(crate) async fn ends(&self) -> Vec<String> {
        let runs = self.api("GET", "/executions?limit=250", &Value::Null).await;
        let runs = runs["data"].as_array().expect("a list of runs").iter();
        let name =
            |id: &Value| self.workflows.iter().find(|(_, own)| *id == own.as_str()).map(|(name, _)| name.clone());
        let mut ends: Vec<String> =
            runs.filter_map(|run| Some(format!("{}={}", name(&run["workflowId"])?, run["status"].as_str()?))).collect();
        ends.sort();
        ends
    }

    /// Waits until n8n has recorded this.
    pub(crate) async fn wait_ends(&self, wanted: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ends = self.ends().await;
            if ends == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "what n8n recorded: {ends:#?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/api/v1{path}");
        self.ask(method, &path, &[("x-n8n-api-key", &self.key)], body).await.json()
    }

    async fn ask(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answered {
        let mut headers = vec![("content-type", "application/json"), ("browser-id", BROWSER)];
        headers.extend(more);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.client.send(method, &format!("{}{path}", self.url()), &headers, body).await;
        let answer = answer.expect("n8n answers");
        assert!(answer.accepted(), "{method} {path}: {answer:?}");
        answer
    }
}

/// The outside service that the workflows call: `/status/401` answers 401, `/once/503/NAME` 503 the first time and then 200, `/feed` a feed the
/// first time and then 500. What is sent to `/letters` goes on to firstred, wherever that is.
#[derive(Debug)]
pub(crate) struct Outside {
    server: Server,
    firstred: Arc<Mutex<String>>,
}

impl Outside {
    pub(crate) async fn start() -> Self {
        let firstred = Arc::new(Mutex::new(String::new()));
        let (seen, to) = (Arc::new(Mutex::new(BTreeMap::<String, u32>::new())), Arc::clone(&firstred));
        let server = http::serve(move |asked| {
            let (seen, to) = (Arc::clone(&seen), to.lock().expect("nobody panics").clone());
            async move {
                let path = asked.uri.path().to_owned();
                let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
                let times = {
                    let mut seen = seen.lock().expect("nobody panics");
                    let times = seen.entry(path.clone()).or_default();
                    *times += 1;
                    *times
                };
                let status = |text: &str| text.parse::<u16>().unwrap_or(404);
                match parts.as_slice() {
                    ["letters"] => forward(&to, asked.header("authorization"), asked.body.to_vec()).await,
                    ["slow"] => {
                        tokio::time::sleep(Duration::from_secs(8)).await;
                        says(200)
                    }
                    ["feed"] if times <= 1 => {
                        Answer::make(200, &[("content-type", "application/rss+xml")], Body::from(FEED))
                    }
                    ["feed"] => says(500),
                    ["once", code, _] => says(if times <= 1 { status(code) } else { 200 }),
                    [.., code] => says(status(code)),
                    [] => says(404),
                }
            }
        })
        .await;
        Self { server, firstred }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Where letters go from now on.
    pub(crate) fn forward_to(&self, base: &str) {
        base.clone_into(&mut self.firstred.lock().expect("nobody panics"));
    }
}

const FEED: &str = "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>t</title><link>http://x/</link><description>d</description>\
    <item><title>one</title><link>http://x/1</link><guid>1</guid><pubDate>Sun, 22 Nov 2026 12:00:00 GMT</pubDate></item></channel></rss>";

fn says(status: u16) -> Answer {
    Answer::json(status, &json!({"error": {"code": format!("stub_{status}"), "message": "the stub says no"}}))
}

async fn forward(base: &str, proof: &str, body: Vec<u8>) -> Answer {
    let headers = [("authorization", proof), ("content-type", "application/json")];
    match Client::default().post(&format!("{base}/ingest/n8n"), &headers, body).await {
        Ok(answer) => Answer::text(answer.status, &answer.text),
        Err(error) => Answer::text(502, &error.to_string()),
    }
}
