//! What the ledger can be asked. Each question is answered by the reader's thread, from what is committed.

use std::path::Path;

use jiff::Timestamp;

use super::command::Work;
use super::incidents::{self, Found, IncidentRow};
use super::journal::{self, JournalRow};
use super::pending::{self, AllPending};
use super::reader::{self, FailingReceiver, OpenRunRow, Trouble};
use super::story::{self, Story};
use super::{Ledger, LedgerError, backup, unknown};
use crate::clock;
use crate::engine::{Delivery, Number, Silence};
use crate::run::RunKey;

impl Ledger {
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

    /// The places in `runs` of those that are not on record as ended, at that attempt or a later one.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn unknown(&self, runs: Vec<(RunKey, Option<u32>)>) -> Result<Vec<usize>, LedgerError> {
        self.read(move |db| unknown::unknown(db, &runs)).await
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

    /// The incidents that go on, those that wait for more failures included, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn open_incidents(&self, limit: usize) -> Result<Vec<IncidentRow>, LedgerError> {
        self.read(move |db| incidents::open(db, limit)).await
    }

    /// The incidents before the one with the number `before`, or the newest ones, however they stand, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn recent_incidents(
        &self,
        before: Option<Number>,
        limit: usize,
    ) -> Result<Vec<IncidentRow>, LedgerError> {
        self.read(move |db| incidents::recent(db, before, limit)).await
    }

    /// The incident whose name begins with `name`, with its runs and all that was said about it.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn incident(&self, name: &str) -> Result<Found, LedgerError> {
        let name = name.to_owned();
        self.read(move |db| incidents::find(db, &name)).await
    }

    /// The silences that were made by command and are not over, or wait for their summary.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn silences(&self) -> Result<Vec<Silence>, LedgerError> {
        self.read(incidents::silences).await
    }

    /// What somebody is not told yet: problems, and runs that are held.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn pending(&self) -> Result<AllPending, LedgerError> {
        self.read(pending::pending).await
    }

    /// The inputs that changed anything since `since`, in order: of the rows behind `after` the next `limit` ones. Begins with `after` 0,
    /// goes on with the last row's `id`, and is over when nothing comes any more.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn journal(&self, since: Timestamp, after: i64, limit: usize) -> Result<Vec<JournalRow>, LedgerError> {
        self.read(move |db| journal::journal(db, since, after, limit)).await
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
}
