//! Tells what one look found: learns what the new runs need, and hands them over in the order in which they ended. It must not know
//! which lists they were in.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{Fault, FaultKind, Transport};
use super::learn::{Manner, is_for_all, learn};
use super::look::Round;
use super::mapping::{self, Evidence};
use super::poll::{Watcher, not_taken};
use super::states::{is_final, run_status};
use super::wire::RunRow;
use crate::run::RunStatus;

/// The most runs that are handed over together.
const TOGETHER: usize = 100;
/// The most of them that were asked about: what is known of the first need not wait for the others.
const ASKED: usize = 10;
/// GitHub writes a run's end a little before the ends of its jobs can be read.
const JOBS_LAG: SignedDuration = SignedDuration::from_secs(20);
/// When it is asked about again then.
pub(super) const SOON: Duration = Duration::from_secs(5);
/// So long after it was first tried a run is told with what is known of it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(3);
/// The same for a run about which no answer comes at all, although the lists can be read.
const LONG_PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// So many runs in a row about which no answer comes: then the others are not asked about in this poll.
const SILENT: u32 = 2;
/// So many polls annotations that GitHub refuses are left alone.
const NO_NOTES: u32 = 120;

impl<T: Transport> Watcher<T> {
    /// Learns what the new ones among the found runs need, and hands them over: the open ones first, the others in the order in which
    /// they ended. Where one that ended badly has to wait, the successes of its workflow that follow it wait with it: told before it, they
    /// would not close what it opens.
    pub(super) async fn tell<I: Intake>(&mut self, intake: &I, round: &mut Round<'_>) -> Result<(), PollError> {
        let mut news: Vec<RunRow> = round.found.values().filter(|row| round.is_news(row)).cloned().collect();
        news.sort_by_key(|row| (is_final(row), row.updated_at, row.id));
        let mut waiting: BTreeSet<Option<String>> = BTreeSet::new();
        let (mut known, mut asked) = (Vec::new(), 0);
        let mut silent = 0;
        for row in news {
            let status = run_status(&row);
            let workflow = mapping::workflow(round.repository, &row).id;
            let in_detail = status == RunStatus::Failed || row.end() == "cancelled";
            if !in_detail || round.is_history(&row, self.reach) {
                if status == RunStatus::Completed && waiting.contains(&workflow) {
                    round.untold += 1;
                } else {
                    known.push(Evidence::of(round.repository, row));
                }
            } else {
                let learned = if silent < SILENT { self.learn(round.repository, &row).await } else { Ok(None) };
                let before = known.len();
                match learned {
                    Ok(evidence) => {
                        round.early |= evidence.is_none() && silent < SILENT;
                        silent = if silent < SILENT { 0 } else { silent };
                        known.extend(evidence);
                    }
                    Err(fault) => {
                        silent = match fault.kind {
                            _ if is_for_all(&fault) => SILENT,
                            FaultKind::Down => silent + 1,
                            _ => 0,
                        };
                        round.faults.push(fault);
                    }
                }
                if known.len() > before {
                    asked += 1;
                } else {
                    round.untold += 1;
                    waiting.insert(workflow);
                }
            }
            if known.len() >= TOGETHER || asked >= ASKED {
                self.hand_over(intake, round, std::mem::take(&mut known)).await?;
                asked = 0;
            }
        }
        self.hand_over(intake, round, known).await
    }

    /// Everything about a run; nothing where it has just ended badly and its jobs do not show yet how: then it waits for the next poll.
    async fn learn(&mut self, repository: &str, row: &RunRow) -> Result<Option<Evidence>, Fault> {
        let key = (row.id, row.attempt());
        let now = self.api.now();
        let tried = self.tried.entry(repository.to_owned()).or_default();
        let first = tried.entry(key).or_insert(now);
        // Should our clock have been put back, its time begins anew.
        *first = (*first).min(now);
        let age = now.duration_since(*first);
        let asked = !self.no_notes.contains_key(repository);
        let mut readable = asked;
        let last = age >= PATIENCE;
        let mut manner = Manner { readable: &mut readable, last, hopeless: age >= LONG_PATIENCE };
        let learned = learn(&self.api, repository, row.clone(), &mut manner).await;
        if asked && !readable {
            self.no_notes.insert(repository.to_owned(), NO_NOTES);
            tracing::info!(
                source = ?self.name,
                repository,
                "the token may not read annotations (Checks: read): failed steps are told without their words, and a job that its time \
                 limit ended looks cancelled and is not told as failed"
            );
        }
        let outage = learned.as_ref().is_err_and(is_for_all);
        if outage && let Some(tried) = self.tried.get_mut(repository) {
            // A pause is not this run's doing.
            tried.remove(&key);
        }
        let evidence = learned?;
        let age = self.api.date().zip(row.updated_at).map(|(date, at)| date.duration_since(at).abs());
        let has_just_ended = age.is_some_and(|age| age < JOBS_LAG);
        if !last && has_just_ended && (evidence.lacks_cause() || evidence.lacks_limit(readable)) {
            return Ok(None);
        }
        if let Some(tried) = self.tried.get_mut(repository) {
            tried.remove(&key);
        }
        Ok(Some(evidence))
    }

    async fn hand_over<I: Intake>(
        &self,
        intake: &I,
        round: &mut Round<'_>,
        known: Vec<Evidence>,
    ) -> Result<(), PollError> {
        if known.is_empty() {
            return Ok(());
        }
        let seen = |evidence: &Evidence| Seen {
            run: mapping::run(evidence),
            history: round.is_history(&evidence.row, self.reach) || round.was_touched(evidence, self.reach),
        };
        let runs: Vec<Seen> = known.iter().map(seen).collect();
        round.told += runs.len();
        intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
        for evidence in &known {
            round.mark.remember(&evidence.row);
        }
        Ok(())
    }
}
