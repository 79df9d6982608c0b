//! Hands over what a poll saw, and remembers what was told. It must not know which lists were read, nor how runs are mapped.

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{FaultKind, Transport};
use super::checkpoint::{Checkpoint, end};
use super::evidence::Evidence;
use super::imports;
use super::link::Pages;
use super::look::Round;
use super::mapping;
use super::poll::{TOGETHER, Watcher, not_taken};
use super::wire::DagRun;
use crate::run::RunStatus;

/// How many runs of which the row says enough are handed over together.
const ROWS: usize = 200;

/// How an open run stands, as far as its row and its tasks say: what is new is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    state: String,
    pub waits: bool,
    began: Option<Timestamp>,
}

/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Row,
    Detail,
}

impl<T: Transport> Watcher<T> {
    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    pub(super) async fn tell<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<(), PollError> {
        let (mut rows, mut details): (Vec<DagRun>, Vec<DagRun>) = (Vec::new(), Vec::new());
        for run in round.found.values() {
            match self.need(run, round) {
                Some(Need::Row) => rows.push(run.clone()),
                Some(Need::Detail) => details.push(run.clone()),
                None => {}
            }
        }
        let missing: Vec<String> =
            self.changed(round).filter(|name| !round.found.contains_key(*name)).cloned().collect();
        for name in missing {
            let Some((dag, run)) = name.split_once('/') else { continue };
            match self.api.run(dag, run).await {
                Ok(Some(row)) => details.push(row),
                Ok(None) => {}
                Err(fault) => {
                    round.untold += 1;
                    round.faults.push(fault);
                }
            }
        }
        let (ended, rows): (Vec<DagRun>, Vec<DagRun>) = rows.into_iter().partition(|run| run.state == "failed");
        self.tell_history(intake, round, ended, pages, clock).await?;
        for chunk in rows.chunks(ROWS) {
            let evidence =
                |run: &DagRun| Evidence { waits: self.standing(run, round).waits, ..Evidence::of(run.clone()) };
            let known = chunk.iter().map(evidence).collect();
            self.hand_over(intake, round, known, pages, clock).await?;
        }
        // What a task has started is told after the run of the task, which may wait for it.
        details.sort_by_key(|run| (run.triggered_by.as_deref() == Some("operator"), run.end_date));
        let mut left = details.len();
        for chunk in details.chunks(TOGETHER) {
            match self.learn(round, chunk, clock).await {
                Ok(known) => self.hand_over(intake, round, known, pages, clock).await?,
                Err(fault) => {
                    round.untold += left;
                    round.faults.push(fault);
                    return Ok(());
                }
            }
            left -= chunk.len();
        }
        Ok(())
    }

    /// Hands over what failed before firstred first looked. Nobody hears of it; only a failure and a cancel are told apart.
    async fn tell_history<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        runs: Vec<DagRun>,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<(), PollError> {
        for chunk in runs.chunks(ROWS) {
            let mut known = Vec::with_capacity(chunk.len());
            for run in chunk {
                match self.api.events(run).await {
                    Ok(events) => known.push(Evidence { events, ..Evidence::of(run.clone()) }),
                    Err(fault) => {
                        let down = fault.kind == FaultKind::Down;
                        round.untold += 1;
                        round.faults.push(fault);
                        if down {
                            break;
                        }
                    }
                }
            }
            self.hand_over(intake, round, known, pages, clock).await?;
        }
        Ok(())
    }

    /// The runs whose waiting tasks are others than those that were told.
    fn changed<'a>(&'a self, round: &'a Round) -> impl Iterator<Item = &'a String> {
        let begun = round.retrying.iter().filter(|(name, tasks)| self.retrying.get(*name) != Some(tasks));
        let over = self.retrying.keys().filter(|name| round.all_retrying && !round.retrying.contains_key(*name));
        begun.map(|(name, _)| name).chain(over)
    }

    fn need(&self, run: &DagRun, round: &Round) -> Option<Need> {
        let name = run.name();
        match run.state.as_str() {
            "failed" if round.mark.has_told(run) => None,
            "failed" if self.is_history(run, &round.mark) => Some(Need::Row),
            "failed" => Some(Need::Detail),
            "success" => (!self.completed.contains(&end(run))).then_some(Need::Row),
            _ if self.changed(round).any(|changed| *changed == name) => Some(Need::Detail),
            // Its tasks were told, and say more than its row.
            _ if round.retrying.contains_key(&name) => None,
            _ => (self.open.get(&name) != Some(&self.standing(run, round))).then_some(Need::Row),
        }
    }

    /// It failed before firstred first looked, and before the stretch of the past that is to be told.
    fn is_history(&self, run: &DagRun, mark: &Checkpoint) -> bool {
        if mark.settled || run.state != "failed" {
            return false;
        }
        let from = mark.origin.and_then(|origin| origin.checked_sub(self.reach.history).ok());
        from.zip(run.end_date).is_none_or(|(from, end)| end < from)
    }

    async fn hand_over<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        known: Vec<Evidence>,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<(), PollError> {
        if known.is_empty() {
            return Ok(());
        }
        let seen = |evidence: &Evidence| Seen {
            run: mapping::run(evidence, pages),
            history: self.is_history(&evidence.run, &round.mark),
        };
        let runs: Vec<Seen> = known.iter().map(seen).collect();
        for (seen, evidence) in runs.iter().zip(&known) {
            if seen.run.status == RunStatus::Cancelled {
                round.mark.apart.insert(end(&evidence.run), clock);
            }
        }
        round.told += runs.len();
        intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
        for evidence in &known {
            self.remember(round, &evidence.run, clock);
        }
        Ok(())
    }

    /// Remembers that a run was told as it stands now.
    fn remember(&mut self, round: &mut Round, run: &DagRun, clock: Timestamp) {
        let name = run.name();
        match run.state.as_str() {
            "failed" => {
                self.open.remove(&name);
                self.retrying.remove(&name);
                round.mark.told.insert(end(run), clock);
            }
            "success" => {
                self.open.remove(&name);
                self.retrying.remove(&name);
                self.completed.insert(end(run));
            }
            _ => {
                match round.retrying.get(&name) {
                    Some(tasks) => self.retrying.insert(name.clone(), tasks.clone()),
                    None => self.retrying.remove(&name),
                };
                let standing = self.standing(run, round);
                self.open.insert(name, standing);
            }
        }
    }

    /// How an open run stands. Where not all tasks could be read, it waits as it did when they last could.
    pub(super) fn standing(&self, run: &DagRun, round: &Round) -> Standing {
        let name = run.name();
        let waits = match &round.waiting {
            Some(waiting) => waiting.contains(&name),
            None => self.open.get(&name).is_some_and(|before| before.waits),
        };
        Standing { state: run.state.clone(), waits, began: run.start_date.or(run.queued_at) }
    }

    pub(super) async fn tell_imports<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        before: &Checkpoint,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<(), PollError> {
        let Some((listed, whole)) = round.imports.take() else { return Ok(()) };
        let history = !round.mark.settled && self.reach.history == SignedDuration::ZERO;
        let (runs, broken) = imports::news(&round.mark.imports, &listed, whole, history, clock, pages);
        if !runs.is_empty() {
            round.told += runs.len();
            // Together with what is remembered of them: told twice, they would be two failures.
            let (told, apart) = (round.mark.told.clone(), round.mark.apart.clone());
            let mark = Checkpoint { imports: broken.clone(), told, apart, ..before.clone() };
            let batch = Batch { runs, checkpoint: Some(mark.write()), ..Batch::default() };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
        }
        round.mark.imports = broken;
        Ok(())
    }
}
