//! The request for one run. At most three at a time, on the list's host only. It knows no page and no checkpoint.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::super::PollError;
use super::super::filter::Filter;
use super::ask::Asker;
use super::shape::{filtered_items, native_items};
use crate::config::Detail;
use crate::run::{Limits, Run, RunStatus, read_run};

const IN_FLIGHT: usize = 3;

pub(super) struct Details {
    settings: Detail,
    filter: Option<Filter>,
    list: Url,
    deadline: Duration,
}

/// What came of one request.
pub(super) enum Detailed {
    /// The run.
    Found(Box<Run>),
    /// 404 or 410: the engine does not know it any more.
    Gone,
    /// Nobody knows.
    Failed(PollError),
    /// Not asked: the endpoint seems to be down, or does not want to be asked now.
    Skipped,
}

impl Details {
    pub(super) fn new(settings: Detail, list: Url, deadline: Duration) -> Result<Self, PollError> {
        let filter = settings.filter.as_deref().map(Filter::compile).transpose();
        let filter = filter.map(|filter| filter.map(|filter| filter.knowing(&list)));
        let filter = filter.map_err(|error| PollError {
            doing: "reading the filter of `detail`".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        Ok(Self { settings, filter, list, deadline })
    }

    /// Whether an open run of this status is asked for at every poll.
    pub(super) fn watches(&self, status: RunStatus) -> bool {
        self.settings.watch.contains(&status)
    }

    pub(super) fn wants(&self, status: RunStatus) -> bool {
        self.settings.statuses.contains(&status)
    }

    /// Asks for every id, and stops asking when all of three fail.
    pub(super) async fn ask_all(&self, asker: &Asker, ids: &[&str]) -> Vec<Detailed> {
        let mut results = Vec::with_capacity(ids.len());
        for three in ids.chunks(IN_FLIGHT) {
            let one = |at: usize| async move {
                match three.get(at) {
                    Some(id) => Some(self.ask(asker, id).await),
                    None => None,
                }
            };
            let (first, second, third) = tokio::join!(one(0), one(1), one(2));
            results.extend([first, second, third].into_iter().flatten());
            let last = results.len().saturating_sub(three.len());
            let down = results.iter().skip(last).all(|detailed| matches!(detailed, Detailed::Failed(_)));
            let unwanted = results
                .iter()
                .skip(last)
                .any(|detailed| matches!(detailed, Detailed::Failed(error) if error.retry_after.is_some()));
            if down || unwanted {
                break;
            }
        }
        results.resize_with(ids.len(), || Detailed::Skipped);
        results
    }

    async fn ask(&self, asker: &Asker, id: &str) -> Detailed {
        let doing = format!("asking for run {}", asker.clean(id));
        let failed = |reason: String| PollError { doing: doing.clone(), reason, retry_after: None };
        let Some(url) = self.address(&self.settings.url, id) else {
            return Detailed::Failed(failed("its id leads to no address on the list's host".to_owned()));
        };
        let answer = match asker.ask(url, &doing, None).await {
            Ok(answer) if matches!(answer.status, 404 | 410) => return Detailed::Gone,
            Ok(answer) => asker.accept(answer, &doing),
            Err(error) => Err(error),
        };
        let body = match answer {
            Ok(answer) => answer.body,
            Err(error) => return Detailed::Failed(error),
        };
        let body = match self.with_more(asker, id, body).await {
            Ok(body) => Arc::new(body),
            Err(error) => return Detailed::Failed(error),
        };
        match self.read(body, id).await {
            Ok(run) => Detailed::Found(Box::new(run)),
            Err(reason) => Detailed::Failed(failed(asker.clean(&reason))),
        }
    }

    /// The answer with those of the other requests beside it, where there are any.
    async fn with_more(&self, asker: &Asker, id: &str, run: Vec<u8>) -> Result<Vec<u8>, PollError> {
        if self.settings.also.is_empty() {
            return Ok(run);
        }
        let mut whole = [br#"{"run":"#, json(run).as_slice()].concat();
        for (name, template) in &self.settings.also {
            let doing = format!("asking for the {name} of run {}", asker.clean(id));
            let Some(url) = self.address(template, id) else { continue };
            let answer = asker.ask(url, &doing, None).await?;
            // Not found, or no right to it: the run is worth telling without.
            let said = match answer.status {
                400..=499 if !matches!(answer.status, 408 | 425 | 429) => b"null".to_vec(),
                _ => json(asker.accept(answer, &doing)?.body),
            };
            whole.extend_from_slice(b",");
            whole.extend_from_slice(serde_json::Value::from(name.as_str()).to_string().as_bytes());
            whole.extend_from_slice(b":");
            whole.extend_from_slice(&said);
        }
        whole.push(b'}');
        Ok(whole)
    }

    async fn read(&self, body: Arc<Vec<u8>>, id: &str) -> Result<Run, String> {
        let outputs;
        let texts = match &self.filter {
            None => native_items(&body)?,
            Some(filter) => {
                outputs = filter.run(Arc::clone(&body), self.deadline).await.map_err(|error| error.to_string())?;
                filtered_items(&outputs)?
            }
        };
        let [text] = texts.as_slice() else {
            return Err(format!("expected one run, got {}", texts.len()));
        };
        let run = read_run(text, Limits::default()).map_err(|error| format!("not a native run: {error}"))?;
        if run.id != id {
            return Err("the answer is about another run".to_owned());
        }
        Ok(run)
    }

    /// An address of the run. An id is the engine's word, and must not lead elsewhere.
    fn address(&self, template: &str, id: &str) -> Option<Url> {
        let parts = self.settings.id_parts.as_ref().map(|parts| parts.captures(id).ok_or(())).transpose().ok()?;
        let of = |word: &str| match word {
            "id" => Some(id),
            part => Some(parts.as_ref()?.name(part)?.as_str()),
        };
        let text = filled(template, of)?;
        let url = self.list.join(&text).ok()?;
        (url.origin() == self.list.origin()).then_some(url)
    }
}

/// A template with its placeholders filled: `{id}` is one piece of an address, `{+id}` keeps its slashes and what is percent-encoded
/// already (as in RFC 6570).
fn filled<'a>(template: &str, of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let template = template.replace("%7B", "{").replace("%7D", "}");
    let (mut text, mut rest) = (String::new(), template.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let (word, after) = after.split_once('}')?;
        let pieces: Vec<String> = match word.strip_prefix('+') {
            Some(word) => of(word)?.split('/').map(with_triplets).collect(),
            None => vec![percent_encoded(of(word)?)],
        };
        // Nothing, `.` and `..` would be another place.
        let is_another_place = |piece: &String| piece.to_ascii_lowercase().replace("%2e", ".").bytes().all(|byte| byte == b'.');
        if pieces.iter().any(is_another_place) {
            return None;
        }
        text.push_str(before);
        text.push_str(&pieces.join("/"));
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// Percent-encoded, but for what is already.
fn with_triplets(text: &str) -> String {
    let mut encoded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        encoded.push_str(&percent_encoded(before));
        let is_triplet = after.as_bytes().get(1..3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        let length = if is_triplet { 3 } else { 1 };
        let (one, after) = after.split_at(length);
        encoded.push_str(&if is_triplet { one.to_owned() } else { percent_encoded(one) });
        rest = after;
    }
    encoded + &percent_encoded(rest)
}

/// An answer as JSON; what is none is a text.
fn json(body: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<&serde_json::value::RawValue>(&body) {
        Ok(_) => body,
        Err(_) => serde_json::Value::from(String::from_utf8_lossy(&body)).to_string().into_bytes(),
    }
}

/// Everything but the unreserved characters of RFC 3986.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
