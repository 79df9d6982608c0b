//! The conversation with an engine's API: signs in, keeps to the limits, hears the engine's clock, and says what went wrong without
//! saying secrets. It must not know which engine, what is asked, nor what the answers mean.

mod fault;
pub(super) mod words;

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use url::Url;

pub(super) use fault::{Fault, FaultKind};

use super::PollError;
use crate::net::{Answer, Client, NetError, Request};

/// The most that is read of one answer, in bytes, where the question does not say.
pub(super) const BODY_CAP: usize = 8 * 1024 * 1024;

/// What carries requests: the HTTP client, or a stand-in.
pub(super) trait Transport: Send + Sync {
    /// Sends one request and reads the answer.
    fn send(&self, request: Request) -> impl Future<Output = Result<Answer, NetError>> + Send;
}

impl Transport for Client {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        Self::send(self, request).await
    }
}

/// The conversation with one server.
#[derive(Debug)]
pub(super) struct Talk<T> {
    transport: T,
    base: Url,
    /// Sent with every question, such as the sign-in.
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
    /// Learned from the answers.
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The engine's clock, as of the newest answer.
    date: Option<Timestamp>,
    /// Our clock, for answers that say when to come back.
    now: Timestamp,
}

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// How.
    pub(super) method: Method,
    /// Where: below the base, see [`Talk::url`].
    pub(super) url: Url,
    /// Headers of this question alone.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; a question with one is sent as JSON unless a header says otherwise.
    pub(super) body: Vec<u8>,
    /// The most bytes to read of the answer.
    pub(super) cap: usize,
}

impl Question {
    /// A GET.
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: Vec::new(), cap: BODY_CAP }
    }

    /// A POST of JSON.
    pub(super) fn post(url: Url, body: &serde_json::Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { method: Method::POST, url, headers: Vec::new(), body, cap: BODY_CAP }
    }
}

impl<T: Transport> Talk<T> {
    pub(super) fn new(transport: T, base: Url, headers: Vec<(HeaderName, HeaderValue)>, timeout: Duration) -> Self {
        Self { transport, base, headers, timeout, heard: Mutex::new(Heard::default()) }
    }

    /// Where the API is.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Tells our clock, and forgets what the last poll heard of the engine's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.hear(|heard| {
            heard.now = now;
            heard.date = None;
        });
    }

    /// The engine's clock as of the newest answer since [`Self::begin`]: the `Date` header, as every HTTP server with a clock sends it.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.hear(|heard| heard.date)
    }

    /// An address below the base. Whoever puts an id into `path` has percent-encoded it.
    pub(super) fn url(&self, doing: &str, path: &str) -> Result<Url, Fault> {
        let whole = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&whole).map_err(|_| Fault::new(FaultKind::Shape, doing, "an id that fits in no address"))
    }

    /// Asks for JSON by GET.
    pub(super) async fn get<R: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<R, Fault> {
        let question = Question::get(self.url(doing, path)?);
        read(doing, &self.ask(doing, question).await?)
    }

    /// Asks, and takes only a yes (2xx) that was read whole.
    pub(super) async fn ask(&self, doing: &str, question: Question) -> Result<Answer, Fault> {
        let cap = question.cap;
        let answer = self.send(doing, question).await?;
        self.judge(doing, answer, cap)
    }

    /// The same for what may take the engine long. Where it took the question and gave no whole answer, others may get theirs.
    pub(super) async fn ask_long(&self, doing: &str, question: Question, timeout: Duration) -> Result<Answer, Fault> {
        let cap = question.cap;
        let answer = self.carry(question, timeout).await.map_err(|error| {
            let taken = matches!(error, NetError::Lost(_) | NetError::Timeout { connected: true, .. });
            let kind = if taken { FaultKind::Slow } else { FaultKind::Down };
            Fault::new(kind, doing, error.to_string())
        })?;
        self.judge(doing, answer, cap)
    }

    /// Asks, and takes any answer.
    pub(super) async fn send(&self, doing: &str, question: Question) -> Result<Answer, Fault> {
        let answer = self.carry(question, self.timeout).await;
        answer.map_err(|error| Fault::new(FaultKind::Down, doing, error.to_string()))
    }

    async fn carry(&self, question: Question, timeout: Duration) -> Result<Answer, NetError> {
        let Question { method, url, headers: own, body, cap } = question;
        let mut headers = self.headers.clone();
        if method == Method::POST && !own.iter().any(|(name, _)| name == CONTENT_TYPE) {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        headers.extend(own);
        let request = Request { method, url, headers, body, timeout, body_cap: cap };
        let answer = self.transport.send(request).await?;
        if let Some(date) = answer.date() {
            self.hear(|heard| heard.date = Some(date));
        }
        Ok(answer)
    }

    /// The answer, when its status says that it is one.
    pub(super) fn judge(&self, doing: &str, answer: Answer, cap: usize) -> Result<Answer, Fault> {
        let status = answer.status;
        if (200..300).contains(&status) {
            if answer.cut {
                let mib = cap / 1024 / 1024;
                return Err(Fault::new(FaultKind::TooLarge, doing, format!("the answer is longer than {mib} MiB")));
            }
            return Ok(answer);
        }
        let kind = if matches!(status, 401 | 429 | 503) { FaultKind::Down } else { FaultKind::Refused(status) };
        let hint =
            if (300..400).contains(&status) { " (redirects are not followed: set the final address)" } else { "" };
        let mut fault = Fault::new(kind, doing, format!("HTTP {status}{hint}: {}", words::of_body(&answer.body)));
        fault.status = Some(status);
        if matches!(status, 429 | 503) {
            fault.error.retry_after = answer.retry_after(self.hear(|heard| heard.now));
        }
        Err(fault)
    }

    fn hear<R>(&self, with: impl FnOnce(&mut Heard) -> R) -> R {
        with(&mut self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The JSON of an answer.
pub(super) fn read<R: DeserializeOwned>(doing: &str, answer: &Answer) -> Result<R, Fault> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let what = format!("HTTP {} with an answer that this engine does not give ({error})", answer.status);
        Fault::new(FaultKind::Shape, doing, words::cut(&what))
    })
}

/// A header whose value is a secret.
///
/// # Errors
/// When it holds characters that no header can carry.
pub(super) fn secret_header(
    doing: &str,
    name: HeaderName,
    value: &str,
) -> Result<(HeaderName, HeaderValue), PollError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| PollError {
        doing: doing.to_owned(),
        reason: "the secret holds characters that no header can carry".to_owned(),
        retry_after: None,
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}
