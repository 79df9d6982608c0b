//! The count of what failed, and reading again what was missed. It must not know who compares the count, nor with what.

use jiff::Timestamp;

use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::api::Transport;
use super::checkpoint::{Checkpoint, Mark, earlier};
use super::learn::{Manner, learn};
use super::look::AGAIN;
use super::mapping::{self, Evidence};
use super::poll::{Watcher, not_taken};
use crate::run::RunStatus;

/// How runs end that failed. What its own time limit cancelled is not counted: only its jobs tell it from what a person cancelled.
const FAILED: [&str; 3] = ["failure", "timed_out", "startup_failure"];

impl<T: Transport> Watcher<T> {
    /// What GitHub lists as failed in that stretch, since the first contact with each repository.
    pub(super) async fn count<I: Intake>(
        &mut self,
        intake: &I,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Census, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let checkpoint = Checkpoint::read(stored.as_deref())?;
        self.api.begin(until);
        let mut tally = Tally { failed: Vec::new(), whole: true };
        for repository in &self.repositories {
            match checkpoint.repositories.get(repository).filter(|mark| mark.settled) {
                Some(mark) => self.count_in(repository, mark, from, until, &mut tally).await?,
                // What is history is not decided yet.
                None => tally.whole = false,
            }
        }
        Ok(Census::Counted(tally))
    }

    async fn count_in(
        &self,
        repository: &str,
        mark: &Mark,
        from: Timestamp,
        until: Timestamp,
        tally: &mut Tally,
    ) -> Result<(), PollError> {
        let from = from.max(earlier(mark.origin, self.reach.history));
        if from >= until {
            return Ok(());
        }
        for end in FAILED {
            // It may have been created long before it failed: run again, or very slow.
            let walk = self.api.by_status(repository, end, Some(earlier(from, AGAIN))).await;
            if let Some(fault) = walk.fault {
                return Err(fault.error);
            }
            tally.whole &= !walk.more;
            let within = |at: Timestamp| (from..=until).contains(&at);
            let rows = walk.rows.into_values().filter(|row| row.updated_at.is_some_and(within));
            tally.failed.extend(rows.filter_map(|row| Counted::of(&mapping::run(&Evidence::of(repository, row)))));
        }
        Ok(())
    }

    /// Reads these runs again and hands them over, with whatever of their parts can be had.
    pub(super) async fn read_again<I: Intake>(
        &mut self,
        intake: &I,
        runs: &[Counted],
        now: Timestamp,
    ) -> Result<usize, PollError> {
        self.api.begin(now);
        let mut handed = 0;
        for counted in runs {
            let Some(repository) = self.repository_of(&counted.key.workflow) else { continue };
            let Ok(id) = counted.key.run.parse::<u64>() else { continue };
            let Some(row) = self.api.run(repository, id).await.map_err(|fault| fault.error)? else { continue };
            let evidence = Evidence::of(repository, row.clone());
            let evidence = if mapping::run(&evidence).status == RunStatus::Failed {
                let mut manner = Manner { readable: &mut true, last: true, hopeless: false };
                learn(&self.api, repository, row, &mut manner).await.map_err(|fault| fault.error)?
            } else {
                evidence
            };
            let seen = Seen { run: mapping::run(&evidence), history: false };
            intake.take(&self.name, Batch { runs: vec![seen], ..Batch::default() }).await.map_err(not_taken)?;
            handed += 1;
        }
        Ok(handed)
    }
}
