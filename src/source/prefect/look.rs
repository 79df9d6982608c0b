//! Which runs one poll looks at: the lists that it reads, and how far each of them was read. It must not know what is told.
//!
//! The order matters: active runs first, so that a run that fails meanwhile is in the later list or in the next poll.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::{List, PAGE};
use super::checkpoint::{Checkpoint, Rest};
use super::states::is_failure;
use super::wire::{Event, FlowRun, TaskRun};
use crate::run::RunKey;

/// How far the events feed lags behind at most.
const EVENTS_LAG: SignedDuration = SignedDuration::from_secs(120);
/// The types of all states but the failed ones.
const NOT_FAILED: [&str; 7] = ["COMPLETED", "CANCELLED", "CANCELLING", "RUNNING", "PENDING", "PAUSED", "SCHEDULED"];

/// The runs that have not ended, by the type or the name of their state.
pub(super) const ACTIVE: [(&str, [&str; 4]); 2] = [
    ("type", ["RUNNING", "PENDING", "PAUSED", "CANCELLING"]),
    ("name", ["AwaitingRetry", "Late", "Resuming", "AwaitingConcurrencySlot"]),
];

/// What one poll saw.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The checkpoint as it will be, if everything that was found is told.
    pub mark: Checkpoint,
    /// The runs that were found, by id, as of the newest answer.
    pub found: BTreeMap<String, FlowRun>,
    /// Runs whose waiting tasks changed: to be told although their own state did not.
    pub changed: BTreeSet<String>,
    /// Runs with a task that waits for its retry, and no word yet about why: to be told again.
    pub unexplained: BTreeSet<String>,
    /// Runs that were open and that the engine no longer knows.
    pub forgotten: Vec<RunKey>,
    /// What could not be asked.
    pub faults: Vec<Fault>,
    /// There is more than one poll reads.
    pub more: bool,
    /// The lists of active runs were read to their end.
    pub whole: bool,
    /// How many runs were told.
    pub told: usize,
    /// How many runs were found and could not be told.
    pub untold: usize,
    /// A run has just failed, and its tasks are not written down yet: ask again soon.
    pub early: bool,
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
        events: &mut bool,
    ) -> Result<(), Fault> {
        self.whole = self.active(api).await?;
        self.retrying(api).await?;
        self.failed(api, reach).await?;
        self.open(api, open).await?;
        self.changed_since(api).await?;
        if *events {
            *events = self.events(api, reach).await?;
        }
        Ok(())
    }

    fn absorb(&mut self, rows: Vec<FlowRun>) {
        // What happens in a child shows in its parent.
        let own = rows.into_iter().filter(|run| run.parent_task_run_id.is_none());
        self.found.extend(own.map(|run| (run.id.clone(), run)));
    }

    fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        if fault.kind == FaultKind::Down {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// Runs that have not ended. Of the scheduled ones only those whose time has come: there may be thousands.
    async fn active<T: Transport>(&mut self, api: &Api<T>) -> Result<bool, Fault> {
        let mut whole = true;
        for (by, values) in ACTIVE {
            let list = api.active(by, &values).await;
            whole &= list.is_whole();
            self.absorb(list.rows);
            list.fault.map_or(Ok(()), |fault| self.note(fault))?;
        }
        Ok(whole)
    }

    /// Tasks that wait for a retry: their runs are told when the set of waiting tasks changes, also when it becomes empty.
    async fn retrying<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let list: List<TaskRun> = api.waiting_tasks().await;
        let complete = list.is_whole() && self.whole;
        let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for task in list.rows {
            if let (Some(run), Some(state)) = (task.flow_run_id, task.state)
                && self.found.contains_key(&run)
            {
                waiting.entry(run).or_default().push(state.id);
            }
        }
        let mut now: BTreeMap<String, String> = BTreeMap::new();
        for (run, mut states) in waiting {
            states.sort_unstable();
            now.insert(run, states.join(" "));
        }
        for (run, states) in &now {
            if self.mark.retrying.get(run) != Some(states) {
                self.changed.insert(run.clone());
            }
        }
        if complete {
            self.changed.extend(self.mark.retrying.keys().filter(|run| !now.contains_key(*run)).cloned());
            self.mark.retrying = now;
        } else {
            self.mark.retrying.extend(now);
        }
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    async fn failed<T: Transport>(&mut self, api: &Api<T>, reach: Reach) -> Result<(), Fault> {
        // Twice the overlap at first: should the engine's clock be put back by as much soon after, no history may look new.
        let first = reach.overlap.saturating_mul(2).max(reach.history);
        let back = if self.mark.settled { reach.overlap } else { first };
        // Should the engine's clock have been put back, what it writes now lies before what it wrote then.
        let newest = self.mark.ended.map(|ended| api.date().map_or(ended, |date| ended.min(date)));
        let after = newest.map(|newest| earlier(newest, back));
        let list = api.failed(after, None).await;
        let ends = || list.rows.iter().filter_map(|run| run.end_time);
        if list.fault.is_none() {
            // A time that lies ahead of the engine's clock must not hide what happens until then.
            let end = ends().max().map(|end| api.date().map_or(end, |date| end.min(date)));
            let oldest = ends().min();
            self.mark.ended = end.max(newest);
            if let (true, Some(before)) = (list.more, oldest) {
                self.mark.rest = Some(Rest { after, before });
                self.more = true;
            }
        }
        let more = list.more;
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))?;
        if more {
            return Ok(());
        }
        self.rest(api).await
    }

    /// Goes on with a stretch of the past that was too long for one poll.
    async fn rest<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let Some(rest) = self.mark.rest.clone() else { return Ok(()) };
        let list = api.failed(rest.after, Some(rest.before)).await;
        if list.fault.is_none() {
            let oldest = list.rows.iter().filter_map(|run| run.end_time).min();
            self.mark.rest = oldest.filter(|_| list.more).map(|oldest| {
                // A page boundary inside one moment must not be read for ever.
                let stuck = oldest >= rest.before;
                let step = SignedDuration::from_micros(i64::from(stuck));
                Rest { after: rest.after, before: earlier(oldest, step) }
            });
            self.more |= self.mark.rest.is_some();
        }
        self.absorb(list.rows);
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    /// Runs that were open when last seen and are in no list now: asked for by their id until they end or are gone.
    async fn open<T: Transport>(&mut self, api: &Api<T>, open: &[OpenRun]) -> Result<(), Fault> {
        let missing: Vec<&OpenRun> = open.iter().filter(|run| !self.found.contains_key(&run.key.run)).collect();
        let (asked, strange): (Vec<_>, Vec<_>) = missing.into_iter().partition(|run| is_uuid(&run.key.run));
        // An id that Prefect would refuse was never one of Prefect's.
        self.forgotten.extend(strange.into_iter().map(|run| run.key.clone()));
        for chunk in asked.chunks(PAGE - 1) {
            let ids: Vec<&str> = chunk.iter().map(|run| run.key.run.as_str()).collect();
            let list = api.flow_runs_by_id("asking for runs that were open", &ids, None).await;
            if list.is_whole() {
                let known: BTreeSet<&str> = list.rows.iter().map(|run| run.id.as_str()).collect();
                let gone = chunk.iter().filter(|run| !known.contains(run.key.run.as_str()));
                self.forgotten.extend(gone.map(|run| run.key.clone()));
            }
            self.absorb(list.rows);
            list.fault.map_or(Ok(()), |fault| self.note(fault))?;
        }
        Ok(())
    }

    /// Runs that failed and are something else now: run again between two polls, or forced by a person.
    async fn changed_since<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let failed = self.mark.failed.keys().filter(|id| !self.found.contains_key(*id) && is_uuid(id));
        let ids: Vec<String> = failed.cloned().collect();
        for chunk in ids.chunks(PAGE - 1) {
            let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
            let doing = "asking whether failed runs were run again";
            let list = api.flow_runs_by_id(doing, &ids, Some(&NOT_FAILED)).await;
            self.absorb(list.rows);
            list.fault.map_or(Ok(()), |fault| self.note(fault))?;
        }
        Ok(())
    }

    /// The second feed: a person who forces a run to FAILED does not move its `end_time`. Answers whether the server has one.
    async fn events<T: Transport>(&mut self, api: &Api<T>, reach: Reach) -> Result<bool, Fault> {
        let Some(from) = self.mark.events.or(self.mark.origin).or(self.mark.ended) else { return Ok(true) };
        let back = if self.mark.settled { EVENTS_LAG } else { EVENTS_LAG.max(reach.history) };
        let from = api.date().map_or(from, |date| from.min(date));
        let list = api.events(earlier(from, back)).await;
        if let Some(fault) = &list.fault
            && matches!(fault.kind, FaultKind::Refused(403 | 404 | 405 | 422 | 501))
        {
            return Ok(false);
        }
        let fresh: Vec<_> = list.rows.iter().filter(|event| !self.mark.told.contains_key(&event.id)).collect();
        // A run that failed since its list was read: what was found of it is older than its event.
        let unseen = |event: &&&Event| {
            let found = event.flow_run_id().and_then(|id| self.found.get(id)?.state.as_ref());
            found.is_none_or(|state| state.id != event.id && state.timestamp <= event.occurred)
        };
        let wanted: BTreeSet<&str> = fresh.iter().filter(unseen).filter_map(|event| event.flow_run_id()).collect();
        let mut children = BTreeSet::new();
        let ids: Vec<&str> = wanted.into_iter().filter(|id| is_uuid(id)).collect();
        for chunk in ids.chunks(PAGE - 1) {
            let runs = api.flow_runs_by_id("asking for runs that an event names", chunk, None).await;
            let of_parents = runs.rows.iter().filter(|run| run.parent_task_run_id.is_some());
            children.extend(of_parents.map(|run| run.id.clone()));
            self.absorb(runs.rows);
            if let Some(fault) = runs.fault {
                self.note(fault)?;
                return Ok(true);
            }
        }
        for event in fresh {
            let Some(id) = event.flow_run_id() else { continue };
            // Another state came after this one, or it is not ours to tell.
            let over = self.found.get(id).and_then(|run| run.state.as_ref()).is_some_and(|state| {
                state.id != event.id && !is_failure(&state.kind) && state.timestamp > event.occurred
            });
            if over || children.contains(id) {
                self.mark.told.insert(event.id.clone(), event.occurred);
            }
        }
        self.more |= list.more;
        let newest = list.rows.iter().map(|event| event.occurred).max();
        let Some(fault) = list.fault else {
            // Where the feed was read to its end, it reaches as far as the list of failed runs.
            let whole = self.mark.ended.filter(|_| !list.more && self.faults.is_empty());
            self.mark.events = newest.max(whole).max(self.mark.events);
            return Ok(true);
        };
        self.note(fault)?;
        Ok(true)
    }
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
