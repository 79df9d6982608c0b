//! One poll: look, tell what is new, remember how far that went; one repository after the other. It must not know what a run needs to
//! be told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::super::{Batch, Intake, NotTaken, OpenRun, PollError, Polled};
use super::api::{Api, Fault, FaultKind, Transport};
use super::checkpoint::{Checkpoint, Mark, earlier};
use super::learn::is_for_all;
use super::look::{Reach, Round};
use super::tell::SOON;
use crate::config::GitHubSource;
use crate::run::RunKey;

/// So long it is remembered when a run was first tried, which may be gone since.
const TRIED: SignedDuration = SignedDuration::from_hours(24);
/// So many repositories in a row that do not answer end a poll: it is not their doing.
const SILENT: u32 = 2;

/// Polls repositories of one GitHub.
#[derive(Debug)]
pub(in crate::source) struct Watcher<T> {
    pub(super) name: String,
    pub(super) api: Api<T>,
    pub(super) repositories: Vec<String>,
    pub(super) reach: Reach,
    every: Duration,
    /// By repository, the runs and attempts whose parts could not be had, and when, by our clock, they were first tried.
    pub(super) tried: BTreeMap<String, BTreeMap<(u64, u32), Timestamp>>,
    /// How many polls still leave the annotations of a repository alone.
    pub(super) no_notes: BTreeMap<String, u32>,
    /// By repository, the failed runs that its last list of them showed.
    held: BTreeMap<String, BTreeSet<u64>>,
    /// How many polls there were: everything that has its turn goes by it.
    turn: usize,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

impl<T: Transport> Watcher<T> {
    pub(super) fn new(
        name: String,
        transport: T,
        token: &SecretString,
        settings: &GitHubSource,
    ) -> Result<Self, PollError> {
        let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let polling = &settings.polling;
        let reach = Reach {
            // Searches lag behind by minutes.
            overlap: span(polling.overlap).clamp(SignedDuration::from_mins(2), SignedDuration::from_hours(240)),
            history: span(polling.history).min(SignedDuration::from_hours(24 * 365)),
        };
        let api = Api::new(transport, settings.url.clone(), token, polling.timeout)?;
        let repositories = settings.repositories.clone();
        let (every, tried, no_notes, held) = (polling.every, BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { name, api, repositories, reach, every, tried, no_notes, held, turn: 0, first: None })
    }

    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// The watched repository that a workflow is in.
    pub(super) fn repository_of(&self, workflow: &str) -> Option<&str> {
        let of = |name: &&String| {
            workflow.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.repositories.iter().find(of).map(String::as_str)
    }

    pub(super) async fn look<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let mut checkpoint = Checkpoint::read(stored.as_deref())?;
        let first = *self.first.get_or_insert(now);
        let waited = now.duration_since(first).max(SignedDuration::ZERO);
        self.api.begin(now);
        self.turn = self.turn.wrapping_add(1);
        self.no_notes.retain(|_, polls| {
            *polls = polls.saturating_sub(1);
            *polls > 0
        });
        for tried in self.tried.values_mut() {
            tried.retain(|_, first| now.duration_since(*first) < TRIED);
        }
        let known = checkpoint.repositories.len();
        checkpoint.repositories.retain(|name, _| self.repositories.contains(name));
        let (mut open, strangers) = self.open(intake.open_runs(&self.name).await.map_err(not_taken)?);
        if !strangers.is_empty() || checkpoint.repositories.len() < known {
            self.commit(intake, &checkpoint, strangers).await?;
        }
        let before = checkpoint.clone();
        let (mut polled, mut failed) = (Polled::default(), None::<PollError>);
        let (mut silent, mut any_silent) = (0, false);
        for at in 0..self.repositories.len() {
            // Should GitHub want a pause half-way, another repository is the first the next time.
            let at = (at + self.turn) % self.repositories.len();
            let Some(repository) = self.repositories.get(at).cloned() else { continue };
            let open = open.remove(&repository).unwrap_or_default();
            let sweep = self.turn % self.repositories.len() == at;
            let done = self.one(intake, &mut checkpoint, &repository, &open, waited, sweep).await?;
            polled.runs += done.runs;
            polled.more |= done.more;
            polled.again = polled.again.or(done.early.then_some(SOON));
            let Some(fault) = done.fault else {
                silent = 0;
                continue;
            };
            let down = fault.kind == FaultKind::Down;
            (silent, any_silent) = (if down { silent + 1 } else { 0 }, any_silent || down);
            let for_all = is_for_all(&fault);
            failed = failed.filter(|_| !down).or(Some(fault.error));
            if for_all || silent >= SILENT {
                break;
            }
        }
        // Runs are committed as they are told; how far the lists were read may wait until here.
        if checkpoint != before {
            self.commit(intake, &checkpoint, Vec::new()).await?;
        }
        if !any_silent {
            self.api.tidy();
        }
        failed.map_or(Ok(polled), Err)
    }

    /// One repository, as far as it can be read.
    async fn one<I: Intake>(
        &mut self,
        intake: &I,
        checkpoint: &mut Checkpoint,
        repository: &str,
        open: &[OpenRun],
        waited: SignedDuration,
        sweep: bool,
    ) -> Result<Done, PollError> {
        let before = match checkpoint.repositories.get(repository) {
            Some(mark) => mark.clone(),
            None => match self.arrive(repository, waited).await {
                Ok(mark) => {
                    checkpoint.repositories.insert(repository.to_owned(), mark.clone());
                    self.commit(intake, checkpoint, Vec::new()).await?;
                    mark
                }
                Err(fault) => return Ok(Done { fault: Some(fault), ..Done::default() }),
            },
        };
        let mut round = Round::new(repository, before.clone(), self.reach);
        round.held = self.held.get(repository).cloned();
        let mut looked = round.look(&self.api, self.reach, open, self.turn).await;
        if sweep && looked.is_ok() && self.api.has_plenty() {
            looked = round.sweep(&self.api, self.reach).await;
        }
        if looked.is_err() {
            // An outage is no run's doing: each has its time anew.
            self.tried.remove(repository);
        }
        round.faults.extend(looked.err());
        self.tell(intake, &mut round).await?;
        self.hold(&mut round);
        settle(&mut round, &before, self.reach);
        let forgotten = std::mem::take(&mut round.forgotten);
        checkpoint.repositories.insert(repository.to_owned(), round.mark);
        if !forgotten.is_empty() {
            self.commit(intake, checkpoint, forgotten).await?;
        }
        // A pause that GitHub asks for says more than what was refused before.
        let down = round.faults.iter().position(|fault| fault.kind == FaultKind::Down);
        let fault = round.faults.into_iter().nth(down.unwrap_or_default());
        Ok(Done { runs: round.told, more: round.more, early: round.early, fault })
    }

    /// Keeps which failed runs were listed. Where not everything was read and told, what was missing before is missing still.
    fn hold(&mut self, round: &mut Round<'_>) {
        let mut holds = std::mem::take(&mut round.holds);
        if round.untold > 0 || !round.faults.is_empty() {
            let Some(held) = self.held.get(round.repository) else { return };
            holds.extend(held);
        }
        holds.retain(|id| round.mark.told.contains_key(id));
        self.held.insert(round.repository.to_owned(), holds);
    }

    /// The first contact: notes GitHub's time at which firstred began to look, so that a start that takes several tries makes no
    /// history of what failed meanwhile.
    async fn arrive(&self, repository: &str, waited: SignedDuration) -> Result<Mark, Fault> {
        self.api.first_page(repository).await?;
        let date = self.api.date().ok_or_else(|| {
            Fault::new(FaultKind::Shape, "asking GitHub for the first time", "an answer without a `Date`")
        })?;
        Ok(Mark::new(earlier(date, waited)))
    }

    /// The open runs by repository, and those of repositories that are watched no more.
    fn open(&self, runs: Vec<OpenRun>) -> (BTreeMap<String, Vec<OpenRun>>, Vec<RunKey>) {
        let (mut open, mut strangers) = (BTreeMap::<String, Vec<OpenRun>>::new(), Vec::new());
        for run in runs {
            match self.repository_of(&run.key.workflow) {
                Some(name) => open.entry(name.to_owned()).or_default().push(run),
                None => strangers.push(run.key),
            }
        }
        (open, strangers)
    }

    async fn commit<I: Intake>(
        &self,
        intake: &I,
        checkpoint: &Checkpoint,
        forgotten: Vec<RunKey>,
    ) -> Result<(), PollError> {
        let batch = Batch { runs: Vec::new(), forgotten, checkpoint: Some(checkpoint.write()) };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }
}

/// What came of one repository.
#[derive(Debug, Default)]
struct Done {
    runs: usize,
    more: bool,
    /// A run has just failed, and its jobs are not written down yet.
    early: bool,
    fault: Option<Fault>,
}

/// Moves on as far as everything that was read was also told, and no further.
fn settle(round: &mut Round<'_>, before: &Mark, reach: Reach) {
    let mark = &mut round.mark;
    if round.untold > 0 {
        mark.listed = before.listed;
        mark.rest.clone_from(&before.rest);
        mark.sweep = before.sweep.clone();
    }
    if round.untold == 0 && round.faults.is_empty() && mark.rest.is_none() {
        mark.settled = true;
        // Should GitHub's clock have been put back, ours goes with it.
        mark.seen = round.began.unwrap_or(mark.seen);
    }
    let keep = earlier(mark.seen, reach.overlap.saturating_mul(2));
    let swept = mark.sweep.since.map_or(keep, |since| earlier(since, reach.overlap));
    mark.trim(keep.min(swept));
}

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
