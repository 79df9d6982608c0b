//! Which runs one poll looks at: the lists that it reads, and how far each of them was read. It must not know what is told.
//!
//! Ids grow in the order in which runs are created, not in which they end. So open runs are listed first and remembered: one that is no
//! longer among them is in a list of ends, or is asked for by its id. What is created meanwhile has a higher id than all that was seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, List, PAGES, Transport, Wanted};
use super::checkpoint::{Checkpoint, Rest};
use super::ends::{is_failure, is_open};
use super::wire::Row;
use crate::run::{RunKey, RunStatus};

/// The most pages of runs that ended well. What goes beyond them is no failure.
const RECENT: usize = 4;
/// The most runs that are asked for one by one in one poll.
const ONE_BY_ONE: usize = 200;
/// A run may be written down a little later than one with a higher id. Less than a page.
const BEHIND: u64 = 100;

/// What one poll saw.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The checkpoint as it will be, if everything that was found is told.
    pub mark: Checkpoint,
    /// The runs that were found, by id, as of the newest answer.
    pub found: BTreeMap<u64, Row>,
    /// Runs that were open and that n8n no longer knows.
    pub forgotten: Vec<RunKey>,
    /// Runs that were asked for by id and that n8n does not know.
    pub unknown: BTreeSet<u64>,
    /// What could not be asked.
    pub faults: Vec<Fault>,
    /// A row that could not be read.
    pub odd: Option<Fault>,
    /// Runs that only a letter told of, whether it is still at hand or not, and that n8n does not know.
    pub accused: BTreeMap<u64, RunKey>,
    /// The run that was asked for last, one by one: the next poll goes on behind it.
    pub turn: u64,
    /// How many letters' runs were asked for.
    named: usize,
    /// There is more than one poll reads.
    pub more: bool,
    /// How many runs were told.
    pub told: usize,
    /// How many runs were found and could not be told.
    pub untold: usize,
    /// The highest id that any list of this poll showed before the failed runs were asked for.
    highest: Option<u64>,
    /// Ids seem to have begun again: it may be another database.
    anew: bool,
}

/// How far back the lists go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub overlap: SignedDuration,
    pub history: SignedDuration,
    /// Ask for cancelled runs as well.
    pub cancelled: bool,
}

/// What is known of the version. 1.x refuses to list queued and crashed runs, and has the crashed ones among the failed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Version {
    /// 2.x, once that is known.
    pub modern: Option<bool>,
    /// When 1.x was last asked whether it is 2.x by now.
    asked: Option<Timestamp>,
}

impl Version {
    /// So often 1.x is asked: well within the overlap, so that an upgrade between two polls hides nothing.
    const AGAIN: SignedDuration = SignedDuration::from_secs(60);

    /// What was just found out.
    pub(super) fn learn(&mut self, modern: bool, now: Timestamp) {
        *self = Self { modern: Some(modern), asked: Some(now) };
    }

    /// The statuses of failed runs that it lists.
    pub(super) fn failed(self) -> &'static [&'static str] {
        if self.modern == Some(true) { &["error", "crashed"] } else { &["error"] }
    }

    fn wants_asking(self, now: Timestamp) -> bool {
        self.modern != Some(false) || self.asked.is_none_or(|at| now.duration_since(at) >= Self::AGAIN)
    }
}

impl Round {
    pub(super) fn new(mark: Checkpoint, turn: u64) -> Self {
        Self { mark, turn, ..Self::default() }
    }

    /// Reads every list. What can't be read is noted, and the others are read all the same.
    ///
    /// # Errors
    /// When the server is down, and no other list can be read either.
    pub(super) async fn look<T: Transport>(
        &mut self,
        api: &Api<T>,
        reach: Reach,
        version: &mut Version,
        open: &[OpenRun],
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.recent(api).await?;
        let whole = self.open(api, version, now).await?;
        self.begin_anew();
        let began = api.date().unwrap_or(now);
        for status in version.failed().iter().copied().chain(reach.cancelled.then_some("canceled")) {
            self.ended(api, status, reach).await?;
        }
        let highest = self.highest.unwrap_or(0);
        let highest = self.mark.marks.last().map_or(highest.saturating_sub(BEHIND), |last| highest.max(last.id));
        self.mark.mark(began, highest, reach.overlap);
        if whole {
            self.left(api, open).await?;
        }
        Ok(())
    }

    fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        if fault.kind == FaultKind::Down {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// A list may have both.
    fn note_list(&mut self, fault: Option<Fault>, odd: Option<Fault>) -> Result<(), Fault> {
        self.odd = self.odd.take().or(odd);
        fault.map_or(Ok(()), |fault| self.note(fault))
    }

    fn absorb(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.found.extend(rows.into_iter().map(|row| (row.id, row)));
    }

    /// The newest runs that don't run: those that ended well since the last poll prove problems over.
    async fn recent<T: Transport>(&mut self, api: &Api<T>) -> Result<(), Fault> {
        let before = self.mark.newest;
        let pages = if before.is_some() { RECENT } else { 1 };
        let wanted = Wanted { doing: "asking for the newest runs", status: None, from: None, pages };
        let list = api.list(wanted, |rows| rows.iter().any(|row| Some(row.id) <= before)).await;
        self.highest = list.rows.iter().map(|row| row.id).max();
        let mark = &self.mark;
        let news = |row: &Row| {
            let is_new = before.is_some_and(|before| row.id > before);
            let turned = row.status == "success" && mark.told.contains(&row.id);
            let awaited = mark.open.contains_key(&row.id) || turned;
            is_open(&row.status) || (!is_failure(&row.status) && (is_new || awaited))
        };
        let (floor, then) = (mark.floor(), mark.marks.last().map(|mark| mark.at));
        // A run with a low id that started just now, and that was not open before.
        let too_low = |row: &Row| row.id < floor && row.started_at > then && !mark.open.contains_key(&row.id);
        self.anew = then.is_some() && list.rows.iter().any(too_low);
        let rows: Vec<Row> = list.rows.into_iter().filter(news).collect();
        self.absorb(rows);
        if list.fault.is_none() {
            self.mark.newest = Some(self.highest.max(before).unwrap_or(0));
        }
        self.note_list(list.fault, list.odd)
    }

    /// Runs that have not ended. Queued ones first and waiting ones last, so that one that moves on meanwhile is in a later list.
    async fn open<T: Transport>(&mut self, api: &Api<T>, version: &mut Version, now: Timestamp) -> Result<bool, Fault> {
        let mut whole = true;
        for (status, doing) in [
            ("new", "asking for queued runs"),
            ("running", "asking for running runs"),
            ("waiting", "asking for waiting runs"),
        ] {
            if status == "new" && !version.wants_asking(now) {
                continue;
            }
            let list = api.list(Wanted { doing, status: Some(status), from: None, pages: PAGES }, |_| false).await;
            if status == "new" {
                if list.fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::Refused(400)) {
                    version.learn(false, now);
                    continue;
                }
                if list.fault.is_none() {
                    version.learn(true, now);
                }
            }
            whole &= list.is_whole();
            self.highest = self.highest.max(list.rows.iter().map(|row| row.id).max());
            self.absorb(list.rows);
            self.note_list(list.fault, list.odd)?;
        }
        Ok(whole)
    }

    /// What was remembered of one database says nothing of another.
    fn begin_anew(&mut self) {
        // Else it is a clock that was put back.
        let all_low = self.highest.is_some_and(|highest| highest < self.mark.floor());
        self.anew &= all_low && self.faults.is_empty();
        if let (true, Some(last)) = (self.anew, self.mark.marks.last()) {
            self.mark = Checkpoint { origin: Some(last.at), newest: self.highest, ..Checkpoint::default() };
        }
    }

    /// The runs that ended so, down to the floor, and a part of what was too long for an earlier poll.
    async fn ended<T: Transport>(&mut self, api: &Api<T>, status: &str, reach: Reach) -> Result<(), Fault> {
        let floor = self.mark.floor();
        // Before there is a floor, time has to do: what ended before it is not wanted.
        let first = self.mark.marks.is_empty();
        let back = reach.overlap.max(reach.history);
        let from = self.mark.origin.filter(|_| first).map(|origin| earlier(origin, back));
        let enough = |rows: &[Row]| match from {
            Some(from) => rows.iter().all(|row| ended_at(row).is_some_and(|at| at < from)),
            None => rows.iter().any(|row| row.id < floor),
        };
        let doing = format!("asking for runs that ended as {status}");
        let wanted = Wanted { doing: &doing, status: Some(status), from: None, pages: PAGES };
        let head = api.list(wanted, enough).await;
        let head_rest = head.rest.clone();
        self.take_ends(head, floor)?;
        let old = self.mark.rest.get(status).cloned();
        if let Some(cursor) = head_rest {
            let floor = old.map_or(floor, |old| old.floor.min(floor));
            self.mark.rest.insert(status.to_owned(), Rest { cursor, floor });
            self.more = true;
        } else if let Some(Rest { cursor, floor }) = old {
            let wanted = Wanted { doing: &doing, status: Some(status), from: Some(&cursor), pages: PAGES };
            let list = api.list(wanted, |rows| rows.iter().any(|row| row.id < floor)).await;
            if list.fault.is_none() {
                match &list.rest {
                    Some(cursor) => {
                        self.more = true;
                        self.mark.rest.insert(status.to_owned(), Rest { cursor: cursor.clone(), floor });
                    }
                    None => drop(self.mark.rest.remove(status)),
                }
            }
            self.take_ends(list, floor)?;
        }
        Ok(())
    }

    fn take_ends(&mut self, list: List, floor: u64) -> Result<(), Fault> {
        // One that started long ago is told when it ends, however low its id is by then.
        let open = &self.mark.open;
        let rows: Vec<Row> =
            list.rows.into_iter().filter(|row| row.id >= floor || open.contains_key(&row.id)).collect();
        self.absorb(rows);
        self.note_list(list.fault, list.odd)
    }

    /// Runs that were open when last seen and are in no list now: asked for by their id until they end or are gone.
    async fn left<T: Transport>(&mut self, api: &Api<T>, open: &[OpenRun]) -> Result<(), Fault> {
        let keys: BTreeMap<u64, &OpenRun> = open.iter().filter_map(|run| Some((number(&run.key.run)?, run))).collect();
        let ids: BTreeSet<u64> = self.mark.open.keys().chain(keys.keys()).copied().collect();
        let mut left: Vec<u64> = ids.into_iter().filter(|id| !self.found.contains_key(id)).collect();
        // In turn: those that stay open must not keep the others from being asked for.
        let next = left.partition_point(|id| *id <= self.turn);
        left.rotate_left(next);
        // Of another database, all at once: what is pending of the old one is nobody's letter.
        let most = if self.anew { left.len() } else { ONE_BY_ONE };
        self.more |= left.len() > most;
        for id in left.into_iter().take(most) {
            self.turn = id;
            match api.row(id).await {
                Ok(Some(row)) => self.absorb([row]),
                Ok(None) => {
                    let polled = self.mark.open.remove(&id).is_some();
                    self.unknown.insert(id);
                    let Some(run) = keys.get(&id) else { continue };
                    // What a poll hands over as open it also remembers: this one is a letter's.
                    let posted = !polled && run.status == RunStatus::Pending && !self.anew;
                    if posted && !self.mark.told.contains(&id) {
                        self.accused.insert(id, run.key.clone());
                    } else {
                        self.forgotten.push(run.key.clone());
                    }
                }
                Err(fault) => self.note(fault)?,
            }
        }
        Ok(())
    }

    /// A run that somebody told of, if it is in no list yet.
    pub(super) async fn named<T: Transport>(&mut self, api: &Api<T>, id: u64) -> Result<(), Fault> {
        if self.found.contains_key(&id) || self.unknown.contains(&id) || self.mark.told.contains(&id) {
            return Ok(());
        }
        if self.named >= ONE_BY_ONE {
            self.more = true;
            return Ok(());
        }
        self.named += 1;
        match api.row(id).await {
            Ok(Some(row)) => self.absorb([row]),
            Ok(None) => drop(self.unknown.insert(id)),
            Err(fault) => self.note(fault)?,
        }
        Ok(())
    }
}

/// When a run ended, as far as its row says.
pub(super) fn ended_at(row: &Row) -> Option<Timestamp> {
    row.stopped_at.or(row.started_at)
}

/// The id of a run of n8n, as firstred writes it.
pub(super) fn number(id: &str) -> Option<u64> {
    id.parse().ok().filter(|number: &u64| number.to_string() == id)
}

pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
