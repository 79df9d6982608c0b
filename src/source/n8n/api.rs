//! The questions that are put to n8n: pages of its list of runs, and one run. It must not know why they are asked.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};

use super::super::PollError;
pub(super) use super::super::talk::{Fault, FaultKind, Transport};
use super::super::talk::{Question, Talk, read, secret_header};
use super::wire::{self, Execution, Page, Row};

/// The most rows that n8n documents for one answer.
pub(super) const PAGE: usize = 250;
/// The most pages of one list in one poll.
pub(super) const PAGES: usize = 40;
/// The most bytes that are read of one run with its data: n8n itself shows up to 100 MB.
const DETAIL_CAP: usize = 32 * 1024 * 1024;

/// So long n8n may take for the data of a run, at least: it reads them all from its database.
const LONG: Duration = Duration::from_secs(45);

const KEY: HeaderName = HeaderName::from_static("x-n8n-api-key");

/// The public API of one instance.
#[derive(Debug)]
pub(super) struct Api<T> {
    talk: Talk<T>,
    /// For the data of a run.
    long: Duration,
}

/// A list, newest run first, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct List {
    pub rows: Vec<Row>,
    /// Where it goes on, if it was left before its end because it is too long for one poll.
    pub rest: Option<String>,
    /// Why it ends before its end.
    pub fault: Option<Fault>,
    /// A row that can't be read. The others can.
    pub odd: Option<Fault>,
}

impl List {
    /// Whether nothing is missing that was asked for.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_none() && self.fault.is_none()
    }
}

/// Which list, and how much of it.
pub(super) struct Wanted<'a> {
    /// What is being asked for, in words.
    pub doing: &'a str,
    /// `None` is all but the running ones: n8n leaves these out then.
    pub status: Option<&'a str>,
    /// Where to begin; `None` is at the newest.
    pub from: Option<&'a str>,
    pub pages: usize,
}

impl<T: Transport> Api<T> {
    pub(super) fn new(transport: T, base: &url::Url, key: &SecretString, timeout: Duration) -> Result<Self, PollError> {
        let key = secret_header("setting up the API key for n8n", KEY, key.expose_secret())?;
        Ok(Self { talk: Talk::new(transport, base.clone(), vec![key], timeout), long: timeout.max(LONG) })
    }

    /// Where it is.
    pub(super) fn base(&self) -> &url::Url {
        self.talk.base()
    }

    /// Tells our clock, and forgets what the last poll heard of the engine's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.talk.begin(now);
    }

    /// The engine's clock as of the newest answer since [`Self::begin`].
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.talk.date()
    }

    /// Reads a list page by page, until a page of which `enough` says that nothing behind it is wanted.
    pub(super) async fn list(&self, wanted: Wanted<'_>, enough: impl Fn(&[Row]) -> bool) -> List {
        let mut list = List::default();
        let mut known = BTreeSet::new();
        let mut cursor = wanted.from.map(str::to_owned);
        for page in 1.. {
            if page > wanted.pages {
                list.rest = cursor;
                return list;
            }
            let doing = if page == 1 { wanted.doing.to_owned() } else { format!("{} (page {page})", wanted.doing) };
            let answer: Page = match self.talk.get(&doing, &path(wanted.status, cursor.as_deref())).await {
                Ok(answer) => answer,
                Err(fault) => {
                    list.fault = Some(hinted(fault, "execution:list"));
                    return list;
                }
            };
            let (got, before) = (answer.data.len(), list.rows.len());
            for row in answer.data {
                match serde_json::from_value::<Row>(row) {
                    Ok(row) if known.insert(row.id) => list.rows.push(row),
                    Ok(_) => {}
                    // The other rows can be read: they must not wait for this one.
                    Err(error) => {
                        let reason = format!("a run that n8n does not give ({error})");
                        list.odd.get_or_insert_with(|| Fault::new(FaultKind::Shape, &doing, reason));
                    }
                }
            }
            let new = list.rows.get(before..).unwrap_or_default();
            let Some(next) = answer.next_cursor.filter(|next| !next.is_empty()) else { return list };
            if !new.is_empty() && enough(new) {
                return list;
            }
            if got == 0 || new.is_empty() {
                list.fault.get_or_insert_with(|| Fault::new(FaultKind::Shape, &doing, "the same page again and again"));
                return list;
            }
            cursor = Some(next);
        }
        list
    }

    /// One run as a list has it; `None` for one that n8n does not know any more.
    pub(super) async fn row(&self, id: u64) -> Result<Option<Row>, Fault> {
        let asked = self.talk.get("asking for a run", &format!("api/v1/executions/{id}")).await;
        known(asked.map_err(|fault| hinted(fault, "execution:read")))
    }

    /// One run with its data; `None` for one that n8n does not know any more.
    pub(super) async fn detail(&self, id: u64) -> Result<Option<Execution>, Fault> {
        let doing = "asking for the data of a run";
        let url = self.talk.url(doing, &format!("api/v1/executions/{id}?includeData=true"))?;
        let question = Question { cap: DETAIL_CAP, ..Question::get(url) };
        let answer = self.talk.ask_long(doing, question, self.long).await;
        let Some(answer) = known(answer.map_err(|fault| hinted(fault, "execution:read")))? else { return Ok(None) };
        match wire::execution(&answer.body) {
            Ok(execution) => Ok(Some(execution)),
            // In the words that every unreadable answer gets.
            Err(_) => read::<Row>(doing, &answer).map(|row| Some(Execution::of(row))),
        }
    }
}

fn path(status: Option<&str>, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    if let Some(status) = status {
        query.append_pair("status", status);
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    format!("api/v1/executions?{}", query.finish())
}

fn known<R>(asked: Result<R, Fault>) -> Result<Option<R>, Fault> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(fault) if is_gone(&fault) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Whether n8n itself says that it does not know the run. A proxy that has lost its way says 404 as well.
fn is_gone(fault: &Fault) -> bool {
    let body = fault.error.reason.strip_prefix("HTTP 404: ");
    let body = body.and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok());
    body.is_some_and(|body| body["message"] == "Not Found")
}

/// A refusal says which scope the key lacks.
fn hinted(mut fault: Fault, scope: &str) -> Fault {
    if fault.kind == FaultKind::Refused(403) {
        fault.error.reason = format!("{}; the API key needs the scope {scope}", fault.error.reason);
    }
    fault
}
