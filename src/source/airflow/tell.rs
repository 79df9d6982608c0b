//! Hands over what a poll saw, and remembers what was told. It must not know which lists were read, nor how runs are mapped.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{FaultKind, Transport};
use super::checkpoint::{Checkpoint, end};
use super::evidence::Evidence;
use super::imports;
use super::learn::Learned;
use super::link::Pages;
use super::look::{Failures, Round};
use super::mapping;
use super::poll::{TOGETHER, Watcher, not_taken};
use super::wire::DagRun;
use crate::run::RunStatus;

/// How many runs of which the row says enough are handed over together.
const ROWS: usize = 200;
/// The most runs that are asked for by their id in one poll.
const SINGLES: usize = 20;

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
    /// Learns what the new ones among the found runs need, and hands them over: what goes on as it comes, and what has ended in the
    /// order of the ends.
    pub(super) async fn tell<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<(), PollError> {
        let (mut ended, mut rows, mut details): (Vec<DagRun>, Vec<DagRun>, Vec<DagRun>) = Default::default();
        let mut sort = |run: DagRun, need: Need| match need {
            _ if matches!(run.state.as_str(), "failed" | "success") => ended.push(run),
            Need::Row => rows.push(run),
            Need::Detail => details.push(run),
        };
        for run in round.found.values() {
            if let Some(need) = self.need(run, round) {
                sort(run.clone(), need);
            }
        }
        for run in self.missing(round, clock).await {
            match self.need(&run, round) {
                Some(need) => sort(run, need),
                // It was told when it ended.
                None => self.note_retrying(&run.name(), round),
            }
        }
        for chunk in rows.chunks(ROWS) {
            let evidence =
                |run: &DagRun| Evidence { waits: self.standing(run, round).waits, ..Evidence::of(run.clone()) };
            let known = chunk.iter().map(evidence).collect();
            self.hand_over(intake, round, known, pages, clock).await?;
        }
        // What a task has started is told after the run of the task, which may wait for it.
        let started: BTreeSet<String> =
            ended.iter().filter(|run| is_started(run)).map(|run| run.dag_id.clone()).collect();
        ended.sort_by_key(|run| (started.contains(&run.dag_id), run.end_date.is_none(), run.end_date));
        let down = self.tell_in_turn(intake, round, ended, false, pages, clock).await?;
        self.tell_in_turn(intake, round, details, down, pages, clock).await?;
        Ok(())
    }

    /// Hands these over one after the other, as far as they are known. What completed waits with the failures of its DAG that have to
    /// wait, so that it comes after them. `down` says that nothing can be asked; answers whether that is so at the end.
    async fn tell_in_turn<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        runs: Vec<DagRun>,
        mut down: bool,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<bool, PollError> {
        let mut held: BTreeSet<String> = BTreeSet::new();
        let (mut known, mut asked) = (Vec::new(), 0);
        for run in runs {
            if run.state == "success" {
                if round.failures != Failures::All {
                    // Failures before it may not have been read yet.
                } else if held.contains(&run.dag_id) {
                    round.untold += 1;
                } else {
                    known.push(Evidence::of(run));
                }
            } else if down {
                round.untold += 1;
                held.insert(run.dag_id);
            } else if !round.mark.has_told(&run) {
                let history = self.is_history(&run, &round.mark);
                asked += usize::from(!history);
                match self.learn(round, &run, history, clock).await {
                    Learned::Known(evidence) => known.push(*evidence),
                    Learned::Left => {}
                    learned => {
                        down = matches!(learned, Learned::Down);
                        held.insert(run.dag_id);
                    }
                }
            }
            if asked >= TOGETHER || known.len() >= ROWS {
                asked = 0;
                self.hand_over(intake, round, std::mem::take(&mut known), pages, clock).await?;
            }
        }
        self.hand_over(intake, round, known, pages, clock).await?;
        Ok(down)
    }

    /// Runs whose waiting tasks have changed and that are in no list: some in each poll.
    async fn missing(&mut self, round: &mut Round, clock: Timestamp) -> Vec<DagRun> {
        let names = self.changed(round).filter(|name| !round.found.contains_key(*name));
        let names: Vec<String> = names.take(SINGLES).cloned().collect();
        let mut runs = Vec::new();
        for name in names {
            let Some((dag, run)) = name.split_once('/') else { continue };
            match self.api.run(dag, run).await {
                Ok(Some(row)) => runs.push(row),
                // It was deleted.
                Ok(None) => self.note_retrying(&name, round),
                // What became of it is said when it ends.
                Err(fault) if fault.kind != FaultKind::Down && self.has_waited_enough(&name, clock) => {
                    self.note_retrying(&name, round);
                }
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
        runs
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
        mut known: Vec<Evidence>,
        pages: &Pages,
        clock: Timestamp,
    ) -> Result<(), PollError> {
        // Told before, the child stands beside its parent; there is no way to take it back.
        known.retain(|evidence| !round.mark.apart.contains_key(&end(&evidence.run)));
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
                round.mark.told.insert(end(run), clock);
            }
            "success" => {
                self.open.remove(&name);
                self.completed.insert(end(run));
            }
            _ => {
                let standing = self.standing(run, round);
                self.open.insert(name.clone(), standing);
            }
        }
        self.note_retrying(&name, round);
    }

    /// Remembers with which waiting tasks a run was told.
    fn note_retrying(&mut self, name: &str, round: &Round) {
        match round.retrying.get(name) {
            Some(tasks) => self.retrying.insert(name.to_owned(), tasks.clone()),
            None => self.retrying.remove(name),
        };
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

/// Whether a task of another run has started it.
pub(super) fn is_started(run: &DagRun) -> bool {
    run.state == "failed" && run.triggered_by.as_deref() == Some("operator")
}
