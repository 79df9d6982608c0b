//! Slack as an app with a bot token sees it: a channel whose messages can be edited, found again and answered in their threads. As strict
//! as the published limits, and failing as it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use url::form_urlencoded;

use super::blocks;
use super::client::{Answered, Client};
use super::daemon::Daemon;
use super::http::{self, Answer, Asked, Server};
use super::record::Record;
use super::webhook::leaves;

pub(crate) const CHANNEL: &str = "C0TEST0001";
pub(crate) const BOT_TOKEN: &str = "xoxb-test-s3cr3tBotToken";
pub(crate) const APP_TOKEN: &str = "xapp-test-s3cr3tAppToken";
pub(crate) const SIGNING: &str = "8f742231b10e8888s3cr3tSigning";

/// What happens to the next call of a method.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Next {
    /// `ok: false` with this word; nothing is done.
    Word(&'static str),
    /// 429 with `Retry-After` in seconds; nothing is done.
    RateLimited(u64),
    /// It is done, but the answer never comes.
    DropAfterStoring,
    /// It is done, and Slack says `internal_error`.
    ErrorAfterStoring,
    /// The connection is cut before anything is done.
    Drop,
    /// It is done, and the answer never comes nor ends.
    HangAfterStoring,
}

/// A call that did something, or tried to.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) body: Value,
    /// What Slack would have said against it.
    pub(crate) mistakes: Vec<String>,
}

/// A message of the channel.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) ts: String,
    pub(crate) body: Value,
    pub(crate) edits: usize,
}

impl Message {
    /// Any text of it holds `needle`.
    pub(crate) fn says(&self, needle: &str) -> bool {
        leaves(&self.body).iter().any(|leaf| leaf.contains(needle))
    }

    /// It stands in a thread.
    pub(crate) fn is_reply(&self) -> bool {
        self.body["thread_ts"].is_string()
    }

    /// The buttons that it has, as their action ids.
    pub(crate) fn buttons(&self) -> Vec<String> {
        let blocks = self.body["blocks"].as_array().into_iter().flatten();
        let elements =
            blocks.filter(|block| block["type"] == "actions").filter_map(|block| block["elements"].as_array());
        elements.flatten().filter_map(|element| element["action_id"].as_str()).map(str::to_owned).collect()
    }
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<Message>,
    /// How many were posted ever.
    posted: usize,
    script: BTreeMap<String, VecDeque<Next>>,
    may_look: bool,
    socket: Option<String>,
}

/// The double.
#[derive(Debug)]
pub(crate) struct SlackApp {
    server: Server,
    calls: Record<Call>,
    /// What was answered at a `response_url`.
    answers: Record<Value>,
    state: Arc<Mutex<State>>,
}

impl SlackApp {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let (calls, answers) = (Record::default(), Record::default());
        let state = Arc::new(Mutex::new(State { may_look: true, ..State::default() }));
        let shared = (calls.clone(), answers.clone(), Arc::clone(&state));
        let server = http::serve(move |asked| {
            let answer = answer(&asked, &shared.0, &shared.1, &shared.2);
            async move { answer }
        })
        .await;
        Self { server, calls, answers, state }
    }

    /// A receiver of this app; `more` says how its people are heard.
    pub(crate) fn receiver(&self, name: &str, more: &str) -> String {
        let api = format!("http://{}/api", self.server.address);
        format!(
            "[receivers.{name}]\ntype = \"slack\"\nbot_token = {BOT_TOKEN:?}\nchannel = {CHANNEL:?}\napi_url = {api:?}\npace = \"0s\"\n\
             timeout = \"3s\"\n{more}"
        )
    }

    /// Where Socket Mode is.
    pub(crate) fn set_socket(&self, url: String) {
        self.state.lock().expect("no panic in the double").socket = Some(url);
    }

    /// From now on the app has no scope to read the channel.
    pub(crate) fn forbid_looking(&self) {
        self.state.lock().expect("no panic in the double").may_look = false;
    }

    /// Scripts what happens to the next calls of a method.
    pub(crate) fn script(&self, method: &str, faults: impl IntoIterator<Item = Next>) {
        let mut state = self.state.lock().expect("no panic in the double");
        state.script.entry(method.to_owned()).or_default().extend(faults);
    }

    /// Takes a message out of the channel, as a person would.
    pub(crate) fn delete(&self, ts: &str) {
        self.state.lock().expect("no panic in the double").messages.retain(|message| message.ts != ts);
    }

    /// The messages that stand in the channel itself.
    pub(crate) fn roots(&self) -> Vec<Message> {
        self.messages().into_iter().filter(|message| !message.is_reply()).collect()
    }

    /// The replies in all threads.
    pub(crate) fn replies(&self) -> Vec<Message> {
        self.messages().into_iter().filter(Message::is_reply).collect()
    }

    /// All that stands in the channel and its threads.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.state.lock().expect("no panic in the double").messages.clone()
    }

    /// Every call.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.all()
    }

    /// What was answered at a `response_url`.
    pub(crate) fn answers(&self) -> Vec<Value> {
        self.answers.all()
    }

    /// Waits until the channel is as `enough` says.
    pub(crate) async fn wait(&self, what: &str, enough: impl Fn(&Self) -> bool) {
        let found = self.calls.wait(super::SOON, |_| enough(self)).await;
        assert!(found.is_some(), "Slack did not get to {what}: {:#?}", self.messages());
    }

    /// Waits for an answer at a `response_url`.
    pub(crate) async fn wait_answer(&self, needle: &str) -> Value {
        let has = |answer: &Value| answer.to_string().contains(needle);
        let found = self.answers.wait(super::SOON, |answers| answers.iter().any(has)).await;
        found
            .unwrap_or_else(|| panic!("no answer {needle:?}: {:#?}", self.answers()))
            .into_iter()
            .find(has)
            .expect("just seen")
    }

    /// Everything was such that Slack would have taken it.
    pub(crate) fn assert_well_formed(&self) {
        for call in self.calls() {
            assert!(
                call.mistakes.is_empty(),
                "Slack would refuse this {}: {:#?}\n{:#}",
                call.method,
                call.mistakes,
                call.body
            );
        }
    }

    /// What Slack sends when somebody clicks on a message's button.
    pub(crate) fn click(&self, message: &Message, action: &str, option: Option<&str>) -> Value {
        let blocks = message.body["blocks"].as_array().into_iter().flatten();
        let found = blocks.filter(|block| block["type"] == "actions").find_map(|block| {
            let elements = block["elements"].as_array()?;
            let element = elements.iter().find(|element| element["action_id"] == action)?;
            let mut pressed = json!({
                "action_id": action, "block_id": block["block_id"], "type": element["type"], "value": element["value"],
            });
            if let Some(option) = option {
                let chosen = element["options"].as_array()?.iter().find(|one| one["text"]["text"] == option)?;
                pressed["selected_option"] = chosen.clone();
            }
            Some(pressed)
        });
        let pressed = found.unwrap_or_else(|| panic!("no button {action} {option:?}: {:#}", message.body));
        json!({
            "type": "block_actions", "user": { "id": "U012AB3CD", "username": "ada", "name": "ada" },
            "channel": { "id": CHANNEL, "name": "alerts" }, "message": message.body,
            "response_url": format!("http://{}/answers/1", self.server.address), "actions": [pressed],
        })
    }

    /// What Slack sends for a slash command in the channel.
    pub(crate) fn command(&self, text: &str) -> Value {
        json!({
            "command": "/firstred", "text": text, "user_id": "U012AB3CD", "user_name": "ada", "channel_id": CHANNEL,
            "channel_name": "alerts", "response_url": format!("http://{}/answers/2", self.server.address),
        })
    }
}

/// Sends what Slack would send, signed, to `POST /slack/{receiver}`.
pub(crate) async fn send_signed(daemon: &Daemon, receiver: &str, payload: &Value) -> Answered {
    send_as(daemon, receiver, payload, SIGNING, 0).await
}

/// As [`send_signed`], with this secret, at another time.
pub(crate) async fn send_as(daemon: &Daemon, receiver: &str, payload: &Value, secret: &str, late: i64) -> Answered {
    let body = if payload["command"].is_string() {
        let fields = payload.as_object().expect("fields").iter();
        let pairs = fields.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    } else {
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
    };
    let at = (firstred::clock::now().as_second() - late).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(format!("v0:{at}:{body}").as_bytes());
    let signature = mac.finalize().into_bytes().iter().fold("v0=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-slack-request-timestamp", at.as_str()),
        ("x-slack-signature", signature.as_str()),
    ];
    let url = format!("{}/slack/{receiver}", daemon.base());
    Client::default().post(&url, &headers, body.into_bytes()).await.expect("the daemon answers")
}

fn answer(asked: &Asked, calls: &Record<Call>, answers: &Record<Value>, state: &Mutex<State>) -> Answer {
    if asked.uri.path().starts_with("/answers/") {
        answers.push(serde_json::from_slice(&asked.body).expect("JSON"));
        return Answer::json(200, &json!({ "ok": true }));
    }
    let Some(method) = asked.uri.path().strip_prefix("/api/").map(str::to_owned) else {
        return Answer::text(404, "not here");
    };
    let body: Value = if asked.header("content-type").starts_with("application/json") {
        serde_json::from_slice(&asked.body).expect("JSON")
    } else {
        let pairs = form_urlencoded::parse(&asked.body);
        pairs
            .map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let token = if method == "apps.connections.open" { APP_TOKEN } else { BOT_TOKEN };
    if asked.header("authorization") != format!("Bearer {token}") {
        return Answer::json(200, &json!({ "ok": false, "error": "invalid_auth" }));
    }
    let mistakes = mistakes(&method, &body);
    let (next, said) = {
        let mut state = state.lock().expect("no panic in the double");
        let next = state.script.get_mut(&method).and_then(VecDeque::pop_front);
        let done =
            matches!(next, None | Some(Next::DropAfterStoring | Next::ErrorAfterStoring | Next::HangAfterStoring));
        let said = if done && mistakes.is_empty() { act(&method, &body, &mut state) } else { no("invalid_blocks") };
        (next, said)
    };
    calls.push(Call { method, body, mistakes });
    match next {
        None => Answer::json(200, &said),
        Some(Next::Word(word)) => Answer::json(200, &no(word)),
        Some(Next::RateLimited(seconds)) => {
            let body = axum::body::Body::from(no("ratelimited").to_string());
            Answer::make(429, &[("retry-after", &seconds.to_string()), ("content-type", "application/json")], body)
        }
        Some(Next::ErrorAfterStoring) => Answer::json(200, &no("internal_error")),
        Some(Next::Drop | Next::DropAfterStoring) => Answer::Drop,
        Some(Next::HangAfterStoring) => Answer::Hang,
    }
}

fn no(word: &str) -> Value {
    json!({ "ok": false, "error": word })
}

fn act(method: &str, body: &Value, state: &mut State) -> Value {
    let thread = body["thread_ts"].as_str().or_else(|| body["ts"].as_str());
    let known =
        |ts: Option<&str>, state: &State| state.messages.iter().position(|message| Some(message.ts.as_str()) == ts);
    match method {
        "chat.postMessage" if body["thread_ts"].is_string() && known(thread, state).is_none() => no("thread_not_found"),
        "chat.postMessage" => {
            let now = firstred::clock::now().as_second();
            state.posted += 1;
            let ts = format!("{now}.{:06}", state.posted);
            state.messages.push(Message { ts: ts.clone(), body: body.clone(), edits: 0 });
            json!({ "ok": true, "channel": CHANNEL, "ts": ts })
        }
        "chat.update" => {
            let Some(at) = known(body["ts"].as_str(), state) else { return no("message_not_found") };
            let message = &mut state.messages[at];
            for key in ["text", "blocks", "attachments"] {
                message.body[key] = body[key].clone();
            }
            message.edits += 1;
            json!({ "ok": true, "channel": CHANNEL, "ts": body["ts"] })
        }
        "conversations.history" | "conversations.replies" if !state.may_look => no("missing_scope"),
        "conversations.history" | "conversations.replies" => {
            let thread = (method == "conversations.replies").then_some(thread).flatten();
            let here = |message: &&Message| message.body["thread_ts"].as_str() == thread;
            let shown = |message: &Message| json!({ "ts": message.ts, "metadata": message.body["metadata"] });
            let messages: Vec<Value> = state.messages.iter().filter(here).map(shown).collect();
            json!({ "ok": true, "messages": messages })
        }
        "apps.connections.open" => match &state.socket {
            Some(url) => json!({ "ok": true, "url": url }),
            None => no("internal_error"),
        },
        _ => no("unknown_method"),
    }
}

/// What Slack would have against a call.
fn mistakes(method: &str, body: &Value) -> Vec<String> {
    let (own, known): (&[&str], _) = match method {
        "chat.postMessage" => (&["channel", "thread_ts", "reply_broadcast", "metadata"], true),
        "chat.update" => (&["channel", "ts"], true),
        _ => (&[], false),
    };
    if !known {
        return Vec::new();
    }
    let mut message = body.clone();
    let mut mistakes = Vec::new();
    let fields = message.as_object_mut().expect("an object");
    for key in own {
        fields.remove(*key);
    }
    if body["channel"] != CHANNEL {
        mistakes.push("not this channel's id".to_owned());
    }
    if method == "chat.update" {
        if fields.contains_key("unfurl_links") {
            mistakes.push("unfurl_links is no argument of chat.update".to_owned());
        }
        if fields["text"].as_str().is_none_or(|text| text.len() > 4_000) {
            mistakes.push("text has more than 4,000 bytes".to_owned());
        }
        fields.insert("unfurl_links".to_owned(), false.into());
        fields.insert("unfurl_media".to_owned(), false.into());
    }
    mistakes.extend(blocks::mistakes(&message));
    if body.to_string().chars().count() > 12_000 {
        mistakes.push("more than 12,000 characters".to_owned());
    }
    mistakes
}
