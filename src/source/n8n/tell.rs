//! What comes of the runs that one poll found: learned about, and handed over in the order in which they ended, so that a success
//! closes what failed before it. It must not know how they were found.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{Fault, FaultKind, Transport};
use super::checkpoint::Checkpoint;
use super::ends::{is_child, is_failure, is_open};
use super::family::Role;
use super::look::{Round, ended_at};
use super::mapping::{self, Evidence};
use super::poll::{Watcher, not_taken};
use super::wire::{Execution, Row};

/// How many runs are learned about before they are handed over.
const TOGETHER: usize = 10;
/// How many rows are handed over together.
const ROWS: usize = 200;
/// The data of a run are asked for over this time at least, and this often, before it is told with what is known of it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(3);
const LEAST: u32 = 3;
/// So many questions for data without an answer, one after the other, and nothing more is asked in this poll.
const SILENT: u32 = 2;

/// Since when, by our clock, and how often the data of a run could not be had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    since: Timestamp,
    pub times: u32,
}

/// How one poll gets on with what it has to learn.
#[derive(Debug)]
pub(super) struct Pass {
    /// Our clock.
    now: Timestamp,
    /// What nobody answered, one after the other.
    pub silent: u32,
    /// Nothing more is asked in this poll.
    pub stopped: bool,
    /// Runs that were asked for their names.
    named: usize,
    /// Runs that were learned about since the last were handed over.
    learned: usize,
    /// Workflows of which a failure has to wait: what ended well after it waits with it.
    stuck: BTreeSet<Option<String>>,
}

impl Pass {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, silent: 0, stopped: false, named: 0, learned: 0, stuck: BTreeSet::new() }
    }
}

/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Row,
    Detail,
}

impl<T: Transport> Watcher<T> {
    /// Learns what the new ones among the found runs need, and hands them over. What could not be had of a run before is asked for
    /// when all others are through.
    pub(super) async fn tell<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        pass: &mut Pass,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let (mut ends, mut open) = (Vec::new(), Vec::new());
        for row in round.found.values() {
            match self.need(row, round) {
                Some(_) if is_open(&row.status) => open.push(row.clone()),
                Some(need) => ends.push((need, row.clone())),
                None => {}
            }
        }
        ends.sort_by_key(|(_, row)| (ended_at(row), row.id));
        let (mut again, mut held, mut known) = (Vec::new(), Vec::new(), Vec::new());
        let mut waiting = BTreeSet::new();
        for (need, row) in ends {
            if need == Need::Detail && self.tried.contains_key(&row.id) {
                waiting.insert(row.workflow_id.clone());
                again.push(row);
            } else if need == Need::Detail {
                let learned = self.learn(round, pass, &row).await;
                release(round, &mut held, &mut known, &row, learned.is_some());
                known.extend(learned);
            } else if pass.stuck.contains(&row.workflow_id) || waiting.contains(&row.workflow_id) {
                held.push(row);
            } else {
                known.extend(ended(round, row));
            }
            if pass.learned >= TOGETHER || known.len() >= ROWS {
                self.pass_on(intake, round, pass, &mut known, before).await?;
            }
        }
        self.pass_on(intake, round, pass, &mut known, before).await?;
        // The one that was tried least first: each gets its turn, however many there are.
        again.sort_by_key(|row| (self.tried.get(&row.id).map(|tried| tried.times), ended_at(row), row.id));
        for row in again {
            let learned = self.learn(round, pass, &row).await;
            release(round, &mut held, &mut known, &row, learned.is_some());
            known.extend(learned);
            self.pass_on(intake, round, pass, &mut known, before).await?;
        }
        for row in held {
            if pass.stuck.contains(&row.workflow_id) {
                round.untold += 1;
            } else {
                known.extend(ended(round, row));
            }
        }
        self.pass_on(intake, round, pass, &mut known, before).await?;
        for row in open {
            if is_child(&row) {
                remember(&mut round.mark, &row);
            } else {
                known.push(Evidence::of(Execution::of(row)));
            }
        }
        self.pass_on(intake, round, pass, &mut known, before).await
    }

    /// What is known of this run; nothing if it has to wait for the next poll, or is told otherwise.
    async fn learn(&mut self, round: &mut Round, pass: &mut Pass, row: &Row) -> Option<Evidence> {
        if !pass.stopped {
            pass.learned += 1;
            match self.role(row).await {
                Ok(role) => {
                    pass.silent = 0;
                    self.tried.remove(&row.id);
                    return self.cast(round, row, role);
                }
                Err(fault) => {
                    let enough = self.stumble(pass, row.id, &fault);
                    let too_large = fault.kind == FaultKind::TooLarge;
                    round.faults.push(fault);
                    // That it failed is known.
                    if enough {
                        return Some(Evidence::of(Execution { too_large, ..Execution::of(row.clone()) }));
                    }
                }
            }
        }
        round.untold += 1;
        pass.stuck.insert(row.workflow_id.clone());
        None
    }

    fn cast(&mut self, round: &mut Round, row: &Row, role: Role) -> Option<Evidence> {
        match role {
            Role::Own(evidence) => {
                self.names.note(&evidence.execution);
                self.triggers.note(&evidence.execution);
                return Some(*evidence);
            }
            Role::Folded => remember(&mut round.mark, row),
            Role::Waits(parent) => {
                remember(&mut round.mark, row);
                round.mark.children.insert(row.id, parent);
            }
        }
        None
    }

    /// Counts that the data of a run could not be had. Says whether it is time to do without: never while nothing can be had at all.
    pub(super) fn stumble(&mut self, pass: &mut Pass, id: u64, fault: &Fault) -> bool {
        match fault.kind {
            FaultKind::Down => {
                pass.stopped = true;
                return false;
            }
            FaultKind::Slow => {
                pass.silent += 1;
                pass.stopped |= pass.silent >= SILENT;
            }
            _ => pass.silent = 0,
        }
        let tried = self.tried.entry(id).or_insert(Tried { since: pass.now, times: 0 });
        tried.times += 1;
        tried.times >= LEAST && pass.now.duration_since(tried.since) >= PATIENCE
    }

    /// What comes of a failed run.
    pub(super) async fn role(&self, row: &Row) -> Result<Role, Fault> {
        match self.api.detail(row.id).await {
            Ok(Some(execution)) => self.api.role(execution).await,
            // Deleted since it was listed, or too large to be read: that it failed is known.
            Ok(None) => Ok(Role::Own(Box::new(Evidence::of(Execution::of(row.clone()))))),
            Err(fault) if fault.kind == FaultKind::TooLarge => {
                let execution = Execution { too_large: true, ..Execution::of(row.clone()) };
                Ok(Role::Own(Box::new(Evidence::of(execution))))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Hands over what is known so far, with the names of its workflows where these can be had.
    pub(super) async fn pass_on<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        pass: &mut Pass,
        known: &mut Vec<Evidence>,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        pass.learned = 0;
        let known = std::mem::take(known);
        // What could not be had a moment ago is not asked for again for its name.
        let nameless = known.iter().filter(|known| known.execution.workflow.is_none() && !known.execution.too_large);
        let nameless = nameless.map(|known| &known.execution.row).filter(|row| !self.tried.contains_key(&row.id));
        let nameless: Vec<Row> = nameless.cloned().collect();
        if !pass.stopped
            && round.faults.is_empty()
            && let Err(fault) = self.names.learn(&self.api, &nameless, &mut pass.named).await
        {
            pass.stopped = true;
            round.faults.push(fault);
        }
        for part in known.chunks(ROWS) {
            self.hand_over(intake, round, part, before).await?;
        }
        Ok(())
    }

    /// Hands over what is known, together with what is remembered of it.
    async fn hand_over<I: Intake>(
        &self,
        intake: &I,
        round: &mut Round,
        known: &[Evidence],
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let mut runs = Vec::with_capacity(known.len());
        for evidence in known {
            let row = &evidence.execution.row;
            let history = self.is_history(row, &round.mark);
            let run = mapping::run(evidence, self.names.of(row), &self.view);
            runs.extend(run.map(|run| Seen { run, history }));
            remember(&mut round.mark, row);
            if is_child(row) && is_failure(&row.status) {
                round.mark.alone.extend(row.workflow_id.clone());
            }
        }
        if runs.is_empty() {
            return Ok(());
        }
        round.told += runs.len();
        // Should this process end before the poll does, these need not be learned about again.
        let so_far = Checkpoint {
            told: round.mark.told.clone(),
            open: round.mark.open.clone(),
            children: round.mark.children.clone(),
            alone: round.mark.alone.clone(),
            ..before.clone()
        };
        let batch = Batch { runs, checkpoint: Some(so_far.write()), ..Batch::default() };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }
}

/// What is told of an end of which its row says enough. A sub-workflow's shows in its parent, but where it was told by itself before.
fn ended(round: &mut Round, row: Row) -> Option<Evidence> {
    if is_child(&row) {
        let alone = row.workflow_id.as_ref().is_some_and(|id| round.mark.alone.contains(id));
        if row.status != "success" || !alone {
            remember(&mut round.mark, &row);
            return None;
        }
    }
    Some(Evidence::of(Execution::of(row)))
}

/// A failure that can be told does not wait for the one before it. What ended well between them goes first: after it, it would close it.
fn release(round: &mut Round, held: &mut Vec<Row>, known: &mut Vec<Evidence>, failed: &Row, told: bool) {
    let earlier = |row: &mut Row| {
        told && row.workflow_id == failed.workflow_id && (ended_at(row), row.id) < (ended_at(failed), failed.id)
    };
    known.extend(held.extract_if(.., earlier).filter_map(|row| ended(round, row)));
}

/// Remembers that a run was told in its present state, or need not be.
fn remember(mark: &mut Checkpoint, row: &Row) {
    if is_open(&row.status) {
        // One that n8n takes up again after a crash may fail again.
        mark.told.remove(&row.id);
        mark.open.insert(row.id, row.status.clone());
        return;
    }
    mark.open.remove(&row.id);
    if row.status == "success" {
        mark.told.remove(&row.id);
    } else {
        mark.told.insert(row.id);
    }
}
