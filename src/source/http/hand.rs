//! One page's runs on their way out: what is no news stays, what needs its details gets them, the rest is handed over as the list has
//! it. It knows no page after this one.

use jiff::Timestamp;

use super::super::talk::Transport;
use super::super::{Batch, Intake, PollError, Seen};
use super::Http;
use super::checkpoint::Checkpoint;
use super::detail::{Detailed, Wanted};
use super::memory::{as_listed, state};
use super::shape::Items;
use super::walk::Walked;
use crate::run::{Run, RunKey, RunStatus};

/// Detail requests for listed runs in one poll; the others have their turn at once afterwards.
const MOST_DETAILS: usize = 200;

impl<T: Transport> Http<T> {
    /// Hands over what is new on a page, with its details.
    pub(super) async fn hand_over_page<I: Intake>(
        &mut self,
        intake: &I,
        before: &Checkpoint,
        items: Items,
        walked: &mut Walked,
        now: Timestamp,
    ) -> Result<(), PollError> {
        let (mut runs, mut states, mut wanting) = (Vec::new(), Vec::new(), Vec::new());
        let history_span = self.settings.polling.history;
        for (run, text) in items.runs {
            let wants = self.details.as_ref().is_some_and(|details| details.wants(run.status));
            let (key, state) = (run.key(), if wants { state(&run) } else { text });
            if self.memory.knows(&key, state) {
                continue;
            }
            let history = before.is_history(&run, &walked.clock, history_span, now);
            if wants && !history {
                wanting.push((run, key, state));
            } else if is_good_end(run.status) && !history {
                walked.held.insert(key, (Seen { run, history }, state));
            } else {
                runs.push(Seen { run, history });
                states.push((key, state));
            }
        }
        for (run, key, state) in self.detailed(wanting, walked, now).await {
            runs.push(Seen { run, history: false });
            states.push((key, state));
        }
        if runs.is_empty() {
            return Ok(());
        }
        let handed = runs.len();
        self.hand_over(intake, Batch { runs, ..Batch::default() }).await?;
        self.memory.committed(states);
        walked.handed += handed;
        Ok(())
    }

    /// Asks for the details of these runs. One that fails again and again goes out as the list has it: a failure without its step is
    /// better than none.
    async fn detailed(
        &mut self,
        wanting: Vec<(Run, RunKey, u64)>,
        walked: &mut Walked,
        now: Timestamp,
    ) -> Vec<(Run, RunKey, u64)> {
        let mut done = Vec::new();
        let Some(details) = &self.details else { return done };
        let room = MOST_DETAILS.saturating_sub(walked.details);
        walked.more |= wanting.len() > room;
        walked.untold |= walked.more;
        let asked: Vec<_> = wanting.into_iter().take(room).collect();
        walked.details += asked.len();
        let wanted: Vec<_> = asked
            .iter()
            .map(|(run, key, _)| Wanted { id: &run.id, last_try: self.memory.is_last_try(key, now) })
            .collect();
        let asked_to_wait =
            |detailed: &Detailed| matches!(detailed, Detailed::Failed(error) if error.retry_after.is_some());
        let answers = if walked.details_down {
            wanted.iter().map(|_| Detailed::Skipped).collect()
        } else {
            details.ask_all(&self.asker, &wanted).await
        };
        // A rate limit says nothing about a run.
        let counts = !answers.iter().any(asked_to_wait);
        for ((listed, key, state), detailed) in asked.into_iter().zip(answers) {
            match detailed {
                Detailed::Found(run) => {
                    walked.listed.extend(as_listed(&run));
                    walked.detailed.extend(as_listed(&run));
                    done.push((*run, key, state));
                }
                // Listed a moment ago, and gone: what the list said is all there will ever be.
                Detailed::Gone => done.push((listed, key, state)),
                Detailed::Failed(_) | Detailed::Skipped if counts && self.memory.gives_up(&key, now) => {
                    tracing::warn!(source = %self.name, run = ?key.run, "its details can't be read: it goes out as the list has it");
                    done.push((listed, key, state));
                }
                Detailed::Failed(error) => {
                    walked.untold = true;
                    walked.problem.get_or_insert(error);
                }
                Detailed::Skipped => {
                    (walked.untold, walked.details_down) = (true, true);
                    walked.problem.get_or_insert_with(|| PollError {
                        doing: "asking for the details of runs".to_owned(),
                        reason: "none of the last requests was answered".to_owned(),
                        retry_after: None,
                    });
                }
            }
        }
        done
    }
}

/// An end that closes what failed before it: it goes out behind the failures of its poll, for lists come newest first.
fn is_good_end(status: RunStatus) -> bool {
    matches!(status, RunStatus::Completed | RunStatus::Cancelled)
}
