//! A run and its parts, and what is made of them together. It knows no event and no other run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::gather::is_over;
use crate::run::{Run, RunStatus, Step, StepError, StepStatus};

/// The most parts of one run.
const MOST_PARTS: usize = 1_000;

/// What is known of one run.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// By the part's own key.
    pub(super) tries: BTreeMap<String, Try>,
    /// The run as it was told last, without its parts; none where only parts of it are known.
    pub(super) told: Option<Run>,
    /// Its sender says that it ended well whatever happened in it.
    pub(super) blind: bool,
}

/// One part, or one try of it.
#[derive(Debug)]
pub(super) struct Try {
    /// The keys of what it may belong to; the last is what started it.
    pub(super) of: Vec<String>,
    /// As a step.
    pub(super) step: Step,
}

impl Family {
    /// Keeps a part, or what is newly known of it. Whether it is kept.
    pub(super) fn take(&mut self, own: &str, mut part: Try) -> bool {
        let room = self.tries.len() < MOST_PARTS;
        match self.tries.get_mut(own) {
            // An older event of the same try that comes late.
            Some(old) if is_over(old.step.status) && !is_over(part.step.status) => {
                old.step.started_at = old.step.started_at.or(part.step.started_at);
                // The start may know better which of many it is.
                old.step.title = longer(&old.step.title, part.step.title);
                old.step.attempt = old.step.attempt.or(part.step.attempt);
                old.step.url = old.step.url.take().or(part.step.url);
            }
            Some(old) => {
                part.step.started_at = part.step.started_at.or(old.step.started_at);
                part.step.title = longer(&old.step.title, part.step.title);
                part.step.attempt = part.step.attempt.or(old.step.attempt);
                part.step.url = part.step.url.take().or_else(|| old.step.url.take());
                *old = part;
            }
            None if room => {
                self.tries.insert(own.to_owned(), part);
            }
            None => return false,
        }
        true
    }

    /// A run with its parts as steps: of each the tries that no later one replaced.
    pub(super) fn with_parts(&self, mut run: Run) -> Run {
        let mut by_title: BTreeMap<&str, Vec<&Try>> = BTreeMap::new();
        for part in self.tries.values().filter(|part| !self.is_a_detail(part)) {
            by_title.entry(&part.step.title).or_default().push(part);
        }
        run.steps = by_title.into_values().flat_map(|tries| self.standing(tries)).collect();
        run.steps.sort_by(|a, b| (begin(a), &a.title).cmp(&(begin(b), &b.title)));
        let failed = |step: &Step| step.status == StepStatus::Failed && !step.tolerated;
        if self.blind && run.status == RunStatus::Completed && run.steps.iter().any(failed) {
            run.status = RunStatus::Failed;
        }
        run
    }

    /// The tries under one title that stand: one that began after another had ended replaced it.
    fn standing(&self, mut tries: Vec<&Try>) -> Vec<Step> {
        tries.sort_by_key(|part| begin(&part.step));
        let replaced = |at: usize, part: &Try| {
            let end = part.step.completed_at.filter(|_| is_over(part.step.status));
            tries.iter().skip(at + 1).any(|later| end.zip(begin(&later.step)).is_some_and(|(end, begin)| begin >= end))
        };
        let mut before = 0_u32;
        let mut standing = Vec::new();
        for (at, part) in tries.iter().enumerate() {
            if replaced(at, part) {
                before += 1;
                continue;
            }
            let counted = (before > 0).then(|| before.saturating_add(1));
            let tolerated = self.above(part).is_some_and(|above| above.step.status == StepStatus::Completed);
            standing.push(Step {
                attempt: part.step.attempt.or(counted),
                tolerated: part.step.tolerated || (tolerated && part.step.status == StepStatus::Failed),
                ..part.step.clone()
            });
        }
        standing
    }

    /// Whether the part above says all that there is to say: parts of parts count only where they failed, and say something of their own.
    fn is_a_detail(&self, part: &Try) -> bool {
        let Some(above) = self.above(part) else { return false };
        let said = |step: &Step| step.error.as_ref().map(|error: &StepError| error.message.clone());
        part.step.status != StepStatus::Failed
            || (above.step.status == StepStatus::Failed && said(&part.step) == said(&above.step))
    }

    fn above(&self, part: &Try) -> Option<&Try> {
        self.tries.get(part.of.last()?).filter(|above| !std::ptr::eq(*above, part))
    }
}

fn begin(step: &Step) -> Option<Timestamp> {
    step.started_at.or(step.completed_at)
}

/// Of two titles for one part the one that says more: `load [3]`, not `load`.
fn longer(one: &str, other: String) -> String {
    if one.len() > other.len() { one.to_owned() } else { other }
}
