//! One poll: look, tell what is new, remember how far that went. It must not know how runs are told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::super::{Batch, Intake, NotTaken, PollError, Polled};
use super::api::{Api, Transport};
use super::checkpoint::Checkpoint;
use super::detail::Dags;
use super::learn::Tried;
use super::link::Pages;
use super::look::{Reach, Round, Turn};
use super::tell::Standing;
use crate::config::{AirflowAuth, AirflowSource};

/// How many runs are asked about, and handed over, together.
pub(super) const TOGETHER: usize = 20;
/// After so long it is looked for again.
const SOON: Duration = Duration::from_secs(2);
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
    /// What could not be learned of an end so far.
    pub(super) tried: BTreeMap<String, Tried>,
    /// Open runs, with how they were told.
    pub(super) open: BTreeMap<String, Standing>,
    /// Runs whose tasks wait for a retry, with which these are.
    pub(super) retrying: BTreeMap<String, String>,
    /// Ends without a failure that were told.
    pub(super) completed: BTreeSet<String>,
    /// The runs that active tasks have started, by the task.
    pub(super) started: BTreeMap<String, String>,
    pub(super) asks_imports: bool,
    /// How many polls still leave the import errors alone.
    no_imports: u32,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

/// How an open run stands, as far as its row and its tasks say: what is new is told.
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

    /// Moves on as far as everything that was read was also told, and no further.
    fn settle(&self, round: &mut Round, before: &Checkpoint, clock: Timestamp) {
        let mark = &mut round.mark;
        if round.untold > 0 {
            mark.rest.clone_from(&before.rest);
            mark.again.clone_from(&before.again);
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

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
