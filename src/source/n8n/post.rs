//! What comes of the letters of the error workflow, once the lists were read: most failures are in these. It must not know how letters
//! come.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, OpenRun, PollError, Seen};
use super::api::Transport;
use super::ends::{is_failure, is_open};
use super::look::Round;
use super::mail::{self, Letter, Taken};
use super::nodes;
use super::poll::{Watcher, not_taken};
use super::wire::Execution;
use crate::run::{Run, RunKey, RunStatus, StepError, UNKNOWN_ERROR, Workflow};

/// The most failures of triggers that are remembered.
const KEPT: usize = 500;
/// The same failure has the same time in both, where it has one at all; else these may lie this far apart.
const NEAR: SignedDuration = SignedDuration::from_secs(30);
/// So long a letter waits for the end of the run that it names.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Failures of triggers of which n8n kept a run. Lost at a restart: then a letter that comes late is told again, by itself.
#[derive(Debug, Default)]
pub(super) struct Triggers(VecDeque<Known>);

#[derive(Debug)]
struct Known {
    workflow: String,
    node: String,
    at: Option<Timestamp>,
}

impl Triggers {
    /// Remembers a failed run that no node but its trigger has a part in: it never started.
    pub(super) fn note(&mut self, execution: &Execution) {
        let row = &execution.row;
        let Some(failed) = nodes::first_failed(execution).filter(|_| row.started_at.is_none()) else { return };
        let at = failed.error.as_ref().and_then(mail::timestamp).or(row.stopped_at);
        let workflow = row.workflow_id.clone().unwrap_or_default();
        self.0.push_back(Known { workflow, node: failed.node.clone(), at });
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    fn knows(&self, letter: &Letter) -> bool {
        let same = |known: &&Known| {
            known.workflow == letter.workflow.key() && letter.node.as_ref().is_none_or(|node| *node == known.node)
        };
        let near = |known: &Known| known.at.is_none_or(|at| letter.at.duration_since(at).abs() <= NEAR);
        self.0.iter().filter(same).any(near)
    }
}

impl<T: Transport> Watcher<T> {
    /// Tells what only the letters tell. The lists were read: what is not in them is not in n8n.
    pub(super) async fn read_mail<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        letters: &mut Taken,
        open: &[OpenRun],
        now: Timestamp,
    ) -> Result<(), PollError> {
        let (mut runs, mut told, mut kept) = (Vec::new(), BTreeSet::new(), Vec::new());
        for letter in &letters.letters {
            match letter.run {
                None if self.triggers.knows(letter) => runs.push(letter.told_elsewhere()),
                None => runs.push(letter.failed(self.workflow_page(&letter.workflow))),
                Some(id) if round.mark.told.contains(&id) || told.contains(&id) => {}
                // n8n keeps nothing of it: then this is all that there will be.
                Some(id) if round.unknown.contains(&id) => {
                    runs.push(letter.failed(self.workflow_page(&letter.workflow)));
                    told.insert(id);
                }
                Some(id) => {
                    let row = round.found.get(&id);
                    // Not asked for yet, or its data can't be had yet.
                    let untold = row.is_none_or(|row| is_failure(&row.status));
                    let under_way = row.is_some_and(|row| is_open(&row.status));
                    if untold || (under_way && now.duration_since(letter.came) < PATIENCE) {
                        kept.push(letter.clone());
                    }
                }
            }
        }
        runs.extend(self.lost(open, &runs));
        for (id, key) in std::mem::take(&mut round.accused) {
            if told.insert(id) {
                let message = "n8n's error workflow said that this run failed, and n8n keeps nothing of it; firstred was stopped before \
                               it could tell why";
                runs.push(self.unexplained(&key, UNKNOWN_ERROR, message));
            }
        }
        if !runs.is_empty() {
            round.told += runs.len();
            round.forgotten.retain(|key| !runs.iter().any(|run| run.id == key.run));
            let runs = runs.into_iter().map(|run| Seen { run, history: false }).collect();
            intake.take(&self.name, Batch { runs, ..Batch::default() }).await.map_err(not_taken)?;
            round.mark.told.extend(told);
        }
        letters.letters = kept;
        Ok(())
    }

    /// Triggers' failures whose letters were lost with an earlier process: that there was one is on record.
    fn lost(&self, open: &[OpenRun], told: &[Run]) -> Vec<Run> {
        let lost = open.iter().filter(|run| run.key.run.starts_with("trigger-"));
        let lost = lost.filter(|run| told.iter().all(|told| told.id != run.key.run));
        let message = "a trigger of this workflow failed; firstred was stopped before it could tell why";
        lost.map(|run| self.unexplained(&run.key, "TriggerFailed", message)).collect()
    }

    fn unexplained(&self, key: &RunKey, code: &str, message: &str) -> Run {
        let workflow = Workflow { id: Some(key.workflow.clone()), name: None, version: None };
        let error = StepError { code: code.to_owned(), message: message.to_owned(), ..StepError::default() };
        let url = self.workflow_page(&workflow);
        Run { url, error: Some(error), ..Run::bare(&key.run, workflow, RunStatus::Failed) }
    }

    fn workflow_page(&self, workflow: &Workflow) -> Option<String> {
        self.view.workflow(workflow.id.as_deref()?)
    }
}
