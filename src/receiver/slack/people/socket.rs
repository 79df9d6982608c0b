//! Socket Mode: a connection that we open, through which Slack says what people do. No address of ours has to be public. It knows the
//! envelopes; what is in them is read and done elsewhere.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::press::{self, Press};
use super::{Lobby, Taken, respond};
use crate::clock;
use crate::net::{Heard, Socket};
use crate::receiver::slack::bot::{Api, Arguments};
use crate::receiver::{Desk, own_secrets};

/// For the address, and for the connection.
const OPEN: Duration = Duration::from_secs(15);
/// Slack sends a ping every few seconds; we ask when we have heard nothing for this long, and after twice that nobody is there.
const ASK_AFTER: Duration = Duration::from_secs(30);
const GONE_AFTER: Duration = Duration::from_secs(75);
/// Between two connections that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Slack closes a connection every few hours, after it has said so. More often than this it is a fault.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// How a connection ended.
enum Ended {
    /// Slack wants another one.
    Asked,
    /// It broke, or never was.
    Lost(String),
}

impl Lobby {
    /// Listens until `stop`; whatever happens to the connection, there is another one.
    pub async fn listen(self: Arc<Self>, desk: Arc<dyn Desk>, stop: CancellationToken) {
        let Some(token) = self.app.app_token.clone() else {
            return;
        };
        let own = own_secrets::slack_bot(&self.app);
        let name = self.receivers().next().unwrap_or_default().to_owned();
        let api = match Api::new(self.client.clone(), self.app.api_url.clone(), &token, own) {
            Ok(api) => api,
            Err(error) => {
                tracing::error!(receiver = %name, %error, "Socket Mode can't be used");
                return;
            }
        };
        let (mut pause, mut down) = (FIRST_PAUSE, false);
        loop {
            let began = Instant::now();
            let (mut heard_hello, failing) = (false, down);
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.connection(&api, &desk, &mut heard_hello, &name, failing) => ended,
            };
            // One that is cut right after its greeting is no better than none: it must not be asked for twice a second.
            if heard_hello && began.elapsed() >= SHORTEST_LIFE {
                (pause, down) = (FIRST_PAUSE, false);
            }
            match ended {
                Ended::Asked if began.elapsed() >= SHORTEST_LIFE => continue,
                Ended::Asked => {}
                Ended::Lost(reason) => {
                    if !down {
                        tracing::warn!(receiver = %name, %reason, "what people do in Slack does not arrive: Socket Mode is down");
                    }
                    down = true;
                }
            }
            let jitter = clock::seed() % (u64::try_from(pause.as_millis()).unwrap_or(1) / 2 + 1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause + Duration::from_millis(jitter)) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connection(
        self: &Arc<Self>,
        api: &Api,
        desk: &Arc<dyn Desk>,
        heard_hello: &mut bool,
        name: &str,
        failing: bool,
    ) -> Ended {
        let mut socket = match self.open(api).await {
            Ok(socket) => socket,
            Err(reason) => return Ended::Lost(reason),
        };
        let (answer, mut answers) = mpsc::unbounded_channel::<String>();
        let mut heard_at = Instant::now();
        let mut asked = false;
        loop {
            let ask_at = heard_at + if asked { GONE_AFTER } else { ASK_AFTER };
            let heard = tokio::select! {
                heard = socket.next() => heard,
                Some(said) = answers.recv() => {
                    match socket.say(said).await {
                        Ok(()) => continue,
                        Err(error) => return Ended::Lost(error.to_string()),
                    }
                }
                () = tokio::time::sleep_until(ask_at) => {
                    if asked {
                        return Ended::Lost("nothing was heard for 75 s".to_owned());
                    }
                    asked = true;
                    match socket.ping().await {
                        Ok(()) => continue,
                        Err(error) => return Ended::Lost(error.to_string()),
                    }
                }
            };
            (heard_at, asked) = (Instant::now(), false);
            let said = match heard {
                Ok(Heard::Text(said)) => said,
                Ok(Heard::Sign) => continue,
                Ok(Heard::Closed) => return Ended::Lost("Slack closed the connection".to_owned()),
                Err(error) => return Ended::Lost(error.to_string()),
            };
            let Ok(envelope) = serde_json::from_str::<Json>(&said) else {
                continue;
            };
            match envelope["type"].as_str().unwrap_or_default() {
                "hello" => {
                    *heard_hello = true;
                    if failing {
                        tracing::info!(receiver = %name, "what people do in Slack arrives again");
                    } else {
                        tracing::debug!(receiver = %name, "Socket Mode is up");
                    }
                }
                "disconnect" if envelope["reason"] == "link_disabled" => {
                    return Ended::Lost("Socket Mode is switched off in the app's settings".to_owned());
                }
                "disconnect" => return Ended::Asked,
                kind => self.envelope(desk, kind, &envelope, &answer),
            }
        }
    }

    /// The address is good for one connection, and is a secret while it is.
    async fn open(&self, api: &Api) -> Result<Socket, String> {
        let opened = api.call("apps.connections.open", Arguments::Form(&[]), OPEN, clock::now()).await;
        let opened = opened.map_err(|no| no.reason().to_owned())?;
        let url = opened["url"].as_str().and_then(|url| Url::parse(url).ok());
        let fits =
            |url: &Url| url.scheme() == "wss" || (self.near && url.scheme() == "ws" && respond::is_loopback(url));
        let url = url.filter(fits).ok_or("Slack gave no address for a connection")?;
        self.client.open_socket(&url, &[], OPEN).await.map_err(|error| error.to_string())
    }

    /// Answers an envelope beside the connection: the next one must not wait for it.
    fn envelope(
        self: &Arc<Self>,
        desk: &Arc<dyn Desk>,
        kind: &str,
        envelope: &Json,
        answer: &mpsc::UnboundedSender<String>,
    ) {
        let Some(id) = envelope["envelope_id"].as_str().map(str::to_owned) else {
            return;
        };
        let payload = &envelope["payload"];
        let press: Option<Press> = match kind {
            "interactive" => press::of_click(payload),
            "slash_commands" => press::of_command(payload),
            _ => None,
        };
        let takes_answer = envelope["accepts_response_payload"] == true;
        let (lobby, desk, answer) = (Arc::clone(self), Arc::clone(desk), answer.clone());
        tokio::spawn(async move {
            let taken = match press {
                Some(press) => lobby.take(&desk, press).await,
                None => Taken::Nothing,
            };
            let said = match taken {
                // Not acknowledged: Slack sends it again, or tells the person.
                Taken::Full => return,
                Taken::Answer(payload) if takes_answer => json!({ "envelope_id": id, "payload": payload }),
                Taken::Answer(_) | Taken::Nothing => json!({ "envelope_id": id }),
            };
            // A connection that is gone by now: Slack asks again through the next one, and nothing is done twice.
            let _ = answer.send(said.to_string());
        });
    }
}
