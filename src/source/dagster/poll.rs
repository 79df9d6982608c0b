//! One poll: look, learn what is new, hand it over, remember how far that went. It must not know how runs are mapped.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, NotTaken, PollError, Polled, Seen};
use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::Which;
use super::checkpoint::Checkpoint;
use super::follow::Follow;
use super::kin::Kin;
use super::look::{Reach, Round, earlier};
use super::mapping::UNDECIDED;
use super::tell::Told;
use super::trouble::{self, Kind, Memory};
use super::wire::is_over;
use crate::config::DagsterSource;

/// The most runs that are remembered as told.
const TOLD: usize = 50_000;
/// So many polls a Dagster that does not say how it is is left in peace.
const REFUSED: u32 = 60;
/// What is broken beside the runs has to be so for so many intervals.
const PATIENCE: i32 = 3;
/// So soon it is asked again what Dagster decided.
const SOON: Duration = Duration::from_secs(5);
/// So long a run that can't be asked about is tried before it is told with what is known.
pub(super) const GIVE_UP: SignedDuration = SignedDuration::from_mins(3);

/// Polls one Dagster.
#[derive(Debug)]
pub(in crate::source) struct Watcher<T> {
    pub(super) name: String,
    pub(super) api: Api<T>,
    pub(super) ui: String,
    pub(super) reach: Reach,
    /// The setting that signs in, for words about it.
    pub(super) sign_in: Option<&'static str>,
    pub(super) follow: Follow,
    pub(super) kin: Kin,
    /// Runs that could not be asked about, with when they were first tried, by our clock.
    pub(super) tried: BTreeMap<String, Timestamp>,
    /// How runs were when they were told.
    pub(super) told: BTreeMap<String, Told>,
    /// Failed runs of which Dagster has not said whether they run again, with when we first saw that, by our clock.
    pub(super) undecided: BTreeMap<String, Timestamp>,
    /// Whether the instance runs failed runs again, where it says so.
    pub(super) retries: Option<bool>,
    pub(super) every: Duration,
    suspects: BTreeMap<String, Timestamp>,
    /// How long a stretch of time is read at once, where that has to be divided.
    slice: Option<SignedDuration>,
    /// How many polls still leave daemons and code locations alone.
    refused: [u32; 2],
    polls: usize,
    pub(super) now: Timestamp,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

impl<T: Transport> Watcher<T> {
    pub(super) fn new(name: String, transport: T, settings: &DagsterSource) -> Result<Self, PollError> {
        let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let reach = Reach {
            // A change carries the time at which it happened, and is written down later.
            overlap: span(settings.polling.overlap)
                .clamp(SignedDuration::from_secs(30), SignedDuration::from_hours(240)),
            history: span(settings.polling.history).min(SignedDuration::from_hours(24 * 365)),
        };
        let ui = settings.ui_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            name,
            api: Api::new(transport, settings)?,
            ui,
            reach,
            sign_in: match settings {
                DagsterSource { token: Some(_), .. } => Some("`token`"),
                DagsterSource { headers, .. } if !headers.is_empty() => Some("`headers`"),
                _ => None,
            },
            follow: Follow::default(),
            kin: Kin::default(),
            tried: BTreeMap::new(),
            told: BTreeMap::new(),
            undecided: BTreeMap::new(),
            retries: None,
            every: settings.polling.every,
            suspects: BTreeMap::new(),
            slice: None,
            refused: [0; 2],
            polls: 0,
            now: Timestamp::UNIX_EPOCH,
            first: None,
        })
    }

    /// One poll.
    pub(super) async fn round<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let mut before = Checkpoint::read(stored.as_deref())?;
        let first = *self.first.get_or_insert(now);
        self.now = now;
        self.api.begin(now);
        if before.origin.is_none() {
            self.arrive(intake, &mut before, now.duration_since(first)).await?;
        }
        let open = intake.open_runs(&self.name).await.map_err(not_taken)?;
        let mut round = Round::new(before.clone());
        let looked = self.look(intake, &mut round, &open).await;
        round.faults.extend(looked.err());
        if !round.faults.is_empty() {
            // An outage: nothing is wrong with the runs themselves.
            self.tried.clear();
        }
        self.sort_out_marks(&mut round).await;
        self.tell(intake, &mut round, &before).await?;
        if round.untold > 0 {
            round.mark.changed = before.changed;
        }
        round.mark.settled |= round.untold == 0 && round.faults.is_empty() && !round.more;
        let checkpoint = (round.mark != before).then(|| round.mark.write());
        if checkpoint.is_some() || !round.forgotten.is_empty() {
            for run in &round.forgotten {
                self.follow.forget(&run.run);
                self.told.remove(&run.run);
            }
            let batch = Batch { runs: Vec::new(), forgotten: round.forgotten, checkpoint };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
        }
        self.trim(&round.mark);
        self.polls = self.polls.wrapping_add(1);
        match round.faults.into_iter().next() {
            Some(fault) => Err(fault.error),
            None => Ok(Polled { runs: round.told, more: round.more, again: self.soon() }),
        }
    }

    /// What Dagster has not decided yet is asked for again soon.
    fn soon(&self) -> Option<Duration> {
        let undecided = self.told.values().any(|told| told.undecided);
        undecided.then_some(SOON)
    }

    /// The first contact: notes the engine's time at which firstred began to look, so that a start that takes several
    /// tries makes no history of what failed meanwhile.
    async fn arrive<I: Intake>(
        &self,
        intake: &I,
        mark: &mut Checkpoint,
        waited: SignedDuration,
    ) -> Result<(), PollError> {
        match self.api.version().await {
            Ok(version) => tracing::info!(source = ?self.name, ?version, "Dagster answers"),
            Err(fault) if fault.kind == FaultKind::Down => return Err(fault.error),
            // Something answers; what it refuses shows with the questions that matter.
            Err(fault) => tracing::info!(source = ?self.name, reason = ?fault.error.reason, "no version"),
        }
        let date = self.api.date().unwrap_or(self.now);
        mark.origin = Some(earlier(date, waited.max(SignedDuration::ZERO)));
        mark.changed = mark.origin.map(|origin| earlier(origin, self.reach.history));
        let batch = Batch { checkpoint: Some(mark.write()), ..Batch::default() };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }

    async fn look<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        open: &[super::super::OpenRun],
    ) -> Result<(), Fault> {
        self.daemons(intake, round).await?;
        round.look(&self.api, self.reach, open, self.polls, &mut self.slice).await?;
        self.follow.see(open, round.found.values());
        self.follow.look(&self.api).await?;
        self.fetch_news(round).await?;
        self.locations(intake, round).await
    }

    /// The rows of runs whose events say something new.
    async fn fetch_news(&self, round: &mut Round) -> Result<(), Fault> {
        let news = self.follow.news();
        let missing: Vec<&str> = news.into_iter().filter(|id| !round.found.contains_key(*id)).collect();
        for chunk in missing.chunks(super::ask::PAGE) {
            let list = self.api.runs("asking for runs that try again", Which::These(chunk)).await;
            round.found.extend(list.rows.into_iter().map(|run| (run.id.clone(), run)));
            list.fault.map_or(Ok(()), |fault| round.note(fault))?;
        }
        Ok(())
    }

    async fn daemons<I: Intake>(&mut self, intake: &I, round: &mut Round) -> Result<(), Fault> {
        let Some(daemons) = left_in_peace(&mut self.refused[0], "daemons", self.api.daemons()).await? else {
            return Ok(());
        };
        self.retries = trouble::retries(&daemons);
        self.beside(intake, round, Kind::Daemons, &trouble::of_daemons(&daemons)).await;
        Ok(())
    }

    async fn locations<I: Intake>(&mut self, intake: &I, round: &mut Round) -> Result<(), Fault> {
        let Some(locations) = left_in_peace(&mut self.refused[1], "code locations", self.api.locations()).await? else {
            return Ok(());
        };
        self.beside(intake, round, Kind::Location, &trouble::of_locations(&locations)).await;
        Ok(())
    }

    /// Tells what broke and what is well again beside the runs. Where it is not taken, the next look tells it.
    async fn beside<I: Intake>(&mut self, intake: &I, round: &mut Round, kind: Kind, seen: &trouble::Seen) {
        let mut memory = Memory { known: round.mark.troubles.clone(), suspects: self.suspects.clone() };
        let now = self.api.date().unwrap_or(self.now);
        let patience = SignedDuration::try_from(self.every).unwrap_or_default().saturating_mul(PATIENCE);
        let runs = trouble::compare(kind, seen, &mut memory, patience, now, &self.ui);
        let told = runs.len();
        let runs: Vec<Seen> = runs.into_iter().map(|run| Seen { run, history: false }).collect();
        if runs.is_empty() || intake.take(&self.name, Batch { runs, ..Batch::default() }).await.is_ok() {
            Memory { known: round.mark.troubles, suspects: self.suspects } = memory;
            round.told += told;
        }
    }

    /// Forgets what no list can show again.
    fn trim(&mut self, mark: &Checkpoint) {
        let keep = mark.changed.map(|changed| earlier(changed, self.reach.overlap.saturating_mul(2)));
        if mark.settled {
            self.told.retain(|_, told| !is_over(&told.status) || told.updated >= keep);
        }
        while self.told.len() > TOLD {
            self.told.pop_first();
        }
        let now = self.now;
        self.tried.retain(|_, since| now.duration_since(*since) < GIVE_UP.saturating_mul(20));
        self.undecided.retain(|_, since| now.duration_since(*since) < UNDECIDED.saturating_mul(100));
    }
}

/// The answer to a question that not every Dagster answers, or to everybody. Where it is refused, that is said once and not asked again for
/// a while. `None`: not asked, or refused.
///
/// # Errors
/// When the server is down.
async fn left_in_peace<R>(
    refused: &mut u32,
    what: &str,
    question: impl Future<Output = Result<R, Fault>>,
) -> Result<Option<R>, Fault> {
    *refused = refused.saturating_sub(1);
    if *refused > 0 {
        return Ok(None);
    }
    match question.await {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.kind == FaultKind::Down => Err(fault),
        Err(fault) => {
            *refused = REFUSED;
            tracing::info!(what, reason = ?fault.error.reason, "this Dagster does not say how it is");
            Ok(None)
        }
    }
}

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
