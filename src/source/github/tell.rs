//! Tells what one look found: learns what the new runs need, and hands them over. It must not know which lists they were in.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{Fault, FaultKind, Transport};
use super::learn::{Manner, learn};
use super::look::Round;
use super::mapping::{self, Evidence};
use super::poll::{Watcher, not_taken};
use super::states::{is_final, run_status};
use super::wire::RunRow;
use crate::run::RunStatus;

/// How many runs are asked about, and handed over, together.
const TOGETHER: usize = 10;
/// GitHub writes a run's end a little before the ends of its jobs can be read.
const JOBS_LAG: SignedDuration = SignedDuration::from_secs(20);
/// When it is asked about again then.
pub(super) const SOON: Duration = Duration::from_secs(5);
/// So often a run is asked about before it is told with what is known of it.
const TRIES: u32 = 3;
/// So many polls annotations that GitHub refuses are left alone.
const NO_NOTES: u32 = 120;

impl<T: Transport> Watcher<T> {
    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    pub(super) async fn tell<I: Intake>(&mut self, intake: &I, round: &mut Round<'_>) -> Result<(), PollError> {
        let news = |row: &&RunRow| {
            let is_old = is_final(row) && row.updated_at.is_some_and(|at| at < round.since);
            !is_old && !round.mark.knows(row)
        };
        let mut news: Vec<RunRow> = round.found.values().filter(news).cloned().collect();
        news.sort_by_key(|row| (row.updated_at, row.id));
        let (details, rows): (Vec<_>, Vec<_>) = news.into_iter().partition(|row| {
            let told_in_detail = run_status(row) == RunStatus::Failed || row.end() == "cancelled";
            told_in_detail && !round.is_history(row, self.reach)
        });
        for chunk in rows.chunks(TOGETHER * TOGETHER) {
            let known = chunk.iter().map(|row| Evidence::of(round.repository, row.clone())).collect();
            self.hand_over(intake, round, known).await?;
        }
        let mut left = details.len();
        for chunk in details.chunks(TOGETHER) {
            let mut known = Vec::new();
            let mut down = false;
            for row in chunk {
                match self.learn(round.repository, row).await {
                    Ok(Some(evidence)) => known.push(evidence),
                    Ok(None) => round.early = true,
                    Err(fault) => {
                        down = fault.kind == FaultKind::Down;
                        round.faults.push(fault);
                        if down {
                            break;
                        }
                    }
                }
            }
            round.untold += if down { left } else { chunk.len() } - known.len();
            left -= chunk.len();
            self.hand_over(intake, round, known).await?;
            if down {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Everything about a run; nothing where it just failed and shows no failed job yet: then it waits for the next poll.
    async fn learn(&mut self, repository: &str, row: &RunRow) -> Result<Option<Evidence>, Fault> {
        let key = (row.id, row.attempt());
        let tries = self.tried.entry(key).or_default();
        *tries += 1;
        let last = *tries >= TRIES;
        let mut readable = self.no_notes == 0;
        let asked = readable;
        let learned = learn(&self.api, repository, row.clone(), &mut Manner { readable: &mut readable, last }).await;
        if asked && !readable {
            self.no_notes = NO_NOTES;
            tracing::info!(
                source = ?self.name,
                repository,
                "the token may not read annotations (Checks: read): failed steps are told without their words"
            );
        }
        let evidence = match learned {
            Ok(evidence) => evidence,
            Err(fault) => {
                if fault.error.retry_after.is_some() {
                    // A pause is not this run's doing.
                    self.tried.remove(&key);
                }
                return Err(fault);
            }
        };
        let age = self.api.date().zip(row.updated_at).map(|(date, at)| date.duration_since(at));
        if !last && evidence.lacks_cause() && age.is_some_and(|age| age < JOBS_LAG && age > -JOBS_LAG) {
            return Ok(None);
        }
        self.tried.remove(&key);
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
            history: round.is_history(&evidence.row, self.reach),
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
