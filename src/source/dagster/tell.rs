//! What of the runs that were found is new, what has to be asked about it, and how it is handed over. It must not know which lists they were
//! found in.

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{FaultKind, Transport};
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::look::{Round, earlier};
use super::mapping::{self, Again, UNDECIDED};
use super::poll::{GIVE_UP, Watcher, not_taken};
use super::wire::{Run, is_over};

/// How many runs are handed over together.
pub(super) const TOGETHER: usize = 20;
/// How many rows are handed over together.
const ROWS: usize = 500;
/// A failed run that changes so long after its end was only marked: a person wrote a tag.
const MARKED: SignedDuration = SignedDuration::from_hours(24);

/// So many questions in a row without an answer are an outage.
const SILENT: u32 = 2;

/// How a run was when it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub status: String,
    pub updated: Option<Timestamp>,
    pub undecided: bool,
}

/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Row,
    Inside,
}

/// When a run ended, or changed last.
pub(super) fn happened(run: &Run) -> Option<Timestamp> {
    if run.is_over() { run.end_time.or(run.update_time) } else { run.update_time }
}

impl<T: Transport> Watcher<T> {
    /// Takes off the found runs the marks that are not theirs. A run of which that can't be said yet waits.
    pub(super) async fn sort_out_marks(&mut self, round: &mut Round) {
        let met = self.meet(&round.found.values().collect::<Vec<_>>()).await;
        round.faults.extend(met.err());
        let unclear: Vec<Run> = round.found.values().filter(|run| !self.kin.knows_of(run)).cloned().collect();
        for run in unclear {
            if self.tried_for(&run) >= GIVE_UP {
                self.kin.give_up(&run);
            } else {
                round.found.remove(&run.id);
                round.untold += 1;
                if run.status == "FAILURE" {
                    round.waits.insert(run.job_name);
                }
            }
        }
        round.found.values_mut().for_each(|run| self.kin.strip(run));
    }

    /// Learns what the new ones among the found runs need, and hands them over in the order in which they ended.
    pub(super) async fn tell<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let new = round.found.values().filter_map(|run| Some((self.need(run, before)?, run.clone())));
        let mut new: Vec<(Need, Run)> = new.collect();
        new.sort_by_key(|(_, run)| happened(run));
        let (mut known, mut asked, mut silent) = (Vec::new(), 0, 0);
        for (need, run) in new {
            let failed = run.status == "FAILURE";
            // An end that closes an incident must not come before the failure that opens it.
            let evidence = if run.is_over() && !failed && round.waits.contains(&run.job_name) {
                None
            } else if need == Need::Row {
                Some(Evidence::of(run.clone()))
            } else if silent < SILENT {
                asked += 1;
                self.learn(&run, round, &mut silent).await
            } else {
                None
            };
            match evidence {
                Some(evidence) => known.push(evidence),
                None if run.is_over() => {
                    round.untold += 1;
                    if failed {
                        round.waits.insert(run.job_name);
                    }
                }
                // It goes on, and is asked about again with the next poll.
                None => {}
            }
            if asked >= TOGETHER || known.len() >= ROWS {
                self.hand_over(intake, round, before, std::mem::take(&mut known)).await?;
                asked = 0;
            }
        }
        self.hand_over(intake, round, before, known).await
    }

    /// What happened inside of a run. One that can't be asked about waits for a while, and is told then with what can be had. `silent`: so
    /// many questions in a row the server left without an answer.
    async fn learn(&mut self, run: &Run, round: &mut Round, silent: &mut u32) -> Option<Evidence> {
        let fault = match self.api.inside(&run.id).await {
            // Deleted since the list was read: its row is all that is left.
            Ok(inside) => {
                *silent = 0;
                return Some(Evidence { run: run.clone(), inside });
            }
            Err(fault) => fault,
        };
        *silent = match (fault.kind == FaultKind::Down, fault.error.retry_after) {
            (true, Some(_)) => SILENT,
            (true, None) => *silent + 1,
            (false, _) => 0,
        };
        if self.tried_for(run) >= GIVE_UP && *silent < SILENT {
            // It is this run: the server answers.
            if self.api.version().await.is_ok() {
                *silent = 0;
                let reason = &fault.error.reason;
                tracing::warn!(source = ?self.name, run = ?run.id, ?reason, "a run can't be read whole: told with what is known");
                let inside = self.api.inside_as_far(&run.id).await;
                return Some(Evidence { run: run.clone(), inside });
            }
            *silent = SILENT;
        }
        if run.is_over() || *silent >= SILENT {
            round.faults.push(fault);
        }
        None
    }

    /// How long a run has been tried in vain.
    fn tried_for(&mut self, run: &Run) -> SignedDuration {
        self.now.duration_since(*self.tried.entry(run.id.clone()).or_insert(self.now))
    }

    fn need(&self, run: &Run, before: &Checkpoint) -> Option<Need> {
        if self.follow.has_news(&run.id) {
            return Some(Need::Inside);
        }
        let same = self.told.get(&run.id).is_some_and(|told| *told == self.as_told(run));
        match run.status.as_str() {
            _ if same => None,
            "FAILURE" if self.is_history(run, before) => Some(Need::Row),
            "FAILURE" => Some(Need::Inside),
            _ if self.follow.has_retried(&run.id) => Some(Need::Inside),
            _ => Some(Need::Row),
        }
    }

    fn as_told(&self, run: &Run) -> Told {
        Told { status: run.status.clone(), updated: run.update_time, undecided: self.is_undecided(run) }
    }

    /// Whether Dagster may still say that it runs this failed run again.
    pub(super) fn is_undecided(&self, run: &Run) -> bool {
        let waits = self.undecided.get(&run.id).is_none_or(|since| self.now.duration_since(*since) < UNDECIDED);
        let age = self.api.date().zip(mapping::last_change(run)).map(|(date, changed)| date.duration_since(changed));
        mapping::again(run, self.retries) == Again::Undecided && waits && age.is_none_or(|age| age < UNDECIDED)
    }

    /// It failed before firstred first looked, and before the stretch of the past that is to be told; or it failed long ago, was read then,
    /// and was only marked now. What was known to go on is none.
    pub(super) fn is_history(&self, run: &Run, mark: &Checkpoint) -> bool {
        let (Some(ended), "FAILURE") = (run.end_time.or(run.update_time), run.status.as_str()) else { return false };
        let was_before = |origin| ended < earlier(origin, self.reach.history);
        if !mark.settled {
            return mark.origin.is_none_or(was_before);
        }
        if self.told.get(&run.id).is_some_and(|told| !is_over(&told.status)) {
            return false;
        }
        // What ended and changed before the first look, and is new, was written by a clock that was put back.
        let since = |origin| run.update_time.is_none_or(|updated| updated >= origin);
        if mark.origin.is_some_and(|origin| was_before(origin) && since(origin)) {
            return true;
        }
        let marked = run.update_time.is_some_and(|updated| updated.duration_since(ended) > MARKED);
        marked && mark.changed.is_some_and(|changed| ended < earlier(changed, self.reach.overlap))
    }

    async fn hand_over<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        before: &Checkpoint,
        known: Vec<Evidence>,
    ) -> Result<(), PollError> {
        if known.is_empty() {
            return Ok(());
        }
        let mut runs = Vec::with_capacity(known.len());
        for evidence in &known {
            let history = self.is_history(&evidence.run, before);
            runs.push(Seen { run: self.map(evidence), history });
        }
        round.told += runs.len();
        intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
        for evidence in &known {
            self.remember(&evidence.run);
        }
        Ok(())
    }

    /// Remembers a run as told.
    pub(super) fn remember(&mut self, run: &Run) {
        let told = self.as_told(run);
        if told.undecided {
            self.undecided.entry(run.id.clone()).or_insert(self.now);
        } else {
            self.undecided.remove(&run.id);
        }
        self.told.insert(run.id.clone(), told);
        self.tried.remove(&run.id);
        self.follow.told(&run.id);
    }

    pub(super) fn map(&self, evidence: &Evidence) -> crate::run::Run {
        let again = mapping::again(&evidence.run, self.retries);
        mapping::run(evidence, self.is_undecided(&evidence.run), again, &self.ui)
    }
}
