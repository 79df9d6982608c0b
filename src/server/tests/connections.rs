//! Slow, many, and left at the end.

use super::*;

fn short() -> Timeouts {
    Timeouts { header: Duration::from_millis(300), body: Duration::from_millis(300), ..Timeouts::default() }
}

#[tokio::test]
async fn a_header_that_does_not_end_closes_the_connection() {
    let daemon = start_with(settings(), short(), FakeInlet::default()).await;
    let mut silent = daemon.connect().await;
    let mut half = daemon.connect().await;
    half.write_all(b"POST /ingest/open HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let mut second = daemon.connect().await;
    second.write_all(&post("open", "", RUN)).await.unwrap();
    assert_eq!(reply(&mut second).await.status, 200);
    second.write_all(b"POST").await.unwrap();
    closed_without_answer(&mut silent).await;
    closed_without_answer(&mut half).await;
    closed_without_answer(&mut second).await;
}

#[tokio::test]
async fn bytes_that_drip_do_not_prolong_a_header() {
    let daemon = start_with(settings(), short(), FakeInlet::default()).await;
    let (mut read, mut write) = daemon.connect().await.into_split();
    let drip = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let mut rest = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(20), read.read_to_end(&mut rest)).await.unwrap());
    assert!(!rest.starts_with(b"HTTP/1.1 2"));
    drip.await.unwrap();
}

#[tokio::test]
async fn half_a_body_is_answered_408_and_the_connection_closed() {
    let daemon = start_with(settings(), short(), FakeInlet::default()).await;
    let mut stream = daemon.connect().await;
    let request = post("open", "", RUN);
    stream.write_all(&request[..request.len() - 5]).await.unwrap();
    assert_eq!(reply(&mut stream).await.status, 408);
    closed_without_answer(&mut stream).await;
    assert_eq!(daemon.inlet.indexes(), [0_usize; 0]);
}

#[tokio::test]
async fn an_idle_connection_is_kept_and_then_closed() {
    let timeouts =
        Timeouts { header: Duration::from_millis(100), idle: Duration::from_millis(600), ..Timeouts::default() };
    let daemon = start_with(settings(), timeouts, FakeInlet::default()).await;
    let mut stream = daemon.connect().await;
    stream.write_all(&post("open", "", RUN)).await.unwrap();
    assert_eq!(reply(&mut stream).await.status, 200);
    let answered = tokio::time::Instant::now();
    closed_without_answer(&mut stream).await;
    assert!(answered.elapsed() > Duration::from_millis(300), "the header's time is not the idle time");
}

#[tokio::test]
async fn one_connection_carries_many_requests_even_all_at_once() {
    let daemon = start().await;
    let mut stream = daemon.connect().await;
    stream.write_all(&post("open", "", RUN).repeat(50)).await.unwrap();
    for _ in 0..50 {
        assert_eq!(reply(&mut stream).await.status, 200);
    }
}

#[tokio::test]
async fn health_gets_through_when_all_common_places_are_taken() {
    let daemon =
        start_with(ServerSettings { max_connections: 4, ..settings() }, Timeouts::default(), FakeInlet::default())
            .await;
    let mut keepers = Vec::new();
    for _ in 0..3 {
        let mut stream = daemon.connect().await;
        stream.write_all(&post("open", "", RUN)).await.unwrap();
        assert_eq!(reply(&mut stream).await.status, 200);
        keepers.push(stream);
    }
    for _ in 0..5 {
        let mut stream = daemon.connect().await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = reply(&mut stream).await;
        assert_eq!((answer.status, answer.head.contains("connection: close")), (200, true));
        closed_without_answer(&mut stream).await;
    }
}

#[tokio::test]
async fn beyond_the_cap_a_connection_waits_and_is_served_when_a_place_comes_free() {
    let daemon =
        start_with(ServerSettings { max_connections: 2, ..settings() }, Timeouts::default(), FakeInlet::default())
            .await;
    let mut first = daemon.connect().await;
    first.write_all(&post("open", "", RUN)).await.unwrap();
    reply(&mut first).await;
    // The kept place: a request that has begun and does not go on.
    let mut second = daemon.connect().await;
    second.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    let mut third = daemon.connect().await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    drop(first);
    assert_eq!(reply(&mut third).await.status, 200);
    assert!(daemon.metrics.connections.get() <= 2);
}

#[tokio::test]
async fn a_request_in_flight_is_answered_at_shutdown_and_nobody_new_is_let_in() {
    let hold = Arc::new(Notify::new());
    let inlet = FakeInlet { hold: Some(Arc::clone(&hold)), ..FakeInlet::default() };
    let daemon = start_with(settings(), Timeouts::default(), inlet).await;
    let mut silent = daemon.connect().await;
    let mut stream = daemon.connect().await;
    stream.write_all(&post("open", "", RUN)).await.unwrap();
    daemon.inlet.begun.notified().await;
    daemon.stop.cancel();
    closed_without_answer(&mut silent).await;
    hold.notify_one();
    let answer = reply(&mut stream).await;
    assert_eq!((answer.status, answer.head.contains("connection: close")), (200, true));
    daemon.served.await.unwrap();
    assert!(TcpStream::connect(daemon.address).await.is_err());
    assert_eq!(daemon.metrics.connections.get(), 0);
}

#[tokio::test]
async fn what_does_not_end_is_dropped_after_the_drain() {
    let inlet = FakeInlet { hold: Some(Arc::default()), ..FakeInlet::default() };
    let timeouts = Timeouts { drain: Duration::from_millis(20), ..Timeouts::default() };
    let daemon = start_with(settings(), timeouts, inlet).await;
    let mut stream = daemon.connect().await;
    stream.write_all(&post("open", "", RUN)).await.unwrap();
    daemon.inlet.begun.notified().await;
    daemon.stop.cancel();
    daemon.served.await.unwrap();
    closed_without_answer(&mut stream).await;
}
