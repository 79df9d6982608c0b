//! The server over real sockets, with a fake inlet. No test sleeps: what must happen in time is waited for.

mod api;
mod auth;
mod bodies;
mod connections;
mod page;
mod pages;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::WebhookAuth;
use crate::net::permit::Permit;
use crate::run::Run;

const API_TOKEN: &str = "a token of the API";
const RUN: &str = r#"{"id":"r1","workflow":{"id":"w"},"status":"failed"}"#;
const BAD: &str = r#"{"id":"r2","workflow":{"id":"w"},"status":"Failed"}"#;

/// Remembers what was committed, and does as it is told.
#[derive(Clone, Default)]
struct FakeInlet {
    committed: Arc<Mutex<Vec<(String, usize, Run)>>>,
    fail: Arc<Mutex<Option<InletError>>>,
    /// Workspaces that are somebody else's.
    foreign: Arc<Mutex<BTreeSet<String>>>,
    /// Told when a commit begins; when `hold` is there, it goes on once that is told.
    begun: Arc<Notify>,
    hold: Option<Arc<Notify>>,
}

impl Inlet for FakeInlet {
    async fn commit(&self, source: &str, runs: Vec<(usize, Run)>) -> Result<Vec<(usize, String)>, InletError> {
        self.begun.notify_one();
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        if let Some(error) = self.fail.lock().unwrap().clone() {
            return Err(error);
        }
        let foreign = self.foreign.lock().unwrap().clone();
        let mut refused = Vec::new();
        for (index, run) in runs {
            if run.workspace.as_ref().is_some_and(|workspace| foreign.contains(workspace)) {
                refused.push((index, "this source does not speak for that workspace".to_owned()));
            } else {
                self.committed.lock().unwrap().push((source.to_owned(), index, run));
            }
        }
        Ok(refused)
    }
}

impl FakeInlet {
    fn indexes(&self) -> Vec<usize> {
        self.committed.lock().unwrap().iter().map(|(_, index, _)| *index).collect()
    }
}

/// Remembers what it was asked, and answers with it.
#[derive(Default)]
struct FakeClerk {
    asked: Mutex<Vec<Asked>>,
    fail: Mutex<Option<ClerkError>>,
}

impl Clerk for FakeClerk {
    fn ask(&self, asked: Asked) -> Answering<'_> {
        self.asked.lock().unwrap().push(asked);
        let answer = self.fail.lock().unwrap().clone().map_or_else(|| Ok(serde_json::json!({"ok": true})), Err);
        Box::pin(std::future::ready(answer))
    }

    fn draw(&self, permit: Permit) -> Drawing<'_> {
        let sheet = self.fail.lock().unwrap().clone().map_or_else(|| Ok(page::sheet(&permit.incident)), Err);
        Box::pin(std::future::ready(sheet))
    }
}

struct FakeCheckup(Arc<Mutex<Readiness>>);

impl Checkup for FakeCheckup {
    fn readiness(&self) -> Readiness {
        self.0.lock().unwrap().clone()
    }
}

struct Daemon {
    address: SocketAddr,
    inlet: FakeInlet,
    readiness: Arc<Mutex<Readiness>>,
    gates: watch::Sender<Arc<Gates>>,
    clerk: Arc<FakeClerk>,
    keys: watch::Sender<Arc<Keys>>,
    issuer: watch::Sender<Option<Arc<Issuer>>>,
    metrics: Metrics,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

fn settings() -> ServerSettings {
    ServerSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        api_token: Vec::new(),
        public_url: None,
        max_body: 200_000,
        max_connections: 64,
        queue: 10,
    }
}

fn gates(auths: &[(&str, WebhookAuth)]) -> Arc<Gates> {
    Arc::new(auths.iter().map(|(name, auth)| ((*name).to_owned(), Gate::new(auth).unwrap())).collect())
}

async fn start_with(settings: ServerSettings, timeouts: Timeouts, inlet: FakeInlet) -> Daemon {
    let (metrics, registry) = Metrics::new();
    let readiness = Arc::new(Mutex::new(Readiness { ready: true, ..Readiness::default() }));
    let (gates_in, gates_out) = watch::channel(gates(&[
        ("open", WebhookAuth::Open),
        ("tokens", WebhookAuth::Bearer(vec!["old token".into(), "new token".into()])),
        ("signed", WebhookAuth::Signature(vec!["a secret of sixteen bytes or more".into()])),
    ]));
    let (server, address) = Server::bind(&settings).await.unwrap();
    let stop = CancellationToken::new();
    let clerk = Arc::new(FakeClerk::default());
    let (keys_in, keys_out) = watch::channel(Arc::new(Keys::new([&API_TOKEN.into()])));
    let (issuer_in, issuer_out) = watch::channel(Some(Arc::new(page::issuer())));
    let wiring = Wiring {
        inlet: inlet.clone(),
        checkup: FakeCheckup(Arc::clone(&readiness)),
        registry,
        metrics: metrics.clone(),
        gates: gates_out,
        clerk: Arc::clone(&clerk) as Arc<dyn Clerk>,
        keys: keys_out,
        issuer: issuer_out,
        callbacks: watch::channel(Arc::default()).1,
    };
    let task = tokio::spawn(server.with_timeouts(timeouts).serve(wiring, stop.clone()));
    Daemon {
        address,
        inlet,
        clerk,
        keys: keys_in,
        issuer: issuer_in,
        readiness,
        gates: gates_in,
        metrics,
        stop,
        served: task,
    }
}

async fn start() -> Daemon {
    start_with(settings(), Timeouts::default(), FakeInlet::default()).await
}

impl Daemon {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of its own and reads the answer.
    async fn raw(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        reply(&mut stream).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
    }

    async fn post(&self, source: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
        self.raw(post(source, headers, body)).await
    }
}

fn post(source: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("POST /ingest/{source} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Reads one answer and leaves the connection open. Panics when none comes: far longer than any of the tests may take.
async fn reply(stream: &mut TcpStream) -> Reply {
    tokio::time::timeout(Duration::from_secs(20), read_reply(stream)).await.unwrap().unwrap()
}

async fn read_reply(stream: &mut TcpStream) -> std::io::Result<Reply> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Reply { status, head, body: String::from_utf8(body).unwrap() })
}

/// Waits until the other side has closed, without an answer.
async fn closed_without_answer(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(read.is_err() || rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}
