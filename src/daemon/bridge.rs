//! The ledger as the other rooms see it: an intake for sources, an inlet for the server, an outbox for the dispatcher. Runs are
//! triaged here, on the caller's task, so that the writer only decides and writes.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};

use crate::clock;
use crate::engine::{Attempted, Policy, Tenancy};
use crate::ledger::{Ledger, LedgerError, Observed};
use crate::metrics::{Metrics, SourceLabel};
use crate::receiver::{Due, Outbox, OutboxError};
use crate::run::Run;
use crate::server::{Inlet, InletError};
use crate::source::{Batch, Counted, Intake, NotTaken, OpenRun};
use crate::triage::{Classes, Observation, observe};

/// The ledger as the other rooms see it.
#[derive(Clone)]
pub struct Bridge {
    pub(super) ledger: Ledger,
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    classes: watch::Receiver<Arc<Classes>>,
    metrics: Metrics,
    /// Places for questions of the API.
    pub(super) questions: Arc<Semaphore>,
}

impl Bridge {
    /// A bridge to `ledger`, under whatever policy is in force.
    #[must_use]
    pub fn new(
        ledger: Ledger,
        policy: watch::Receiver<Arc<Policy>>,
        classes: watch::Receiver<Arc<Classes>>,
        metrics: Metrics,
    ) -> Self {
        let questions = Arc::new(Semaphore::new(super::clerk::AT_ONCE));
        Self { ledger, policy, classes, metrics, questions }
    }

    fn tenancy(&self, source: &str) -> Tenancy {
        self.policy.borrow().sources.get(source).cloned().unwrap_or_default()
    }

    /// Triages a run, unless its source may not speak for its workspace.
    fn triage(&self, source: &str, tenancy: &Tenancy, classes: &Classes, mut run: Run) -> Result<Observation, String> {
        admit(source, tenancy, &mut run)?;
        let observation = observe(source, run, classes);
        if let Some(card) = &observation.card
            && card.redacted > 0
        {
            self.metrics.redactions.inc_by(u64::from(card.redacted));
        }
        Ok(observation)
    }

    fn committed(&self, source: &str, runs: usize) {
        let label = SourceLabel { source: source.to_owned() };
        self.metrics.runs.get_or_create(&label).inc_by(u64::try_from(runs).unwrap_or(u64::MAX));
    }
}

/// Gives a run that names no workspace that of its source.
///
/// # Errors
/// When the source may not speak for the run's workspace; the text says so.
pub fn admit(source: &str, tenancy: &Tenancy, run: &mut Run) -> Result<(), String> {
    if run.workspace.as_deref().unwrap_or_default().is_empty() {
        run.workspace.clone_from(&tenancy.workspace);
    }
    let workspace = run.workspace.as_deref().unwrap_or_default();
    if tenancy.may_speak_for(workspace) {
        return Ok(());
    }
    Err(format!("source `{source}` may not speak for workspace {workspace:?}"))
}

impl Inlet for Bridge {
    async fn commit(&self, source: &str, runs: Vec<(usize, Run)>) -> Result<Vec<(usize, String)>, InletError> {
        let tenancy = self.tenancy(source);
        let classes = Arc::clone(&self.classes.borrow());
        let mut refused = Vec::new();
        let mut observations = Vec::with_capacity(runs.len());
        for (index, run) in runs {
            match self.triage(source, &tenancy, &classes, run) {
                Ok(observation) => observations.push((observation, false)),
                Err(reason) => refused.push((index, reason)),
            }
        }
        if observations.is_empty() {
            return Ok(refused);
        }
        let count = observations.len();
        let batch = Observed {
            source: source.to_owned(),
            polled: false,
            at: clock::now(),
            observations,
            forgotten: Vec::new(),
            checkpoint: None,
        };
        let committed = self.ledger.try_observe(batch).map_err(|_full| InletError::QueueFull)?;
        committed.await.map_err(|error| match error {
            LedgerError::Full => InletError::Full,
            other => InletError::Unavailable(other.to_string()),
        })?;
        self.committed(source, count);
        Ok(refused)
    }
}

impl Intake for Bridge {
    async fn take(&self, source: &str, batch: Batch) -> Result<(), NotTaken> {
        let tenancy = self.tenancy(source);
        let classes = Arc::clone(&self.classes.borrow());
        let mut observations = Vec::with_capacity(batch.runs.len());
        for seen in batch.runs {
            match self.triage(source, &tenancy, &classes, seen.run) {
                Ok(observation) => observations.push((observation, seen.history)),
                Err(reason) => {
                    tracing::warn!(%source, ?reason, "a run was refused");
                    self.metrics.refused_runs.get_or_create(&SourceLabel { source: source.to_owned() }).inc();
                }
            }
        }
        let (count, forgotten) = (observations.len(), u64::try_from(batch.forgotten.len()).unwrap_or(u64::MAX));
        let observed = Observed {
            source: source.to_owned(),
            polled: true,
            at: clock::now(),
            observations,
            forgotten: batch.forgotten,
            checkpoint: batch.checkpoint,
        };
        self.ledger.observe(observed).await.map_err(not_taken)?;
        self.committed(source, count);
        if forgotten > 0 {
            self.metrics.forgotten_runs.get_or_create(&SourceLabel { source: source.to_owned() }).inc_by(forgotten);
        }
        Ok(())
    }

    async fn read(&self, source: &str, began: jiff::Timestamp) {
        // It is read again soon, and until then nothing is said of what it did not show.
        if let Err(error) = self.ledger.source_read(source, began).await {
            tracing::warn!(%source, ?error, "it is not on record that the source was read");
        }
    }

    async fn checkpoint(&self, source: &str) -> Result<Option<String>, NotTaken> {
        self.ledger.checkpoint(source).await.map_err(not_taken)
    }

    async fn open_runs(&self, source: &str) -> Result<Vec<OpenRun>, NotTaken> {
        let rows = self.ledger.open_runs(source, MAX_OPEN_RUNS).await.map_err(not_taken)?;
        Ok(rows
            .into_iter()
            .map(|row| OpenRun { key: row.key, status: row.status, started_at: row.started_at })
            .collect())
    }

    async fn unknown(&self, source: &str, counted: Vec<Counted>) -> Result<Vec<Counted>, NotTaken> {
        // What the source may not speak of is never taken, and so never missed.
        let counted = admitted(&self.tenancy(source), counted);
        let runs = counted.iter().map(|one| (one.key.clone(), one.attempt)).collect();
        let places = self.ledger.unknown(runs).await.map_err(not_taken)?;
        Ok(places.into_iter().filter_map(|place| counted.get(place).cloned()).collect())
    }
}

/// The counted ones that this source may speak of, under the workspace that they are on record by.
fn admitted(tenancy: &Tenancy, counted: Vec<Counted>) -> Vec<Counted> {
    let named = |mut one: Counted| {
        if one.key.workspace.is_empty() {
            one.key.workspace = tenancy.workspace.clone().unwrap_or_default();
        }
        tenancy.may_speak_for(&one.key.workspace).then_some(one)
    };
    counted.into_iter().filter_map(named).collect()
}

/// The most open runs that one poll asks for; where there are more, chance says which, so that none is asked for never.
const MAX_OPEN_RUNS: usize = 5_000;

impl Outbox for Bridge {
    async fn due(&self, receiver: &str, now: Timestamp, limit: usize, skip: &[i64]) -> Result<Due, OutboxError> {
        let (deliveries, next) = self.ledger.due(receiver, now, limit, skip).await.map_err(no_answer)?;
        Ok(Due { deliveries, next })
    }

    async fn record(&self, attempt: Attempted) -> Result<(), OutboxError> {
        self.ledger.record(attempt).await.map_err(no_answer)
    }

    fn wakeup(&self, receiver: &str) -> Arc<Notify> {
        self.ledger.wakeup(receiver)
    }
}

// Taken by value because both are passed to `map_err` as they are.
#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn not_taken(error: LedgerError) -> NotTaken {
    NotTaken { reason: error.to_string() }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn no_answer(error: LedgerError) -> OutboxError {
    OutboxError { reason: error.to_string() }
}
