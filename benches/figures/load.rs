//! A frugal load generator: prepared requests over keep-alive connections, all on one thread.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Digits of a run's number in a prepared body.
const DIGITS: usize = 9;
const MARK: &str = "#########";

/// One native run, about 470 bytes, with the number's place marked.
pub(crate) fn failed_run(workflow: &str) -> String {
    format!(
        r#"{{"id":"run-{MARK}","workspace":"acme","workflow":{{"id":"{workflow}","name":"{workflow}"}},"status":"failed","trigger":"schedule","startedAt":"2026-11-22T02:07:00Z","completedAt":"2026-11-22T02:07:09Z","updatedAt":"2026-11-22T02:07:09Z","labels":{{"env":"prod"}},"steps":[{{"number":1,"title":"Fetch","status":"completed"}},{{"number":2,"title":"Create contact","kind":"http.request","status":"failed","error":{{"code":"AUTH_MISSING","message":"No connection is attached.","providerStatus":401}}}}]}}"#
    )
}

/// A run whose step is retrying: it stays open and held.
pub(crate) fn retrying_run() -> String {
    failed_run("wf-held")
        .replacen(r#""status":"failed","trigger""#, r#""status":"running","trigger""#, 1)
        .replace(r#""completedAt":"2026-11-22T02:07:09Z","#, "")
        .replace(
            r#""kind":"http.request","status":"failed""#,
            r#""kind":"http.request","status":"retrying","attempt":1,"maxAttempts":9"#,
        )
}

/// A whole request whose bodies' numbers can be set in place.
pub(crate) struct Prepared {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Prepared {
    pub(crate) fn new(runs: &[String]) -> Self {
        let body = if runs.len() == 1 { runs[0].clone() } else { format!("[{}]", runs.join(",")) };
        let text = format!(
            "POST /ingest/events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let places = text.match_indices(MARK).map(|(place, _)| place).collect();
        Self { bytes: text.into_bytes(), places }
    }

    pub(crate) fn number(&mut self, first: u64) -> &[u8] {
        for (offset, &place) in self.places.iter().enumerate() {
            let digits = format!("{:0DIGITS$}", first + offset as u64);
            self.bytes[place..place + DIGITS].copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }

    pub(crate) fn runs(&self) -> u64 {
        self.places.len() as u64
    }
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request and waits for the whole answer. Answers its status.
    pub(crate) async fn call(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the daemon closed the connection");
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end]).unwrap().to_ascii_lowercase();
                let length: usize =
                    head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim().parse().unwrap();
                if self.buffer.len() >= end + 4 + length {
                    return head[9..12].parse().unwrap();
                }
            }
        }
    }
}

/// Posts always-new runs over `connections` for `time`, beginning with number `first`. Answers runs for each second.
pub(crate) async fn flood(
    address: SocketAddr,
    runs: &[String],
    connections: usize,
    first: u64,
    time: Duration,
) -> (f64, u64) {
    let next = Rc::new(Cell::new(first));
    let begin = Instant::now();
    let local = tokio::task::LocalSet::new();
    for _ in 0..connections {
        let next = Rc::clone(&next);
        let mut prepared = Prepared::new(runs);
        local.spawn_local(async move {
            let mut connection = Connection::open(address).await;
            while begin.elapsed() < time {
                let number = next.get();
                next.set(number + prepared.runs());
                let status = connection.call(prepared.number(number)).await;
                assert_eq!(status, 200);
            }
        });
    }
    local.await;
    let count = next.get() - first;
    (count as f64 / begin.elapsed().as_secs_f64(), count)
}

/// Posts exactly `count` runs in arrays of 100 over 4 connections, as fast as they are taken.
pub(crate) async fn fill(address: SocketAddr, run: &str, count: u64) {
    let runs = vec![run.to_owned(); 100];
    let next = Rc::new(Cell::new(0_u64));
    let local = tokio::task::LocalSet::new();
    for _ in 0..4 {
        let next = Rc::clone(&next);
        let mut prepared = Prepared::new(&runs);
        local.spawn_local(async move {
            let mut connection = Connection::open(address).await;
            loop {
                let number = next.get();
                if number >= count {
                    return;
                }
                next.set(number + 100);
                assert_eq!(connection.call(prepared.number(number)).await, 200);
            }
        });
    }
    local.await;
}
