//! What a person is shown of an n8n before anything is polled: each question that polling asks, once, with one page at most. It must
//! not know who reads it, and hands nothing over.

use jiff::{SignedDuration, Timestamp};

use super::super::survey::{Asked, Count, Reached, Survey};
use super::api::{Fault, FaultKind, List, PAGE, Transport, Wanted};
use super::look::{earlier, ended_at};
use super::mapping;
use super::poll::Watcher;
use super::wire::Row;

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl<T: Transport> Watcher<T> {
    /// Asks each question of a poll once.
    pub(super) async fn look_around(&mut self, now: Timestamp) -> Survey {
        self.api.begin(now);
        let url = self.api.base().clone();
        let asked = Asked { engine: "n8n", url: &url, sign_in: Some("`api_key`") };
        let mut survey = Survey { engine: "n8n".to_owned(), ..Survey::default() };
        let newest = self.page(None).await;
        survey.reached.push(needed(&asked, "the newest runs", "a problem that is over is not seen to be", &newest));
        self.open_runs(&asked, &mut survey, now).await;
        let failed = self.failed_lately(&asked, &mut survey, now).await;
        // Newest runs, running, waiting, failed; in 2.x queued and crashed; cancelled where they are wanted.
        let more = if self.version.modern == Some(true) { 2 } else { 0 };
        survey.requests = 4 + more + u32::from(self.reach.cancelled);
        survey.version = self.version.modern.map(|modern| if modern { "2.x" } else { "1.x" }.to_owned());
        if let Some(row) = failed {
            self.sample(&asked, &mut survey, &row).await;
        }
        survey.hear(self.api.date(), now);
        survey
    }

    /// One page of a list.
    async fn page(&self, status: Option<&str>) -> Result<Vec<Row>, Fault> {
        let wanted = Wanted { doing: "asking", status, from: None, pages: 1 };
        let List { rows, fault, odd, .. } = self.api.list(wanted, |_| true).await;
        fault.or(odd).map_or(Ok(rows), Err)
    }

    async fn open_runs(&mut self, asked: &Asked<'_>, survey: &mut Survey, now: Timestamp) {
        let (mut runs, mut at_least, mut whole) = (0, false, true);
        for (status, what) in [("new", "queued runs"), ("running", "running runs"), ("waiting", "waiting runs")] {
            let mut page = self.page(Some(status)).await;
            if status == "new" {
                let refused = page.as_ref().is_err_and(|fault| fault.kind == FaultKind::Refused(400));
                if refused || page.is_ok() {
                    self.version.learn(!refused, now);
                }
                if refused {
                    page = Ok(Vec::new());
                }
            }
            let reached = needed(asked, what, "a run that ends long after newer ones is not seen", &page);
            survey.reached.push(reached);
            let rows = page.map_or(0, |rows| rows.len());
            whole &= survey.reached.last().is_some_and(|reached| reached.outcome.is_ok());
            runs += rows;
            at_least |= rows == PAGE;
        }
        if whole {
            survey.counts.push(Count { what: "going on now".to_owned(), runs: runs as u64, at_least });
        }
    }

    /// Counts what failed in the last day, and answers the run that failed last.
    async fn failed_lately(&self, asked: &Asked<'_>, survey: &mut Survey, now: Timestamp) -> Option<Row> {
        let since = earlier(self.api.date().unwrap_or(now), DAY);
        let (mut all, mut at_least, mut whole) = (Vec::new(), false, true);
        for status in self.version.failed() {
            let page = self.page(Some(status)).await;
            let what = if *status == "error" { "failed runs" } else { "crashed runs" };
            survey.reached.push(needed(asked, what, "no failure is seen", &page));
            whole &= page.is_ok();
            let rows = page.unwrap_or_default();
            at_least |= rows.len() == PAGE && rows.iter().all(|row| ended_at(row) >= Some(since));
            all.extend(rows);
        }
        if whole {
            let runs = all.iter().filter(|row| ended_at(row) >= Some(since)).count() as u64;
            survey.counts.push(Count { what: "failed in the last 24 hours".to_owned(), runs, at_least });
        }
        all.into_iter().max_by_key(|row| (ended_at(row), row.id))
    }

    /// The run that failed last, with its nodes.
    async fn sample(&self, asked: &Asked<'_>, survey: &mut Survey, row: &Row) {
        let learned = match self.api.detail(row.id).await {
            Ok(Some(execution)) => self.api.follow_down(execution).await.map(Some),
            Ok(None) => Ok(None),
            Err(fault) => Err(fault),
        };
        let found = learned.as_ref().map(|evidence| match evidence {
            Some(evidence) => many(evidence.execution.entries.len(), "node", "nodes"),
            None => "deleted meanwhile".to_owned(),
        });
        let costs = "failures are told late, and without the node that failed";
        survey.reached.push(asked.needed("the data of the run that failed last", costs, found));
        survey.sample = learned.ok().flatten().and_then(|evidence| mapping::run(&evidence, None, &self.view));
    }
}

fn needed(asked: &Asked<'_>, what: &str, costs: &'static str, page: &Result<Vec<Row>, Fault>) -> Reached {
    asked.needed(what, costs, page.as_ref().map(|rows| many(rows.len(), "run", "runs")))
}

fn many(count: usize, one: &str, more: &str) -> String {
    let plus = if count == PAGE { " or more" } else { "" };
    format!("{count}{plus} {}", if count == 1 { one } else { more })
}
