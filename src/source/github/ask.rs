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
/// The most pages of one list of runs in one poll.
const PAGES: u32 = 10;
/// So many pages of failed runs are looked at in each poll: somebody may have run them again.
const FAILED_PAGES: u32 = 3;
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
        let what = What { pages: PAGES, ..What::default() };
        self.walk("asking for the newest runs", repository, &what, Some(floor)).await
    }

    /// Runs that were created in a stretch of time, newest first.
    pub(super) async fn between(&self, repository: &str, from: Timestamp, until: Timestamp) -> Walk {
        let what = What { from: Some(from), until: Some(until), pages: PAGES, ..What::default() };
        self.walk("asking for older runs", repository, &what, None).await
    }

    /// Runs with this status or conclusion, newest first, created since then.
    pub(super) async fn by_status(&self, repository: &str, status: &str, from: Option<Timestamp>) -> Walk {
        let doing = format!("asking for runs that are {status}");
        self.walk(&doing, repository, &What { status, from, pages: PAGES, ..What::default() }, None).await
    }

    /// The newest runs that failed, created since then: a few pages of them.
    pub(super) async fn failed(&self, repository: &str, from: Option<Timestamp>) -> Walk {
        let what = What { status: "failure", from, pages: FAILED_PAGES, ..What::default() };
        self.walk("asking for failed runs", repository, &what, None).await
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

    /// The first page of the runs with this status or conclusion.
    pub(super) async fn first_of(&self, repository: &str, status: &str) -> Result<Arc<Page>, Fault> {
        let doing = format!("asking for runs of {repository} that are {status}");
        self.page(&doing, repository, &format!("&status={status}"), 1).await
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
            // One that can't be read hides none of the others.
            let readable = page.jobs.into_iter().filter_map(|job| serde_json::from_value::<Job>(job).ok());
            jobs.extend(readable.map(|job| (job.id, job)));
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

    /// Reads a list, newest first, until a run that is older than `floor`. It goes on with what was created up to the oldest run that was
    /// read, and not by the number of the page: runs that begin or are deleted meanwhile would push others over the edge.
    async fn walk(&self, doing: &str, repository: &str, what: &What<'_>, floor: Option<Timestamp>) -> Walk {
        let mut walk = Walk::default();
        let (mut until, mut number) = (what.until, 1);
        for asked in 1..=what.pages {
            let doing = match asked {
                1 => format!("{doing} of {repository}"),
                _ => format!("{doing} of {repository} (page {asked})"),
            };
            let page = match self.page(&doing, repository, &what.filter(until), number).await {
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
            if page.sent < PAGE || floor.zip(oldest).is_some_and(|(floor, oldest)| oldest < floor) {
                return walk;
            }
            // More runs of one moment than a page holds.
            let same = oldest.is_none_or(|oldest| until.is_some_and(|until| until.as_second() <= oldest.as_second()));
            (until, number) = if same { (until, number + 1) } else { (oldest, 1) };
        }
        walk.more = true;
        walk
    }
}

/// Which runs a list holds.
#[derive(Debug, Default)]
struct What<'a> {
    /// Their status or conclusion; empty where it does not matter.
    status: &'a str,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// The most pages to read.
    pages: u32,
}

impl What<'_> {
    fn filter(&self, until: Option<Timestamp>) -> String {
        let status = if self.status.is_empty() { String::new() } else { format!("&status={}", self.status) };
        let created = match (self.from, until) {
            (None, None) => String::new(),
            (None, Some(until)) => format!("&created=%3C%3D{}", second(until)),
            (Some(from), None) => format!("&created=%3E%3D{}", second(from)),
            (Some(from), Some(until)) => format!("&created={}..{}", second(from), second(until)),
        };
        status + &created
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
