//! Which runs of a repository one poll looks at: the lists that it reads, and how far each of them was read. It must not know what is
//! told.
//!
//! GitHub lists runs by the time at which they were created, and a run that is run again keeps that time. So four lists are read: what
//! is active (a run of any age that is run again passes through it), the newest runs, the newest failed ones, and, slowly, everything
//! that may still be run again. The order matters: active runs first, so that a run that fails meanwhile is in a later list or in the
//! next poll.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::{PAGE, Walk};
use super::checkpoint::{Mark, Rest, Sweep, earlier};
use super::mapping::Evidence;
use super::states::is_final;
use super::wire::RunRow;
use crate::run::{RunKey, RunStatus};

/// The statuses that a run passes through when it is run again.
pub(super) const ACTIVE: [&str; 2] = ["in_progress", "queued"];
/// The most runs of a repository that one poll asks for by their number, among them at most so many that have waited for long.
const BY_ID: usize = 60;
const IDLE: usize = 3;
/// A run can be run again for thirty days, and may take five.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_hours(24 * 35);

/// What one poll saw of a repository.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub repository: &'a str,
    /// What is remembered of it, as it will be if everything that was found is told.
    pub mark: Mark,
    /// The runs that were found, as of the newest sight.
    pub found: BTreeMap<u64, RunRow>,
    /// Runs that were open and that GitHub no longer knows.
    pub forgotten: Vec<RunKey>,
    /// What could not be asked.
    pub faults: Vec<Fault>,
    /// There is more than one poll reads.
    pub more: bool,
    /// How many runs were told.
    pub told: usize,
    /// How many runs were found and could not be told.
    pub untold: usize,
    /// A run has just failed, and its jobs are not written down yet: ask again soon.
    pub early: bool,
    /// GitHub's clock before the first list was read.
    pub began: Option<Timestamp>,
    /// What changed before this is old, where nothing is remembered of the run.
    pub since: Timestamp,
    /// Runs that the ledger has as open.
    open: BTreeSet<u64>,
    /// The failed runs that the last list of them showed; none where that is not known.
    pub held: Option<BTreeSet<u64>>,
    /// Those that this one shows, and those that are missing in it and were not asked for yet.
    pub holds: BTreeSet<u64>,
}

/// How far back the lists go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub overlap: SignedDuration,
    pub history: SignedDuration,
}

impl<'a> Round<'a> {
    pub(super) fn new(repository: &'a str, mark: Mark, reach: Reach) -> Self {
        let back = if mark.settled { reach.overlap } else { reach.overlap.max(reach.history) };
        let since = earlier(mark.seen, back);
        Self {
            repository,
            // The slow walk goes further back, and so does what is remembered.
            since: mark.sweep.since.map_or(since, |swept| swept.min(since)),
            mark,
            found: BTreeMap::new(),
            forgotten: Vec::new(),
            faults: Vec::new(),
            more: false,
            told: 0,
            untold: 0,
            early: false,
            began: None,
            open: BTreeSet::new(),
            held: None,
            holds: BTreeSet::new(),
        }
    }

    /// Reads every list. What can't be read is noted, and the others are read all the same.
    ///
    /// # Errors
    /// When GitHub is down or wants a pause, and no other list can be read either.
    pub(super) async fn look<T: Transport>(
        &mut self,
        api: &Api<T>,
        reach: Reach,
        open: &[OpenRun],
        turn: usize,
    ) -> Result<(), Fault> {
        self.open = open.iter().filter_map(|run| run.key.run.parse().ok()).collect();
        for status in ACTIVE {
            let walk = api.by_status(self.repository, status, None).await;
            self.began = self.began.or(api.date());
            self.absorb(walk)?;
        }
        let listed = self.newest(api, reach).await?;
        self.rest(api).await?;
        let lost = self.failed(api).await?;
        // A repository that is not seen at all has not lost its runs.
        if listed {
            self.by_number(api, open, lost, turn).await?;
        }
        Ok(())
    }

    /// Whether a run ended before firstred first looked, and before the stretch of the past that is to be told.
    pub(super) fn is_history(&self, row: &RunRow, reach: Reach) -> bool {
        let from = earlier(self.mark.origin, reach.history);
        !self.mark.settled && is_final(row) && row.updated_at.is_none_or(|at| at < from)
    }

    /// Whether GitHub only touched a run, long after its last job had ended before firstred first looked. GitHub changes the time of the
    /// last change of runs that are over.
    pub(super) fn was_touched(&self, evidence: &Evidence, reach: Reach) -> bool {
        let from = earlier(self.mark.origin, reach.history);
        let times = evidence.last_end().zip(evidence.row.updated_at);
        times.is_some_and(|(end, changed)| end < from && changed.duration_since(end) > reach.overlap)
    }

    /// Whether a run is to be told as it stands: its last change is not old, or it is known to have stood elsewhere.
    pub(super) fn is_news(&self, row: &RunRow) -> bool {
        let is_stranger = !self.mark.told.contains_key(&row.id) && !self.open.contains(&row.id);
        let is_old = is_stranger && is_final(row) && row.updated_at.is_some_and(|at| at < self.since);
        !is_old && !self.mark.knows(row)
    }

    /// Two lists may show a run as of two moments.
    fn meet(&mut self, row: RunRow) {
        let age = |row: &RunRow| (row.attempt(), row.updated_at, is_final(row));
        match self.found.get(&row.id) {
            Some(known) if age(known) > age(&row) => {}
            _ => drop(self.found.insert(row.id, row)),
        }
    }

    fn absorb(&mut self, walk: Walk) -> Result<(), Fault> {
        for row in walk.rows.into_values() {
            self.meet(row);
        }
        walk.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        if fault.kind == FaultKind::Down {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// The newest runs, back to those that were created a little before the list was last read. Answers whether any were read.
    async fn newest<T: Transport>(&mut self, api: &Api<T>, reach: Reach) -> Result<bool, Fault> {
        // Should GitHub's clock have been put back, what it writes now lies before what it wrote then.
        let listed = self.mark.listed.map(|listed| api.date().map_or(listed, |date| listed.min(date)));
        let floor = listed.map_or(self.since, |listed| earlier(listed, reach.overlap));
        let began = api.date();
        let walk = api.newest(self.repository, floor).await;
        if walk.fault.is_none() {
            self.mark.listed = began.or(listed);
            let oldest = walk.rows.values().filter_map(|row| row.created_at).min();
            if let (true, Some(until)) = (walk.more, oldest) {
                let from = self.mark.rest.take().map_or(floor, |rest| rest.from.min(floor));
                self.mark.rest = Some(Rest { from, until });
            }
        }
        let read = walk.fault.is_none() || !walk.rows.is_empty();
        self.absorb(walk)?;
        Ok(read)
    }

    /// Goes on with a stretch of the past that was too long for one poll.
    async fn rest<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let Some(rest) = self.mark.rest.clone() else { return Ok(()) };
        let walk = api.between(self.repository, rest.from, rest.until).await;
        if walk.fault.is_none() {
            let oldest = walk.rows.values().filter_map(|row| row.created_at).min();
            self.mark.rest =
                oldest.filter(|_| walk.more).map(|oldest| Rest { from: rest.from, until: below(oldest, rest.until) });
        }
        self.more |= self.mark.rest.is_some();
        self.absorb(walk)
    }

    /// The newest failed runs. Answers which of those that were told failed are no longer among them: they are something else now.
    async fn failed<T: Transport>(&mut self, api: &Api<T>) -> Result<Vec<u64>, Fault> {
        // What can't be run again can't fail again. Whole days, so that the address stays the same.
        let walk = api.failed(self.repository, api.date().map(|date| day(earlier(date, AGAIN)))).await;
        // Numbers grow: a list that goes on reaches back to its smallest.
        let least = walk.rows.keys().next().copied().filter(|_| walk.more).unwrap_or_default();
        let whole = walk.fault.is_none();
        self.holds = walk.rows.keys().copied().collect();
        self.absorb(walk)?;
        if !whole {
            return Ok(Vec::new());
        }
        // What was never in this list, such as a run that timed out, is not missing in it.
        let was_listed = |id: &u64| self.held.as_ref().is_none_or(|held| held.contains(id));
        let failed = self.mark.told.iter().filter(|(id, told)| told.is_failed() && **id >= least);
        let missing = |id: &u64| was_listed(id) && !self.found.contains_key(id);
        let lost: Vec<u64> = failed.map(|(id, _)| *id).filter(missing).collect();
        self.holds.extend(&lost);
        Ok(lost)
    }

    /// Runs that are in no list: those that were open when last seen, until they end or are gone, and those that failed and are in the
    /// list of failed ones no more. Of those that wait for a person, which may be for ever, a few at a time.
    async fn by_number<T: Transport>(
        &mut self,
        api: &Api<T>,
        open: &[OpenRun],
        lost: Vec<u64>,
        turn: usize,
    ) -> Result<(), Fault> {
        let mut keys: BTreeMap<u64, &RunKey> = BTreeMap::new();
        let (mut urgent, mut idle) = (lost, Vec::new());
        for run in open {
            let Ok(id) = run.key.run.parse::<u64>() else {
                // What has no such number was never one of GitHub's.
                self.forgotten.push(run.key.clone());
                continue;
            };
            keys.insert(id, &run.key);
            if self.found.contains_key(&id) {
                continue;
            }
            if run.status == RunStatus::Waiting { idle.push(id) } else { urgent.push(id) }
        }
        if !idle.is_empty() {
            let first = turn.saturating_mul(IDLE) % idle.len();
            idle.rotate_left(first);
            idle.truncate(IDLE);
        }
        if urgent.len() > BY_ID {
            let first = turn.saturating_mul(BY_ID) % urgent.len();
            urgent.rotate_left(first);
        }
        let asked: BTreeSet<u64> = urgent.into_iter().take(BY_ID).chain(idle).collect();
        for id in asked {
            match api.run(self.repository, id).await {
                Ok(Some(row)) => {
                    self.holds.remove(&id);
                    self.meet(row);
                }
                Ok(None) => {
                    self.holds.remove(&id);
                    self.mark.told.remove(&id);
                    self.forgotten.extend(keys.get(&id).map(|key| (*key).clone()));
                }
                Err(fault) => self.note(fault)?,
            }
        }
        Ok(())
    }

    /// One page of everything that may still be run again, an answer a poll: what is run again, and over, between two polls, and older
    /// than what the other lists show, is found in no other way.
    pub(super) async fn sweep<T: Transport>(&mut self, api: &Api<T>, reach: Reach) -> Result<(), Fault> {
        let Some(now) = api.date() else { return Ok(()) };
        let sweep = self.mark.sweep.clone();
        let began = sweep.began.unwrap_or(now);
        let since = sweep.since.unwrap_or(self.mark.origin);
        let page = match api.stretch(self.repository, earlier(began, AGAIN), sweep.until).await {
            Ok(page) => page,
            Err(fault) => return self.note(fault),
        };
        if let Some(strange) = &page.strange {
            // The walk goes on all the same: the next one comes by here again.
            let doing = format!("asking for runs of {} that may have been run again", self.repository);
            self.note(Fault::new(FaultKind::Shape, &doing, strange.clone()))?;
        }
        for row in page.rows.iter().filter(|row| row.updated_at.is_some_and(|at| at >= since)) {
            self.meet(row.clone());
        }
        let oldest = page.rows.iter().filter_map(|row| row.created_at).min().filter(|_| page.sent >= PAGE);
        self.mark.sweep = match oldest {
            Some(oldest) => {
                let until = below(oldest, sweep.until.unwrap_or(Timestamp::MAX));
                Sweep { began: Some(began), until: Some(until), since: Some(since) }
            }
            None => Sweep { began: None, until: None, since: Some(earlier(began, reach.overlap)) },
        };
        Ok(())
    }
}

/// The beginning of the day of a time, in UTC.
fn day(at: Timestamp) -> Timestamp {
    earlier(at, SignedDuration::from_secs(at.as_second().rem_euclid(24 * 60 * 60)))
}

/// Where a stretch goes on that was read back to `oldest`. A moment with more runs than a page holds must not be read for ever.
fn below(oldest: Timestamp, until: Timestamp) -> Timestamp {
    if oldest < until { oldest } else { earlier(until, SignedDuration::from_secs(1)) }
}
