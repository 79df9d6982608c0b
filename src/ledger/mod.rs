//! What outlives a crash: runs, notifications, deliveries, checkpoints, in one SQLite file with one writer. It asks the engine what
//! follows and commits that as one; it knows no source, no receiver, no server.

mod apply;
mod ask;
mod backup;
mod bells;
mod bystanders;
mod change;
mod checkpoint;
mod command;
mod daily;
mod error;
mod failing;
mod hold;
mod incidents;
mod journal;
mod load;
mod migrate;
mod offline;
mod open;
mod outbox;
mod outlook;
mod park;
mod pending;
mod people;
mod prune;
mod read;
mod reader;
mod release;
mod repeated;
mod reserve;
mod rows;
mod save;
mod story;
mod sweep;
mod tally;
#[cfg(test)]
mod tests;
mod trouble;
mod unknown;
mod writer;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc as std_mpsc};

use rusqlite::Connection;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

pub use command::Observed;
pub use daily::Day;
pub use error::{LedgerError, NotDone, OpenError, QueueFull};
pub use incidents::{Found, IncidentRow, IncidentStory};
pub use journal::JournalRow;
pub use offline::Reader;
pub use open::Keeper;
pub use outlook::Refusals;
pub use pending::{AllPending, HeldRun};
pub use reader::{FailingReceiver, OpenRunRow, Trouble};
pub use rows::{AttemptNote, DeliveryState};
pub use story::{DeliveryStory, Story, StoryIncident};

use crate::config::LedgerSettings;
use crate::engine::Policy;
use crate::metrics::Metrics;

use bells::Bells;
use command::{Answer, Command, Work};
use journal::Written;
use reader::Message;

/// The ledger. Every method that writes returns after the commit.
#[derive(Debug, Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: mpsc::UnboundedSender<Command>,
    /// One for each observation that may wait.
    places: Arc<Semaphore>,
    queue: u32,
    jobs: std_mpsc::Sender<Message>,
    bells: Arc<Bells>,
    path: PathBuf,
}

impl Ledger {
    /// Opens the ledger, and creates it where there is none. `queue` is how many observations may wait for the writer. It blocks for
    /// as long as the disk takes, at most about two seconds for the file's check.
    ///
    /// # Errors
    /// When the file can't be used; the text says the way out.
    pub fn open(
        settings: &LedgerSettings,
        queue: usize,
        policy: watch::Receiver<Arc<Policy>>,
        metrics: Metrics,
    ) -> Result<(Self, Keeper), OpenError> {
        open::open(settings, queue, policy, metrics)
    }

    /// Commits a batch. Waits while the queue is full.
    ///
    /// # Errors
    /// When it was not committed: nothing of it was written.
    pub async fn observe(&self, batch: Observed) -> Result<(), LedgerError> {
        let places = Arc::clone(&self.shared.places).acquire_many_owned(self.places_of(&batch)).await;
        let place = places.map_err(|_| LedgerError::Closed)?;
        let written = Written::of(&batch);
        done(self.ask(Work::Observe(batch, written), Some(place))).await
    }

    /// Puts a batch into the queue at once; the future ends with the commit. The batch is committed also if nobody waits for it.
    ///
    /// # Errors
    /// When there is no room in the queue.
    pub fn try_observe(
        &self,
        batch: Observed,
    ) -> Result<impl Future<Output = Result<(), LedgerError>> + Send + 'static, QueueFull> {
        let places = Arc::clone(&self.shared.places).try_acquire_many_owned(self.places_of(&batch));
        let place = places.map_err(|_| QueueFull)?;
        let written = Written::of(&batch);
        Ok(done(self.ask(Work::Observe(batch, written), Some(place))))
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Rung when a hold got a deadline. Only a hint to be faster.
    #[must_use]
    pub fn hold_wakeup(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.bells.holds)
    }

    /// Rung when something became due for `receiver`. Only a hint to be faster.
    #[must_use]
    pub fn wakeup(&self, receiver: &str) -> Arc<Notify> {
        self.shared.bells.of(receiver)
    }

    fn places_of(&self, batch: &Observed) -> u32 {
        u32::try_from(batch.weight()).unwrap_or(u32::MAX).min(self.shared.queue)
    }

    fn ask(
        &self,
        work: Work,
        place: Option<OwnedSemaphorePermit>,
    ) -> impl Future<Output = Result<Answer, LedgerError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let sent = self.shared.commands.send(Command { work, answer, _place: place }).is_ok();
        async move {
            if !sent {
                return Err(LedgerError::Closed);
            }
            answered.await.map_err(|_| LedgerError::Closed)?
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let job = Message::Ask(Box::new(move |db| {
            let _ = answer.send(question(db));
        }));
        self.shared.jobs.send(job).map_err(|_| LedgerError::Closed)?;
        answered.await.map_err(|_| LedgerError::Closed)?
    }
}

async fn done(answer: impl Future<Output = Result<Answer, LedgerError>>) -> Result<(), LedgerError> {
    answer.await.map(|_| ())
}
