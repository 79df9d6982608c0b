//! What the ledger can be asked to write, besides what sources see. Each method returns after the commit.

use jiff::Timestamp;

use super::command::{Answer, Work};
use super::daily::Day;
use super::error::NotDone;
use super::prune::Place;
use super::{Ledger, LedgerError, done};
use crate::clock;
use crate::engine::{Attempted, DailyNote, IncidentId, Made, Notification, OwnTrouble, Silence};

impl Ledger {
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

    /// A polled source was read completely; `began`: when that read began. What is expected of it and did not happen is said only then.
    ///
    /// # Errors
    /// When what follows was not committed.
    pub async fn source_read(&self, source: &str, began: Timestamp) -> Result<(), LedgerError> {
        done(self.ask(Work::Read { source: source.to_owned(), began, now: clock::now() }, None)).await
    }

    /// Somebody knows of the open incident whose name begins with `incident`: no reminders and no escalation any more. Answers its whole
    /// name, and whether it was news.
    ///
    /// # Errors
    /// When there is no such open incident, or more than one; when it was not committed.
    pub async fn acknowledge(&self, incident: &str, by: &str, now: Timestamp) -> Result<(IncidentId, Made), NotDone> {
        let work = Work::Acknowledge { id: incident.to_owned(), by: by.to_owned(), now };
        match self.ask(work, None).await? {
            Answer::Acknowledged(made) => Ok(made?),
            _ => Err(NotDone::Ledger(LedgerError::Closed)),
        }
    }

    /// Makes a silence; one with the same id is replaced.
    ///
    /// # Errors
    /// When it is over already; when it was not committed.
    pub async fn silence(&self, silence: Silence, now: Timestamp) -> Result<Made, NotDone> {
        self.silenced(Work::Silence { silence, now }).await
    }

    /// Ends a silence that was made by command.
    ///
    /// # Errors
    /// When there is none; when it was not committed.
    pub async fn end_silence(&self, id: &str, now: Timestamp) -> Result<Made, NotDone> {
        self.silenced(Work::EndSilence { id: id.to_owned(), now }).await
    }

    async fn silenced(&self, work: Work) -> Result<Made, NotDone> {
        match self.ask(work, None).await? {
            Answer::Silenced(made) => Ok(made?),
            _ => Err(NotDone::Ledger(LedgerError::Closed)),
        }
    }

    /// Makes the line of a day and sends it, unless that day has its line. The first time it only begins to count.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn daily(&self, day: Day) -> Result<Option<DailyNote>, LedgerError> {
        match self.ask(Work::Daily(day), None).await? {
            Answer::Daily(note) => Ok(note.map(|note| *note)),
            _ => Ok(None),
        }
    }

    /// Writes something, and nothing that matters: returns when the disk took it.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn beat(&self) -> Result<(), LedgerError> {
        done(self.ask(Work::Beat { now: clock::now() }, None)).await
    }

    /// Lets go of runs that were not seen since `before`, of problems that were over by then and of the journal until then, with all
    /// that was said about them, in small transactions. What is open, held or not yet delivered stays. Answers how many went.
    ///
    /// # Errors
    /// When a chunk was not committed; those before it are gone.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let (mut gone, mut next) = (0, Some(Place::Runs(0)));
        while let Some(place) = next {
            let answer = self.ask(Work::Prune { before, place }, None).await?;
            next = None;
            if let Answer::Pruned { runs, next: rest } = answer {
                gone += runs;
                next = rest;
            }
        }
        Ok(gone)
    }
}
