//! Runs that were open when last seen, and that the list does not show: they are asked for by detail, or forgotten once it is
//! certain. It knows no page.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::talk::Transport;
use super::super::{OpenRun, PollError, Seen};
use super::Http;
use super::checkpoint::mark;
use super::detail::{Detailed, Wanted};
use super::memory::{Listed, state};
use super::shape::hash;
use super::walk::Walked;
use crate::config::Pagination;
use crate::run::RunKey;

/// Requests for open runs in one poll; the others have their turn in the next.
const PER_POLL: usize = 100;

/// Where runs of the same time slip between pages, chance may hide one several times.
const MISSING_WHERE_RUNS_SLIP: u8 = 4;

/// What became of the open runs.
#[derive(Default)]
pub(super) struct LookedAfter {
    pub(super) runs: Vec<Seen>,
    pub(super) states: Vec<(RunKey, u64)>,
    /// Of runs that are asked for at every poll.
    pub(super) watched: Vec<(RunKey, u64)>,
    pub(super) forgotten: Vec<RunKey>,
    pub(super) problem: Option<PollError>,
}

impl LookedAfter {
    /// Puts the good ends that the walk held back where they belong, unless a failure still waits for its details: they are found again then.
    pub(super) fn follow(&mut self, walked: &mut Walked) {
        let held = std::mem::take(&mut walked.held);
        if walked.untold {
            return;
        }
        walked.handed += held.len();
        for (key, (seen, state)) in held {
            self.states.push((key, state));
            self.runs.push(seen);
        }
        self.runs.sort_by_key(|seen| mark(&seen.run));
    }
}

impl<T: Transport> Http<T> {
    pub(super) async fn look_after(&mut self, open: &[OpenRun], walked: &Walked, now: Timestamp) -> LookedAfter {
        let shown = if walked.unchanged { &self.memory.listed } else { &walked.listed };
        let is_in =
            |runs: &BTreeSet<Listed>, run: &OpenRun| runs.contains(&(run.key.run.clone(), run.key.workflow.clone()));
        let watched = |run: &OpenRun| {
            self.details.as_ref().is_some_and(|details| details.watches(run.status)) && !is_in(&walked.detailed, run)
        };
        let unseen: Vec<OpenRun> = open.iter().filter(|run| !is_in(shown, run) || watched(run)).cloned().collect();
        if self.details.is_some() {
            return self.ask_for(unseen, now).await;
        }
        let forgotten = self.forget(&unseen, walked);
        LookedAfter { forgotten, ..LookedAfter::default() }
    }

    async fn ask_for(&mut self, mut unseen: Vec<OpenRun>, now: Timestamp) -> LookedAfter {
        let mut done = LookedAfter::default();
        let Some(details) = &self.details else { return done };
        if unseen.len() > PER_POLL {
            let turn = self.memory.turn % unseen.len();
            unseen.rotate_left(turn);
            unseen.truncate(PER_POLL);
            self.memory.turn = turn + PER_POLL;
        }
        let wanted: Vec<_> = unseen
            .iter()
            .map(|open| Wanted { id: &open.key.run, last_try: self.memory.is_last_try(&open.key, now) })
            .collect();
        let answers = details.ask_all(&self.asker, &wanted).await;
        for (open, detailed) in unseen.iter().zip(answers) {
            match detailed {
                Detailed::Found(run) if details.watches(open.status) => {
                    // All of it counts: a retry changes nothing but a step.
                    let whole = hash(serde_json::to_string(&*run).unwrap_or_default());
                    if !self.memory.saw(&open.key, whole) {
                        done.watched.push((open.key.clone(), whole));
                        done.runs.push(Seen { run: *run, history: false });
                    }
                }
                Detailed::Found(run) => {
                    let state = state(&run);
                    if !self.memory.knows(&open.key, state) {
                        done.states.push((open.key.clone(), state));
                        done.runs.push(Seen { run: *run, history: false });
                    }
                }
                Detailed::Gone => done.forgotten.push(open.key.clone()),
                Detailed::Failed(error) => {
                    let paused = error.retry_after.is_some();
                    if paused || !self.memory.gives_up(&open.key, now) {
                        done.problem.get_or_insert(error);
                    } else if self.memory.just_gave_up(&open.key) {
                        tracing::warn!(source = %self.name, run = ?open.key.run, %error, "an open run can't be read: its end is seen in the list only");
                    }
                }
                Detailed::Skipped => {}
            }
        }
        done
    }

    /// Without a detail request only a complete list proves that a run is gone. An empty one proves nothing: engines lie. While
    /// several pages are read a run may slip from one to another, so that it has to be missing twice; and a list that has only one page
    /// may simply have pushed an older run out.
    fn forget(&mut self, unseen: &[OpenRun], walked: &Walked) -> Vec<RunKey> {
        if walked.unchanged || !walked.complete {
            return Vec::new();
        }
        let one_page = matches!(self.settings.pagination, Pagination::None);
        let times = match (walked.pages, walked.sharp) {
            (1, _) => 1,
            (_, true) => 2,
            (_, false) => MISSING_WHERE_RUNS_SLIP,
        };
        let before = std::mem::take(&mut self.memory.missing);
        let missing = |open: &OpenRun| before.get(&open.key).copied().unwrap_or_default().saturating_add(1);
        self.memory.missing = unseen
            .iter()
            .filter(|open| !one_page || covers(walked.oldest_start, open.started_at))
            .map(|open| (open.key.clone(), missing(open)))
            .collect();
        self.memory.missing.iter().filter(|(_, count)| **count >= times).map(|(key, _)| key.clone()).collect()
    }
}

fn covers(oldest: Option<Timestamp>, started: Option<Timestamp>) -> bool {
    matches!((oldest, started), (Some(oldest), Some(started)) if started >= oldest)
}
