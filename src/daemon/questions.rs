//! What can be asked of a ledger, by a command or through the API: the same question has the same answer in both.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::views::{
    Coverage, IncidentStory, IncidentView, OfLedger, PendingView, ReceiverView, SilenceView, held, member_numbers,
    receivers, silences, withheld,
};
use crate::engine::{Incident, Number, Policy, Reason};
use crate::ledger::{self, LedgerError, OpenError, Reader, Story};

/// The most incidents of one answer, the newest ones.
const MOST: usize = 1_000;

/// A ledger that is asked at one time, under these rules.
#[derive(Debug)]
pub struct Questions<'a> {
    reader: Reader,
    policy: &'a Policy,
    now: Timestamp,
}

/// A run with the incidents that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStory {
    /// What was seen, decided, said and tried.
    #[serde(flatten)]
    pub story: Story,
    /// Its incidents, the first one first.
    pub incidents: Vec<IncidentStory>,
}

/// One incident by its id.
#[derive(Debug)]
pub enum Found {
    /// All that is known of it.
    One(Box<IncidentStory>),
    /// There is none.
    None,
    /// Several begin so: their ids.
    Several(Vec<String>),
}

impl<'a> Questions<'a> {
    /// Opens a ledger for questions, also while a daemon writes to it.
    ///
    /// # Errors
    /// When there is no ledger that can be read.
    pub fn open(ledger: &Path, policy: &'a Policy, now: Timestamp) -> Result<Self, OpenError> {
        Ok(Self { reader: Reader::open(ledger)?, policy, now })
    }

    /// Under which rules it is asked.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.policy
    }

    /// The problems that go on; `all`: those that are over, too.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incidents(&self, all: bool) -> Result<Vec<IncidentView>, LedgerError> {
        let rows = if all { self.reader.recent_incidents(None, MOST)? } else { self.reader.open_incidents(MOST)? };
        Ok(rows.iter().rev().map(|row| IncidentView::of(self.now, &row.incident, self.policy)).collect())
    }

    /// The problem whose id begins with `id`, as it is stored.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn row(&self, id: &str) -> Result<ledger::Found, LedgerError> {
        self.reader.incident(id)
    }

    /// The problem whose id begins with `id`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn incident(&self, id: &str) -> Result<Found, LedgerError> {
        Ok(match self.reader.incident(id)? {
            ledger::Found::Nothing => Found::None,
            ledger::Found::One(found) => {
                let story = self.story(found.row.number, &found.row.incident)?;
                Found::One(Box::new(story.with_members(found.runs, found.run_count)))
            }
            ledger::Found::Several(names) => Found::Several(names),
        })
    }

    /// Every run with this id, with its incidents.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn why(&self, run: &str) -> Result<Vec<RunStory>, LedgerError> {
        let mut runs = Vec::new();
        for mut story in self.reader.stories(run)? {
            // Told here with all that a person asks of them.
            story.incidents.clear();
            let numbers: Vec<Number> = story.known.incidents.iter().map(|part| part.number).collect();
            let mut incidents = Vec::new();
            for (number, incident) in self.reader.incidents_numbered(&numbers)? {
                incidents.push(self.story(number, &incident)?);
            }
            runs.push(RunStory { story, incidents });
        }
        Ok(runs)
    }

    /// The silences of the configuration, then those that were made by command.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn silences(&self) -> Result<Vec<SilenceView>, LedgerError> {
        Ok(silences(self.now, &self.reader.board()?, self.policy))
    }

    /// What is held or withheld: runs first.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn pending(&self) -> Result<Vec<PendingView>, LedgerError> {
        let mut pending = held(&self.reader.held()?);
        pending.extend(withheld(self.now, &self.reader.board()?, self.policy));
        Ok(pending)
    }

    /// What the rules catch.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn coverage(&self) -> Result<Coverage, LedgerError> {
        let board = self.reader.board()?;
        let silences = silences(self.now, &board, self.policy);
        Ok(Coverage::of(self.now, &board, self.policy, silences, &self.reader.last_good()?))
    }

    /// The receivers of the configuration, each as it stands.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn receivers(&self) -> Result<Vec<ReceiverView>, LedgerError> {
        let known = OfLedger {
            last_good: self.reader.last_good()?,
            waiting: self.reader.receivers_waiting()?,
            failing: self.reader.failing()?,
            refusals: self.reader.refusals()?,
            troubles: self.reader.troubles()?,
        };
        Ok(receivers(self.now, self.policy, &known))
    }

    fn story(&self, number: Number, incident: &Incident) -> Result<IncidentStory, LedgerError> {
        let members = self.reader.incidents_numbered(member_numbers(incident))?;
        let members: Vec<&Incident> = members.iter().map(|(_, member)| member).collect();
        let (mut said, mut deliveries) = self.reader.said_of(number)?;
        for line in &incident.lines {
            if let Reason::SummedUp { notification, .. } = &line.reason {
                let (summary, told) = self.reader.summary(notification)?;
                said.extend(summary);
                deliveries.extend(told);
            }
        }
        Ok(IncidentStory::of(self.now, incident, &members, self.policy).with_said(said, deliveries))
    }
}
