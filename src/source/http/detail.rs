//! The requests for one run. Three runs at a time, on the list's host only, and for each run no more requests than the settings name.
//! It knows no page and no checkpoint.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::super::PollError;
use super::super::filter::Filter;
use super::super::talk::Transport;
use super::address::Addresses;
use super::ask::Asker;
use super::shape::{filtered_items, native_items};
use crate::config::Detail;
use crate::run::{Limits, Run, RunStatus, read_run};

const IN_FLIGHT: usize = 3;

pub(super) struct Details {
    settings: Detail,
    filter: Option<Filter>,
    follow: Vec<(String, Filter)>,
    addresses: Addresses,
    deadline: Duration,
}

/// A run to ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) id: &'a str,
    /// It was asked for in vain before: what stands beside the run itself is done without if need be.
    pub(super) last_try: bool,
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
    pub(super) fn new(settings: Detail, list: &Url, deadline: Duration) -> Result<Self, PollError> {
        let compiled = |code: &str, which: &str| {
            Filter::compile(code).map(|filter| filter.knowing(list)).map_err(|error| PollError {
                doing: format!("reading the {which} of `detail`"),
                reason: error.to_string(),
                retry_after: None,
            })
        };
        let filter = settings.filter.as_deref().map(|code| compiled(code, "filter")).transpose()?;
        let follow = settings.follow.iter().map(|(name, code)| Ok((name.clone(), compiled(code, name)?)));
        let follow = follow.collect::<Result<_, _>>()?;
        let addresses = Addresses::new(list.clone(), settings.id_parts.clone());
        Ok(Self { settings, filter, follow, addresses, deadline })
    }

    /// Whether an open run of this status is asked for at every poll.
    pub(super) fn watches(&self, status: RunStatus) -> bool {
        self.settings.watch.contains(&status)
    }

    pub(super) fn wants(&self, status: RunStatus) -> bool {
        self.settings.statuses.contains(&status)
    }

    /// Asks for every one, and stops asking when all of three fail.
    pub(super) async fn ask_all<T: Transport>(&self, asker: &Asker<T>, wanted: &[Wanted<'_>]) -> Vec<Detailed> {
        let mut results = Vec::with_capacity(wanted.len());
        for three in wanted.chunks(IN_FLIGHT) {
            let one = |at: usize| async move {
                match three.get(at) {
                    Some(wanted) => Some(self.ask(asker, *wanted).await),
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
        results.resize_with(wanted.len(), || Detailed::Skipped);
        results
    }

    async fn ask<T: Transport>(&self, asker: &Asker<T>, wanted: Wanted<'_>) -> Detailed {
        let doing = format!("asking for run {}", asker.clean(wanted.id));
        let failed = |reason: String| PollError { doing: doing.clone(), reason, retry_after: None };
        let Some(url) = self.addresses.of(&self.settings.url, wanted.id) else {
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
        let body = match self.with_more(asker, wanted, body).await {
            Ok(body) => Arc::new(body),
            Err(error) => return Detailed::Failed(error),
        };
        match self.read(body, wanted.id).await {
            Ok(run) => Detailed::Found(Box::new(run)),
            Err(reason) => Detailed::Failed(failed(asker.clean(&reason))),
        }
    }

    /// The answer with those of the other requests beside it, where there are any.
    async fn with_more<T: Transport>(
        &self,
        asker: &Asker<T>,
        wanted: Wanted<'_>,
        run: Vec<u8>,
    ) -> Result<Vec<u8>, PollError> {
        if self.settings.also.is_empty() && self.follow.is_empty() {
            return Ok(run);
        }
        let mut whole = Whole::new(&json(run));
        for (name, template) in &self.settings.also {
            let said = self.beside(asker, wanted, name, self.addresses.of(template, wanted.id)).await?;
            whole.add(name, &said);
        }
        for (name, leads) in &self.follow {
            let found = leads.run(Arc::new(whole.closed()), self.deadline).await;
            let found = found.map_err(|error| PollError {
                doing: format!("finding the {name} of run {}", asker.clean(wanted.id)),
                reason: asker.clean(&error.to_string()),
                retry_after: None,
            })?;
            let text = found.first().and_then(|text| serde_json::from_slice::<String>(text).ok());
            let url = text.and_then(|text| self.addresses.on_the_host(&text));
            let said = self.beside(asker, wanted, name, url).await?;
            whole.add(name, &said);
        }
        Ok(whole.closed())
    }

    /// What one more request says. Not found, no right to it, too long: the run is worth telling without.
    async fn beside<T: Transport>(
        &self,
        asker: &Asker<T>,
        wanted: Wanted<'_>,
        name: &str,
        url: Option<Url>,
    ) -> Result<Vec<u8>, PollError> {
        let nothing = || Ok(b"null".to_vec());
        let Some(url) = url else { return nothing() };
        let doing = format!("asking for the {name} of run {}", asker.clean(wanted.id));
        let answer = match asker.send(url, &doing, None).await {
            Ok(answer) if answer.cut => return nothing(),
            Ok(answer) if (400..500).contains(&answer.status) && !matches!(answer.status, 408 | 425 | 429) => {
                return nothing();
            }
            Ok(answer) => asker.accept(answer, &doing),
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Ok(json(answer.body)),
            Err(_) if wanted.last_try => nothing(),
            Err(error) => Err(error),
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
}

/// An object of answers, written as they come.
struct Whole(Vec<u8>);

impl Whole {
    fn new(run: &[u8]) -> Self {
        Self([br#"{"run":"#, run].concat())
    }

    fn add(&mut self, name: &str, said: &[u8]) {
        self.0.push(b',');
        self.0.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
        self.0.push(b':');
        self.0.extend_from_slice(said);
    }

    fn closed(&self) -> Vec<u8> {
        [self.0.as_slice(), b"}"].concat()
    }
}

/// An answer as JSON; what is none is a text.
fn json(body: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<&serde_json::value::RawValue>(&body) {
        Ok(_) => body,
        Err(_) => serde_json::Value::from(String::from_utf8_lossy(&body)).to_string().into_bytes(),
    }
}
