//! Asks Prefect's API: signs in, and gets the token that some servers demand with every POST.
//! It must not know what is asked, nor what the answers mean.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::PollError;
use super::super::talk::{BODY_CAP, Question, Talk, read, words};
pub(super) use super::super::talk::{Fault, FaultKind, Transport};
use super::sign_in;
use crate::config::PrefectAuth;
use crate::net::Answer;

const CSRF_CLIENT: HeaderName = HeaderName::from_static("prefect-csrf-client");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("prefect-csrf-token");

/// The API of one server or workspace.
#[derive(Debug)]
pub(super) struct Api<T> {
    talk: Talk<T>,
    /// The headers that the server demands of every POST, once it has said so.
    csrf: Mutex<Vec<(HeaderName, HeaderValue)>>,
}

impl<T: Transport> Api<T> {
    pub(super) fn new(transport: T, base: url::Url, auth: &PrefectAuth, timeout: Duration) -> Result<Self, PollError> {
        let headers = sign_in::header(auth)?.into_iter().collect();
        Ok(Self { talk: Talk::new(transport, base, headers, timeout), csrf: Mutex::default() })
    }

    /// Tells our clock, and forgets what the last poll heard of the engine's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.talk.begin(now);
    }

    /// The engine's clock as of the newest answer since [`Self::begin`].
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.talk.date()
    }

    /// Where it is.
    pub(super) fn base(&self) -> &url::Url {
        self.talk.base()
    }

    /// Asks for JSON by POST.
    pub(super) async fn post<R: DeserializeOwned>(&self, doing: &str, path: &str, body: &Value) -> Result<R, Fault> {
        let question = Question::post(self.talk.url(doing, path)?, body);
        read(doing, &self.ask(doing, question).await?)
    }

    /// Asks for JSON by GET.
    pub(super) async fn get<R: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<R, Fault> {
        self.talk.get(doing, path).await
    }

    /// Follows the address of a next page, which the server spells out in full: its path and query are asked of the server
    /// that we know, so that no answer sends our secret elsewhere.
    pub(super) async fn follow<R: DeserializeOwned>(&self, doing: &str, path: &str, next: &str) -> Result<R, Fault> {
        let mut url = self.talk.url(doing, path)?;
        let query = url::Url::parse(next).ok().and_then(|next| next.query().map(str::to_owned));
        if query.is_none() {
            return Err(Fault::new(FaultKind::Shape, doing, "the address of the next page can't be read"));
        }
        url.set_query(query.as_deref());
        read(doing, &self.ask(doing, Question::get(url)).await?)
    }

    async fn ask(&self, doing: &str, question: Question) -> Result<Answer, Fault> {
        let answer = self.send(doing, question.clone()).await?;
        // The server demands a token with every POST, and ours may be old: get one, and ask once more.
        let demands =
            question.method == Method::POST && answer.status == 403 && words::of_body(&answer.body).contains("CSRF");
        let answer = if demands {
            self.sign_up(doing).await?;
            self.send(doing, question).await?
        } else {
            answer
        };
        self.talk.judge(doing, answer, BODY_CAP)
    }

    async fn send(&self, doing: &str, mut question: Question) -> Result<Answer, Fault> {
        if question.method == Method::POST {
            question.headers.extend(self.csrf().iter().cloned());
        }
        self.talk.send(doing, question).await
    }

    fn csrf(&self) -> std::sync::MutexGuard<'_, Vec<(HeaderName, HeaderValue)>> {
        self.csrf.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn sign_up(&self, doing: &str) -> Result<(), Fault> {
        #[derive(serde::Deserialize)]
        struct Token {
            token: String,
        }
        let client = client_id(crate::clock::seed(), crate::clock::seed());
        let token: Token = self.talk.get(doing, &format!("csrf-token?client={client}")).await?;
        let header = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| Fault::new(FaultKind::Shape, doing, "the server's CSRF token fits in no header"))?;
            value.set_sensitive(true);
            Ok::<_, Fault>(value)
        };
        let csrf = vec![(CSRF_CLIENT, header(&client)?), (CSRF_TOKEN, header(&token.token)?)];
        *self.csrf() = csrf;
        Ok(())
    }
}

/// A UUID (version 4) for the CSRF handshake: it only has to be ours alone.
fn client_id(high: u64, low: u64) -> String {
    let bits = (u128::from(high) << 64 | u128::from(low)) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
