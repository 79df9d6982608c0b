//! What a person is shown of a GitHub before anything is polled: each question that polling asks, once, with one page at most. It must
//! not know who reads it, and hands nothing over.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::survey::{Asked, Count, Reached, Survey};
use super::api::{Fault, Page, Transport};
use super::ask::PAGE;
use super::job::{Notes, suspects};
use super::look::ACTIVE;
use super::mapping::{self, Evidence};
use super::poll::Watcher;
use super::wire::RunRow;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Of each repository, where there is little in it: active runs, twice; the newest; the failed ones. And one page of old runs for all.
const REQUESTS: usize = 4;

impl<T: Transport> Watcher<T> {
    /// Asks each question of a poll once.
    pub(super) async fn look_around(&mut self, now: Timestamp) -> Survey {
        self.api.begin(now);
        let url = self.api.base().clone();
        let asked = Asked { engine: "GitHub", url: &url, sign_in: Some("`token`") };
        let requests = u32::try_from(self.repositories.len() * REQUESTS + 1).unwrap_or(u32::MAX);
        let mut survey = Survey { engine: "GitHub Actions".to_owned(), requests, ..Survey::default() };
        let mut last: Option<(&String, RunRow)> = None;
        for repository in &self.repositories {
            let newest = self.api.first_page(repository).await;
            let found = newest.as_ref().map(|page| amount(page, "run", "runs"));
            survey.reached.push(needed(&asked, &format!("runs of {repository}"), "no failure is seen", found));
            self.active(&asked, repository, &mut survey).await;
            if let Some(row) = self.failed_lately(&asked, repository, &mut survey, now).await
                && last.as_ref().is_none_or(|(_, known)| known.updated_at < row.updated_at)
            {
                last = Some((repository, row));
            }
        }
        if let Some((repository, row)) = last {
            self.sample(&asked, &mut survey, repository, row).await;
        }
        survey.version = self.api.version();
        survey.rights = self.api.scopes().map(|scopes| {
            format!("a classic token with {scopes}: a fine-grained one that may only read Actions would do")
        });
        survey.hear(self.api.date(), now);
        survey
    }

    async fn active(&self, asked: &Asked<'_>, repository: &str, survey: &mut Survey) {
        let (mut runs, mut failed) = (0, None);
        for status in ACTIVE {
            match self.api.first_of(repository, status).await {
                Ok(page) => runs += total(&page),
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        let what = format!("active runs of {repository}");
        let costs = "an old run that is run again is seen late";
        let found = failed.as_ref().map_or_else(|| Ok(format!("{runs} active")), Err);
        survey.reached.push(needed(asked, &what, costs, found));
        if failed.is_none() {
            survey.counts.push(Count { what: format!("going on now in {repository}"), runs, at_least: false });
        }
    }

    /// Counts what failed in the last day, and answers the run that failed last.
    async fn failed_lately(
        &self,
        asked: &Asked<'_>,
        repository: &str,
        survey: &mut Survey,
        now: Timestamp,
    ) -> Option<RunRow> {
        let page = self.api.first_of(repository, "failure").await;
        let what = format!("failed runs of {repository}");
        let found = page.as_ref().map(|page| amount(page, "failed", "failed"));
        survey.reached.push(needed(asked, &what, "old runs that fail again are seen late", found));
        let page = page.ok()?;
        let day = self.api.date().unwrap_or(now).checked_sub(DAY).unwrap_or(now);
        let lately = page.rows.iter().filter(|row| row.updated_at.is_some_and(|at| at >= day)).count();
        let what = format!("failed in the last 24 hours in {repository}");
        survey.counts.push(Count { what, runs: lately as u64, at_least: lately >= PAGE });
        page.rows.iter().max_by_key(|row| row.updated_at).cloned()
    }

    /// The run that failed last, with its jobs and what they said.
    async fn sample(&self, asked: &Asked<'_>, survey: &mut Survey, repository: &str, row: RunRow) {
        let jobs = self.api.jobs(repository, row.id, row.attempt()).await;
        let found = jobs.as_ref().map(|jobs| format!("{} jobs", jobs.len()));
        let costs = "failures are told late, and without the step that failed";
        survey.reached.push(needed(asked, "jobs of the run that failed last", costs, found));
        let jobs = jobs.ok();
        let mut notes = Notes::new();
        if let Some(job) = jobs.as_deref().and_then(|jobs| suspects(row.end(), jobs).into_iter().next()) {
            let said = self.api.annotations(repository, job.check_run()).await;
            let found = said.as_ref().map(|said| format!("{} annotations", said.len()));
            let costs =
                "failed steps are told without the words of their errors, and what a time limit ended looks cancelled";
            let mut reached = asked.optional("annotations of its job", costs, found);
            if let Err(obstacle) = &mut reached.outcome
                && said.as_ref().is_err_and(|fault| matches!(fault.status, Some(403 | 404)))
            {
                obstacle.remedy =
                    "give the token the right Checks: read, which not every kind of token can have".into();
            }
            survey.reached.push(reached);
            notes.extend(said.ok().map(|said| (job.id, said)));
        }
        survey.sample = Some(mapping::run(&Evidence { jobs, notes, ..Evidence::of(repository, row) }));
    }
}

/// A question that polling can't do without. GitHub says "not found" of what the token may not see.
fn needed(asked: &Asked<'_>, what: &str, costs: &'static str, found: Result<String, &Fault>) -> Reached {
    let status = found.as_ref().err().and_then(|fault| fault.status);
    let mut reached = asked.needed(what, costs, found);
    if let Err(obstacle) = &mut reached.outcome {
        match status {
            Some(403) => obstacle.remedy = "give the token the right Actions: read of this repository".into(),
            Some(404) => {
                obstacle.remedy = "is the repository spelled right, and may the token see it (Actions: read)?".into();
            }
            _ => {}
        }
    }
    reached
}

fn total(page: &Arc<Page>) -> u64 {
    page.total.unwrap_or(page.sent as u64)
}

fn amount(page: &Arc<Page>, one: &str, more: &str) -> String {
    let total = total(page);
    format!("{total} {}", if total == 1 { one } else { more })
}
