//! What outlives a crash: runs, notifications, deliveries, checkpoints, in one SQLite file with one writer. It asks the engine what
//! follows and commits that as one; it knows no source, no receiver, no server.

mod apply;
mod backup;
mod bells;
mod checkpoint;
mod command;
mod error;
mod failing;
mod hold;
mod load;
mod migrate;
mod open;
mod order;
mod outbox;
mod park;
mod people;
mod prune;
mod reader;
mod release;
mod repeated;
mod reserve;
mod rows;
mod save;
mod story;
mod sweep;
#[cfg(test)]
mod tests;
mod trouble;
mod writer;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc as std_mpsc};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

pub use command::Observed;
pub use error::{LedgerError, OpenError, QueueFull};
pub use open::Keeper;
pub use reader::{FailingReceiver, OpenRunRow, Reader, Trouble};
pub use rows::{AttemptNote, DeliveryState};
pub use story::{DeliveryStory, Story};

use crate::clock;
use crate::config::LedgerSettings;
use crate::engine::{Attempted, Delivery, Notification, OwnTrouble, Policy};
use crate::metrics::Metrics;

use bells::Bells;
use command::{Answer, Command, Work};
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
        done(self.ask(Work::Observe(batch), Some(place))).await
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
        Ok(done(self.ask(Work::Observe(batch), Some(place))))
    }

    /// Puts an attempt on record, with what follows from it: the next attempt, the fallback, the trouble. To be repeated until it
    /// succeeds; the same attempt again changes nothing.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn record(&self, attempt: Attempted) -> Result<(), LedgerError> {
        done(self.ask(Work::Record { attempt, seed: clock::seed() }, None)).await
    }

    /// Says something that is not about a run: a test message.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn say(&self, notification: Notification, receivers: Vec<String>) -> Result<(), LedgerError> {
        done(self.ask(Work::Say { notification, receivers }, None)).await
    }

    /// Opens a trouble and tells it to whoever may hear of it; one that is open is counted. Answers whether it is new.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn raise(&self, trouble: OwnTrouble) -> Result<bool, LedgerError> {
        Ok(self.ask(Work::Raise { trouble, now: clock::now() }, None).await? == Answer::Changed(true))
    }

    /// Closes the trouble called `what`. Answers whether it was open.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn settle(&self, what: &str) -> Result<bool, LedgerError> {
        let what = what.to_owned();
        Ok(self.ask(Work::Settle { what, now: clock::now() }, None).await? == Answer::Changed(true))
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Ends the holds whose deadline has passed, a bounded number of them. Answers when to ask again: a time that has passed means
    /// at once.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn end_holds(&self, now: Timestamp) -> Result<Option<Timestamp>, LedgerError> {
        match self.ask(Work::EndHolds { now }, None).await? {
            Answer::Next(next) => Ok(next),
            _ => Ok(None),
        }
    }

    /// Gives up what waited too long for a dead receiver, and tells the troubles whose quiet hour is over. Answers whether there is more.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn sweep(&self, now: Timestamp) -> Result<bool, LedgerError> {
        Ok(self.ask(Work::Sweep { now }, None).await? == Answer::Changed(true))
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

    /// The deliveries of `receiver` that are due, oldest first, at most `limit`, without those in `skip`; and when the next one
    /// after these is due.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
        skip: &[i64],
    ) -> Result<(Vec<Delivery>, Option<Timestamp>), LedgerError> {
        let (receiver, skip) = (receiver.to_owned(), skip.to_vec());
        let due = self.read(move |db| reader::due(db, &receiver, now, limit, &skip)).await?;
        for (delivery, reason) in due.unreadable {
            // Those that can be read must go out, whether or not this one can be put aside now.
            if let Err(error) = self.ask(Work::Park { delivery, reason, now }, None).await {
                tracing::error!(delivery, ?error, "a delivery that can't be read can't be put aside either");
            }
        }
        Ok((due.deliveries, due.next))
    }

    /// Hands on what waits for a receiver that is no longer configured: each is given up with the reason on record, and goes to
    /// whom the rules in force name. Answers how many. To be asked when nobody is sending to that receiver any more.
    ///
    /// # Errors
    /// When a chunk was not committed; those before it are handed on.
    pub async fn release(&self, receiver: &str, now: Timestamp) -> Result<u64, LedgerError> {
        let mut released = 0;
        loop {
            let work = Work::Release { receiver: receiver.to_owned(), now };
            match self.ask(work, None).await? {
                Answer::Released(more) if more > 0 => released += more,
                _ => return Ok(released),
            }
        }
    }

    /// Where `source` goes on; `None` before its first checkpoint.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn checkpoint(&self, source: &str) -> Result<Option<String>, LedgerError> {
        let source = source.to_owned();
        self.read(move |db| reader::checkpoint(db, &source)).await
    }

    /// The runs of `source` that were open when last seen, oldest first, at most `limit`: of more than that, a stretch of them that
    /// chance picks anew each time.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn open_runs(&self, source: &str, limit: usize) -> Result<Vec<OpenRunRow>, LedgerError> {
        let (source, chance) = (source.to_owned(), clock::seed());
        self.read(move |db| reader::open_runs(db, &source, limit, chance)).await
    }

    /// Every run with this id, with all that was decided, said and tried.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn stories(&self, run: &str) -> Result<Vec<Story>, LedgerError> {
        let run = run.to_owned();
        self.read(move |db| story::stories(db, &run)).await
    }

    /// The deliveries that are not proven yet: the receiver, how many, and when the oldest was first due. Receivers with none are absent.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn receivers_waiting(&self) -> Result<Vec<(String, u64, Option<Timestamp>)>, LedgerError> {
        self.read(reader::receivers_waiting).await
    }

    /// firstred's own troubles that are not settled yet.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn troubles(&self) -> Result<Vec<Trouble>, LedgerError> {
        self.read(reader::troubles).await
    }

    /// The addresses of receivers that failed since they last took something. The others are absent.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn failing(&self) -> Result<Vec<FailingReceiver>, LedgerError> {
        self.read(reader::failing).await
    }

    /// Lets go of runs that were not seen since `before`, with all that was said about them, in small transactions. What is open,
    /// held or not yet delivered stays. Answers how many went.
    ///
    /// # Errors
    /// When a chunk was not committed; those before it are gone.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let (mut gone, mut after) = (0, Some(0));
        while let Some(from) = after {
            let answer = self.ask(Work::Prune { before, after: from }, None).await?;
            after = None;
            if let Answer::Pruned { runs, next } = answer {
                gone += runs;
                after = next;
            }
        }
        Ok(gone)
    }

    /// Writes a consistent copy to `path`, which must not exist.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn backup(&self, path: &Path) -> Result<(), LedgerError> {
        let (from, to) = (self.shared.path.clone(), path.to_owned());
        let copied = tokio::task::spawn_blocking(move || backup::backup(&from, &to)).await;
        copied.map_err(|error| LedgerError::Failed(error.to_string()))?
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
