//! Which runs one poll looks at: the lists that it reads, and how far each of them was read. It must not know what is told.
//!
//! The order matters: what is active first, so that a run that ends meanwhile is in a later list or in the next poll. None of these
//! questions grows with the number of finished runs, nor, beyond [`ACTIVE_PAGES`], with that of open ones.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::OpenRun;
use super::api::{Api, Fault, FaultKind, Server, Transport};
use super::ask::is_airflows;
use super::checkpoint::Checkpoint;
use super::mapping::waits;
use super::pages::Stretch;
use super::wire::{DagRun, ImportError, Instance};
use crate::run::RunKey;

/// The most pages of runs that ended, for each state in one poll.
const PAGES: usize = 50;
/// The most pages of active runs, and of active tasks, in one poll. Of more runs, another stretch is read each time.
const ACTIVE_PAGES: usize = 10;
/// The most runs that are asked for by their id in one poll.
const SINGLES: usize = 20;
/// How far back completed runs are read again: nobody waits for them.
const COMPLETED_OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// What one poll saw.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The checkpoint as it will be, if everything that was found is told.
    pub mark: Checkpoint,
    /// The runs that were found, by name, as of the newest answer.
    pub found: BTreeMap<String, DagRun>,
    /// Runs that expect something, as their tasks say; nothing where not all tasks were read.
    pub waiting: Option<BTreeSet<String>>,
    /// Which tasks of which runs wait for a retry.
    pub retrying: BTreeMap<String, String>,
    /// The list of these was read to its end.
    pub all_retrying: bool,
    /// Active tasks that have started a run, and wait for it.
    pub parents: Vec<Instance>,
    /// DAG files that can't be read, and whether these are all; nothing where nobody may know.
    pub imports: Option<(Vec<ImportError>, bool)>,
    /// Runs that were open and that the engine no longer knows.
    pub forgotten: Vec<RunKey>,
    /// What could not be asked.
    pub faults: Vec<Fault>,
    /// There is more than one poll reads.
    pub more: bool,
    /// The log of a failure may be written down in a moment.
    pub early: bool,
    /// The engine's time when this poll began to read what had ended.
    pub began: Option<Timestamp>,
    /// How many runs were told.
    pub told: usize,
    /// How many runs were found and could not be told.
    pub untold: usize,
    /// How far the list of failed runs was read.
    pub failures: Failures,
    /// How many runs, one after the other, did not answer in time although the server does.
    pub stuck: usize,
}

/// How far the list of failed runs was read. Only after all of them can be told what completed, in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Failures {
    #[default]
    Part,
    All,
}

/// How far back the lists go, and what is asked at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub overlap: SignedDuration,
    pub history: SignedDuration,
}

/// Where lists that are read in stretches go on. Kept in memory: a new process begins anew.
#[derive(Debug, Default)]
pub(super) struct Turn {
    active: usize,
    single: Option<RunKey>,
}

impl Round {
    pub(super) fn new(mark: Checkpoint) -> Self {
        Self { mark, ..Self::default() }
    }

    /// Reads every list. What can't be read is noted, and the others are read all the same. `imports` says whether import errors
    /// are asked for, and then whether they may be.
    ///
    /// # Errors
    /// When the server is down, and no other list can be read either.
    pub(super) async fn look<T: Transport>(
        &mut self,
        api: &Api<T>,
        server: &Server,
        reach: Reach,
        open: &[OpenRun],
        turn: &mut Turn,
        imports: &mut bool,
    ) -> Result<(), Fault> {
        let whole = self.active(api, turn).await?;
        self.began = api.date();
        self.tasks(api, server).await?;
        let (rest, again) = (self.mark.rest.get("success").copied(), self.mark.again.contains("success"));
        self.ended(api, "success", reach.overlap.min(COMPLETED_OVERLAP)).await?;
        let back = if self.mark.settled { reach.overlap } else { reach.overlap.max(reach.history) };
        let failed = self.ended(api, "failed", back).await;
        if matches!(failed, Ok(true)) {
            self.failures = Failures::All;
        } else {
            // What completed waits for the failures before it, and is read again.
            self.go_on("success", rest, again);
        }
        failed?;
        self.open(api, open, turn, whole).await?;
        if *imports {
            *imports = self.imports(api).await?;
        }
        Ok(())
    }

    fn absorb(&mut self, rows: Vec<DagRun>) {
        self.found.extend(rows.into_iter().map(|run| (run.name(), run)));
    }

    fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        if fault.kind == FaultKind::Down {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// Runs that have not ended; of very many a stretch. Answers whether these are all.
    async fn active<T: Transport>(&mut self, api: &Api<T>, turn: &mut Turn) -> Result<bool, Fault> {
        let from = turn.active;
        let list = api.active(Stretch { from, pages: ACTIVE_PAGES }).await;
        let whole = list.is_whole() && from == 0;
        turn.active = list.next.unwrap_or(0);
        self.absorb(list.rows);
        match list.fault {
            // What Airflow 2 answers to a wrong password, and what another server answers to everything: no other list will do.
            Some(fault) if matches!(fault.kind, FaultKind::Refused(403 | 404 | 405 | 410)) => Err(fault),
            Some(fault) => self.note(fault).map(|()| whole),
            None => Ok(whole),
        }
    }

    /// Tasks that are active, of all runs in one question: who waits for what. Where there are very many, at least those that wait
    /// for a retry.
    async fn tasks<T: Transport>(&mut self, api: &Api<T>, server: &Server) -> Result<(), Fault> {
        let stretch = Stretch { from: 0, pages: ACTIVE_PAGES };
        let mut list = api.active_instances(server, stretch).await;
        if list.is_whole() {
            let mut states: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for row in &list.rows {
                states.entry(row.run_name()).or_default().push(row.state());
            }
            let waiting = states.into_iter().filter(|(_, states)| waits(states.iter().copied()));
            self.waiting = Some(waiting.map(|(name, _)| name).collect());
        } else if list.fault.as_ref().is_none_or(|fault| fault.kind != FaultKind::Down) {
            let retrying = api.retrying(server, stretch).await;
            list.rows.retain(|row| row.state() != "up_for_retry");
            list.rows.extend(retrying.rows);
            (list.next, list.fault) = (retrying.next, retrying.fault);
        }
        self.all_retrying = list.is_whole();
        let mut retrying: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in list.rows {
            if row.state() == "up_for_retry" {
                let signature = format!("{}[{}]#{}", row.task_id, row.map_index, row.try_number);
                retrying.entry(row.run_name()).or_default().push(signature);
            }
            if row.class().contains("TriggerDagRun") {
                self.parents.push(row);
            }
        }
        for (name, mut tasks) in retrying {
            tasks.sort_unstable();
            self.retrying.insert(name, tasks.join(" "));
        }
        list.fault.map_or(Ok(()), |fault| self.note(fault))
    }

    /// Runs that ended in this state since the last poll, whenever they had started. Re-runs are among them: they change their row.
    /// Answers whether these are all. A row that can't be read is no reason to wait for it.
    async fn ended<T: Transport>(&mut self, api: &Api<T>, state: &str, back: SignedDuration) -> Result<bool, Fault> {
        // Should the engine's clock have been put back, what it writes now lies before what it wrote then.
        let newest = self.mark.read.map(|read| api.date().map_or(read, |date| read.min(date)));
        let since = newest.and_then(|newest| newest.checked_sub(back).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        let from = self.mark.rest.get(state).copied().unwrap_or(0);
        let list = api.changed(state, since, Stretch { from, pages: PAGES }).await;
        let again = self.mark.again.contains(state);
        match list.next {
            Some(next) => self.go_on(state, Some(next), again),
            None if list.fault.is_none() && from > 0 && !again => self.go_on(state, Some(0), true),
            None if list.fault.is_none() => self.go_on(state, None, false),
            None => {}
        }
        self.more |= list.fault.is_none() && self.mark.rest.contains_key(state);
        let read = list.fault.as_ref().is_none_or(|fault| fault.kind == FaultKind::Shape);
        let whole = read && !self.mark.rest.contains_key(state);
        self.absorb(list.rows);
        list.fault.map_or(Ok(whole), |fault| self.note(fault).map(|()| whole))
    }

    /// Where a list goes on in the next poll, and whether that is for the second time.
    fn go_on(&mut self, state: &str, rest: Option<usize>, again: bool) {
        match rest {
            Some(from) => self.mark.rest.insert(state.to_owned(), from),
            None => self.mark.rest.remove(state),
        };
        if again {
            self.mark.again.insert(state.to_owned());
        } else {
            self.mark.again.remove(state);
        }
    }

    /// Runs that were open when last seen and are in no list now: asked for by their id, some in each poll, until they end or are
    /// gone. Where the list of active runs was not read whole, they may as well be in another stretch of it.
    async fn open<T: Transport>(
        &mut self,
        api: &Api<T>,
        open: &[OpenRun],
        turn: &mut Turn,
        whole: bool,
    ) -> Result<(), Fault> {
        let missing = |run: &&OpenRun| !self.found.contains_key(&format!("{}/{}", run.key.workflow, run.key.run));
        let mut missing: Vec<&OpenRun> = open.iter().filter(missing).collect();
        missing.sort_by(|one, other| one.key.cmp(&other.key));
        let past = turn.single.as_ref().filter(|_| missing.len() > SINGLES || !whole);
        let start = past.map_or(0, |last| missing.partition_point(|run| run.key <= *last));
        missing.rotate_left(start);
        missing.truncate(SINGLES);
        for run in missing {
            turn.single = Some(run.key.clone());
            match api.run(&run.key.workflow, &run.key.run).await {
                Ok(Some(row)) => self.absorb(vec![row]),
                Ok(None) => self.forgotten.push(run.key.clone()),
                Err(fault) => self.note(fault)?,
            }
        }
        Ok(())
    }

    async fn imports<T: Transport>(&mut self, api: &Api<T>) -> Result<bool, Fault> {
        let list = api.import_errors(Stretch { from: 0, pages: ACTIVE_PAGES }).await;
        let whole = list.is_whole();
        match list.fault {
            Some(fault) if is_airflows(&fault, &[403, 404]) => return Ok(false),
            Some(fault) => self.note(fault)?,
            None => {}
        }
        self.imports = Some((list.rows, whole));
        Ok(true)
    }
}
