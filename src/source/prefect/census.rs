//! The count of what failed, and reading again what was missed. It must not know who compares the count, nor with what.

use jiff::Timestamp;

use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::api::Transport;
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::mapping::{self, Names};
use super::poll::{Watcher, not_taken};
use super::tell::TOGETHER;
use super::wire::FlowRun;

impl<T: Transport> Watcher<T> {
    /// What the engine lists as failed in that stretch, since the first contact.
    pub(super) async fn count<I: Intake>(
        &mut self,
        intake: &I,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Census, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let mark = Checkpoint::read(stored.as_deref())?;
        if !mark.settled {
            // What is history is not decided yet.
            return Ok(Census::Counted(Tally::default()));
        }
        let first = mark.origin.and_then(|origin| origin.checked_sub(self.reach.history).ok());
        let from = first.map_or(from, |first| first.max(from));
        if from >= until {
            return Ok(Census::Counted(Tally { failed: Vec::new(), whole: true }));
        }
        self.api.begin(until);
        let list = self.api.failed(Some(from), Some(until)).await;
        if let Some(fault) = list.fault {
            return Err(fault.error);
        }
        let of_row = |row: FlowRun| Counted::of(&mapping::run(&Evidence::of(row), Names::default(), &self.ui)?);
        // What is read here is read by no detail: a crash that followed a cancel counts as well, and the ledger knows it as ended.
        let failed = list.rows.into_iter().filter_map(of_row).collect();
        Ok(Census::Counted(Tally { failed, whole: !list.more }))
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
        for few in runs.chunks(TOGETHER) {
            let ids: Vec<&str> = few.iter().map(|run| run.key.run.as_str()).collect();
            let list = self.api.flow_runs_by_id("asking for runs that were missed", &ids, None).await;
            if let Some(fault) = list.fault {
                return Err(fault.error);
            }
            self.names.learn(&self.api, &list.rows).await.map_err(|fault| fault.error)?;
            let learned = self.api.learn(list.rows, |_| true).await.map_err(|fault| fault.error)?;
            // A part that can't be had now: telling the run without it is better than not at all.
            let known = learned.into_iter().map(|(run, evidence)| evidence.unwrap_or_else(|_| Evidence::of(run)));
            let runs: Vec<Seen> = known
                .filter_map(|evidence| mapping::run(&evidence, self.names.of(&evidence.run), &self.ui))
                .map(|run| Seen { run, history: false })
                .collect();
            if !runs.is_empty() {
                handed += runs.len();
                intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
            }
        }
        Ok(handed)
    }
}
