//! Asks Prefect's API: signs in, keeps to the limits, and says what went wrong without saying secrets.
//! It must not know what is asked, nor what the answers mean.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::PollError;
use crate::config::PrefectAuth;
use crate::net::{Answer, Client, NetError, Request};

/// The most that is read of one answer.
const BODY_CAP: usize = 8 * 1024 * 1024;
const CSRF_CLIENT: HeaderName = HeaderName::from_static("prefect-csrf-client");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("prefect-csrf-token");

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

/// Why a question has no answer.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub error: PollError,
    pub kind: FaultKind,
}

/// What that means for the other questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The server can't be reached, wants us to wait, or does not let us in: nothing else will work either.
    Down,
    /// It answered this question with this status.
    Refused(u16),
    /// The answer is longer than what is read.
    TooLarge,
    /// The answer is not what Prefect answers.
    Shape,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, doing: &str, reason: impl Into<String>) -> Self {
        let error = PollError { doing: doing.to_owned(), reason: reason.into(), retry_after: None };
        Self { error, kind }
    }
}

/// The API of one server or workspace.
#[derive(Debug)]
pub(super) struct Api<T> {
    transport: T,
    base: url::Url,
    auth: Option<HeaderValue>,
    timeout: Duration,
    /// Learned from the answers.
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The engine's clock, as of the newest answer.
    date: Option<Timestamp>,
    /// The headers that the server demands of every POST, once it has said so.
    csrf: Vec<(HeaderName, HeaderValue)>,
    /// Our clock, for answers that say when to come back.
    now: Timestamp,
}

impl<T: Transport> Api<T> {
    pub(super) fn new(transport: T, base: url::Url, auth: &PrefectAuth, timeout: Duration) -> Result<Self, PollError> {
        let value = match auth {
            PrefectAuth::None => None,
            PrefectAuth::Basic(pair) => {
                Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair.expose_secret())))
            }
            PrefectAuth::Bearer(key) => Some(format!("Bearer {}", key.expose_secret())),
        };
        let auth = value.map(|value| HeaderValue::from_str(&value)).transpose().map_err(|_| PollError {
            doing: "setting up the sign-in to Prefect".to_owned(),
            reason: "the secret holds characters that no header can carry".to_owned(),
            retry_after: None,
        })?;
        let auth = auth.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let heard = Mutex::new(Heard::default());
        Ok(Self { transport, base, auth, timeout, heard })
    }

    /// Tells our clock, and forgets what the last poll heard of the engine's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.hear(|heard| {
            heard.now = now;
            heard.date = None;
        });
    }

    /// The engine's clock as of the newest answer since [`Self::begin`].
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.hear(|heard| heard.date)
    }

    /// Asks for JSON by POST.
    pub(super) async fn post<R: DeserializeOwned>(&self, doing: &str, path: &str, body: &Value) -> Result<R, Fault> {
        let url = self.url(doing, path)?;
        read(doing, &self.ask(doing, Method::POST, url, body.to_string().into_bytes()).await?)
    }

    /// Asks for JSON by GET.
    pub(super) async fn get<R: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<R, Fault> {
        let url = self.url(doing, path)?;
        read(doing, &self.ask(doing, Method::GET, url, Vec::new()).await?)
    }

    /// Follows the address of a next page, which the server spells out in full: its path and query are asked of the server
    /// that we know, so that no answer sends our secret elsewhere.
    pub(super) async fn follow<R: DeserializeOwned>(&self, doing: &str, path: &str, next: &str) -> Result<R, Fault> {
        let mut url = self.url(doing, path)?;
        let query = url::Url::parse(next).ok().and_then(|next| next.query().map(str::to_owned));
        if query.is_none() {
            return Err(Fault::new(FaultKind::Shape, doing, "the address of the next page can't be read"));
        }
        url.set_query(query.as_deref());
        read(doing, &self.ask(doing, Method::GET, url, Vec::new()).await?)
    }

    fn url(&self, doing: &str, path: &str) -> Result<url::Url, Fault> {
        let whole = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        url::Url::parse(&whole).map_err(|_| Fault::new(FaultKind::Shape, doing, "an id that fits in no address"))
    }

    async fn ask(&self, doing: &str, method: Method, url: url::Url, body: Vec<u8>) -> Result<Answer, Fault> {
        let answer = self.send(doing, method.clone(), url.clone(), body.clone()).await?;
        // The server demands a token with every POST, and ours may be old: get one, and ask once more.
        let demands = method == Method::POST && answer.status == 403 && words(&answer.body).contains("CSRF");
        let answer = if demands {
            self.sign_up(doing).await?;
            self.send(doing, method, url, body).await?
        } else {
            answer
        };
        self.judge(doing, answer)
    }

    async fn send(&self, doing: &str, method: Method, url: url::Url, body: Vec<u8>) -> Result<Answer, Fault> {
        let mut headers: Vec<(HeaderName, HeaderValue)> =
            self.auth.iter().map(|value| (AUTHORIZATION, value.clone())).collect();
        if method == Method::POST {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
            headers.extend(self.hear(|heard| heard.csrf.clone()));
        }
        let request = Request { method, url, headers, body, timeout: self.timeout, body_cap: BODY_CAP };
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| Fault::new(FaultKind::Down, doing, error.to_string()))?;
        if let Some(date) = date(&answer.headers) {
            self.hear(|heard| heard.date = Some(date));
        }
        Ok(answer)
    }

    async fn sign_up(&self, doing: &str) -> Result<(), Fault> {
        #[derive(serde::Deserialize)]
        struct Token {
            token: String,
        }
        let client = client_id(crate::clock::seed(), crate::clock::seed());
        let url = self.url(doing, &format!("csrf-token?client={client}"))?;
        let answer = self.send(doing, Method::GET, url, Vec::new()).await?;
        let token: Token = read(doing, &self.judge(doing, answer)?)?;
        let header = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| Fault::new(FaultKind::Shape, doing, "the server's CSRF token fits in no header"))?;
            value.set_sensitive(true);
            Ok::<_, Fault>(value)
        };
        let csrf = vec![(CSRF_CLIENT, header(&client)?), (CSRF_TOKEN, header(&token.token)?)];
        self.hear(|heard| heard.csrf = csrf);
        Ok(())
    }

    fn judge(&self, doing: &str, answer: Answer) -> Result<Answer, Fault> {
        let status = answer.status;
        if (200..300).contains(&status) {
            if answer.cut {
                return Err(Fault::new(FaultKind::TooLarge, doing, "the answer is longer than 8 MiB"));
            }
            return Ok(answer);
        }
        let kind = if matches!(status, 401 | 429 | 503) { FaultKind::Down } else { FaultKind::Refused(status) };
        let mut fault = Fault::new(kind, doing, format!("HTTP {status}: {}", words(&answer.body)));
        if matches!(status, 429 | 503) {
            fault.error.retry_after = answer.retry_after(self.hear(|heard| heard.now));
        }
        Err(fault)
    }

    fn hear<R>(&self, with: impl FnOnce(&mut Heard) -> R) -> R {
        with(&mut self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn read<R: DeserializeOwned>(doing: &str, answer: &Answer) -> Result<R, Fault> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let what = format!("HTTP {} with an answer that Prefect does not give ({error})", answer.status);
        Fault::new(FaultKind::Shape, doing, cut(&what))
    })
}

/// The engine's clock: `Date`, as every HTTP server with a clock sends it.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// What an answer says, in a few words: no line breaks, no addresses, which may hold secrets.
fn words(body: &[u8]) -> String {
    cut(&String::from_utf8_lossy(&body[..body.len().min(2_000)]))
}

fn cut(text: &str) -> String {
    let plain = text.split(|char: char| char.is_whitespace() || char.is_control()).filter(|word| !word.is_empty());
    let safe = plain.map(|word| if word.contains("://") { "[address]" } else { word });
    let mut line = String::new();
    for word in safe {
        if line.chars().count() + word.chars().count() > 200 {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// A UUID (version 4) for the CSRF handshake: it only has to be ours alone.
fn client_id(high: u64, low: u64) -> String {
    let bits = (u128::from(high) << 64 | u128::from(low)) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
