//! Asks Airflow's API: finds out which of its versions is spoken, signs in, and gets a new token when the old one has run out.
//! It must not know what is asked, nor what the answers mean.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::super::PollError;
use super::super::talk::{BODY_CAP, Question, Talk, read, secret_header, words};
pub(super) use super::super::talk::{Fault, FaultKind, Transport};
use super::wire::{Token, Version};
use crate::config::AirflowAuth;
use crate::net::{Answer, NetError, Request};

/// The most that is read of one task's log, in bytes: some hundred thousand lines. The API gives no end of a log, only all of it.
const LOG_CAP: usize = 48 * 1024 * 1024;

/// So many times as long as for other answers is waited for a log: the server collects it from where it lies.
const LOG_PATIENCE: u32 = 2;

/// Which of its two APIs a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Generation {
    /// Airflow 2: `/api/v1`.
    Two,
    /// Airflow 3: `/api/v2`.
    Three,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub generation: Generation,
    /// Such as `3.1.0`.
    pub version: String,
}

impl Server {
    /// Whether it is at least this version; one whose version can't be read is taken for an old one.
    pub(super) fn is_from(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }
}

/// One transport for several conversations.
#[derive(Debug)]
struct Shared<T>(Arc<T>);

impl<T: Transport> Transport for Shared<T> {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        self.0.send(request).await
    }
}

/// How a question is put.
#[derive(Debug, Clone, Copy)]
struct Manner {
    generation: Generation,
    /// It is answered without a sign-in.
    open: bool,
    /// The answer may take longer than others.
    long: bool,
}

/// The API of one server.
#[derive(Debug)]
pub(super) struct Api<T> {
    talk: Talk<Shared<T>>,
    /// The same with more patience.
    long: Talk<Shared<T>>,
    auth: AirflowAuth,
    /// What the server is, once it has said so.
    server: Mutex<Option<Server>>,
    /// The token that the server gave for the password.
    token: Mutex<Option<SecretString>>,
}

impl<T: Transport> Api<T> {
    pub(super) fn new(transport: T, base: url::Url, auth: AirflowAuth, timeout: Duration) -> Self {
        let transport = Arc::new(transport);
        let patient = timeout.saturating_mul(LOG_PATIENCE);
        let long = Talk::new(Shared(Arc::clone(&transport)), base.clone(), Vec::new(), patient);
        let talk = Talk::new(Shared(transport), base, Vec::new(), timeout);
        Self { talk, long, auth, server: Mutex::default(), token: Mutex::default() }
    }

    /// Tells our clock, and forgets what the last poll heard of the engine's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.talk.begin(now);
        self.long.begin(now);
    }

    /// The engine's clock as of the newest answer since [`Self::begin`].
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.talk.date()
    }

    /// What the server is. It is asked once; both versions tell without a sign-in.
    pub(super) async fn server(&self) -> Result<Server, Fault> {
        if let Some(server) = lock(&self.server).clone() {
            return Ok(server);
        }
        let doing = "asking for the version of Airflow";
        let mut first = None;
        for (generation, path) in [(Generation::Three, "api/v2/version"), (Generation::Two, "api/v1/version")] {
            // Whoever asks for the version need not sign in, and may not know yet how.
            let manner = Manner { generation, open: true, long: false };
            match self.ask(doing, self.question(doing, path)?, manner).await {
                Ok(answer) => match read::<Version>(doing, &answer) {
                    Ok(found) => {
                        let server = Server { generation, version: found.version };
                        *lock(&self.server) = Some(server.clone());
                        return Ok(server);
                    }
                    Err(fault) => first = first.or(Some(fault)),
                },
                Err(fault) if matches!(fault.kind, FaultKind::Refused(_)) => first = first.or(Some(fault)),
                Err(fault) => return Err(fault),
            }
        }
        let unknown = || Fault::new(FaultKind::Shape, doing, "neither Airflow 3 nor Airflow 2 answers there");
        Err(first.unwrap_or_else(unknown))
    }

    /// Forgets what the server is: it answers as another one would.
    pub(super) fn forget_server(&self) {
        *lock(&self.server) = None;
    }

    /// Asks for JSON below the API's root.
    pub(super) async fn get<R: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<R, Fault> {
        let server = self.server().await?;
        let question = self.question(doing, &below(server.generation, path))?;
        let manner = Manner { generation: server.generation, open: false, long: false };
        read(doing, &self.ask(doing, question, manner).await?)
    }

    /// Asks for a log, in the form in which it can be read line by line. What is longer than we read is an answer, too.
    pub(super) async fn text(&self, doing: &str, path: &str) -> Result<Answer, Fault> {
        let server = self.server().await?;
        let mut question = self.question(doing, &below(server.generation, path))?;
        question.cap = LOG_CAP;
        let ask = |form| {
            let mut question = question.clone();
            question.headers.push((ACCEPT, HeaderValue::from_static(form)));
            self.send(doing, question, Manner { generation: server.generation, open: false, long: true })
        };
        let mut answer = match server.generation {
            Generation::Three => ask("application/x-ndjson").await?,
            Generation::Two => ask("text/plain").await?,
        };
        if answer.status == 406 {
            answer = ask("application/json").await?;
        }
        let cut = std::mem::replace(&mut answer.cut, false);
        let answer = self.talk.judge(doing, answer, LOG_CAP)?;
        Ok(Answer { cut, ..answer })
    }

    fn question(&self, doing: &str, path: &str) -> Result<Question, Fault> {
        Ok(Question::get(self.talk.url(doing, path)?))
    }

    async fn ask(&self, doing: &str, question: Question, manner: Manner) -> Result<Answer, Fault> {
        let answer = self.send(doing, question, manner).await?;
        self.talk.judge(doing, answer, BODY_CAP)
    }

    /// Asks, and where the token has run out, asks once more with a new one.
    async fn send(&self, doing: &str, question: Question, manner: Manner) -> Result<Answer, Fault> {
        let Manner { generation, open, long } = manner;
        let talk = if long { &self.long } else { &self.talk };
        // A token that somebody made may be one for a gateway that guards every path.
        let open = open && !matches!(self.auth, AirflowAuth::Token(_));
        let ask = |header: Option<(HeaderName, HeaderValue)>| {
            let mut question = question.clone();
            if !question.headers.iter().any(|(name, _)| name == ACCEPT) {
                question.headers.push((ACCEPT, HeaderValue::from_static("application/json")));
            }
            question.headers.extend(header);
            question
        };
        let header = if open { None } else { self.header(doing, generation).await? };
        let answer = talk.send(doing, ask(header)).await?;
        let renews = !open && generation == Generation::Three && matches!(self.auth, AirflowAuth::Password { .. });
        if !renews || !is_refused_token(&answer) {
            return Ok(answer);
        }
        *lock(&self.token) = None;
        let header = self.header(doing, generation).await?;
        talk.send(doing, ask(header)).await
    }

    async fn header(&self, doing: &str, generation: Generation) -> Result<Option<(HeaderName, HeaderValue)>, Fault> {
        let value = match (&self.auth, generation) {
            (AirflowAuth::None, _) => return Ok(None),
            (AirflowAuth::Token(token), _) => format!("Bearer {}", token.expose_secret()),
            (AirflowAuth::Password { user, password }, Generation::Two) => {
                let pair = format!("{user}:{}", password.expose_secret());
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
            }
            (AirflowAuth::Password { user, password }, Generation::Three) => {
                let known = lock(&self.token).clone();
                let token = match known {
                    Some(token) => token,
                    None => self.sign_in(user, password).await?,
                };
                format!("Bearer {}", token.expose_secret())
            }
        };
        let header = secret_header(doing, AUTHORIZATION, &value);
        header.map(Some).map_err(|error| Fault { error, kind: FaultKind::Down, status: None })
    }

    async fn sign_in(&self, user: &str, password: &SecretString) -> Result<SecretString, Fault> {
        let doing = "signing in to Airflow";
        let body = json!({"username": user, "password": password.expose_secret()});
        let question = Question::post(self.talk.url(doing, "auth/token")?, &body);
        let answer = self.talk.send(doing, question).await?;
        if matches!(answer.status, 400..=499) && answer.status != 429 {
            let reason = format!("HTTP {}: {}", answer.status, words::of_body(&answer.body));
            return Err(Fault { status: Some(answer.status), ..Fault::new(FaultKind::Down, doing, reason) });
        }
        let answer = self.talk.judge(doing, answer, BODY_CAP)?;
        let token = SecretString::from(read::<Token>(doing, &answer)?.access_token);
        *lock(&self.token) = Some(token.clone());
        Ok(token)
    }
}

/// Whether the server takes the token for none of its own, or for too old.
fn is_refused_token(answer: &Answer) -> bool {
    answer.status == 401 || answer.status == 403 && words::of_body(&answer.body).contains("Invalid JWT token")
}

fn below(generation: Generation, path: &str) -> String {
    let root = match generation {
        Generation::Two => "api/v1",
        Generation::Three => "api/v2",
    };
    format!("{root}/{path}")
}

fn lock<R>(mutex: &Mutex<R>) -> std::sync::MutexGuard<'_, R> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A mistake of the settings, as a poll says it.
pub(super) fn set_up_error(reason: String) -> PollError {
    PollError { doing: "setting up the HTTP client for Airflow".to_owned(), reason, retry_after: None }
}
