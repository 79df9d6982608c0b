//! A scripted engine, and a book that keeps what was handed over.

mod asking;
mod detail;
mod first_start;
mod jq;
mod lies;
mod lists;
mod promises;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::{OpenRun, Seen};
use super::*;
use crate::config::{Detail, Polling, Way};
use crate::run::{RunKey, RunStatus};

/// When the tests take place, for us and, unless said otherwise, for the engine.
pub(in crate::source) const NOW: &str = "2026-11-22T02:00:00Z";

pub(in crate::source) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn minutes(offset: i64) -> Timestamp {
    at(NOW) + jiff::SignedDuration::from_mins(offset)
}

#[derive(Clone, Default)]
pub(in crate::source) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// Announce more bytes than are sent.
    pub(super) torn: bool,
}

pub(in crate::source) fn ok(body: impl Into<String>) -> Reply {
    Reply { status: 200, body: body.into(), ..Reply::default() }.with("date", http_date(at(NOW)))
}

pub(in crate::source) fn status(status: u16, body: &str) -> Reply {
    Reply { status, body: body.to_owned(), ..Reply::default() }
}

pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

impl Reply {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }
}

type Script = Box<dyn Fn(&str) -> Reply + Send>;

/// An engine that answers what its script says to a path and query.
#[derive(Clone)]
pub(in crate::source) struct Engine {
    pub(in crate::source) url: String,
    script: Arc<Mutex<Script>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Engine {
    pub(in crate::source) async fn new(script: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let engine = Self { url, script: Arc::new(Mutex::new(Box::new(script))), asked: Arc::default() };
        let serving = engine.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let engine = serving.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut buffer = [0; 4096];
                    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                        match stream.read(&mut buffer).await {
                            Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
                            _ => return,
                        }
                    }
                    let reply = engine.answer(&String::from_utf8_lossy(&head));
                    let _ = stream.write_all(&reply).await;
                });
            }
        });
        engine
    }

    fn answer(&self, head: &str) -> Vec<u8> {
        let target = head.split(' ').nth(1).unwrap_or("/").to_owned();
        let reply = (self.script.lock().unwrap())(&target);
        self.asked.lock().unwrap().push(head.to_owned());
        let length = reply.body.len() + if reply.torn { 10 } else { 0 };
        let mut text = format!("HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {length}\r\n", reply.status);
        for (name, value) in &reply.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        [text.as_bytes(), b"\r\n", reply.body.as_bytes()].concat()
    }

    pub(super) fn now(&self, script: impl Fn(&str) -> Reply + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// The heads of the requests since the last look.
    pub(in crate::source) fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The targets of the requests since the last look.
    pub(super) fn targets(&self) -> Vec<String> {
        self.heads().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect()
    }

    pub(super) fn settings(&self) -> HttpSource {
        settings(&self.url)
    }

    pub(super) fn detail(&self) -> Detail {
        detail(&self.url)
    }
}

pub(super) fn settings(url: &str) -> HttpSource {
    HttpSource {
        url: format!("{url}/runs").parse().unwrap(),
        token: Some(SecretString::from("tok-SECRET")),
        token_scheme: "Bearer".to_owned(),
        basic_auth: None,
        headers: BTreeMap::new(),
        filter: None,
        pagination: Pagination::None,
        detail: None,
        max_pages: 50,
        polling: Polling {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            history: Duration::ZERO,
            overlap: Duration::from_mins(10),
        },
        way: Way::default(),
    }
}

pub(super) fn detail(url: &str) -> Detail {
    Detail {
        url: format!("{url}/runs/{{id}}"),
        id_parts: None,
        also: BTreeMap::new(),
        follow: Vec::new(),
        filter: None,
        watch: Vec::new(),
        statuses: vec![RunStatus::Failed, RunStatus::Running],
    }
}

#[derive(Default)]
struct Pages {
    batches: Vec<Batch>,
    checkpoint: Option<String>,
    open: Vec<OpenRun>,
    refuses: bool,
}

/// Keeps what was handed over.
#[derive(Clone, Default)]
pub(in crate::source) struct Book(Arc<Mutex<Pages>>);

impl Intake for Book {
    async fn take(&self, _: &str, batch: Batch) -> Result<(), NotTaken> {
        let mut pages = self.0.lock().unwrap();
        if pages.refuses {
            return Err(NotTaken { reason: "disk full".to_owned() });
        }
        if batch.checkpoint.is_some() {
            pages.checkpoint.clone_from(&batch.checkpoint);
        }
        pages.batches.push(batch);
        Ok(())
    }

    async fn checkpoint(&self, _: &str) -> Result<Option<String>, NotTaken> {
        Ok(self.0.lock().unwrap().checkpoint.clone())
    }

    async fn open_runs(&self, _: &str) -> Result<Vec<OpenRun>, NotTaken> {
        Ok(self.0.lock().unwrap().open.clone())
    }
}

impl Book {
    fn batches(&self) -> Vec<Batch> {
        std::mem::take(&mut self.0.lock().unwrap().batches)
    }

    /// What was handed over since the last look, as `id status` with `!` for news and `-` for history, and `?` for forgotten.
    pub(super) fn read(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for batch in self.batches() {
            lines.extend(batch.runs.iter().map(|Seen { run, history }| {
                format!("{}{} {}", if *history { '-' } else { '!' }, run.id, run.status.as_str())
            }));
            lines.extend(batch.forgotten.iter().map(|key| format!("?{}", key.run)));
        }
        lines
    }

    /// The runs that were handed over since the last look.
    pub(in crate::source) fn runs(&self) -> Vec<crate::run::Run> {
        self.batches().into_iter().flat_map(|batch| batch.runs).map(|seen| seen.run).collect()
    }

    pub(super) fn checkpoint(&self) -> checkpoint::Checkpoint {
        serde_json::from_str(self.0.lock().unwrap().checkpoint.as_deref().unwrap()).unwrap()
    }

    pub(super) fn refuse(&self, refuses: bool) {
        self.0.lock().unwrap().refuses = refuses;
    }

    pub(super) fn open(&self, id: &str, started_at: Timestamp) {
        self.open_in("", id, started_at);
    }

    pub(super) fn open_in(&self, workspace: &str, id: &str, started_at: Timestamp) {
        let key = RunKey { workspace: workspace.to_owned(), workflow: "wf".to_owned(), run: id.to_owned() };
        let open = OpenRun { key, status: RunStatus::Running, started_at: Some(started_at) };
        self.0.lock().unwrap().open.push(open);
    }
}

/// A native run that last changed at `changed`.
pub(super) fn run(id: &str, status: &str, changed: Timestamp) -> String {
    let ended =
        if matches!(status, "failed" | "completed") { format!(r#","completedAt":"{changed}""#) } else { String::new() };
    format!(
        r#"{{"id":"{id}","workflow":{{"id":"wf"}},"status":"{status}","startedAt":"{}","updatedAt":"{changed}"{ended}}}"#,
        changed - jiff::SignedDuration::from_mins(1)
    )
}

pub(super) fn list(runs: &[String]) -> String {
    format!("[{}]", runs.join(","))
}

/// A source that has its baseline: an empty list was not its first answer.
pub(super) async fn settled(engine: &Engine, settings: HttpSource) -> (Http, Book) {
    let (mut http, book) = (Http::new("prod", settings).unwrap(), Book::default());
    let first = std::sync::atomic::AtomicBool::new(true);
    engine.now(move |_| {
        let first = first.swap(false, std::sync::atomic::Ordering::Relaxed);
        ok(if first { list(&[run("old", "completed", minutes(-600))]) } else { "[]".to_owned() })
    });
    http.poll(&book, at(NOW)).await.unwrap();
    book.read();
    engine.heads();
    (http, book)
}

pub(super) async fn poll(http: &mut Http, book: &Book) -> Result<Polled, PollError> {
    http.poll(book, minutes(1)).await
}

/// A poll so much later that what could not be had is given up.
pub(super) async fn poll_later(http: &mut Http, book: &Book) -> Result<Polled, PollError> {
    http.poll(book, minutes(4)).await
}
