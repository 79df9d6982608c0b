//! A WebSocket, opened by the one HTTP client: its certificates, its guard against addresses that are never asked, its deadlines. It
//! knows no protocol above frames.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use url::Url;

use super::NetError;
use super::client::Client;

/// The longest message that is read: a click brings the whole message that it was made on.
const MOST: usize = 1 << 20;
/// For a frame to be taken.
const SEND: Duration = Duration::from_secs(10);

/// An open connection.
#[derive(Debug)]
pub struct Socket {
    inner: WebSocketStream<reqwest::Upgraded>,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Text(String),
    /// A sign of life.
    Sign,
    /// The end.
    Closed,
}

impl Client {
    /// Opens a WebSocket at `url` (`wss` or `ws`), with headers of the caller's.
    ///
    /// # Errors
    /// When the address is never asked, nobody answers in time, or the answer is no WebSocket.
    pub async fn open_socket(
        &self,
        url: &Url,
        more: &[(HeaderName, HeaderValue)],
        timeout: Duration,
    ) -> Result<Socket, NetError> {
        let key = generate_key();
        let opening = async {
            let headers = [
                (CONNECTION, HeaderValue::from_static("Upgrade")),
                (UPGRADE, HeaderValue::from_static("websocket")),
                (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
                (SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key).map_err(|_| NetError::Setup("a bad key".to_owned()))?),
            ];
            let response = self.upgrade(url, headers.into_iter().chain(more.iter().cloned())).await?;
            let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
            if response.status().as_u16() != 101 || accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
                return Err(NetError::NotSent(format!("HTTP {} instead of a WebSocket", response.status().as_u16())));
            }
            response.upgrade().await.map_err(|error| NetError::Lost(error.without_url().to_string()))
        };
        let upgraded = tokio::time::timeout(timeout, opening)
            .await
            .map_err(|_| NetError::Timeout { after: timeout, connected: false })??;
        let config = WebSocketConfig::default().max_message_size(Some(MOST)).max_frame_size(Some(MOST));
        Ok(Socket { inner: WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await })
    }
}

impl Socket {
    /// The next thing that is heard. Pings are answered on the way. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When the connection is broken, or speaks no WebSocket.
    pub async fn next(&mut self) -> Result<Heard, NetError> {
        match self.inner.next().await {
            None | Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed)) => {
                Ok(Heard::Closed)
            }
            Some(Ok(Message::Text(text))) => Ok(Heard::Text(text.to_string())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => Ok(Heard::Sign),
            Some(Err(error)) => Err(lost(&error)),
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When it can't be sent.
    pub async fn say(&mut self, text: String) -> Result<(), NetError> {
        self.send(Message::text(text)).await
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// When it can't be sent.
    pub async fn ping(&mut self) -> Result<(), NetError> {
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), NetError> {
        let sent = tokio::time::timeout(SEND, self.inner.send(message)).await;
        sent.map_err(|_| NetError::Timeout { after: SEND, connected: true })?.map_err(|error| lost(&error))
    }
}

fn lost(error: &Error) -> NetError {
    NetError::Lost(error.to_string().chars().take(200).collect())
}
