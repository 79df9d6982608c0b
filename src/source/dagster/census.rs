//! The count of what failed, and reading again what was missed. It must not know who compares the count, nor with what.

use jiff::Timestamp;

use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::api::Transport;
use super::ask::Which;
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::look::earlier;
use super::mapping::{self, Again};
use super::poll::{Watcher, not_taken};
use super::tell::TOGETHER;
use super::wire::Run;

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
        let first = mark.origin.map(|origin| earlier(origin, self.reach.history));
        let from = first.map_or(from, |first| first.max(from));
        if from >= until {
            return Ok(Census::Counted(Tally { failed: Vec::new(), whole: true }));
        }
        self.api.begin(until);
        let list = self.api.runs("counting failed runs", Which::Failed(from)).await;
        if let Some(fault) = list.fault {
            return Err(fault.error);
        }
        // What Dagster runs again, or may still, is no failure yet; what it ran again is left to the run in its place.
        let is_last = |run: &Run| {
            mapping::again(run, self.retries) == Again::Decided && run.tag("dagster/auto_retry_run_id").is_none()
        };
        let within = |run: &Run| run.end_time.is_some_and(|ended| ended >= from && ended <= until);
        let failed = list.rows.into_iter().filter(|run| is_last(run) && within(run));
        let failed = failed.filter_map(|run| Counted::of(&self.map(&Evidence::of(run)))).collect();
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
            let list = self.api.runs("asking for runs that were missed", Which::These(&ids)).await;
            if let Some(fault) = list.fault {
                return Err(fault.error);
            }
            let mut runs = Vec::with_capacity(list.rows.len());
            for run in list.rows {
                // A part that can't be had now: telling the run without it is better than not at all.
                let inside = self.api.inside(&run.id).await.unwrap_or_default();
                runs.push(Seen { run: self.map(&Evidence { run, inside }), history: false });
            }
            if !runs.is_empty() {
                handed += runs.len();
                intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
            }
        }
        Ok(handed)
    }
}
