//! The ways in for what people do in the channels: those that listen run here, those that are called are handed to the server. A reload
//! replaces them all.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::body::Bytes;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Bridge;
use crate::clock;
use crate::receiver::{Desk, Lobby, Reply};
use crate::server::{Callback, Callbacks, Called, Calling};

/// The lobbies in force.
pub(super) struct Lobbies {
    desk: Arc<dyn Desk>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// One lobby as the server calls it.
struct Door {
    lobby: Arc<Lobby>,
    desk: Arc<dyn Desk>,
}

impl Lobbies {
    pub(super) fn new(bridge: Bridge) -> Self {
        Self { desk: Arc::new(bridge), stop: CancellationToken::new(), tasks: Vec::new() }
    }

    /// Puts these in force; who is called is given back.
    pub(super) fn replace(&mut self, lobbies: Vec<Arc<Lobby>>) -> Callbacks {
        self.stop.cancel();
        self.stop = CancellationToken::new();
        self.tasks.clear();
        let mut callbacks = Callbacks::new();
        for lobby in lobbies {
            if lobby.is_called() {
                let door: Arc<dyn Callback> =
                    Arc::new(Door { lobby: Arc::clone(&lobby), desk: Arc::clone(&self.desk) });
                let paths = lobby.receivers().filter_map(path);
                callbacks.extend(paths.map(|path| (path, Arc::clone(&door))));
            }
            if lobby.listens() {
                let (desk, stop) = (Arc::clone(&self.desk), self.stop.clone());
                self.tasks.push(tokio::spawn(lobby.listen(desk, stop)));
            }
        }
        callbacks
    }

    /// Ends all that listen.
    pub(super) async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(?error, "what people do was no longer heard, by a bug");
            }
        }
    }
}

/// `/slack/{receiver}`, as a request line has it.
fn path(receiver: &str) -> Option<String> {
    let mut url = Url::parse("http://localhost/slack").ok()?;
    url.path_segments_mut().ok()?.push(receiver);
    Some(url.path().to_owned())
}

impl Callback for Door {
    fn called(&self, headers: HeaderMap, body: Bytes) -> Calling<'_> {
        Box::pin(async move {
            let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            let (timestamp, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
            let Reply { status, body } = self.lobby.called(&self.desk, timestamp, signature, &body, clock::now()).await;
            Called { status, body }
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_receivers_path_is_written_as_a_request_line_has_it() {
        assert_eq!(super::path("on call").as_deref(), Some("/slack/on%20call"));
        assert_eq!(super::path("oncall-1.eu").as_deref(), Some("/slack/oncall-1.eu"));
    }
}
