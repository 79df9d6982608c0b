//! The count of what failed, and reading again what was missed. It must not know who compares the count, nor with what.

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::api::Transport;
use super::ask::Which;
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::look::earlier;
use super::mapping::{self, Again};
use super::poll::{Watcher, not_taken};
use super::tell::{TOGETHER, happened};
use super::wire::Run;

/// A run that was announced for so long, and is not there, does not come.
const ANNOUNCED: SignedDuration = SignedDuration::from_mins(15);

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
        let mut list = self.api.runs("counting failed runs", Which::Failed(from)).await;
        if let Some(fault) = list.fault {
            return Err(fault.error);
        }
        self.meet(&list.rows.iter().collect::<Vec<_>>()).await.map_err(|fault| fault.error)?;
        list.rows.iter_mut().for_each(|run| self.kin.strip(run));
        // What Dagster runs again, or may still, is no failure yet; what it ran again is left to the run in its place.
        let may_come = |run: &Run| match mapping::again(run, self.retries) {
            Again::Undecided => self.is_undecided(run),
            Again::Announced => mapping::last_change(run).is_none_or(|at| at > earlier(until, ANNOUNCED)),
            Again::Decided => false,
        };
        let is_last = |run: &Run| !may_come(run) && mapping::retried_as(run).is_none();
        let within = |run: &Run| run.end_time.is_some_and(|ended| ended >= from && ended <= until);
        let failed = list.rows.into_iter().filter(|run| is_last(run) && within(run));
        let failed = failed.filter_map(|run| Counted::of(&self.map(&Evidence::of(run)))).collect();
        Ok(Census::Counted(Tally { failed, whole: list.fault.is_none() && !list.more && !list.odd }))
    }

    /// Reads these runs again and hands them over, with whatever of their parts can be had.
    pub(super) async fn read_again<I: Intake>(
        &mut self,
        intake: &I,
        runs: &[Counted],
        now: Timestamp,
    ) -> Result<usize, PollError> {
        self.api.begin(now);
        self.now = now;
        let (mut handed, mut missing) = (0, None);
        for few in runs.chunks(TOGETHER) {
            let ids: Vec<&str> = few.iter().map(|run| run.key.run.as_str()).collect();
            let list = self.api.runs("asking for runs that were missed", Which::These(&ids)).await;
            let met = self.meet(&list.rows.iter().collect::<Vec<_>>()).await;
            // The others are read again after the next count.
            missing = missing.or(list.fault).or(met.err());
            let mut rows: Vec<Run> = list.rows.into_iter().filter(|run| self.kin.knows_of(run)).collect();
            rows.sort_by_key(happened);
            let (mut runs, mut told) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
            for mut run in rows {
                self.kin.strip(&mut run);
                // A part that can't be had now: telling the run without it is better than not at all.
                let inside = self.api.inside_as_far(&run.id).await;
                let evidence = Evidence { run, inside };
                runs.push(Seen { run: self.map(&evidence), history: false });
                told.push(evidence.run);
            }
            if !runs.is_empty() {
                handed += runs.len();
                intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
                for run in &told {
                    self.remember(run);
                }
            }
        }
        match missing {
            Some(fault) if handed == 0 => Err(fault.error),
            _ => Ok(handed),
        }
    }
}
