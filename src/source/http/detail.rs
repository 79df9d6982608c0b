//! The request for one run. At most three at a time, on the list's host only. It knows no page and no checkpoint.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::super::PollError;
use super::super::filter::Filter;
use super::super::talk::Transport;
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
        let filter = filter.map_err(|error| PollError {
            doing: "reading the filter of `detail`".to_owned(),
            reason: error.to_string(),
            retry_after: None,
        })?;
        Ok(Self { settings, filter, list, deadline })
    }

    pub(super) fn wants(&self, status: RunStatus) -> bool {
        self.settings.statuses.contains(&status)
    }

    /// Asks for every id, and stops asking when all of three fail.
    pub(super) async fn ask_all<T: Transport>(&self, asker: &Asker<T>, ids: &[&str]) -> Vec<Detailed> {
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

    async fn ask<T: Transport>(&self, asker: &Asker<T>, id: &str) -> Detailed {
        let doing = format!("asking for run {}", asker.clean(id));
        let failed = |reason: String| PollError { doing: doing.clone(), reason, retry_after: None };
        let Some(url) = self.address(id) else {
            return Detailed::Failed(failed("its address is not on the list's host".to_owned()));
        };
        let answer = match asker.ask(url, &doing, None).await {
            Ok(answer) if matches!(answer.status, 404 | 410) => return Detailed::Gone,
            Ok(answer) => asker.accept(answer, &doing),
            Err(error) => Err(error),
        };
        let body = match answer {
            Ok(answer) => Arc::new(answer.body),
            Err(error) => return Detailed::Failed(error),
        };
        match self.read(body, id).await {
            Ok(run) => Detailed::Found(Box::new(run)),
            Err(reason) => Detailed::Failed(failed(asker.clean(&reason))),
        }
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

    /// The run's address. An id is the engine's word, and must not lead elsewhere.
    fn address(&self, id: &str) -> Option<Url> {
        if id.chars().all(|c| c == '.') {
            return None;
        }
        let encoded = percent_encoded(id);
        let text = self.settings.url.replace("{id}", &encoded).replace("%7Bid%7D", &encoded);
        let url = self.list.join(&text).ok()?;
        (url.origin() == self.list.origin()).then_some(url)
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
