//! What a person is shown of a list of runs before anything is polled: its first two pages, and the details of one run. It must not know
//! who reads it, and hands nothing over.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use url::Url;

use super::super::survey::{Asked, Count, Obstacle, Reached, Survey};
use super::super::talk::Transport;
use super::Http;
use super::checkpoint::{Took, mark};
use super::detail::{Detailed, Wanted};
use super::pages::{Page, Pager};
use super::walk::{Read, doing, with_since};
use crate::run::{Run, RunStatus};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So many pages show that the way to the next one is right.
const PAGES: u32 = 2;

impl<T: Transport> Http<T> {
    /// Asks for the list and for one run.
    pub(super) async fn look_around(&mut self, now: Timestamp) -> Survey {
        let token = self.settings.token.is_some().then_some("`token`");
        let token = token.or(self.settings.basic_auth.is_some().then_some("`basic_auth`"));
        let sign_in = token.or((!self.settings.headers.is_empty()).then_some("`headers`"));
        let url = self.settings.url.clone();
        let asked = Asked { engine: "the engine", url: &url, sign_in };
        let engine = url.host_str().unwrap_or_default();
        let mut survey = Survey { engine: format!("a JSON API at {engine}"), requests: 1, ..Survey::default() };
        let day_ago = now.checked_sub(DAY).unwrap_or(now);
        let (base, _) = with_since(&url, day_ago);
        let pagination = self.settings.pagination.clone();
        let cursor = self.cursor.clone();
        let mut pager = Pager::new(&pagination, cursor.as_ref(), base);
        let (mut next, mut runs, mut more) = (Some(pager.first()), Vec::<Run>::new(), false);
        for number in 1..=PAGES {
            let Some(at) = next.take() else { break };
            let what = if number == 1 { "list of runs" } else { "next page of the list" };
            let page = self.look_at(&asked, at.clone(), number, now).await;
            let outcome = match page {
                Ok(read) => {
                    survey.hear(read.answer.date(), now);
                    let outcome = found(&read);
                    let count = read.items.runs.len() + read.items.unreadable;
                    let (headers, body, rows) = (&read.answer.headers, &read.body, read.rows);
                    let page = Page { url: &at, headers, body, rows, items: count };
                    let after = pager.after(page, self.settings.polling.timeout).await;
                    runs.extend(read.items.runs.into_iter().map(|(run, _)| run));
                    match after {
                        Ok(following) => {
                            more = following.is_some();
                            next = following;
                            outcome
                        }
                        Err(reason) => {
                            let remedy = "look at `pagination` of this source".to_owned();
                            Err(Obstacle { why: self.asker.clean(&reason), remedy })
                        }
                    }
                }
                Err(obstacle) => Err(obstacle),
            };
            let costs = if number == 1 { "no failure is seen" } else { "failures of a busy time are missed" };
            survey.reached.push(Reached { what: what.to_owned(), costs, needed: true, outcome });
        }
        count(&mut survey, &runs, more, day_ago);
        let newest = runs.iter().filter(|run| run.status == RunStatus::Failed).max_by_key(|run| mark(run)).cloned();
        self.one_run(&asked, &mut survey, &runs, newest).await;
        survey
    }

    async fn look_at(&self, asked: &Asked<'_>, url: Url, number: u32, now: Timestamp) -> Result<Read, Obstacle> {
        let (doing, began) = (doing(number), Instant::now());
        let answer = self.asker.ask(url, &doing, None).await;
        let obstacle = |why: String, status, shape| Obstacle { why, remedy: asked.remedy(status, shape) };
        let answer = answer.map_err(|error| obstacle(error.reason, None, false))?;
        let status = Some(answer.status);
        let answer = self.asker.accept(answer, &doing).map_err(|error| obstacle(error.reason, status, false))?;
        let received = now.saturating_add(began.elapsed()).unwrap_or(now);
        let read = self.digest(answer, &doing, Took { sent: now, received }).await;
        let remedy = if self.filter.is_some() {
            "does `filter` turn what this API answers into native runs (docs/native-run.md)?"
        } else {
            "native runs are expected (docs/native-run.md): give this source a `filter` that makes them"
        };
        read.map_err(|error| Obstacle { why: error.reason, remedy: remedy.to_owned() })
    }

    /// Asks for the details of the run that failed last, or of any other that polls would ask for.
    async fn one_run(&self, asked: &Asked<'_>, survey: &mut Survey, runs: &[Run], newest: Option<Run>) {
        survey.sample.clone_from(&newest);
        let Some(details) = &self.details else { return };
        let wanted = newest.iter().chain(runs).find(|run| details.wants(run.status));
        let Some(run) = wanted else { return };
        let answer = details.ask_all(&self.asker, &[Wanted { id: &run.id, last_try: false }]).await.into_iter().next();
        let outcome = match answer {
            Some(Detailed::Found(run)) => {
                let said = format!("{} steps", run.steps.len());
                if newest.is_some_and(|newest| newest.id == run.id) {
                    survey.sample = Some(*run);
                }
                Ok(said)
            }
            Some(Detailed::Failed(error)) => {
                let remedy = "look at `detail` of this source: its `url`, its `filter`".to_owned();
                Err(Obstacle { why: error.reason, remedy })
            }
            Some(Detailed::Gone) => {
                Err(Obstacle { why: "not found".to_owned(), remedy: asked.remedy(Some(404), false) })
            }
            Some(Detailed::Skipped) | None => return,
        };
        let costs = "failures are told without the step that failed";
        survey.reached.push(Reached { what: "details of a run".to_owned(), costs, needed: true, outcome });
    }
}

fn found(read: &Read) -> Result<String, Obstacle> {
    let (runs, unreadable) = (read.items.runs.len(), read.items.unreadable);
    if unreadable == 0 {
        return Ok(format!("{runs} runs"));
    }
    let remedy = "these items are left out: see docs/native-run.md for what a run needs".to_owned();
    Err(Obstacle { why: format!("{unreadable} of {} items are no native runs", runs + unreadable), remedy })
}

fn count(survey: &mut Survey, runs: &[Run], more: bool, day_ago: Timestamp) {
    let failed = |run: &&Run| run.status == RunStatus::Failed && mark(run).is_some_and(|mark| mark >= day_ago);
    let lately = runs.iter().filter(failed).count();
    let deeper = more && runs.iter().all(|run| mark(run).is_none_or(|mark| mark >= day_ago));
    let open = runs.iter().filter(|run| !run.status.is_final()).count();
    let counted = |what: &str, runs: usize, at_least| Count { what: what.to_owned(), runs: runs as u64, at_least };
    survey.counts.push(counted("failed in the last 24 hours", lately, deeper));
    survey.counts.push(counted("going on now", open, more));
}
