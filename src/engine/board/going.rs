//! The runs that are open, and what they do: the index that expectations about runs are looked up in. It is not stored: the ledger reads
//! it back from its runs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Board;
use crate::engine::Known;
use crate::engine::incident::{Concern, RunRef};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Class, Observation, Parked, Standing};

/// A run that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Going {
    /// The source that saw it last.
    pub(super) source: String,
    /// What people call its workflow, where that is not the key.
    pub(super) name: Option<String>,
    /// Its page.
    pub(super) url: Option<String>,
    /// What it does.
    pub(super) doing: Doing,
    /// When its engine says that this attempt began.
    pub(super) started_at: Option<Timestamp>,
    /// Since when it has its status, by our clock.
    pub(super) since: Timestamp,
    /// When it was last seen to be open.
    pub(super) seen_at: Option<Timestamp>,
    /// What it is parked behind.
    pub(super) parked: Option<Box<Parked>>,
}

/// What an open run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// It runs, or is being tried again.
    Runs,
    /// It waits for something.
    Waits,
    /// Somebody, or a limit, stopped it for now.
    Pauses,
    /// It has not begun.
    Nothing,
}

impl Going {
    fn of(known: &Known, name: Option<&str>) -> Self {
        let doing = match (known.standing, known.status) {
            (Standing::Retrying, _) | (_, RunStatus::Running) => Doing::Runs,
            (_, RunStatus::Waiting) => Doing::Waits,
            (_, RunStatus::Paused) => Doing::Pauses,
            _ => Doing::Nothing,
        };
        Self {
            source: known.source.clone(),
            name: name.map(str::to_owned),
            url: None,
            doing,
            started_at: known.started_at,
            since: known.since,
            seen_at: None,
            parked: known.parked.clone(),
        }
    }

    /// Since when it runs.
    pub(super) fn running_since(&self) -> Option<Timestamp> {
        (self.doing == Doing::Runs).then(|| self.started_at.unwrap_or(self.since))
    }

    /// Since when it waits or is paused.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        matches!(self.doing, Doing::Waits | Doing::Pauses).then_some(self.since)
    }

    /// The connection that it is parked behind.
    pub(super) fn connection(&self) -> Option<Concern> {
        let parked = self.parked.as_ref().filter(|parked| parked.class == Class::Authorization)?;
        let name = parked.provider.clone().unwrap_or_else(|| parked.code.clone());
        Some(Concern::Connection { source: self.source.clone(), name })
    }

    pub(super) fn run_ref(&self, key: &RunKey) -> RunRef {
        RunRef {
            id: key.run.clone(),
            workflow: self.name.clone().unwrap_or_else(|| key.workflow.clone()),
            url: self.url.clone(),
            at: self.seen_at.unwrap_or(self.since),
        }
    }

    /// Whether what is expected of it hangs on something else now.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.doing != other.doing
            || self.started_at != other.started_at
            || self.since != other.since
            || self.source != other.source
            || self.parked != other.parked
    }
}

/// What became of a run among those that are open.
pub(super) enum Kept {
    /// It is not open, and was not.
    No,
    /// It goes on as before, and was seen to.
    AsBefore,
    /// It is new here, or does something else than before.
    Changed(Option<Going>),
    /// It is no longer open.
    Ended(Going),
}

impl Board {
    /// A run of the ledger that is open. To be called at the start for each of them, before [`Self::adopt`]: the board does not keep them.
    /// `name` is what people call the workflow, where the key goes by its id.
    pub fn note_going(&mut self, key: &RunKey, known: &Known, name: Option<&str>) {
        if known.is_open() {
            self.going.insert(key.clone(), Going::of(known, name));
        }
    }

    /// How many runs are known to be open.
    #[must_use]
    pub fn going(&self) -> usize {
        self.going.len()
    }

    /// Brings the index up to date with what is known of a run now. `seen`: what was just seen of it.
    pub(super) fn keep_going(
        &mut self,
        now: Timestamp,
        key: &RunKey,
        known: &Known,
        seen: Option<&Observation>,
        unchanged: bool,
    ) -> Kept {
        if !known.is_open() {
            if self.going.is_empty() {
                return Kept::No;
            }
            return self.going.remove(key).map_or(Kept::No, Kept::Ended);
        }
        // A report that comes late says nothing of now.
        let shows = seen.filter(|seen| seen.status == known.status && seen.standing == known.standing);
        if unchanged && let Some(going) = self.going.get_mut(key) {
            if let Some(seen) = shows {
                going.seen_at = Some(now);
                if going.url != seen.url && seen.url.is_some() {
                    going.url.clone_from(&seen.url);
                }
            }
            return Kept::AsBefore;
        }
        let old = self.going.get(key);
        let name = seen.and_then(|seen| seen.workflow_name.as_deref()).or_else(|| old?.name.as_deref());
        let mut going = Going::of(known, name);
        going.url = seen.and_then(|seen| seen.url.clone()).or_else(|| old?.url.clone());
        going.seen_at = shows.map(|_| now).or_else(|| old?.seen_at);
        let differs = old.is_none_or(|old| old.differs(&going));
        let old = self.going.insert(key.clone(), going);
        if differs { Kept::Changed(old) } else { Kept::AsBefore }
    }

    /// The open runs of a workflow.
    pub(super) fn going_of<'a>(
        &'a self,
        workspace: &'a str,
        workflow: &'a str,
    ) -> impl Iterator<Item = (&'a RunKey, &'a Going)> {
        let from = RunKey { workspace: workspace.to_owned(), workflow: workflow.to_owned(), run: String::new() };
        self.going.range(from..).take_while(move |(key, _)| key.workspace == workspace && key.workflow == workflow)
    }
}

/// Every open run.
pub(super) type Runs = BTreeMap<RunKey, Going>;
