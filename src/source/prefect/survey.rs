//! What a person is shown of a Prefect before anything is polled: each question that polling asks, once, with one page at most. It must
//! not know who reads it, and hands nothing over.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::survey::{Asked, Count, Reached, Survey};
use super::api::{Fault, Transport};
use super::ask::{PAGE, active_runs, failed_runs, failure_events, retrying_tasks};
use super::look::ACTIVE;
use super::mapping;
use super::poll::Watcher;
use super::wire::{Events, FlowRun};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Active runs, twice; tasks that wait; failed runs; whether failed runs were run again; events.
const REQUESTS: u32 = 6;

impl<T: Transport> Watcher<T> {
    /// Asks each question of a poll once.
    pub(super) async fn look_around(&mut self, now: Timestamp) -> Survey {
        self.api.begin(now);
        let url = self.api.base().clone();
        let asked = Asked { engine: "Prefect", url: &url, sign_in: self.sign_in };
        let mut survey = Survey { engine: "Prefect".to_owned(), requests: REQUESTS, ..Survey::default() };
        // Only for the words: a server that does not say is polled all the same.
        survey.version = self.api.get::<String>("asking for the version", "admin/version").await.ok();
        self.running(&asked, &mut survey).await;
        let waiting = self.page("task_runs/filter", retrying_tasks()).await;
        let costs = "a step that waits for its retry is not shown as retrying";
        let found = waiting.as_ref().map(|rows| many(rows.len(), "waits", "wait"));
        survey.reached.push(asked.needed("tasks that wait for a retry", costs, found));
        let sample = self.failed_lately(&asked, &mut survey, now).await;
        survey.reached.push(self.events_feed(&asked, now).await);
        if let Some(row) = sample {
            self.sample(&asked, &mut survey, row).await;
        }
        survey.hear(self.api.date(), now);
        survey
    }

    /// One page of a list.
    async fn page(&self, path: &str, mut body: Value) -> Result<Vec<Value>, Fault> {
        body["limit"] = json!(PAGE);
        self.api.post("asking", path, &body).await
    }

    async fn running(&self, asked: &Asked<'_>, survey: &mut Survey) {
        let (mut runs, mut at_least, mut failed) = (0, false, None);
        for (by, values) in ACTIVE {
            match self.page("flow_runs/filter", active_runs(by, &values)).await {
                Ok(rows) => {
                    runs += rows.len();
                    at_least |= rows.len() == PAGE;
                }
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        let found = failed.as_ref().map_or_else(|| Ok(many(runs, "goes on", "go on")), Err);
        survey.reached.push(asked.needed("active runs", "a failure is seen late, and a retry not at all", found));
        if failed.is_none() {
            survey.counts.push(Count { what: "going on now".to_owned(), runs: runs as u64, at_least });
        }
    }

    /// Counts what failed in the last day, and answers the run that failed last.
    async fn failed_lately(&self, asked: &Asked<'_>, survey: &mut Survey, now: Timestamp) -> Option<FlowRun> {
        let now = self.api.date().unwrap_or(now);
        let lately = self.page("flow_runs/filter", failed_runs(now.checked_sub(DAY).ok(), None)).await;
        let newest = match &lately {
            Ok(rows) if rows.is_empty() => self.page("flow_runs/filter", failed_runs(None, None)).await,
            Ok(rows) => Ok(rows.clone()),
            Err(fault) => Err(fault.clone()),
        };
        let found = lately.as_ref().map(|rows| many(rows.len(), "failed in 24 h", "failed in 24 h"));
        let found = found.and_then(|found| newest.as_ref().map(|_| found));
        survey.reached.push(asked.needed("failed runs", "no failure is seen", found));
        if let Ok(rows) = &lately {
            let (runs, at_least) = (rows.len() as u64, rows.len() == PAGE);
            survey.counts.push(Count { what: "failed in the last 24 hours".to_owned(), runs, at_least });
        }
        newest.ok()?.into_iter().find_map(|row| serde_json::from_value(row).ok())
    }

    async fn events_feed(&self, asked: &Asked<'_>, now: Timestamp) -> Reached {
        let now = self.api.date().unwrap_or(now);
        let since = now.checked_sub(DAY).unwrap_or(now);
        let answer: Result<Events, Fault> = self.api.post("asking", "events/filter", &failure_events(since)).await;
        let found = answer.as_ref().map(|_| "given".to_owned());
        asked.optional(
            "events of failed runs",
            "a run that a person forces to Failed long after its end is not seen",
            found,
        )
    }

    /// The run that failed last, with its steps.
    async fn sample(&mut self, asked: &Asked<'_>, survey: &mut Survey, row: FlowRun) {
        let learned = self.names.learn(&self.api, std::slice::from_ref(&row)).await;
        let said = learned.as_ref().map(|()| "known".to_owned());
        survey.reached.push(asked.needed(
            "names of flows and deployments",
            "failures wait until names can be had",
            said,
        ));
        let learned = match self.api.learn(vec![row.clone()], |_| false).await {
            Ok(learned) => {
                learned.into_iter().next().map_or_else(|| Ok(super::evidence::Evidence::of(row)), |(_, of)| of)
            }
            Err(fault) => Err(fault),
        };
        let found = learned.as_ref().map(|evidence| many(evidence.tasks.len(), "task", "tasks"));
        let costs = "failures are told late, and without the step that failed";
        survey.reached.push(asked.needed("tasks of the run that failed last", costs, found));
        survey.sample = learned.ok().and_then(|evidence| {
            let names = self.names.of(&evidence.run);
            mapping::run(&evidence, names, &self.ui)
        });
    }
}

fn many(count: usize, one: &str, more: &str) -> String {
    let plus = if count == PAGE { " or more" } else { "" };
    format!("{count}{plus} {}", if count == 1 { one } else { more })
}
