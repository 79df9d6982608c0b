//! The whole daemon inside the test's process, with an endpoint that answers when it is let.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::config::{Config, ConfigFile, Inputs, load};
use crate::metrics::Metrics;
use crate::run::{Limits, read_run};
use crate::server::Inlet;

const LONG: Duration = Duration::from_secs(20);

/// Counts the requests that arrived; each is answered when the test says so.
struct Endpoint {
    url: String,
    arrived: watch::Receiver<usize>,
    answer: mpsc::UnboundedSender<()>,
}

impl Endpoint {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (count, arrived) = watch::channel(0);
        let (answer, answers) = mpsc::unbounded_channel();
        let answers = std::sync::Arc::new(tokio::sync::Mutex::new(answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (count, answers) = (count.clone(), answers.clone());
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    if stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        count.send_modify(|count| *count += 1);
                        answers.lock().await.recv().await;
                        let yes = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                        stream.write_all(yes).await.unwrap();
                    }
                });
            }
        });
        Self { url, arrived, answer }
    }

    async fn wait(&mut self, count: usize) {
        tokio::time::timeout(LONG, self.arrived.wait_for(|arrived| *arrived >= count)).await.unwrap().unwrap();
    }
}

fn config(folder: &Path, rest: &str) -> Config {
    let ledger = folder.join("firstred.db");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[ledger]\npath = {ledger:?}\n[sources.events]\ntype = \"webhook\"\n\
         [receivers.other]\ntype = \"console\"\n{rest}"
    );
    let file = ConfigFile::Text { name: "firstred.toml".to_owned(), text };
    let inputs = Inputs { file: Some(file), ..Inputs::of_file(None, BTreeMap::new(), |_| Ok(())) };
    load(&inputs).unwrap_or_else(|mistakes| panic!("{mistakes}")).config
}

fn with_hook(endpoint: &Endpoint) -> String {
    format!(
        "[receivers.hook]\ntype = \"webhook\"\nurl = {:?}\nparallel = 1\ntimeout = \"30s\"\n[defaults]\nnotify = \"hook\"\n",
        endpoint.url
    )
}

async fn start(config: &Config) -> Daemon {
    let (metrics, registry) = Metrics::new();
    Daemon::start(config, metrics, registry).await.unwrap()
}

async fn fail(daemon: &Daemon, runs: usize) {
    let run = |number| {
        let text = format!(r#"{{"id":"r{number}","workflow":{{"id":"w{number}"}},"status":"failed"}}"#);
        read_run(text.as_bytes(), Limits::default()).unwrap()
    };
    let refused = daemon.bridge().commit("events", (0..runs).map(|number| (number, run(number))).collect()).await;
    assert!(refused.unwrap().is_empty());
}

#[tokio::test]
async fn a_receiver_that_is_removed_and_comes_back_while_a_request_hangs_sends_nothing_twice() {
    let folder = TempDir::new().unwrap();
    let mut endpoint = Endpoint::start().await;
    let with = config(folder.path(), &with_hook(&endpoint));
    let without = config(folder.path(), "[defaults]\nnotify = \"other\"\n");
    let mut daemon = start(&with).await;
    fail(&daemon, 1).await;
    endpoint.wait(1).await;
    daemon.replace(&without).unwrap();
    daemon.replace(&with).unwrap();
    let half_a_second = Duration::from_millis(500);
    let second = tokio::time::timeout(half_a_second, endpoint.arrived.wait_for(|count| *count > 1)).await.is_ok();
    assert!(!second, "the request that hangs is still this delivery's");
    endpoint.answer.send(()).unwrap();
    endpoint.answer.send(()).unwrap();
    // The lane that came back has nothing left but what comes now.
    let text = br#"{"id":"next","workflow":{"id":"w"},"status":"failed"}"#;
    let next = read_run(text, Limits::default()).unwrap();
    daemon.bridge().commit("events", vec![(0, next)]).await.unwrap();
    endpoint.wait(2).await;
    daemon.stop().await;
    assert_eq!(*endpoint.arrived.borrow(), 2);
}

#[tokio::test]
async fn once_it_is_told_to_stop_it_begins_no_delivery_while_a_slow_client_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let mut endpoint = Endpoint::start().await;
    let daemon = start(&config(folder.path(), &with_hook(&endpoint))).await;
    fail(&daemon, 20).await;
    endpoint.wait(1).await;
    let _slow = half_a_request(daemon.address).await;
    let stopped = tokio::spawn(daemon.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..20 {
        endpoint.answer.send(()).unwrap();
    }
    stopped.await.unwrap();
    assert_eq!(*endpoint.arrived.borrow(), 1);
}

#[tokio::test]
async fn a_request_that_hangs_and_a_slow_client_together_do_not_keep_it_for_ten_seconds() {
    let folder = TempDir::new().unwrap();
    let mut endpoint = Endpoint::start().await;
    let daemon = start(&config(folder.path(), &with_hook(&endpoint))).await;
    fail(&daemon, 1).await;
    endpoint.wait(1).await;
    let _slow = half_a_request(daemon.address).await;
    let began = Instant::now();
    daemon.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(began.elapsed() > Duration::from_secs(7), "an attempt in flight gets what time there is");
}

async fn half_a_request(address: SocketAddr) -> TcpStream {
    let mut slow = TcpStream::connect(address).await.unwrap();
    let half = b"POST /ingest/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    slow.write_all(half).await.unwrap();
    // Answered on another connection: by then the server has the half.
    let mut other = TcpStream::connect(address).await.unwrap();
    other.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    slow
}
