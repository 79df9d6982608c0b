//! Listening to a stand-in for Prefect's events, which takes the protocol as strictly as the server's code does.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::super::feed::Feed;
use super::settings;
use crate::config::PrefectAuth;
use crate::net::{Client, ClientOptions};

const SOON: Duration = Duration::from_secs(20);

type Server = WebSocketStream<TcpStream>;

/// A listening feed, and the server that it comes to.
struct Bench {
    listener: TcpListener,
    wake: Arc<Notify>,
    listening: AbortHandle,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Bench {
    async fn start(auth: PrefectAuth) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let settings = crate::config::PrefectSource { url: url.parse().unwrap(), auth, ..settings() };
        let client = Client::new(&ClientOptions::default()).unwrap();
        let feed = Feed::new("prod".into(), client, &settings).unwrap();
        let wake = Arc::new(Notify::new());
        let listening = tokio::spawn(feed.listen(Arc::clone(&wake))).abort_handle();
        Self { listener, wake, listening }
    }

    /// The next connection, with the headers that it came with.
    async fn accept(&self) -> (Server, Vec<(String, String)>) {
        let (stream, _) = tokio::time::timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        let mut headers = Vec::new();
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let look = |request: &Request, mut response: Response| {
            assert_eq!(request.uri().path(), "/api/events/out");
            headers = request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let protocol = request.headers()["sec-websocket-protocol"].clone();
            assert_eq!(protocol, "prefect");
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let server = tokio_tungstenite::accept_hdr_async(stream, look).await.unwrap();
        (server, headers)
    }

    /// A connection that has signed in, and has said what it wants to hear.
    async fn signed_in(&self) -> (Server, Value) {
        let (mut server, _) = self.accept().await;
        assert_eq!(hear(&mut server).await, json!({"type": "auth", "token": null}));
        say(&mut server, &json!({"type": "auth_success"})).await;
        let filter = hear(&mut server).await;
        self.woken().await;
        (server, filter)
    }

    async fn woken(&self) {
        tokio::time::timeout(SOON, self.wake.notified()).await.unwrap();
    }
}

async fn hear(server: &mut Server) -> Value {
    loop {
        match tokio::time::timeout(SOON, server.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn say(server: &mut Server, what: &Value) {
    server.send(Message::text(what.to_string())).await.unwrap();
}

#[tokio::test]
async fn a_failed_run_wakes_the_poller() {
    let bench = Bench::start(PrefectAuth::None).await;
    let (mut server, filter) = bench.signed_in().await;
    assert_eq!(filter["type"], "filter");
    assert_eq!(filter["filter"]["resource"]["labels"]["prefect.state-type"], json!(["FAILED", "CRASHED"]));
    say(&mut server, &json!({"type": "event", "event": {"event": "prefect.flow-run.Failed"}})).await;
    bench.woken().await;
}

#[tokio::test]
async fn what_is_no_event_wakes_nobody_and_ends_nothing() {
    let bench = Bench::start(PrefectAuth::None).await;
    let (mut server, _) = bench.signed_in().await;
    server.send(Message::text("no JSON")).await.unwrap();
    say(&mut server, &json!({"type": "news"})).await;
    server.send(Message::Ping("are you there".into())).await.unwrap();
    // The answer to the ping comes after all of it was read.
    while !matches!(tokio::time::timeout(SOON, server.next()).await.unwrap(), Some(Ok(Message::Pong(_)))) {}
    assert!(bench.wake.notified().now_or_never().is_none());
    say(&mut server, &json!({"type": "event", "event": {}})).await;
    bench.woken().await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_what_was_missed_is_polled_for() {
    let bench = Bench::start(PrefectAuth::None).await;
    let (server, _) = bench.signed_in().await;
    drop(server);
    bench.signed_in().await;
}

#[tokio::test]
async fn one_that_is_not_let_in_comes_again() {
    let bench = Bench::start(PrefectAuth::Basic(SecretString::from("admin:wrong"))).await;
    for _ in 0..2 {
        let (mut server, headers) = bench.accept().await;
        assert!(headers.contains(&("authorization".to_owned(), "Basic YWRtaW46d3Jvbmc=".to_owned())), "{headers:?}");
        assert_eq!(hear(&mut server).await, json!({"type": "auth", "token": "admin:wrong"}));
        server.close(None).await.unwrap();
    }
    assert!(bench.wake.notified().now_or_never().is_none());
}
