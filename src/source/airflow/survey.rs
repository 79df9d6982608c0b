//! What a person is shown of an Airflow before anything is polled: each question that polling asks, once, with one page at most. It must
//! not know who reads it, and hands nothing over.

use jiff::{SignedDuration, Timestamp};

use super::super::survey::{Asked, Count, Survey};
use super::api::{Fault, Server, Transport};
use super::detail::Parts;
use super::link::Pages;
use super::mapping;
use super::pages::{List, Stretch};
use super::poll::Watcher;
use super::wire::DagRun;
use crate::run::RunStatus;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Active runs, active tasks, completed and failed runs, import errors.
const REQUESTS: u32 = 5;
/// So many failed runs are looked at to find one that no person had marked as failed.
const SAMPLES: usize = 10;
const PAGE: Stretch = Stretch { from: 0, pages: 1 };

impl<T: Transport> Watcher<T> {
    /// Asks each question of a poll once.
    pub(super) async fn look_around(&mut self, now: Timestamp) -> Survey {
        self.api.begin(now);
        self.api.forget_server();
        let url = self.url.clone();
        let asked = Asked { engine: "Airflow", url: &url, sign_in: self.sign_in };
        let mut survey = Survey { engine: "Airflow".to_owned(), requests: REQUESTS, ..Survey::default() };
        let server = self.api.server().await;
        let found = server.as_ref().map(|server| server.version.clone());
        survey.reached.push(asked.needed("the version of Airflow", "nothing is seen", found));
        if let Ok(server) = server {
            survey.version = Some(server.version.clone());
            self.lists(&asked, &mut survey, &server, now).await;
        }
        survey.hear(self.api.date(), now);
        survey
    }

    async fn lists(&mut self, asked: &Asked<'_>, survey: &mut Survey, server: &Server, now: Timestamp) {
        let active = self.api.active(PAGE).await;
        let found = said(&active, "go on");
        survey.reached.push(asked.needed("active runs", "a run that stands still is not seen", found));
        count(survey, "going on now", &active);
        let tasks = self.api.active_instances(server, PAGE).await;
        let costs = "a task that waits for its retry is not shown as retrying, and a failure may be told too early";
        survey.reached.push(asked.needed("active tasks of all runs", costs, said(&tasks, "are active")));
        let now = self.api.date().unwrap_or(now);
        let since = now.checked_sub(DAY).unwrap_or(now);
        let completed = self.api.changed("success", since, PAGE).await;
        let found = said(&completed, "completed in 24 h");
        survey.reached.push(asked.needed("completed runs", "that a problem is over is not seen", found));
        count(survey, "completed in the last 24 hours", &completed);
        let failed = self.api.changed("failed", since, PAGE).await;
        let last = self.last_failed(&failed).await;
        let found = last.as_ref().and_then(|_| said(&failed, "failed in 24 h"));
        survey.reached.push(asked.needed("failed runs", "no failure is seen", found));
        count(survey, "failed in the last 24 hours", &failed);
        if self.asks_imports {
            let imports = self.api.import_errors(PAGE).await;
            let costs = "a DAG file that can't be read is not told";
            survey.reached.push(asked.optional("import errors", costs, said(&imports, "can't be read")));
        }
        if let Ok(rows) = last {
            self.sample(asked, survey, server, rows, now).await;
        }
    }

    /// The runs that failed last, the newest end first: of the last day, else of all.
    async fn last_failed(&self, lately: &List<DagRun>) -> Result<Vec<DagRun>, Fault> {
        if let Some(fault) = &lately.fault {
            return Err(fault.clone());
        }
        let mut rows = lately.rows.clone();
        if lately.next.is_some() || rows.is_empty() {
            let list = self.api.last_failed().await;
            if let Some(fault) = list.fault {
                return Err(fault);
            }
            rows = list.rows;
        }
        rows.sort_by_key(|run| std::cmp::Reverse(run.end_date));
        rows.truncate(SAMPLES);
        Ok(rows)
    }

    /// The run that failed last, with its steps. What a person marked as failed is none.
    async fn sample(
        &mut self,
        asked: &Asked<'_>,
        survey: &mut Survey,
        server: &Server,
        rows: Vec<DagRun>,
        now: Timestamp,
    ) {
        let Some(first) = rows.first() else { return };
        let events = self.api.events(first, None).await;
        let given = |given: bool| if given { "given".to_owned() } else { "not for our eyes".to_owned() };
        let found = events.as_ref().map(|events| given(events.is_some()));
        let costs = "who marked a run as failed is not known, and a lost worker is not named";
        survey.reached.push(asked.optional("the audit log", costs, found));
        let pages = Pages { root: self.ui.clone(), generation: server.generation };
        let what = "tasks and logs of the run that failed last";
        let costs = "failures are told late, and without the task that failed and its error";
        for row in rows {
            let learned = self.api.learn(row, &mut self.dags, now, Parts::All).await;
            let found = learned.as_ref().map(|evidence| {
                let logs = evidence.logs.values().filter(|log| !log.missing).count();
                format!("{} tasks, {logs} of their logs read", evidence.instances.len())
            });
            let reached = asked.needed(what, costs, found);
            let run = learned.map(|evidence| mapping::run(&evidence, &pages));
            if run.as_ref().is_ok_and(|run| run.status != RunStatus::Failed) {
                continue;
            }
            survey.reached.push(reached);
            survey.sample = run.ok();
            return;
        }
    }
}

/// How many there are, in words; or why nobody knows.
fn said<'a, R>(list: &'a List<R>, what: &str) -> Result<String, &'a Fault> {
    match &list.fault {
        Some(fault) => Err(fault),
        None => Ok(format!("{} {what}", list.total.unwrap_or(list.rows.len()))),
    }
}

fn count(survey: &mut Survey, what: &str, list: &List<DagRun>) {
    if list.fault.is_none() {
        let at_least = list.total.is_none() && list.next.is_some();
        let runs = u64::try_from(list.total.unwrap_or(list.rows.len())).unwrap_or(u64::MAX);
        survey.counts.push(Count { what: what.to_owned(), runs, at_least });
    }
}
