//! What people do in Slack, and what they are answered: all receivers of one app together, for an app has one way in, however many
//! channels it posts to. It knows how Slack says it; what is done is the desk's.

pub(super) mod buttons;
mod press;
mod respond;
mod signed;
mod socket;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use self::buttons::Click;
use self::press::{Command, Press, What};
use self::words::Answer;
use super::bot::{Bot, Channel};
use crate::config::SlackBot;
use crate::net::Client;
use crate::receiver::{Action, Desk};

/// Slack waits three seconds for an answer; what takes longer is answered later, at the `response_url`.
const IN_TIME: Duration = Duration::from_secs(2);
/// What people do at once. More is a flood, and is turned away.
const AT_ONCE: usize = 32;

/// One app: its receivers, and its way in.
pub struct Lobby {
    members: Vec<Member>,
    app: SlackBot,
    client: Client,
    /// The Web API is on this machine, and so may be what an answer is sent to.
    near: bool,
    room: Arc<Semaphore>,
    /// When a stranger was last logged, in seconds.
    strangers: AtomicI64,
}

/// A receiver of the app.
struct Member {
    name: String,
    channel: Channel,
}

/// What a signed request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON, or nothing.
    pub body: String,
}

impl Lobby {
    /// The apps of these receivers that have a way in. Receivers with the same app-level token or signing secret are of one app.
    pub(crate) fn of<'a>(bots: impl Iterator<Item = &'a Bot>) -> Vec<Arc<Self>> {
        let mut lobbies: Vec<Self> = Vec::new();
        for bot in bots.filter(|bot| bot.settings.is_interactive()) {
            let member = Member { name: bot.name.clone(), channel: bot.channel.clone() };
            if let Some(lobby) = lobbies.iter_mut().find(|lobby| same_app(&lobby.app, &bot.settings)) {
                lobby.members.push(member);
                let (app, more) = (&mut lobby.app, &bot.settings);
                app.app_token = app.app_token.take().or_else(|| more.app_token.clone());
                app.signing_secret = app.signing_secret.take().or_else(|| more.signing_secret.clone());
                continue;
            }
            lobbies.push(Self {
                members: vec![member],
                near: respond::is_loopback(&bot.settings.api_url),
                app: bot.settings.clone(),
                client: bot.client.clone(),
                room: Arc::new(Semaphore::new(AT_ONCE)),
                strangers: AtomicI64::new(i64::MIN),
            });
        }
        lobbies.into_iter().map(Arc::new).collect()
    }

    /// The names of its receivers.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// Whether it takes signed requests.
    #[must_use]
    pub fn is_called(&self) -> bool {
        self.app.signing_secret.is_some()
    }

    /// Whether it listens by Socket Mode.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.app.app_token.is_some()
    }

    /// Answers a signed request.
    pub async fn called(
        self: &Arc<Self>,
        desk: &Arc<dyn Desk>,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Reply {
        let Some(secret) = &self.app.signing_secret else {
            return Reply { status: 404, body: String::new() };
        };
        if let Err(refusal) = signed::verify(secret, timestamp, signature, body, now) {
            let (last, now) = (self.strangers.load(Ordering::Relaxed), now.as_second());
            if last.abs_diff(now) >= 10 {
                self.strangers.store(now, Ordering::Relaxed);
                tracing::warn!(receiver = self.receivers().next(), reason = %refusal, "a request in Slack's name was refused");
            }
            return Reply { status: 401, body: String::new() };
        }
        let Some(press) = press::of_form(body) else {
            // Slack asks whether somebody is there, or tells what nobody wants to know.
            return Reply { status: 200, body: String::new() };
        };
        match self.take(desk, press).await {
            Taken::Answer(answer) => Reply { status: 200, body: answer.to_string() },
            Taken::Nothing => Reply { status: 200, body: String::new() },
            Taken::Full => Reply { status: 503, body: String::new() },
        }
    }

    /// Does what somebody wants, and says within Slack's time what there is to say at once.
    async fn take(self: &Arc<Self>, desk: &Arc<dyn Desk>, press: Press) -> Taken {
        if matches!(press.what, What::Click(Click::Nothing)) {
            return Taken::Nothing;
        }
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return Taken::Full;
        };
        let is_command = matches!(press.what, What::Command(_));
        let (tell, told) = tokio::sync::oneshot::channel();
        let (lobby, desk) = (Arc::clone(self), Arc::clone(desk));
        // In a task of its own: what was begun ends, whether or not Slack still waits.
        tokio::spawn(async move {
            let _place = place;
            let answer = lobby.serve(desk.as_ref(), &press).await.map(|answer| answer.json());
            // A command is answered in its own answer, where that still waits; a click at its address.
            let left = if is_command {
                tell.send(answer).err().flatten()
            } else {
                let _ = tell.send(None);
                answer
            };
            let url = press.response_url.as_deref().and_then(|url| respond::checked(url, lobby.near));
            if let (Some(url), Some(answer)) = (url, left) {
                respond::respond(&lobby.client, url, &answer).await;
            }
        });
        match tokio::time::timeout(IN_TIME, told).await {
            Ok(Ok(Some(answer))) => Taken::Answer(answer),
            _ => Taken::Nothing,
        }
    }

    async fn serve(&self, desk: &dyn Desk, press: &Press) -> Option<Answer> {
        let action = match &press.what {
            What::Click(Click::Act(action)) | What::Command(Command::Act(action)) => action.clone(),
            What::Click(Click::Nothing) => return None,
            What::Command(Command::Help) => return Some(words::help(None)),
            What::Command(Command::Wrong(wrong)) => return Some(words::help(Some(wrong))),
        };
        let told = self.told(press);
        if told.is_empty() {
            let said = "Nothing was done: no receiver of firstred is known to post to this channel. Write it where the messages are; where the configuration names that channel by its name, its id makes this work before the first message, too.";
            return Some(Answer::plain(said));
        }
        let person = press.person.clone();
        tracing::info!(by = person.on_record(), ?action, receivers = ?told, "somebody asked in Slack");
        let shown = matches!(action, Action::Why { .. } | Action::Incidents);
        match desk.act(told, action, person).await {
            Ok(done) => words::done(&done, &press.what),
            Err(error) => {
                tracing::info!(%error, shown, "what somebody asked in Slack was not done");
                Some(words::not_done(&error))
            }
        }
    }

    /// The receivers that stand for where somebody is: what they were told, that person may see. A message says whose it is; a command
    /// is of the channel where it is written.
    fn told(&self, press: &Press) -> Vec<String> {
        let (id, _) = &press.channel;
        let here = |member: &&Member| match &press.receiver {
            Some(receiver) => member.name == *receiver,
            None => member.channel.is(id),
        };
        self.members.iter().filter(here).map(|member| member.name.clone()).collect()
    }
}

/// What came of it in time.
enum Taken {
    Answer(Json),
    Nothing,
    Full,
}

fn same_app(one: &SlackBot, other: &SlackBot) -> bool {
    let same = |one: &Option<SecretString>, other: &Option<SecretString>| match (one, other) {
        (Some(one), Some(other)) => one.expose_secret() == other.expose_secret(),
        _ => false,
    };
    one.api_url == other.api_url
        && (same(&one.app_token, &other.app_token) || same(&one.signing_secret, &other.signing_secret))
}
