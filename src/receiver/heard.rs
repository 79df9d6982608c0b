//! The answer of a chat's API, read as JSON: its own words and codes come before the status. It knows no chat.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::http::{self, Poster};
use crate::engine::Outcome;
use crate::net::Answer;

/// Longer waits than a day are nobody's.
const LONGEST_WAIT: f64 = 86_400.0;

/// An answer.
pub(crate) struct Heard<'a> {
    answer: &'a Answer,
    poster: &'a Poster,
    now: Timestamp,
    /// The body, where it is JSON.
    pub(crate) json: Json,
}

impl<'a> Heard<'a> {
    pub(crate) fn new(answer: &'a Answer, poster: &'a Poster, now: Timestamp) -> Self {
        Self { answer, poster, now, json: http::json(answer).map_or(Json::Null, Json::Object) }
    }

    pub(crate) fn status(&self) -> u16 {
        self.answer.status
    }

    /// The text at `pointer`; empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, pointer: &str) -> Option<i64> {
        self.json.pointer(pointer).and_then(Json::as_i64)
    }

    /// The whole answer, in words.
    pub(crate) fn words(&self) -> String {
        http::words(self.answer)
    }

    /// Whether it is a page for people.
    pub(crate) fn is_page(&self) -> bool {
        http::is_page(self.answer)
    }

    /// `HTTP 404: Unknown Webhook`
    pub(crate) fn reason(&self, said: &str) -> String {
        self.poster.reason_of(self.status(), &self.or_all(said))
    }

    /// What the answer means as far as its status tells. A chat that says 401 or 403 in its own words means it: its webhook or bot is no more.
    /// `wait` points to the seconds to wait, which some say in the body only.
    pub(crate) fn refused(&self, said: &str, wait: &str) -> Outcome {
        let outcome = self.poster.refusal(self.answer, self.now, &self.or_all(said));
        match outcome {
            Outcome::Refused { permanent: false, reason, .. }
                if matches!(self.status(), 401 | 403) && self.json.is_object() =>
            {
                Outcome::Refused { permanent: true, reason, retry_after: None }
            }
            Outcome::Refused { permanent: false, reason, retry_after } => {
                Outcome::Refused { permanent: false, reason, retry_after: self.wait(wait).max(retry_after) }
            }
            other => other,
        }
    }

    fn wait(&self, pointer: &str) -> Option<i64> {
        let said = self.json.pointer(pointer).and_then(Json::as_f64).filter(|wait| *wait >= 0.0);
        #[expect(clippy::cast_possible_truncation, reason = "it is between 0 and a day")]
        said.map(|wait| wait.min(LONGEST_WAIT).ceil() as i64)
    }

    fn or_all(&self, said: &str) -> String {
        if said.is_empty() { self.words() } else { said.to_owned() }
    }
}

/// What the tables of the tests are made of: an answer, and the word of an outcome.
#[cfg(test)]
pub(crate) mod table {
    use std::time::Duration;

    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::*;
    use crate::receiver::common::Common;
    use crate::triage::redact::Secrets;

    /// What `read` says of an answer. A 429 asks by its header for 30 s.
    pub(crate) fn told<T>(status: u16, body: &str, read: impl Fn(&Heard<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        if status == 429 {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        let answer = Answer { status, headers, body: body.as_bytes().to_vec(), cut: false };
        let poster = Poster::new(&Common::patient(Duration::from_secs(1)), Secrets::default()).expect("a client");
        read(&Heard::new(&answer, &poster, Timestamp::UNIX_EPOCH))
    }

    pub(crate) fn word(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Delivered { .. } => "delivered".to_owned(),
            Outcome::Refused { permanent: true, .. } => "permanent".to_owned(),
            Outcome::Refused { retry_after: Some(wait), .. } => format!("wait {wait}"),
            Outcome::Refused { .. } => "transient".to_owned(),
            Outcome::Unknown { .. } => "unknown".to_owned(),
        }
    }

    /// The word of what an answer means.
    pub(crate) fn meant(meaning: &http::Meaning) -> String {
        match meaning {
            http::Meaning::Taken(_) => "taken".to_owned(),
            http::Meaning::Rephrase(_) => "rephrase".to_owned(),
            http::Meaning::Other(outcome) => word(outcome),
        }
    }
}
