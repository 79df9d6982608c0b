//! What is asked about a run before it is told, and which runs are left to others: those whose parents wait for them, and those that have
//! been run again meanwhile. It must not know what is done with the answers.

use jiff::{SignedDuration, Timestamp};

use super::api::{Fault, FaultKind, Transport};
use super::checkpoint::end;
use super::detail::Parts;
use super::evidence::Evidence;
use super::look::Round;
use super::poll::Watcher;
use super::tell::is_started;
use super::wire::DagRun;

/// So long the log of a task may take to be written down after the run has ended.
const LOGS_LAG: SignedDuration = SignedDuration::from_secs(10);
/// So long a run may take to fail after a run that one of its tasks waited for.
const PARENT_LAG: SignedDuration = SignedDuration::from_secs(15);
/// So long a run is asked about before it is told with what is known of it. An outage of the whole engine does not count.
const PATIENCE: SignedDuration = SignedDuration::from_mins(3);
/// One failure more costs at most this much of that patience, beside the time between two polls.
const STEP: SignedDuration = SignedDuration::from_secs(60);
/// A run whose parts did not come in time twice is asked about again after so long: others wait behind it.
const PAUSE: SignedDuration = SignedDuration::from_secs(45);
/// After so many runs in a row whose parts did not come in time, the others wait for the next poll.
const STUCK: usize = 2;

/// What could not be learned of an end of a run so far.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    /// When it was last seen to have to wait.
    last: Timestamp,
    /// How long it waits for its own sake.
    spent: SignedDuration,
    /// How often its parts did not come in time, and what was said then.
    slow: u32,
    fault: Option<Fault>,
}

/// What came of asking about a run.
#[derive(Debug)]
pub(super) enum Learned {
    /// It can be told.
    Known(Box<Evidence>),
    /// It has to wait for the next poll.
    Waits,
    /// It is told with its parent, or was run again meanwhile.
    Left,
    /// The server is gone, or wants us to wait.
    Down,
}

impl<T: Transport> Watcher<T> {
    /// What is known of this run. What of it can't be had is waited for some time, and then done without; `history` says that only who
    /// ended it is asked for.
    pub(super) async fn learn(&mut self, round: &mut Round, run: &DagRun, history: bool, clock: Timestamp) -> Learned {
        let end = end(run);
        let tried = self.tried.get(&end);
        let over = tried.is_some_and(|tried| tried.spent >= PATIENCE);
        if !over {
            let since = tried.filter(|tried| tried.slow > 1).map(|tried| clock.duration_since(tried.last));
            let rests = since.is_some_and(|since| since >= SignedDuration::ZERO && since < PAUSE);
            let stuck = round.stuck >= STUCK;
            if rests || stuck {
                round.untold += 1;
                round.faults.extend(tried.and_then(|tried| tried.fault.clone()));
                if !rests {
                    // Its time runs with that of those that were asked about.
                    self.wait(end, clock);
                }
                return Learned::Waits;
            }
        }
        let parts = match (over, round.stuck >= STUCK) {
            (false, _) => Parts::All,
            (true, false) => Parts::Had,
            (true, true) => Parts::WithoutLogs,
        };
        let learned =
            if history { self.of_history(run, parts).await } else { self.ask(round, run, parts, clock).await };
        match learned {
            Err(fault) => self.missed(round, run, fault, clock).await,
            Ok(None) => Learned::Left,
            Ok(Some(evidence))
                if run.state == "failed" && !history && (is_early(&evidence, clock) || may_be_awaited(run, clock)) =>
            {
                round.early = true;
                // The next poll finds it again: nobody waits for it meanwhile.
                round.untold += 1;
                Learned::Waits
            }
            Ok(Some(mut evidence)) => {
                self.tried.remove(&end);
                if parts != Parts::WithoutLogs {
                    round.stuck = if evidence.is_slow() { round.stuck + 1 } else { 0 };
                }
                evidence.waits = self.standing(run, round).waits;
                for child in evidence.children() {
                    round.mark.apart.insert(child, clock);
                }
                Learned::Known(Box::new(evidence))
            }
        }
    }

    async fn of_history(&self, run: &DagRun, parts: Parts) -> Result<Option<Evidence>, Fault> {
        let bare = Evidence::of(run.clone());
        match self.api.events(run, None).await {
            Ok(events) => Ok(Some(Evidence { events, ..bare })),
            Err(_) if parts != Parts::All => self.verified(bare, parts).await,
            Err(fault) => Err(fault),
        }
    }

    async fn ask(
        &mut self,
        round: &mut Round,
        run: &DagRun,
        parts: Parts,
        clock: Timestamp,
    ) -> Result<Option<Evidence>, Fault> {
        if run.state != "failed" {
            return self.api.learn(run.clone(), &mut self.dags, clock, parts).await.map(Some);
        }
        if self.is_awaited(round, run).await? {
            round.mark.apart.insert(end(run), clock);
            return Ok(None);
        }
        let evidence = self.api.learn(run.clone(), &mut self.dags, clock, parts).await?;
        self.verified(evidence, parts).await
    }

    /// Notes that a run has to wait because something could not be asked. Where that did not come in time, one question more says
    /// whether it is this run's fault or the server is gone: an outage counts for no run.
    async fn missed(&mut self, round: &mut Round, run: &DagRun, fault: Fault, clock: Timestamp) -> Learned {
        round.untold += 1;
        round.faults.push(fault.clone());
        let down = fault.kind == FaultKind::Down;
        if down {
            let told = fault.error.retry_after.is_some() || matches!(fault.status, Some(401 | 429));
            let is_down = |fault: Fault| fault.kind == FaultKind::Down;
            if told || self.api.run(&run.dag_id, &run.id).await.is_err_and(is_down) {
                return Learned::Down;
            }
        }
        round.stuck = if down { round.stuck + 1 } else { 0 };
        let tried = self.wait(end(run), clock);
        tried.slow += u32::from(down);
        tried.fault = Some(fault);
        Learned::Waits
    }

    /// Whether this question, which has no answer again, has had its time.
    pub(super) fn has_waited_enough(&mut self, what: &str, clock: Timestamp) -> bool {
        let over = self.wait(what.to_owned(), clock).spent >= PATIENCE;
        if over {
            self.tried.remove(what);
        }
        over
    }

    /// Lets the time run after which an end is told without what can't be had.
    fn wait(&mut self, end: String, clock: Timestamp) -> &mut Tried {
        let most = SignedDuration::try_from(self.every).unwrap_or(STEP).saturating_add(STEP);
        let new = Tried { last: clock, spent: SignedDuration::ZERO, slow: 0, fault: None };
        let tried = self.tried.entry(end).or_insert(new);
        let step = clock.duration_since(tried.last).clamp(SignedDuration::ZERO, most);
        tried.spent = tried.spent.saturating_add(step);
        tried.last = clock;
        tried
    }

    /// What was learned of a failed run, if it still has that end: what was asked meanwhile may be of another attempt. Nothing for one
    /// that was run again, since the next poll sees what became of it; of one that is gone, no more than its row.
    pub(super) async fn verified(&self, evidence: Evidence, parts: Parts) -> Result<Option<Evidence>, Fault> {
        let run = &evidence.run;
        match self.api.run(&run.dag_id, &run.id).await {
            Ok(Some(now)) => Ok((end(&now) == end(run) && now.state == run.state).then_some(evidence)),
            // That a person had ended it stays true.
            Ok(None) => Ok(Some(Evidence { events: evidence.events, ..Evidence::of(evidence.run) })),
            Err(fault) if fault.kind == FaultKind::Down || parts == Parts::All => Err(fault),
            Err(_) => Ok(Some(evidence)),
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
                let is_it = started == run.id;
                self.started.insert(task, started);
                if is_it {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether a task has started this run, which ended just now: the task may have seen that, and its own run may be about to fail of it. That
/// one tells it then.
fn may_be_awaited(run: &DagRun, clock: Timestamp) -> bool {
    let age = run.end_date.map(|end| clock.duration_since(end));
    is_started(run) && age.is_some_and(|age| age < PARENT_LAG && age > -PARENT_LAG)
}

/// Whether a failed run has just failed and its log says nothing yet.
fn is_early(evidence: &Evidence, clock: Timestamp) -> bool {
    let age = evidence.run.end_date.map(|end| clock.duration_since(end));
    evidence.lacks_cause() && age.is_some_and(|age| age < LOGS_LAG && age > -LOGS_LAG)
}
