//! One walk through the pages of the list: every page is handed over as it comes, and the walk says how far it got. It knows nothing
//! of what is done about open runs that it does not show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ETAG, HeaderValue};
use tokio::time::Instant;
use url::Url;

use super::super::talk::Transport;
use super::super::{Intake, OpenRun, PollError, Seen};
use super::Http;
use super::address::percent_encoded;
use super::checkpoint::{Checkpoint, EngineClock, Extent, Took, final_end, mark};
use super::memory::{Listed, as_listed};
use super::order::{NewestFirst, oldest_first};
use super::pages::{Page, Pager};
use super::shape::{Items, filtered_items, hash, native_items, read_items, rows};
use crate::net::Answer;
use crate::run::RunKey;

/// What a walk found.
#[expect(clippy::struct_excessive_bools, reason = "each says another thing about how far the walk got")]
pub(super) struct Walked {
    /// Runs handed over.
    pub(super) handed: usize,
    /// The list has not changed since the last walk (304).
    pub(super) unchanged: bool,
    /// The whole list was read, to its natural end, and every item of it; or as deep as any open run can be, newest first.
    pub(super) complete: bool,
    /// No run can have slipped from one page to another because its time is that of others.
    pub(super) sharp: bool,
    /// The list went on behind the last page that was read.
    cut_short: bool,
    /// There are more runs that need a detail request than one poll asks for.
    pub(super) more: bool,
    /// What kept the walk from reading everything it wanted to.
    pub(super) problem: Option<PollError>,
    pub(super) listed: BTreeSet<Listed>,
    pub(super) oldest_start: Option<Timestamp>,
    pub(super) pages: u32,
    pub(super) unreadable: usize,
    pub(super) complaint: Option<String>,
    pub(super) etag: Option<(Url, HeaderValue)>,
    newest: Option<Timestamp>,
    oldest_end: Option<Timestamp>,
    pub(super) clock: EngineClock,
    pub(super) details: usize,
    pub(super) details_down: bool,
    /// A failure was found that waits for its details.
    pub(super) untold: bool,
    /// Good ends, which go out when no failure of this walk waits any more.
    pub(super) held: BTreeMap<RunKey, (Seen, u64)>,
    /// Runs whose details were read on this walk.
    pub(super) detailed: BTreeSet<Listed>,
}

/// One page, read.
pub(super) struct Read {
    pub(super) answer: Answer,
    pub(super) body: Arc<Vec<u8>>,
    pub(super) rows: Option<usize>,
    pub(super) items: Items,
    took: Took,
}

impl Walked {
    fn new() -> Self {
        Self {
            handed: 0,
            unchanged: false,
            complete: false,
            sharp: false,
            cut_short: false,
            more: false,
            problem: None,
            listed: BTreeSet::new(),
            oldest_start: None,
            pages: 0,
            unreadable: 0,
            complaint: None,
            etag: None,
            newest: None,
            oldest_end: None,
            clock: EngineClock::unknown(),
            details: 0,
            details_down: false,
            untold: false,
            held: BTreeMap::new(),
            detailed: BTreeSet::new(),
        }
    }

    /// The checkpoint after this walk, when it read everything it wanted to.
    pub(super) fn checkpoint(&self, before: &Checkpoint, history: Duration, now: Timestamp) -> Checkpoint {
        if self.unchanged {
            return before.clone();
        }
        let read = Extent { newest: self.newest, oldest_end: self.oldest_end, to_the_end: !self.cut_short };
        before.after(read, &self.clock, history, now)
    }

    fn learn(&mut self, read: &Read) {
        let newest = read.items.runs.iter().filter_map(|(run, _)| mark(run)).max();
        self.clock.learn(read.answer.date(), newest, read.took);
        self.newest = self.newest.max(newest);
        let lowest = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
        for (run, _) in &read.items.runs {
            self.listed.extend(as_listed(run));
            self.oldest_start = lowest(self.oldest_start, run.started_at);
            self.oldest_end = lowest(self.oldest_end, final_end(run));
        }
        self.unreadable += read.items.unreadable;
        if self.complaint.is_none() {
            self.complaint.clone_from(&read.items.complaint);
        }
    }
}

impl<T: Transport> Http<T> {
    /// Reads pages until the end, until everything on a page was read before, or until something goes wrong.
    pub(super) async fn walk<I: Intake>(
        &mut self,
        intake: &I,
        before: &Checkpoint,
        open: &[OpenRun],
        now: Timestamp,
    ) -> Result<Walked, PollError> {
        let (mut walked, began) = (Walked::new(), Instant::now());
        let polling = self.settings.polling.clone();
        let (base, bounded) = with_since(&self.settings.url, before.since(polling.overlap, polling.history));
        let pagination = self.settings.pagination.clone();
        let cursor = self.cursor.clone();
        let mut pager = Pager::new(&pagination, cursor.as_ref(), base);
        let recent = before.read_until(polling.overlap);
        let deep = self.deep_enough(recent, open);
        let (mut url, mut seen, mut reached) = (pager.first(), BTreeSet::new(), false);
        let mut order = NewestFirst::default();
        let known = self.memory.etag.clone().filter(|(of, _)| *of == url && self.may_skip(open));
        for number in 1..=self.settings.max_pages.max(1) {
            let doing = doing(number);
            let etag = known.as_ref().filter(|_| number == 1).map(|(_, etag)| etag);
            let read = match self.read(url.clone(), &doing, etag, (now, began)).await {
                Ok(Some(read)) => read,
                Ok(None) => {
                    (walked.unchanged, walked.etag) = (true, known);
                    return Ok(walked);
                }
                Err(error) if number == 1 => return Err(error),
                Err(error) => return Ok(Walked { problem: walked.problem.take().or(Some(error)), ..walked }),
            };
            walked.pages = number;
            if number == 1 {
                walked.etag = read.answer.headers.get(ETAG).map(|etag| (url.clone(), etag.clone()));
            }
            if !seen.insert(fingerprint(&read)) {
                return Ok(stopped(walked, &doing, "pages repeat: the same page came twice"));
            }
            walked.learn(&read);
            let (answer, body, rows) = (read.answer, read.body, read.rows);
            let count = read.items.runs.len() + read.items.unreadable;
            order.read(&read.items);
            walked.sharp = order.sharp;
            // Behind old runs may lie new ones, unless the newest come first.
            let ascending = oldest_first(&read.items);
            let all_older = |than: Option<Timestamp>| {
                than.is_some_and(|than| {
                    count > 0
                        && !ascending
                        && read.items.runs.iter().all(|(run, _)| mark(run).is_some_and(|mark| mark < than))
                })
            };
            let (recent_reached, deep_reached) = (all_older(recent), all_older(deep));
            reached |= recent_reached;
            self.hand_over_page(intake, before, read.items, &mut walked, now).await?;
            let page = Page { url: &url, headers: &answer.headers, body: &body, rows, items: count };
            match pager.after(page, polling.timeout).await {
                Ok(Some(next)) if !deep_reached => url = next,
                Ok(Some(_)) => {
                    // An open run that the list holds would have come by now: it changed since it started.
                    walked.complete = !bounded && walked.unreadable == 0 && order.holds;
                    return Ok(walked);
                }
                Ok(None) => {
                    walked.complete = !bounded && walked.unreadable == 0 && !walked.listed.is_empty();
                    return Ok(walked);
                }
                Err(reason) => return Ok(stopped(walked, &doing, &self.asker.clean(&reason))),
            }
        }
        walked.cut_short = true;
        // The list is longer than we read. At first start that is no loss: what lies deeper is history.
        if before.horizon.is_none() || reached {
            if reached {
                tracing::debug!(source = %self.name, "an open run lies deeper in the list than max_pages");
            }
            return Ok(walked);
        }
        let reason = format!(
            "more than max_pages ({}) pages hold runs that were not read yet; raise max_pages, or put {{since}} into the URL",
            self.settings.max_pages
        );
        Ok(stopped(walked, "asking for the list of runs", &reason))
    }

    /// Without a detail request an open run has to be found in the list, however deep, when it ends.
    fn deep_enough(&self, recent: Option<Timestamp>, open: &[OpenRun]) -> Option<Timestamp> {
        if self.details.is_some() {
            return recent;
        }
        recent.map(|recent| {
            open.iter().filter_map(|run| run.started_at).min().map_or(recent, |oldest| oldest.min(recent))
        })
    }

    /// An unchanged first page says nothing about an open run on a later one.
    fn may_skip(&self, open: &[OpenRun]) -> bool {
        self.memory.pages <= 1 || self.details.is_some() || open.is_empty()
    }

    /// One page; nothing when it has not changed.
    pub(super) async fn read(
        &self,
        url: Url,
        doing: &str,
        etag: Option<&HeaderValue>,
        (now, began): (Timestamp, Instant),
    ) -> Result<Option<Read>, PollError> {
        let clock = || now.saturating_add(began.elapsed()).unwrap_or(Timestamp::MAX);
        let sent = clock();
        let mut answer = self.asker.ask(url, doing, etag).await?;
        let took = Took { sent, received: clock() };
        if answer.status == 304 && etag.is_some() {
            return Ok(None);
        }
        answer = self.asker.accept(answer, doing)?;
        self.digest(answer, doing, took).await.map(Some)
    }

    /// What a page says.
    pub(super) async fn digest(&self, mut answer: Answer, doing: &str, took: Took) -> Result<Read, PollError> {
        let body = Arc::new(std::mem::take(&mut answer.body));
        let failed =
            |reason: &str| PollError { doing: doing.to_owned(), reason: self.asker.clean(reason), retry_after: None };
        let outputs;
        let texts = match &self.filter {
            None => native_items(&body).map_err(|reason| failed(&reason))?,
            Some(filter) => {
                let ran = filter.run(Arc::clone(&body), self.settings.polling.timeout).await;
                outputs = ran.map_err(|error| failed(&error.to_string()))?;
                filtered_items(&outputs).map_err(|reason| failed(&reason))?
            }
        };
        let items = read_items(&texts).map_err(|reason| failed(&reason))?;
        let rows = rows(&body);
        Ok(Read { answer, body, rows, items, took })
    }
}

pub(super) fn doing(number: u32) -> String {
    if number == 1 { "asking for the list of runs".to_owned() } else { format!("asking for page {number} of the runs") }
}

fn stopped(mut walked: Walked, doing: &str, reason: &str) -> Walked {
    let error = PollError { doing: doing.to_owned(), reason: reason.to_owned(), retry_after: None };
    walked.problem.get_or_insert(error);
    walked
}

/// What makes two pages the same: the runs on them, for the rest may hold the time of the answer.
pub(super) fn fingerprint(read: &Read) -> u64 {
    if read.items.runs.is_empty() {
        return hash(&*read.body);
    }
    let keys: Vec<RunKey> = read.items.runs.iter().map(|(run, _)| run.key()).collect();
    hash(keys)
}

/// Puts the time into `{since}`, `{since_ms}` and `{since_s}`; whether there was one.
pub(super) fn with_since(url: &Url, since: Timestamp) -> (Url, bool) {
    let text = url.as_str();
    let values = [
        ("since", percent_encoded(&since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        ("since_ms", since.as_millisecond().to_string()),
        ("since_s", since.as_second().to_string()),
    ];
    let replaced = values.iter().fold(text.to_owned(), |text, (word, value)| {
        text.replace(&format!("{{{word}}}"), value).replace(&format!("%7B{word}%7D"), value)
    });
    match replaced.parse() {
        Ok(parsed) if replaced != text => (parsed, true),
        _ => (url.clone(), false),
    }
}
