//! The count of what failed, and reading again what was missed. It must not know who compares the count, nor with what.

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::api::Transport;
use super::checkpoint::{Checkpoint, end};
use super::detail::Parts;
use super::evidence::Evidence;
use super::link::Pages;
use super::mapping;
use super::pages::Stretch;
use super::poll::{TOGETHER, Watcher, not_taken};
use super::wire::DagRun;

/// The most pages of a count.
const PAGES: usize = 100;

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
        // A row changes at its end or later, by a clock that is another than that of the end.
        let since = from.checked_sub(SignedDuration::from_mins(1)).unwrap_or(from);
        let list = self.api.changed("failed", since, Stretch { from: 0, pages: PAGES }).await;
        if let Some(fault) = list.fault {
            return Err(fault.error);
        }
        let pages = Pages { root: self.ui.clone(), generation: super::api::Generation::Three };
        let within = |row: &DagRun| row.end_date.is_none_or(|end| end >= from && end <= until);
        let apart = |row: &DagRun| mark.apart.contains_key(&end(row));
        let rows = list.rows.into_iter().filter(within).filter(|row| !apart(row));
        let failed = rows.filter_map(|row| Counted::of(&mapping::run(&Evidence::of(row), &pages))).collect();
        Ok(Census::Counted(Tally { failed, whole: list.next.is_none() }))
    }

    /// Reads these runs again and hands them over, with whatever of their parts can be had.
    pub(super) async fn read_again<I: Intake>(
        &mut self,
        intake: &I,
        runs: &[Counted],
        now: Timestamp,
    ) -> Result<usize, PollError> {
        self.api.begin(now);
        let generation = self.api.server().await.map_err(|fault| fault.error)?.generation;
        let pages = Pages { root: self.ui.clone(), generation };
        let mut handed = 0;
        for few in runs.chunks(TOGETHER) {
            let mut seen = Vec::with_capacity(few.len());
            for one in few {
                let row = self.api.run(&one.key.workflow, &one.key.run).await.map_err(|fault| fault.error)?;
                let Some(row) = row else { continue };
                let learned = self.api.learn(row, &mut self.dags, now, Parts::Had).await;
                // Silence from all sides is no answer.
                let learned = self.verified(learned.map_err(|fault| fault.error)?, Parts::Had).await;
                let Some(evidence) = learned.map_err(|fault| fault.error)? else { continue };
                seen.push(Seen { run: mapping::run(&evidence, &pages), history: false });
            }
            if !seen.is_empty() {
                handed += seen.len();
                intake.take(&self.name, Batch { runs: seen, ..Batch::default() }).await.map_err(not_taken)?;
            }
        }
        Ok(handed)
    }
}
