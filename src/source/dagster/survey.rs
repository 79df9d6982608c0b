//! What a person is shown of a Dagster before anything is polled: each question that polling asks, once, with one page at most. It must
//! not know who reads it, and hands nothing over.

use jiff::{SignedDuration, Timestamp};

use super::super::survey::{Asked, Count, Survey};
use super::api::{Fault, Transport};
use super::ask::{List, PAGE, Which};
use super::evidence::Evidence;
use super::look::earlier;
use super::poll::Watcher;
use super::wire::Run;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Daemons, runs that changed, code locations.
const REQUESTS: u32 = 3;
/// The right that reading does not need.
const LAUNCH: &str = "launch_pipeline_execution";

impl<T: Transport> Watcher<T> {
    /// Asks each question of a poll once.
    pub(super) async fn look_around(&mut self, now: Timestamp) -> Survey {
        self.api.begin(now);
        let url = self.api.base().clone();
        let asked = Asked { engine: "Dagster", url: &url, sign_in: self.sign_in };
        let mut survey = Survey { engine: "Dagster".to_owned(), requests: REQUESTS, ..Survey::default() };
        // Only for the words: a server that does not say is polled all the same.
        survey.version = self.api.version().await.ok().flatten();
        self.listed(&asked, &mut survey, Which::Open, "open runs", "a run that goes on is not known until it changes")
            .await;
        let date = self.api.date().unwrap_or(now);
        let changed = Which::Changed(earlier(date, self.reach.overlap), None);
        self.listed(&asked, &mut survey, changed, "runs that changed", "no failure is seen").await;
        let sample = self.failed_lately(&asked, &mut survey, date).await;
        if let Some(row) = sample {
            self.sample(&asked, &mut survey, row).await;
        }
        let locations = self.api.locations().await;
        let found = locations.as_ref().map(|locations| many(locations.len(), false, "location", "locations"));
        let costs = "a code location that does not load is not told";
        survey.reached.push(asked.optional("code locations", costs, found));
        let daemons = self.api.daemons().await;
        let found = daemons.as_ref().map(|daemons| many(daemons.len(), false, "daemon", "daemons"));
        survey.reached.push(asked.optional("daemons", "that no run is started any more is not told", found));
        let rights = self.api.permissions().await.unwrap_or_default();
        let may_launch = rights.iter().any(|right| right.permission.eq_ignore_ascii_case(LAUNCH) && right.value);
        survey.rights = may_launch.then(|| self.too_many_rights().to_owned());
        survey.hear(self.api.date(), now);
        survey
    }

    fn too_many_rights(&self) -> &'static str {
        if self.sign_in.is_some() {
            "we may launch and terminate runs: a token of a Viewer is enough"
        } else {
            "whoever reaches this webserver may launch and terminate runs: firstred needs one that was started with --read-only"
        }
    }

    /// One page of a list, counted.
    async fn listed(&self, asked: &Asked<'_>, survey: &mut Survey, which: Which<'_>, what: &str, costs: &'static str) {
        let list = self.api.first_runs("asking", which, 1).await;
        survey.reached.push(asked.needed(what, costs, found(&list, "run", "runs")));
        if list.fault.is_none() && matches!(which, Which::Open) {
            let runs = list.rows.len() as u64;
            survey.counts.push(Count { what: "going on now".to_owned(), runs, at_least: list.more });
        }
    }

    /// Counts what failed in the last day, and answers the run that failed last.
    async fn failed_lately(&self, asked: &Asked<'_>, survey: &mut Survey, now: Timestamp) -> Option<Run> {
        let from = earlier(now, DAY);
        let lately = self.api.first_runs("asking", Which::Failed(from), 1).await;
        survey.reached.push(asked.needed("failed runs", "no failure is seen", found(&lately, "run", "runs")));
        if lately.fault.is_none() {
            let ended = |run: &&Run| run.end_time.is_some_and(|ended| ended >= from);
            let runs = lately.rows.iter().filter(ended).count() as u64;
            survey.counts.push(Count { what: "failed in the last 24 hours".to_owned(), runs, at_least: lately.more });
        }
        let newest = |list: List| list.rows.into_iter().max_by_key(|run| run.end_time);
        match newest(lately) {
            Some(run) => Some(run),
            None => newest(self.api.first_runs("asking", Which::Failed(Timestamp::UNIX_EPOCH), 1).await),
        }
    }

    /// The run that failed last, with its steps.
    async fn sample(&mut self, asked: &Asked<'_>, survey: &mut Survey, mut run: Run) {
        // What can't be had of its relatives costs a mark.
        if self.meet(&[&run]).await.is_ok() {
            self.kin.strip(&mut run);
        }
        let inside = self.api.inside(&run.id).await;
        let found = inside.as_ref().map(|inside| {
            many(inside.as_ref().map_or(0, |inside| inside.detail.step_stats.len()), false, "step", "steps")
        });
        let costs = "failures are told late, and without the step that failed";
        survey.reached.push(asked.needed("steps and events of the run that failed last", costs, found));
        let inside = inside.unwrap_or_default();
        survey.sample = Some(self.map(&Evidence { run, inside }));
    }
}

fn found<'a>(list: &'a List, one: &str, more: &str) -> Result<String, &'a Fault> {
    list.fault.as_ref().map_or_else(|| Ok(many(list.rows.len(), list.more, one, more)), Err)
}

fn many(count: usize, at_least: bool, one: &str, more: &str) -> String {
    let plus = if at_least && count >= PAGE { " or more" } else { "" };
    format!("{count}{plus} {}", if count == 1 { one } else { more })
}
