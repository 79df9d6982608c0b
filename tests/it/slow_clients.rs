//! Clients that dawdle are cut off, and nobody else notices.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::{Setup, TOKEN};
use crate::support::slack::Slack;

async fn start() -> (Slack, Daemon) {
    let slack = Slack::start().await;
    let daemon = Daemon::start(&Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "")).await;
    (slack, daemon)
}

/// Opens `count` connections that send `begin` and then nothing.
async fn dawdle(address: &str, count: usize, begin: &str) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.expect("the daemon accepts");
        // An error means that it was turned away at once: also fine.
        let _ = stream.write_all(begin.as_bytes()).await;
        streams.push(stream);
    }
    streams
}

/// How long it takes until the daemon has closed all of them.
async fn until_closed(streams: Vec<TcpStream>) -> Duration {
    let began = Instant::now();
    let mut reads = JoinSet::new();
    for mut stream in streams {
        reads.spawn(async move {
            let mut rest = Vec::new();
            // A reset is a close as well.
            let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await.expect("the daemon closes it");
        });
    }
    while let Some(read) = reads.join_next().await {
        read.expect("no panic");
    }
    began.elapsed()
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_cut_off() {
    let (slack, daemon) = start().await;
    let slow = dawdle(daemon.address(), 200, "POST /ingest/events HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    let began = Instant::now();
    daemon.ingest(&failed("r1", "not-delayed")).await;
    assert!(began.elapsed() < Duration::from_secs(2), "a good request took {:?}", began.elapsed());
    slack.wait_about("not-delayed", SOON).await;
    let took = until_closed(slow).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_client_that_never_ends_its_body_is_cut_off() {
    let (slack, daemon) = start().await;
    let head = format!(
        "POST /ingest/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 500000\r\n\r\n{{"
    );
    let slow = dawdle(daemon.address(), 100, &head).await;
    daemon.ingest(&failed("r1", "not-delayed")).await;
    slack.wait_about("not-delayed", SOON).await;
    let took = until_closed(slow).await;
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn more_connections_than_allowed_do_no_lasting_harm() {
    let (slack, mut daemon) = start().await;
    // The kernel accepts what the daemon does not yet take; those wait or are closed.
    let crowd = dawdle(daemon.address(), 600, "").await;
    drop(crowd);
    daemon.ingest(&failed("r1", "after-the-crowd")).await;
    slack.wait_about("after-the-crowd", SOON).await;
    daemon.assert_alive();
}
