//! Which runs one poll looks at: the lists that it reads, and how far each of them was read. It must not know what is told.
//!
//! Whatever happens to a run moves the time of its last change, so one list tells of all of them: new, started, ended, marked. What it
//! can't tell is that a run was deleted: those that were open are asked for by their ids, some in each poll.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::{PAGE, PAGES, Which};
use super::checkpoint::Checkpoint;
use super::wire::Run;
use crate::run::RunKey;

/// The most open runs that are asked for by their ids in one poll.
const AGAIN: usize = PAGE;

/// What one poll saw.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The checkpoint as it will be, if everything that was found is told.
    pub mark: Checkpoint,
    /// The runs that were found, by id, as of the newest answer.
    pub found: BTreeMap<String, Run>,
    /// Runs that were open and that the engine no longer knows.
    pub forgotten: Vec<RunKey>,
    /// What could not be asked.
    pub faults: Vec<Fault>,
    /// There is more than one poll reads.
    pub more: bool,
    /// How many runs were told.
    pub told: usize,
    /// Jobs of which a failure has to wait: what went well after it waits with it.
    pub waits: BTreeSet<String>,
    /// How many runs were found and could not be told.
    pub untold: usize,
}

/// How far back the lists go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub overlap: SignedDuration,
    pub history: SignedDuration,
}

impl Round {
    pub(super) fn new(mark: Checkpoint) -> Self {
        Self { mark, ..Self::default() }
    }

    /// Reads every list. What can't be read is noted, and the others are read all the same.
    ///
    /// # Errors
    /// When the server is down, and no other list can be read either.
    pub(super) async fn look<T: Transport>(
        &mut self,
        api: &Api<T>,
        reach: Reach,
        open: &[OpenRun],
        turn: usize,
        slice: &mut Option<SignedDuration>,
    ) -> Result<(), Fault> {
        if !self.mark.settled {
            self.open(api).await?;
        }
        self.changed(api, reach, slice).await?;
        self.again(api, open, turn).await
    }

    fn absorb(&mut self, rows: Vec<Run>) {
        self.found.extend(rows.into_iter().map(|run| (run.id.clone(), run)));
    }

    pub(super) fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        if fault.kind == FaultKind::Down {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// Runs that were going on when firstred first looked.
    async fn open<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let list = api.runs("asking for open runs", Which::Open).await;
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    /// Runs that changed. Where that are too many at once, after a long absence, one stretch of time after another: `slice` is how long,
    /// where they are divided.
    async fn changed<T: Transport>(
        &mut self,
        api: &Api<T>,
        reach: Reach,
        slice: &mut Option<SignedDuration>,
    ) -> Result<(), Fault> {
        // Should the engine's clock have been put back, what it writes now lies before what it wrote then.
        let Some(from) = self.mark.changed.map(|changed| api.date().map_or(changed, |date| changed.min(date))) else {
            return Ok(());
        };
        let until = slice.and_then(|slice| from.checked_add(slice).ok());
        let until = until.filter(|until| api.date().is_none_or(|date| *until < date));
        let which = Which::Changed(earlier(from, reach.overlap), until);
        // What is read again each time can't be divided.
        let span = until.or(api.date()).map(|until| until.duration_since(from));
        let most = if span.is_some_and(|span| span <= reach.overlap) { usize::MAX } else { PAGES };
        let list = api.first_runs("asking for runs that changed", which, most).await;
        if list.fault.is_none() {
            // Without the engine's clock, the newest change is all there is to go by.
            let newest = list.rows.iter().filter_map(|run| run.update_time).max();
            let reached = until.or(list.began).or(newest).max(Some(from));
            if list.more {
                let whole = reached.map_or(reach.overlap, |reached| reached.duration_since(from));
                *slice = Some((whole / 2).max(reach.overlap));
            } else {
                self.mark.changed = reached;
                *slice = slice.filter(|_| until.is_some()).map(|slice| slice.saturating_mul(2));
            }
            self.more |= list.more || until.is_some();
        }
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    /// Runs that were open when last seen: asked for by their ids, in turns, until they end or are gone.
    async fn again<T: Transport>(&mut self, api: &Api<T>, open: &[OpenRun], turn: usize) -> Result<(), Fault> {
        let turns = open.len().div_ceil(AGAIN).max(1);
        let asked: Vec<&OpenRun> = open.iter().skip((turn % turns) * AGAIN).take(AGAIN).collect();
        for chunk in asked.chunks(PAGE) {
            let ids: Vec<&str> = chunk.iter().map(|run| run.key.run.as_str()).collect();
            let mut list = api.runs("asking for runs that were open", Which::These(&ids)).await;
            if list.is_whole() {
                let known: BTreeSet<&str> = list.rows.iter().map(|run| run.id.as_str()).collect();
                let gone = chunk.iter().filter(|run| !known.contains(run.key.run.as_str()));
                self.forgotten.extend(gone.map(|run| run.key.clone()));
            }
            self.absorb(std::mem::take(&mut list.rows));
            list.fault.map_or(Ok(()), |fault| self.note(fault))?;
        }
        Ok(())
    }
}

pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
