//! The count of what failed, and reading again what was missed. It must not know who compares the count, nor with what.

use jiff::Timestamp;

use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::api::{FaultKind, PAGES, Transport, Wanted};
use super::checkpoint::Checkpoint;
use super::ends::is_child;
use super::family::Role;
use super::look::{earlier, ended_at};
use super::mapping::{self, Evidence};
use super::poll::{Watcher, not_taken};
use super::wire::{Execution, Row};

impl<T: Transport> Watcher<T> {
    /// What n8n lists as failed in that stretch, since the first contact. Sub-workflows are not among it: their rows do not say whether
    /// anybody waits for them.
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
        let mut tally = Tally { failed: Vec::new(), whole: true };
        for status in self.version.failed() {
            let wanted = Wanted { doing: "counting failed runs", status: Some(status), from: None, pages: PAGES };
            // The rows are in the order of their begin: a page of old ends is the end of the new ones, but for what ran for longer than it.
            let old = |row: &Row| ended_at(row).is_some_and(|at| at < from);
            let list = self.api.list(wanted, |rows| rows.iter().all(old)).await;
            if let Some(fault) = list.fault.or(list.odd) {
                return Err(fault.error);
            }
            tally.whole &= list.rest.is_none();
            let within = |row: &Row| ended_at(row).is_some_and(|at| (from..=until).contains(&at)) && !is_child(row);
            let rows = list.rows.into_iter().filter(within);
            let runs = rows.filter_map(|row| mapping::run(&Evidence::of(Execution::of(row)), None, &self.view));
            tally.failed.extend(runs.filter_map(|run| Counted::of(&run)));
        }
        Ok(Census::Counted(tally))
    }

    /// Reads these runs again and hands them over.
    pub(super) async fn read_again<I: Intake>(
        &mut self,
        intake: &I,
        runs: &[Counted],
        now: Timestamp,
    ) -> Result<usize, PollError> {
        self.api.begin(now);
        let (mut handed, mut failed) = (0, None);
        for counted in runs {
            let Some(id) = super::look::number(&counted.key.run) else { continue };
            let Some(row) = self.api.row(id).await.map_err(|fault| fault.error)? else { continue };
            // What can't be had of it now is done without.
            let evidence = match self.role(&row).await {
                Ok(Role::Own(evidence)) => *evidence,
                Ok(Role::Folded | Role::Waits(_)) => continue,
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault.error),
                Err(fault) if fault.kind == FaultKind::Slow => {
                    failed.get_or_insert(fault.error);
                    continue;
                }
                Err(_) => Evidence::of(Execution::of(row)),
            };
            self.names.note(&evidence.execution);
            let name = self.names.of(&evidence.execution.row);
            let Some(run) = mapping::run(&evidence, name, &self.view) else { continue };
            let batch = Batch { runs: vec![Seen { run, history: false }], ..Batch::default() };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
            handed += 1;
        }
        failed.map_or(Ok(handed), Err)
    }
}
