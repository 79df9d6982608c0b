//! Asks GitHub's API: signs in, asks again only for what has changed (`ETag`), and keeps to the rate limits. It must not know what is
//! asked, nor what the answers mean.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::super::PollError;
pub(super) use super::super::talk::{Fault, FaultKind, Transport};
use super::super::talk::{Question, Talk, read, secret_header, words};
use crate::net::Answer;

const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
/// The rhythm of polling keeps pauses up to this long by itself; here they end with the poll. Longer ones are kept here.
const LONG: i64 = 600;
/// The longest pause: a rate limit begins anew each hour.
const LONGEST: i64 = 3_700;
/// So many polls what was not asked for is kept: runs that wait for a person, and repositories, have their turn a few at a time.
const LONG_IDLE: u32 = 1_000;
/// The most answers that are kept, pages and single runs.
const MOST_KEPT: usize = 4_000;
/// Where GitHub says nothing else: "wait for at least one minute".
const WAIT: i64 = 60;

/// The API of GitHub, or of an Enterprise Server.
#[derive(Debug)]
pub(super) struct Api<T> {
    talk: Talk<T>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Answers that need not be sent again, by path.
    kept: BTreeMap<String, Kept>,
    /// Our clock.
    now: Timestamp,
    /// GitHub wants no question before that.
    closed: Option<(Timestamp, String)>,
    /// The pause is a short one: the rhythm of polling keeps it.
    short: bool,
    budget: Option<Budget>,
    /// The version of an Enterprise Server.
    version: Option<String>,
    /// The scopes of a classic token.
    scopes: Option<String>,
}

#[derive(Debug)]
struct Kept {
    etag: HeaderValue,
    /// Already read: the text of a page has a hundred times its size.
    page: Arc<Page>,
    /// How many polls have not asked for it.
    idle: u32,
}

/// The rate limit as GitHub last told it: requests an hour, those left, and when they begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    pub limit: u32,
    pub left: u32,
    pub reset: Timestamp,
}

/// Rows of runs, with what is known of the list that they are from.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub rows: Vec<super::wire::RunRow>,
    /// How many rows GitHub sent, read or not.
    pub sent: usize,
    /// How many runs the whole list has.
    pub total: Option<u64>,
    /// Why a row could not be read.
    pub strange: Option<String>,
}

impl<T: Transport> Api<T> {
    pub(super) fn new(
        transport: T,
        base: url::Url,
        token: &SecretString,
        timeout: Duration,
    ) -> Result<Self, PollError> {
        let bearer = format!("Bearer {}", token.expose_secret().trim());
        let headers = vec![
            secret_header("setting up the sign-in to GitHub", AUTHORIZATION, &bearer)?,
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
            (VERSION, HeaderValue::from_static("2022-11-28")),
        ];
        Ok(Self { talk: Talk::new(transport, base, headers, timeout), state: Mutex::default() })
    }

    /// Tells our clock, and forgets what the last poll heard of GitHub's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.talk.begin(now);
        let mut state = self.state();
        state.now = now;
        if std::mem::take(&mut state.short) {
            state.closed = None;
        }
    }

    /// Our clock, as of [`Self::begin`].
    pub(super) fn now(&self) -> Timestamp {
        self.state().now
    }

    /// GitHub's clock as of the newest answer since [`Self::begin`].
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.talk.date()
    }

    /// The rate limit, once GitHub has told it.
    pub(super) fn budget(&self) -> Option<Budget> {
        self.state().budget
    }

    /// Where it is asked.
    pub(super) fn base(&self) -> &url::Url {
        self.talk.base()
    }

    /// The version of an Enterprise Server, once it has told it.
    pub(super) fn version(&self) -> Option<String> {
        self.state().version.clone()
    }

    /// The scopes of a classic token; none of any other.
    pub(super) fn scopes(&self) -> Option<String> {
        self.state().scopes.clone()
    }

    /// Whether there is enough left of the rate limit for questions that may wait.
    pub(super) fn has_plenty(&self) -> bool {
        self.budget().is_none_or(|budget| budget.left > budget.limit / 4)
    }

    /// A poll has ended: forgets the pages that it did not ask for, and what keeps its address when that was not asked for in a long while.
    pub(super) fn tidy(&self) {
        let mut state = self.state();
        state.kept.retain(|path, kept| {
            // Later pages begin where the one before ended: their addresses come and go.
            let passes = path.contains("created=%3C%3D") || path.contains("..");
            kept.idle += 1;
            kept.idle <= if passes { 1 } else { LONG_IDLE }
        });
        if state.kept.len() > MOST_KEPT {
            state.kept.retain(|_, kept| kept.idle <= 1);
        }
    }

    /// Asks for JSON.
    pub(super) async fn get<R: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<R, Fault> {
        let answer = self.send(doing, path, None).await?;
        read(doing, &self.judge(doing, answer)?)
    }

    /// Asks for runs. What has not changed since it was last asked for comes from memory, and costs nothing.
    pub(super) async fn runs(
        &self,
        doing: &str,
        path: &str,
        read: impl FnOnce(&Answer) -> Result<Page, Fault> + Send,
    ) -> Result<Arc<Page>, Fault> {
        let known = self.state().kept.get_mut(path).map(|kept| {
            kept.idle = 0;
            (kept.etag.clone(), Arc::clone(&kept.page))
        });
        let answer = self.send(doing, path, known.as_ref().map(|(etag, _)| etag.clone())).await?;
        if let (304, Some((_, page))) = (answer.status, known) {
            return Ok(page);
        }
        let answer = self.judge(doing, answer)?;
        let page = Arc::new(read(&answer)?);
        // A page with a row that could not be read is asked for again, so that this is not forgotten.
        let etag = answer.headers.get(ETAG).filter(|_| page.strange.is_none());
        let mut state = self.state();
        match etag {
            Some(etag) => {
                let kept = Kept { etag: etag.clone(), page: Arc::clone(&page), idle: 0 };
                state.kept.insert(path.to_owned(), kept);
            }
            None => drop(state.kept.remove(path)),
        }
        Ok(page)
    }

    async fn send(&self, doing: &str, path: &str, etag: Option<HeaderValue>) -> Result<Answer, Fault> {
        if let Some(fault) = self.closed(doing) {
            return Err(fault);
        }
        let mut question = Question::get(self.talk.url(doing, path)?);
        question.headers.extend(etag.map(|etag| (IF_NONE_MATCH, etag)));
        let answer = self.talk.send(doing, question).await?;
        self.hear(&answer.headers);
        Ok(answer)
    }

    /// GitHub bans who goes on asking: until the time has come, no question is sent.
    fn closed(&self, doing: &str) -> Option<Fault> {
        let mut state = self.state();
        let now = state.now;
        let (until, reason) = state.closed.take()?;
        let left = until.duration_since(now).as_secs();
        // Should our clock have been put back, no pause is longer for it.
        if !(1..=LONGEST).contains(&left) {
            return None;
        }
        let mut fault = Fault::new(FaultKind::Down, doing, reason.clone());
        fault.error.retry_after = Some(left);
        state.closed = Some((until, reason));
        Some(fault)
    }

    fn judge(&self, doing: &str, answer: Answer) -> Result<Answer, Fault> {
        let status = answer.status;
        if matches!(status, 403 | 429)
            && let Some((wait, reason)) = self.limited(&answer)
        {
            let mut fault = Fault::new(FaultKind::Down, doing, format!("HTTP {status}: {reason}"));
            fault.error.retry_after = Some(wait);
            fault.status = Some(status);
            self.close(wait, &fault.error.reason);
            return Err(fault);
        }
        if matches!(status, 301 | 302 | 307 | 308) {
            let reason = format!("HTTP {status}: the repository was renamed or moved; write its new name");
            return Err(Fault { status: Some(status), ..Fault::new(FaultKind::Refused(status), doing, reason) });
        }
        let mut judged = self.talk.judge(doing, answer, super::super::talk::BODY_CAP);
        let hint = match status {
            401 => "; is the token right, and has it not expired?",
            403 => "; the token needs Actions: read of this repository",
            404 => "; is the name right, and may the token see it?",
            _ => "",
        };
        if let Err(fault) = &mut judged {
            fault.error.reason.push_str(hint);
            if let Some(wait) = fault.error.retry_after {
                self.close(wait, &fault.error.reason);
            }
        }
        judged
    }

    fn close(&self, wait: i64, reason: &str) {
        let mut state = self.state();
        let until = state.now.checked_add(SignedDuration::from_secs(wait.clamp(1, LONGEST)));
        state.closed = until.ok().map(|until| (until, reason.to_owned()));
        state.short = wait <= LONG;
    }

    /// How many seconds to wait where a limit is the reason, and which limit it is.
    fn limited(&self, answer: &Answer) -> Option<(i64, String)> {
        let now = self.talk.date().unwrap_or_else(|| self.state().now);
        let used_up = number(&answer.headers, "x-ratelimit-remaining") == Some(0);
        let reset = || number(&answer.headers, "x-ratelimit-reset").and_then(|at| Timestamp::from_second(at).ok());
        if let Some(wait) = answer.retry_after(now) {
            return Some((wait.max(1), "GitHub asks us to wait: a rate limit is used up".to_owned()));
        }
        if used_up {
            let reset = reset();
            // A second more: the reset is a whole one.
            let wait = reset.map_or(WAIT, |at| at.duration_since(now).as_secs().saturating_add(1).max(1));
            let until = reset.map_or_else(String::new, |at| format!(" until {}", at.strftime("%H:%M:%S UTC")));
            return Some((wait, format!("the rate limit of the token is used up{until}; a longer `every` uses less")));
        }
        let said = words::of_body(&answer.body);
        let lower = said.to_ascii_lowercase();
        let is_limit = answer.status == 429 || lower.contains("rate limit") || lower.contains("abuse detection");
        is_limit.then(|| (WAIT, format!("GitHub asks us to wait: {said}")))
    }

    fn hear(&self, headers: &HeaderMap) {
        let text =
            |name: &str| Some(headers.get(name)?.to_str().ok()?.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(version) = text("x-github-enterprise-version") {
            self.state().version = Some(version);
        }
        self.state().scopes = text("x-oauth-scopes");
        let told = |name: &str| number(headers, name);
        let budget = told("x-ratelimit-limit").zip(told("x-ratelimit-remaining")).zip(told("x-ratelimit-reset"));
        let Some(((limit, left), reset)) = budget else { return };
        let count = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
        let reset = Timestamp::from_second(reset).unwrap_or(Timestamp::MIN);
        self.state().budget = Some(Budget { limit: count(limit), left: count(left), reset });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
