//! The questions that are put to GitHub, and how long lists are read to their end. It must not know why they are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::talk::{read, words};
use super::api::{Api, Fault, FaultKind, Page, Transport};
use super::wire::{Annotation, Job, JobPage, RunPage, RunRow};
use crate::net::Answer;

/// The most rows that GitHub gives in one answer.
pub(super) const PAGE: usize = 100;
/// The most pages of one list of runs in one poll. A search ends there anyway: GitHub gives a thousand rows of it.
const PAGES: u32 = 10;
/// So often a page is read again because runs were deleted while the list was read.
const AGAIN: u32 = 10;
/// The most pages of jobs of one run: a matrix has 256 jobs at most, and a workflow several of them.
const JOB_PAGES: u32 = 20;
const PULLS: &str = "exclude_pull_requests=true";

/// A list of runs, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The newest row of each run.
    pub rows: BTreeMap<u64, RunRow>,
    /// It goes on beyond what one poll reads.
    pub more: bool,
    /// Why it ends before its end.
    pub fault: Option<Fault>,
}

impl<T: Transport> Api<T> {
    /// Runs by the time at which they were created, newest first, until one that is older than `floor`.
    pub(super) async fn newest(&self, repository: &str, floor: Timestamp) -> Walk {
        self.walk("asking for the newest runs", repository, "", Some(floor)).await
    }

    /// Runs that were created in a stretch of time, newest first; a thousand of them at most.
    pub(super) async fn between(&self, repository: &str, from: Timestamp, until: Timestamp, more: &str) -> Walk {
        let filter = format!("&created={}..{}{more}", second(from), second(until));
        self.walk("asking for older runs", repository, &filter, None).await
    }

    /// Runs with this status or conclusion, newest first; a thousand of them at most.
    pub(super) async fn by_status(&self, repository: &str, status: &str) -> Walk {
        let doing = format!("asking for runs that are {status}");
        self.walk(&doing, repository, &format!("&status={status}"), None).await
    }

    /// The newest hundred runs that failed.
    pub(super) async fn failed(&self, repository: &str) -> Result<Arc<Page>, Fault> {
        let doing = format!("asking for failed runs of {repository}");
        self.page(&doing, repository, "&status=failure", 1).await
    }

    /// A page of the runs that were created in a stretch of time, newest first. `from` counts as the day that it is in.
    pub(super) async fn stretch(
        &self,
        repository: &str,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Arc<Page>, Fault> {
        let doing = format!("asking for runs of {repository} that may have been run again");
        let day = from.strftime("%Y-%m-%d");
        // Without an end the address stays the same all day, and an answer that has not changed costs nothing.
        let filter = match until {
            Some(until) => format!("&created={day}..{}", second(until)),
            None => format!("&created=%3E%3D{day}"),
        };
        self.page(&doing, repository, &filter, 1).await
    }

    /// The first page of the runs of a repository.
    pub(super) async fn first_page(&self, repository: &str) -> Result<Arc<Page>, Fault> {
        self.page(&format!("asking for the newest runs of {repository}"), repository, "", 1).await
    }

    /// One run. Nothing where GitHub no longer knows it.
    pub(super) async fn run(&self, repository: &str, id: u64) -> Result<Option<RunRow>, Fault> {
        let doing = format!("asking for a run of {repository}");
        let path = format!("repos/{repository}/actions/runs/{id}?{PULLS}");
        let asked = self.runs(&doing, &path, |answer| {
            let row: RunRow = read(&doing, answer)?;
            Ok(Page { rows: vec![row], sent: 1, total: None, strange: None })
        });
        match asked.await {
            Ok(page) => Ok(page.rows.first().cloned()),
            Err(fault) if matches!(fault.kind, FaultKind::Refused(404 | 410)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The jobs of one attempt of a run.
    pub(super) async fn jobs(&self, repository: &str, id: u64, attempt: u32) -> Result<Vec<Job>, Fault> {
        let doing = format!("asking for the jobs of a run of {repository}");
        let mut jobs: BTreeMap<u64, Job> = BTreeMap::new();
        for number in 1..=JOB_PAGES {
            let path =
                format!("repos/{repository}/actions/runs/{id}/attempts/{attempt}/jobs?per_page={PAGE}&page={number}");
            let page: JobPage = self.get(&doing, &path).await?;
            let read = page.jobs.len();
            jobs.extend(page.jobs.into_iter().map(|job| (job.id, job)));
            if read < PAGE {
                break;
            }
        }
        Ok(jobs.into_values().collect())
    }

    /// The first annotations of a job.
    pub(super) async fn annotations(&self, repository: &str, check_run: u64) -> Result<Vec<Annotation>, Fault> {
        let path = format!("repos/{repository}/check-runs/{check_run}/annotations?per_page={PAGE}");
        self.get(&format!("asking for the annotations of a job of {repository}"), &path).await
    }

    async fn page(&self, doing: &str, repository: &str, filter: &str, number: u32) -> Result<Arc<Page>, Fault> {
        let path = format!("repos/{repository}/actions/runs?per_page={PAGE}&page={number}&{PULLS}{filter}");
        self.runs(doing, &path, |answer| page(doing, answer)).await
    }

    /// Reads a list page by page. Runs that begin meanwhile push rows onto the next page, where they are met twice. Runs that are
    /// deleted pull rows onto the page before, which would hide them: the list is shorter then, and that page is read again.
    async fn walk(&self, doing: &str, repository: &str, filter: &str, floor: Option<Timestamp>) -> Walk {
        let mut walk = Walk::default();
        let (mut number, mut again, mut before) = (1, 0, None);
        loop {
            let doing = match number {
                1 => format!("{doing} of {repository}"),
                _ => format!("{doing} of {repository} (page {number})"),
            };
            let page = match self.page(&doing, repository, filter, number).await {
                Ok(page) => page,
                Err(fault) => {
                    walk.fault = Some(fault);
                    return walk;
                }
            };
            if let Some(strange) = &page.strange {
                walk.fault.get_or_insert_with(|| Fault::new(FaultKind::Shape, &doing, strange.clone()));
            }
            let oldest = page.rows.iter().filter_map(|row| row.created_at).min();
            walk.rows.extend(page.rows.iter().map(|row| (row.id, row.clone())));
            let shorter = page.total.zip(before).is_some_and(|(total, before)| total < before);
            before = page.total.or(before);
            if shorter && number > 1 {
                again += 1;
                if again > AGAIN {
                    let reason = "the list changed too fast while it was read";
                    walk.fault = Some(Fault::new(FaultKind::Shape, &doing, reason));
                    return walk;
                }
                number -= 1;
                continue;
            }
            let past = floor.zip(oldest).is_some_and(|(floor, oldest)| oldest < floor);
            if page.sent < PAGE || past {
                return walk;
            }
            if number >= PAGES {
                walk.more = true;
                return walk;
            }
            number += 1;
        }
    }
}

/// A time as searches take it.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn page(doing: &str, answer: &Answer) -> Result<Page, Fault> {
    let list: RunPage = read(doing, answer)?;
    let mut page = Page { sent: list.workflow_runs.len(), total: list.total_count, ..Page::default() };
    for row in list.workflow_runs {
        match serde_json::from_value(row) {
            Ok(row) => page.rows.push(row),
            // The other rows can be read: they must not wait for this one.
            Err(error) => {
                let reason = words::cut(&format!("a row that GitHub does not give ({error})"));
                page.strange.get_or_insert(reason);
            }
        }
    }
    Ok(page)
}
