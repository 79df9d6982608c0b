//! Prefect's events over a WebSocket: it rings when a run fails, so that the next poll comes at once. It carries no runs, and nothing
//! rests on it: what it misses, the next poll finds.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

use super::super::PollError;
use super::sign_in;
use crate::config::PrefectSource;
use crate::net::{Client, Heard, Socket};

/// For the connection, and for the answer to our signing in.
const OPEN: Duration = Duration::from_secs(15);
/// Prefect sends a ping every 20 s. After so long without a sign we ask for one, and after as long again nobody is there.
const SIGN: Duration = Duration::from_secs(45);
/// Between two connections: the first pause, and the longest. Polling goes on meanwhile.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A connection that lived this long was a good one.
const GOOD_LIFE: Duration = Duration::from_mins(1);

/// The feed of one server or workspace.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    name: String,
    client: Client,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    token: Option<SecretString>,
}

/// What the feed says, as far as it matters.
#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
}

impl Feed {
    pub(super) fn new(name: String, client: Client, settings: &PrefectSource) -> Result<Self, PollError> {
        let url = address(&settings.url).ok_or_else(|| PollError {
            doing: "setting up the connection to Prefect's events".to_owned(),
            reason: "the API's URL makes no address of a WebSocket".to_owned(),
            retry_after: None,
        })?;
        let mut headers = vec![(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("prefect"))];
        headers.extend(sign_in::header(&settings.auth)?);
        let token = sign_in::token(&settings.auth);
        Ok(Self { name, client, url, headers, token })
    }

    /// Listens for ever, and rings `wake` for each run that fails and for each connection made: what happened before it is not said again.
    pub(super) async fn listen(self, wake: Arc<Notify>) {
        let (mut pause, mut said_why) = (FIRST_PAUSE, false);
        loop {
            let began = Instant::now();
            let reason = match self.connect().await {
                Ok(mut socket) => {
                    tracing::debug!(source = ?self.name, "Prefect's events are heard");
                    wake.notify_one();
                    follow(&mut socket, &wake).await
                }
                Err(reason) => reason,
            };
            if began.elapsed() >= GOOD_LIFE {
                (pause, said_why) = (FIRST_PAUSE, false);
            }
            if !said_why {
                tracing::info!(source = ?self.name, ?reason, "Prefect's events are not heard: a failed run is seen by the next poll");
            }
            said_why = true;
            let jitter = crate::clock::seed() % (u64::try_from(pause.as_millis()).unwrap_or(1) / 2 + 1);
            tokio::time::sleep(pause + Duration::from_millis(jitter)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A connection that is signed in and has been told what we want to hear.
    async fn connect(&self) -> Result<Socket, String> {
        let opened = self.client.open_socket(&self.url, &self.headers, OPEN).await;
        let mut socket = opened.map_err(|error| error.to_string())?;
        let token = self.token.as_ref().map(ExposeSecret::expose_secret);
        say(&mut socket, &json!({"type": "auth", "token": token})).await?;
        let answered = tokio::time::timeout(OPEN, hear(&mut socket)).await;
        let said = answered.map_err(|_| format!("no answer to our signing in within {} s", OPEN.as_secs()))??;
        if said.kind != "auth_success" {
            return Err("Prefect did not let us sign in".to_owned());
        }
        say(&mut socket, &wanted()).await?;
        Ok(socket)
    }
}

/// Reads until the connection ends, and says why it did.
async fn follow(socket: &mut Socket, wake: &Notify) -> String {
    let mut asked = false;
    loop {
        match tokio::time::timeout(SIGN, socket.next()).await {
            Ok(Ok(Heard::Text(text))) => {
                if serde_json::from_str::<Said>(&text).is_ok_and(|said| said.kind == "event") {
                    wake.notify_one();
                }
                asked = false;
            }
            Ok(Ok(Heard::Sign)) => asked = false,
            Ok(Ok(Heard::Closed)) => return "Prefect closed the connection".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Err(_) if asked => return format!("nothing was heard for {} s", 2 * SIGN.as_secs()),
            Err(_) => {
                asked = true;
                if let Err(error) = socket.ping().await {
                    return error.to_string();
                }
            }
        }
    }
}

async fn say(socket: &mut Socket, what: &Value) -> Result<(), String> {
    socket.say(what.to_string()).await.map_err(|error| error.to_string())
}

async fn hear(socket: &mut Socket) -> Result<Said, String> {
    loop {
        match socket.next().await {
            Ok(Heard::Text(text)) => {
                return serde_json::from_str(&text)
                    .map_err(|_| "the answer to our signing in can't be read".to_owned());
            }
            Ok(Heard::Sign) => {}
            Ok(Heard::Closed) => return Err("Prefect closed the connection when we signed in".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Failed and crashed runs, from now on by the server's clock. The names of the events are the names of the states, which people
/// choose: their type is what counts.
fn wanted() -> Value {
    json!({
        "type": "filter",
        "backfill": false,
        "filter": {
            "event": {"prefix": ["prefect.flow-run."]},
            "resource": {"labels": {"prefect.state-type": ["FAILED", "CRASHED"]}},
            // Left out, it would be the moment of our asking, and nothing would ever come.
            "occurred": {"until": "2200-01-01T00:00:00Z"},
        },
    })
}

/// `api/events/out` as a WebSocket.
fn address(api: &Url) -> Option<Url> {
    let rest = api.as_str().strip_prefix("http")?;
    Url::parse(&format!("ws{}/events/out", rest.trim_end_matches('/'))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_from_the_api() {
        let of = |api: &str| address(&Url::parse(api).expect("a URL")).expect("an address").to_string();
        assert_eq!(of("http://127.0.0.1:4200/api"), "ws://127.0.0.1:4200/api/events/out");
        assert_eq!(
            of("https://api.prefect.cloud/api/accounts/a/workspaces/w"),
            "wss://api.prefect.cloud/api/accounts/a/workspaces/w/events/out"
        );
    }
}
