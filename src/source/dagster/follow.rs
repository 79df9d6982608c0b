//! Runs that go on: whether a step of theirs waits for its next try. Their rows don't say, so their events are read on from where the
//! last look ended, of a few runs in each poll, in turns. It must not know what is told of them.

use std::collections::BTreeMap;

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::is_about_retries;
use super::wire::Run;
use crate::run::RunStatus;

/// The most runs whose events are read on in one poll.
pub(super) const FOLLOWED: usize = 20;
/// The most runs that are remembered.
const KNOWN: usize = 20_000;
/// So many polls a run whose events can't be read is left in peace.
const REST: u64 = 6;
/// The most pages of one run's events in one poll.
const PAGES: usize = 3;

/// The runs that go on.
#[derive(Debug, Default)]
pub(super) struct Follow {
    runs: BTreeMap<String, Followed>,
    turn: u64,
}

/// One of them.
#[derive(Debug, Default)]
struct Followed {
    cursor: Option<String>,
    looked: u64,
    /// A step of it was tried again, or waits: its row alone no longer tells what it is.
    retried: bool,
    /// What was read is not told yet.
    news: bool,
    /// Its events could not be read the last time.
    unread: bool,
}

impl Follow {
    /// Takes over what a poll saw: what is going on is followed, what ended is not.
    pub(super) fn see<'a>(&mut self, open: &[OpenRun], found: impl Iterator<Item = &'a Run>) {
        let going = open.iter().filter(|run| matches!(run.status, RunStatus::Running | RunStatus::Waiting));
        for run in going {
            self.add(&run.key.run);
        }
        for run in found {
            if run.status == "STARTED" {
                self.add(&run.id);
            } else {
                self.runs.remove(&run.id);
            }
        }
    }

    fn add(&mut self, id: &str) {
        if self.runs.len() < KNOWN && !self.runs.contains_key(id) {
            self.runs.insert(id.to_owned(), Followed::default());
        }
    }

    /// The run is gone.
    pub(super) fn forget(&mut self, id: &str) {
        self.runs.remove(id);
    }

    /// Reads on in the events of those that were not looked at for the longest time. One whose events can't be read is said once and left
    /// in peace for a while: when it fails it is seen all the same.
    ///
    /// # Errors
    /// When the server is down.
    pub(super) async fn look<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        self.turn += 1;
        let due = self.runs.iter().filter(|(_, run)| run.looked < self.turn);
        let mut next: Vec<(u64, String)> = due.map(|(id, run)| (run.looked, id.clone())).collect();
        next.sort_unstable();
        let mut silent = false;
        for (_, id) in next.into_iter().take(FOLLOWED) {
            let Err(fault) = self.read_on(api, &id).await else {
                silent = false;
                continue;
            };
            let down = fault.kind == FaultKind::Down;
            if down && (silent || fault.error.retry_after.is_some()) {
                return Err(fault);
            }
            silent = down;
            let Some(run) = self.runs.get_mut(&id) else { continue };
            if run.unread {
                run.looked = self.turn + REST;
            } else {
                run.unread = true;
                let reason = &fault.error.reason;
                tracing::warn!(run = ?id, ?reason, "the events of a run that goes on can't be read: its retries are not seen");
            }
        }
        Ok(())
    }

    async fn read_on<T: Transport>(&mut self, api: &Api<T>, id: &str) -> Result<(), Fault> {
        let Some(run) = self.runs.get_mut(id) else { return Ok(()) };
        run.looked = self.turn;
        for _ in 0..PAGES {
            let Some(page) = api.events(id, run.cursor.as_deref()).await? else { return Ok(()) };
            let news = page.list.iter().any(is_about_retries);
            run.news |= news;
            run.retried |= news;
            run.unread = false;
            let goes_on = page.has_more && page.cursor != run.cursor;
            run.cursor = page.cursor.or(run.cursor.take());
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// The runs of which there is news.
    pub(super) fn news(&self) -> Vec<&str> {
        self.runs.iter().filter(|(_, run)| run.news).map(|(id, _)| id.as_str()).collect()
    }

    /// Whether there is news of the run.
    pub(super) fn has_news(&self, id: &str) -> bool {
        self.runs.get(id).is_some_and(|run| run.news)
    }

    /// Whether a step of the run was tried again.
    pub(super) fn has_retried(&self, id: &str) -> bool {
        self.runs.get(id).is_some_and(|run| run.retried)
    }

    /// What was read of the run was told.
    pub(super) fn told(&mut self, id: &str) {
        if let Some(run) = self.runs.get_mut(id) {
            run.news = false;
        }
    }
}
