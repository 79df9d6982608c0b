//! One poll: look, learn what is new, hand it over, remember how far that went. It must not know how runs are mapped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::super::{Batch, Intake, NotTaken, PollError, Polled, Seen};
use super::api::{Api, Fault, FaultKind, Transport};
use super::checkpoint::{Checkpoint, end};
use super::detail::Dags;
use super::evidence::Evidence;
use super::imports;
use super::link::Pages;
use super::look::{Reach, Round, Turn};
use super::mapping;
use super::wire::DagRun;
use crate::config::{AirflowAuth, AirflowSource};
use crate::run::RunStatus;

/// How many runs are asked about, and handed over, together.
pub(super) const TOGETHER: usize = 20;
/// How many runs of which the row says enough are handed over together.
const ROWS: usize = 200;
/// So long the log of a task may take to be written down after the run has ended.
const LOGS_LAG: SignedDuration = SignedDuration::from_secs(10);
/// After so long it is looked for again.
const SOON: Duration = Duration::from_secs(2);
/// So often a run is asked about before it is told with what is known of it.
const TRIES: u32 = 3;
/// The most runs whose tries are counted, and the most ends that are remembered in memory.
const REMEMBERED: usize = 20_000;
/// So many polls a server that shows no import errors is left in peace.
const NO_IMPORTS: u32 = 60;
/// The checkpoint moves at least this often, though nothing happens.
const MUCH: SignedDuration = SignedDuration::from_secs(60);

/// Polls one Airflow.
#[derive(Debug)]
pub(in crate::source) struct Watcher<T> {
    pub(super) name: String,
    pub(super) api: Api<T>,
    pub(super) ui: String,
    pub(super) every: Duration,
    /// The setting that signs in, for words about what to do.
    pub(super) sign_in: Option<&'static str>,
    pub(super) url: Url,
    pub(super) reach: Reach,
    pub(super) dags: Dags,
    turn: Turn,
    /// How often what is known of an end was not enough.
    tried: BTreeMap<String, u32>,
    /// Open runs, with how they were told.
    open: BTreeMap<String, Standing>,
    /// Runs whose tasks wait for a retry, with which these are.
    retrying: BTreeMap<String, String>,
    /// Ends without a failure that were told.
    completed: BTreeSet<String>,
    /// The runs that active tasks have started, by the task.
    started: BTreeMap<String, String>,
    pub(super) asks_imports: bool,
    /// How many polls still leave the import errors alone.
    no_imports: u32,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

/// How an open run stands, as far as its row and its tasks say: what is new is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    state: String,
    waits: bool,
    began: Option<Timestamp>,
}

/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Row,
    Detail,
}

impl<T: Transport> Watcher<T> {
    pub(super) fn new(name: String, transport: T, settings: AirflowSource) -> Self {
        let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let reach = Reach {
            // Below this, the clocks of schedulers and a long transaction would decide what is seen.
            overlap: span(settings.polling.overlap)
                .clamp(SignedDuration::from_secs(60), SignedDuration::from_hours(240)),
            history: span(settings.polling.history).min(SignedDuration::from_hours(24 * 365)),
        };
        let ui = settings.ui_url.as_str().trim_end_matches('/').to_owned();
        let sign_in = match &settings.auth {
            AirflowAuth::None => None,
            AirflowAuth::Password { .. } => Some("`username` and `password`"),
            AirflowAuth::Token(_) => Some("`token`"),
        };
        Self {
            name,
            every: settings.polling.every,
            sign_in,
            url: settings.url.clone(),
            api: Api::new(transport, settings.url, settings.auth, settings.polling.timeout),
            ui,
            reach,
            dags: Dags::default(),
            turn: Turn::default(),
            tried: BTreeMap::new(),
            open: BTreeMap::new(),
            retrying: BTreeMap::new(),
            completed: BTreeSet::new(),
            started: BTreeMap::new(),
            asks_imports: settings.import_errors,
            no_imports: 0,
            first: None,
        }
    }

    pub(super) async fn look<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let mut before = Checkpoint::read(stored.as_deref())?;
        let first = *self.first.get_or_insert(now);
        self.api.begin(now);
        let arrives = !before.settled && before.origin.is_none();
        if arrives {
            // The engine's time is what counts, and only an answer tells it.
            self.api.forget_server();
        }
        let server = self.api.server().await.map_err(|fault| fault.error)?;
        if arrives {
            self.arrive(intake, &mut before, now, now.duration_since(first)).await?;
        }
        let pages = Pages { root: self.ui.clone(), generation: server.generation };
        let open = intake.open_runs(&self.name).await.map_err(not_taken)?;
        let mut round = Round::new(before.clone());
        self.forget_much();
        self.no_imports = self.no_imports.saturating_sub(1);
        let asked = self.asks_imports && self.no_imports == 0;
        let mut imports = asked;
        let looked = round.look(&self.api, &server, self.reach, &open, &mut self.turn, &mut imports).await;
        if asked && !imports {
            self.no_imports = NO_IMPORTS;
            tracing::info!(source = ?self.name, "this Airflow shows us no import errors: broken DAG files are not told");
        }
        if let Err(fault) = looked {
            // Another server, or another version of it, may stand there now.
            self.api.forget_server();
            round.faults.push(fault);
        }
        // All times in the checkpoint are the engine's; where it tells none, ours have to do.
        let clock = round.began.or(self.api.date()).unwrap_or(now);
        self.tell(intake, &mut round, &pages, clock).await?;
        self.tell_imports(intake, &mut round, &before, &pages, clock).await?;
        self.settle(&mut round, &before, clock);
        let is_news = round.mark.is_news(&before, MUCH);
        let checkpoint = is_news.then(|| round.mark.write());
        if checkpoint.is_some() || !round.forgotten.is_empty() {
            let batch = Batch { runs: Vec::new(), forgotten: round.forgotten, checkpoint };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
        }
        match round.faults.into_iter().next() {
            Some(fault) => Err(fault.error),
            None => Ok(Polled { runs: round.told, more: round.more, again: round.early.then_some(SOON) }),
        }
    }

    /// The first contact: notes the engine's time at which firstred began to look, so that a start that takes several
    /// tries makes no history of what failed meanwhile.
    async fn arrive<I: Intake>(
        &self,
        intake: &I,
        mark: &mut Checkpoint,
        now: Timestamp,
        waited: SignedDuration,
    ) -> Result<(), PollError> {
        let waited = waited.max(SignedDuration::ZERO);
        mark.origin = self.api.date().unwrap_or(now).checked_sub(waited).ok();
        mark.read = mark.origin;
        let batch = Batch { checkpoint: Some(mark.write()), ..Batch::default() };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }

    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    async fn tell<I: Intake>(
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

    /// What is known of these runs, without those that have to wait for the next poll, and those that are told with their parents.
    async fn learn(&mut self, round: &mut Round, runs: &[DagRun], clock: Timestamp) -> Result<Vec<Evidence>, Fault> {
        let mut known: Vec<Evidence> = Vec::new();
        for run in runs {
            let end = end(run);
            let failed = run.state == "failed";
            if failed && self.is_awaited(round, run).await? {
                round.mark.apart.insert(run.name(), clock);
                continue;
            }
            let tries = self.tried.get(&end).copied().unwrap_or(0);
            let content = tries + 1 >= TRIES;
            match self.api.learn(run.clone(), &mut self.dags, clock, content).await {
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                Err(fault) => {
                    round.untold += 1;
                    *self.tried.entry(end).or_default() += 1;
                    round.faults.push(fault);
                }
                Ok(evidence) if !content && failed && is_early(&evidence, clock) => {
                    round.early = true;
                    // The next poll finds it again: nobody waits for it meanwhile.
                    round.untold += 1;
                    *self.tried.entry(end).or_default() += 1;
                }
                // It was run again while we asked about it: the next poll sees what became of it.
                Ok(_) if failed && self.is_superseded(run).await? => {}
                Ok(mut evidence) => {
                    self.tried.remove(&end);
                    evidence.waits = self.standing(run, round).waits;
                    for child in evidence.children() {
                        round.mark.apart.insert(child, clock);
                    }
                    known.push(evidence);
                }
            }
        }
        // Told before, the child stands beside its parent; there is no way to take it back.
        known.retain(|evidence| !round.mark.apart.contains_key(&evidence.run.name()));
        Ok(known)
    }

    /// Whether a failed run has another end by now, or none: what was asked meanwhile may be of another attempt.
    async fn is_superseded(&self, run: &DagRun) -> Result<bool, Fault> {
        let now = self.api.run(&run.dag_id, &run.dag_run_id).await;
        match now {
            Ok(now) => Ok(now.is_some_and(|now| end(&now) != end(run) || now.state != run.state)),
            Err(fault) if fault.kind == FaultKind::Down => Err(fault),
            Err(_) => Ok(false),
        }
    }

    /// Whether a task that is still active has started this run: it waits for it, and its own run will tell the failure.
    async fn is_awaited(&mut self, round: &Round, run: &DagRun) -> Result<bool, Fault> {
        for parent in &round.parents {
            let target = parent.rendered_fields.get("trigger_dag_id").and_then(|dag| dag.as_str());
            if target.is_some_and(|dag| dag != run.dag_id) {
                continue;
            }
            let task = format!("{}/{}[{}]#{}", parent.run_name(), parent.task_id, parent.map_index, parent.try_number);
            let known = self.started.get(&task).cloned();
            let started = match known {
                Some(started) => Some(started),
                None => match self.api.triggered(parent).await {
                    Ok(started) => started,
                    Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                    // Better told twice than not at all.
                    Err(_) => None,
                },
            };
            if let Some(started) = started {
                let is_it = started == run.dag_run_id;
                self.started.insert(task, started);
                if is_it {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn need(&self, run: &DagRun, round: &Round) -> Option<Need> {
        let name = run.name();
        match run.state.as_str() {
            "failed" if self.is_told(run, &round.mark) => None,
            "failed" if self.is_history(run, &round.mark) => Some(Need::Row),
            "failed" => Some(Need::Detail),
            "success" => (!self.completed.contains(&end(run))).then_some(Need::Row),
            _ if self.changed(round).any(|changed| *changed == name) => Some(Need::Detail),
            // Its tasks were told, and say more than its row.
            _ if round.retrying.contains_key(&name) => None,
            _ => (self.open.get(&name) != Some(&self.standing(run, round))).then_some(Need::Row),
        }
    }

    fn is_told(&self, run: &DagRun, mark: &Checkpoint) -> bool {
        let end = end(run);
        mark.told.contains_key(&end) || mark.apart.contains_key(&end) || mark.apart.contains_key(&run.name())
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

    async fn tell_imports<I: Intake>(
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

    /// Moves on as far as everything that was read was also told, and no further.
    fn settle(&self, round: &mut Round, before: &Checkpoint, clock: Timestamp) {
        let mark = &mut round.mark;
        if round.untold > 0 {
            mark.rest.clone_from(&before.rest);
        }
        if round.untold == 0 && round.faults.is_empty() && mark.rest.is_empty() {
            mark.settled = true;
            mark.read = Some(clock);
        }
        if mark.settled
            && let Some(keep) = mark.read.and_then(|read| read.checked_sub(self.reach.overlap.saturating_mul(2)).ok())
        {
            mark.told.retain(|_, at| *at >= keep);
        }
        mark.trim();
    }

    /// How an open run stands. Where not all tasks could be read, it waits as it did when they last could.
    fn standing(&self, run: &DagRun, round: &Round) -> Standing {
        let name = run.name();
        let waits = match &round.waiting {
            Some(waiting) => waiting.contains(&name),
            None => self.open.get(&name).is_some_and(|before| before.waits),
        };
        Standing { state: run.state.clone(), waits, began: run.start_date.or(run.queued_at) }
    }

    /// What is only remembered in memory has an end.
    fn forget_much(&mut self) {
        if self.tried.len() > REMEMBERED {
            self.tried.clear();
        }
        if self.completed.len() > REMEMBERED {
            self.completed.clear();
        }
        if self.started.len() > REMEMBERED {
            self.started.clear();
        }
        if self.open.len() > 2 * REMEMBERED {
            self.open.clear();
        }
    }
}

/// Whether a failed run has just failed and its log says nothing yet.
fn is_early(evidence: &Evidence, clock: Timestamp) -> bool {
    let age = evidence.run.end_date.map(|end| clock.duration_since(end));
    evidence.lacks_cause() && age.is_some_and(|age| age < LOGS_LAG && age > -LOGS_LAG)
}

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
