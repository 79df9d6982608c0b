//! What is remembered between polls to ask and to hand over less. Losing it costs repeats and nothing else, so that it lives in
//! memory only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderValue;
use url::Url;

use super::shape::hash;
use crate::run::{Run, RunKey};

const MOST_KNOWN: usize = 20_000;
/// How often, and for how long, a detail request may fail before the run goes out as the list has it.
const MOST_TRIES: u8 = 3;
const LONGEST_TRYING: SignedDuration = SignedDuration::from_mins(2);

#[derive(Default)]
pub(super) struct Memory {
    known: BTreeMap<RunKey, (u64, u64)>,
    /// Runs that are asked for at every poll, as they were handed over last.
    watched: BTreeMap<RunKey, u64>,
    tries: BTreeMap<RunKey, Tries>,
    poll: u64,
    /// The first page's address and its `ETag`, once everything behind it was read and committed.
    pub(super) etag: Option<(Url, HeaderValue)>,
    /// How many pages the last complete walk had.
    pub(super) pages: u32,
    /// What the last complete walk showed.
    pub(super) listed: BTreeSet<Listed>,
    /// Open runs that the last complete walk did not show, and how many in a row did not.
    pub(super) missing: BTreeMap<RunKey, u8>,
    /// Where the next round of open runs begins.
    pub(super) turn: usize,
    /// What was last complained about, so that it is said once.
    pub(super) said: Option<String>,
}

impl Memory {
    /// Begins a poll. What no recent poll has seen may go when there is too much.
    pub(super) fn begin(&mut self) {
        self.poll += 1;
        if self.known.len() > MOST_KNOWN {
            let last = self.poll - 1;
            self.known.retain(|_, (_, poll)| *poll >= last);
        }
        if self.known.len() > MOST_KNOWN {
            self.known.clear();
        }
        if self.tries.len() > MOST_KNOWN {
            self.tries.clear();
        }
        if self.watched.len() > MOST_KNOWN {
            self.watched.clear();
        }
    }

    /// Whether the run was handed over and committed in this state.
    pub(super) fn knows(&mut self, key: &RunKey, state: u64) -> bool {
        match self.known.get_mut(key) {
            Some((known, poll)) if *known == state => {
                *poll = self.poll;
                true
            }
            _ => false,
        }
    }

    pub(super) fn committed(&mut self, handed: impl IntoIterator<Item = (RunKey, u64)>) {
        for (key, state) in handed {
            self.tries.remove(&key);
            self.known.insert(key, (state, self.poll));
        }
    }

    /// Whether a watched run was handed over and committed as it is now.
    pub(super) fn saw(&self, key: &RunKey, whole: u64) -> bool {
        self.watched.get(key) == Some(&whole)
    }

    /// What was handed over of watched runs.
    pub(super) fn committed_watched(&mut self, handed: impl IntoIterator<Item = (RunKey, u64)>) {
        for (key, whole) in handed {
            self.tries.remove(&key);
            self.watched.insert(key, whole);
        }
    }

    /// Whether a detail request that fails now would be the last.
    pub(super) fn is_last_try(&self, key: &RunKey, now: Timestamp) -> bool {
        self.tries.get(key).is_some_and(|tries| tries.are_enough(1, now))
    }

    /// Counts a failed detail request; true when the run has waited long enough for it.
    pub(super) fn gives_up(&mut self, key: &RunKey, now: Timestamp) -> bool {
        let tries = self.tries.entry(key.clone()).or_insert(Tries { count: 0, since: now, over: 0 });
        tries.count = tries.count.saturating_add(1);
        let enough = tries.are_enough(0, now);
        tries.over = tries.over.saturating_add(u8::from(enough));
        enough
    }

    /// Whether the last failure of this run was the first one too many: what follows needs no more words.
    pub(super) fn just_gave_up(&self, key: &RunKey) -> bool {
        self.tries.get(key).is_some_and(|tries| tries.over == 1)
    }

    /// True for something that was not just said.
    pub(super) fn is_new(&mut self, words: Option<&str>) -> bool {
        let new = words.is_some() && self.said.as_deref() != words;
        self.said = words.map(str::to_owned);
        new
    }
}

/// Requests for one run's details that failed.
#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u8,
    since: Timestamp,
    /// How many of them came after it was given up.
    over: u8,
}

impl Tries {
    fn are_enough(self, more: u8, now: Timestamp) -> bool {
        self.count.saturating_add(more) >= MOST_TRIES && now.duration_since(self.since) >= LONGEST_TRYING
    }
}

/// A run as a list shows it: its id and its workflow. The workspace has no say here, for the daemon writes it into the runs of a
/// source that names none, and the open runs come back with it. The workflow is its id or its name: another source may have been the
/// first to see the run, and that is what the open runs go by.
pub(super) type Listed = (String, String);

/// What a list that holds this run shows.
pub(super) fn as_listed(run: &Run) -> [Listed; 2] {
    [run.workflow.key(), run.workflow.title()].map(|workflow| (run.id.clone(), workflow.to_owned()))
}

/// The state of a run whose detail was asked for: what else changes in the list is no reason to ask again.
pub(super) fn state(run: &Run) -> u64 {
    hash((run.status.as_str(), run.attempt, run.updated_at, run.completed_at, run.retry_at))
}
