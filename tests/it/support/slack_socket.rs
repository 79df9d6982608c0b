//! Slack's side of Socket Mode: takes connections, says hello, sends envelopes, keeps what is acknowledged.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::SOON;
use super::record::Record;

/// The double.
#[derive(Debug)]
pub(crate) struct SlackSocket {
    url: String,
    /// What was sent to us.
    heard: Record<Value>,
    /// The connections, by when they began.
    connected: Record<usize>,
    say: Arc<Mutex<Option<mpsc::UnboundedSender<Option<String>>>>>,
    task: JoinHandle<()>,
}

impl Drop for SlackSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SlackSocket {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("ws://{}/link/?ticket=s3cr3tTicket", listener.local_addr().expect("bound"));
        let (heard, connected) = (Record::default(), Record::default());
        let say = Arc::<Mutex<Option<mpsc::UnboundedSender<Option<String>>>>>::default();
        let shared = (heard.clone(), connected.clone(), Arc::clone(&say));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            let mut count = 0;
            while let Ok((stream, _)) = listener.accept().await {
                count += 1;
                let (tell, said) = mpsc::unbounded_channel();
                *shared.2.lock().await = Some(tell);
                connections.spawn(talk(stream, said, shared.0.clone(), shared.1.clone(), count));
            }
        });
        Self { url, heard, connected, say, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Waits for the `count`-th connection.
    pub(crate) async fn wait_connection(&self, count: usize) {
        assert!(self.connected.wait_for(count, SOON).await.is_some(), "no connection number {count}");
    }

    /// Sends an envelope, and waits until it is acknowledged.
    pub(crate) async fn envelope(&self, id: &str, kind: &str, payload: &Value) -> Value {
        let envelope = json!({
            "envelope_id": id, "type": kind, "payload": payload, "accepts_response_payload": kind == "slash_commands",
        });
        self.send(&envelope).await;
        let is = |said: &Value| said["envelope_id"] == id;
        let found = self.heard.wait(SOON, |all| all.iter().any(is)).await;
        found.unwrap_or_else(|| panic!("envelope {id} was not acknowledged")).into_iter().find(is).expect("just seen")
    }

    /// Sends anything.
    pub(crate) async fn send(&self, said: &Value) {
        let say = self.say.lock().await;
        say.as_ref().expect("a connection").send(Some(said.to_string())).expect("it is open");
    }

    /// Cuts the connection without a word.
    pub(crate) async fn cut(&self) {
        let say = self.say.lock().await;
        say.as_ref().expect("a connection").send(None).expect("it is open");
    }
}

async fn talk(
    stream: TcpStream,
    mut said: mpsc::UnboundedReceiver<Option<String>>,
    heard: Record<Value>,
    connected: Record<usize>,
    count: usize,
) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.expect("a handshake");
    let hello = json!({ "type": "hello", "num_connections": 1 }).to_string();
    socket.send(Message::text(hello)).await.expect("it is open");
    connected.push(count);
    loop {
        tokio::select! {
            said = said.recv() => match said {
                Some(Some(text)) => socket.send(Message::text(text)).await.expect("it is open"),
                Some(None) | None => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => heard.push(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}
