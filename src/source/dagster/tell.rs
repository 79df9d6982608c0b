//! What of the runs that were found is new, what has to be asked about it, and how it is handed over. It must not know which lists they were
//! found in.

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, PollError, Seen};
use super::api::{FaultKind, Transport};
use super::checkpoint::Checkpoint;
use super::evidence::Evidence;
use super::look::{Round, earlier};
use super::mapping::{self, Again, UNDECIDED};
use super::poll::{Watcher, not_taken};
use super::wire::Run;

/// How many runs are handed over together.
pub(super) const TOGETHER: usize = 20;
/// How many rows are handed over together.
const ROWS: usize = 500;
/// A failed run that changes so long after its end was only marked: a person wrote a tag.
const MARKED: SignedDuration = SignedDuration::from_hours(24);

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

impl<T: Transport> Watcher<T> {
    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    pub(super) async fn tell<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let (mut rows, mut inside): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
        for run in round.found.values() {
            match self.need(run, before) {
                Some(Need::Row) => rows.push(run.clone()),
                Some(Need::Inside) => inside.push(run.clone()),
                None => {}
            }
        }
        inside.sort_by_key(mapping::last_change);
        for chunk in rows.chunks(ROWS) {
            let known = chunk.iter().cloned().map(Evidence::of).collect();
            self.hand_over(intake, round, before, known).await?;
        }
        let mut left = inside.len();
        for chunk in inside.chunks(TOGETHER) {
            let mut known = Vec::with_capacity(chunk.len());
            let mut down = None;
            for run in chunk {
                match self.api.inside(&run.id).await {
                    Ok(Some(inside)) => known.push(Evidence { run: run.clone(), inside: Some(inside) }),
                    // Deleted since the list was read: its row is all that is left.
                    Ok(None) => known.push(Evidence::of(run.clone())),
                    Err(fault) if fault.kind == FaultKind::Down => {
                        down = Some(fault);
                        break;
                    }
                    Err(fault) => {
                        round.untold += 1;
                        round.faults.push(fault);
                    }
                }
                left -= 1;
            }
            self.hand_over(intake, round, before, known).await?;
            if let Some(fault) = down {
                round.untold += left;
                round.faults.push(fault);
                return Ok(());
            }
        }
        Ok(())
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
    fn is_undecided(&self, run: &Run) -> bool {
        let waits = self.undecided.get(&run.id).is_none_or(|since| self.now.duration_since(*since) < UNDECIDED);
        let age = self.api.date().zip(mapping::last_change(run)).map(|(date, changed)| date.duration_since(changed));
        mapping::again(run, self.retries) == Again::Undecided && waits && age.is_none_or(|age| age < UNDECIDED)
    }

    /// It failed before firstred first looked, and before the stretch of the past that is to be told; or it failed long ago, was read then,
    /// and was only marked now.
    pub(super) fn is_history(&self, run: &Run, mark: &Checkpoint) -> bool {
        let (Some(ended), "FAILURE") = (run.end_time.or(run.update_time), run.status.as_str()) else { return false };
        if !mark.settled {
            return mark.origin.is_none_or(|origin| ended < earlier(origin, self.reach.history));
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
            let run = &evidence.run;
            let told = self.as_told(run);
            if told.undecided {
                self.undecided.entry(run.id.clone()).or_insert(self.now);
            } else {
                self.undecided.remove(&run.id);
            }
            self.told.insert(run.id.clone(), told);
            self.follow.told(&run.id);
        }
        Ok(())
    }

    pub(super) fn map(&self, evidence: &Evidence) -> crate::run::Run {
        let again = mapping::again(&evidence.run, self.retries);
        mapping::run(evidence, self.is_undecided(&evidence.run), again, &self.ui)
    }
}
