//! Which runs one poll looks at: the lists that it reads, and how far each of them was read. It must not know what is told.
//!
//! Whatever happens to a run moves the time of its last change, so one list tells of all of them: new, started, ended, marked. What it
//! can't tell is that a run was deleted: those that were open are asked for by their ids, some in each poll.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::{PAGE, Which};
use super::checkpoint::{Checkpoint, Rest};
use super::wire::Run;
use crate::run::RunKey;

/// The most open runs that are asked for by their ids in one poll.
const AGAIN: usize = 2 * PAGE;

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
    ) -> Result<(), Fault> {
        if !self.mark.settled {
            self.open(api).await?;
        }
        self.changed(api, reach).await?;
        self.again(api, open, turn).await
    }

    fn absorb(&mut self, rows: Vec<Run>) {
        self.found.extend(rows.into_iter().map(|run| (run.run_id.clone(), run)));
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
        let list = api.runs("asking for open runs", Which::Open, None).await;
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    /// Runs that changed.
    async fn changed<T: Transport>(&mut self, api: &Api<T>, reach: Reach) -> Result<(), Fault> {
        let doing = "asking for runs that changed";
        let back = if self.mark.settled { reach.overlap } else { reach.overlap.max(reach.history) };
        // Should the engine's clock have been put back, what it writes now lies before what it wrote then.
        let newest = self.mark.changed.map(|changed| api.date().map_or(changed, |date| changed.min(date)));
        let after = newest.map(|newest| earlier(newest, back));
        let list = api.runs(doing, Which::ChangedAfter(after), None).await;
        let unread = list.more.is_some();
        if list.fault.is_none() {
            let newest_row = list.rows.iter().filter_map(|run| run.update_time).max();
            // Without the engine's clock, the newest change is all there is to go by.
            self.mark.changed = list.began.or(newest_row).max(newest);
            if let Some(cursor) = list.more {
                let before = self.mark.rest.take().map(|rest| rest.after);
                // A stretch that was still to be read lies behind this one.
                let after = before.map_or(after, |before| before.min(after));
                self.mark.rest = Some(Rest { after, cursor });
                self.more = true;
            }
        }
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))?;
        if unread { Ok(()) } else { self.rest(api).await }
    }

    /// Goes on with a stretch of the past that was too long for one poll.
    async fn rest<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let Some(rest) = self.mark.rest.take() else { return Ok(()) };
        let list =
            api.runs("asking for older changes", Which::ChangedAfter(rest.after), Some(rest.cursor.clone())).await;
        let gone = list.rows.is_empty();
        self.mark.rest = match (&list.fault, list.more) {
            (None, None) => None,
            (None, Some(cursor)) => Some(Rest { after: rest.after, cursor }),
            // The run that it was to go on after is gone: what is left is read again from the top.
            (Some(fault), _) if fault.kind == FaultKind::Shape && gone => {
                self.mark.changed = rest.after.or(self.mark.changed);
                None
            }
            (Some(_), _) => Some(rest),
        };
        self.more |= self.mark.rest.is_some();
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    /// Runs that were open when last seen and that did not change: asked for by their ids, in turns, until they end or are gone.
    async fn again<T: Transport>(&mut self, api: &Api<T>, open: &[OpenRun], turn: usize) -> Result<(), Fault> {
        let asked: Vec<&OpenRun> = open.iter().filter(|run| !self.found.contains_key(&run.key.run)).collect();
        let turns = asked.len().div_ceil(AGAIN).max(1);
        let asked: Vec<&OpenRun> = asked.into_iter().skip((turn % turns) * AGAIN).take(AGAIN).collect();
        for chunk in asked.chunks(PAGE) {
            let ids: Vec<&str> = chunk.iter().map(|run| run.key.run.as_str()).collect();
            let mut list = api.runs("asking for runs that were open", Which::These(&ids), None).await;
            if list.is_whole() {
                let known: BTreeSet<&str> = list.rows.iter().map(|run| run.run_id.as_str()).collect();
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
