//! What is remembered of a workflow and of an error from run to run: what makes a failure new, and what is usual.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::engine::incident::{LastSuccess, Novelty};
use crate::engine::rule::MOST_OUTCOMES;
use crate::triage::{Observation, Standing};

/// How many durations of successful runs are remembered.
const MOST_DURATIONS: usize = 50;
/// From this many on there is something usual.
const LEAST_DURATIONS: usize = 10;
/// "In the last hour."
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The memory of one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workflow {
    /// The source that spoke of it last.
    pub source: String,
    /// What people call it, where that is not its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was first seen.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// Its last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<LastSuccess>,
    /// When a run of it was last started, by the engine's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The newest version, and since when it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<(String, Timestamp)>,
    /// How the last runs ended, newest last: `+` or `-`.
    #[serde(default)]
    outcomes: String,
    /// How long the last successful runs took, in milliseconds, oldest first.
    #[serde(default)]
    durations: VecDeque<u64>,
}

impl Workflow {
    /// The memory of a workflow that is seen for the first time.
    pub(super) fn first(now: Timestamp, seen: &Observation) -> Self {
        Self {
            source: seen.source.clone(),
            name: seen.workflow_name.clone(),
            first_at: now,
            last_at: now,
            success: None,
            started_at: None,
            version: None,
            outcomes: String::new(),
            durations: VecDeque::new(),
        }
    }

    /// A run has ended, or goes on; `ended`: this is news.
    pub(super) fn see(&mut self, now: Timestamp, seen: &Observation, ended: bool) {
        self.last_at = now;
        if self.source != seen.source {
            self.source.clone_from(&seen.source);
        }
        if seen.workflow_name.is_some() && self.name != seen.workflow_name {
            self.name.clone_from(&seen.workflow_name);
        }
        self.started_at = self.started_at.max(seen.started_at);
        if let Some(version) = &seen.version
            && self.version.as_ref().is_none_or(|(known, _)| known != version)
        {
            self.version = Some((version.clone(), seen.started_at.unwrap_or(now)));
        }
        match seen.standing {
            Standing::Completed if ended => self.succeed(now, seen),
            // An announced retry that did not come is the end, too.
            Standing::Failed | Standing::Retrying if ended => self.fail(),
            _ => {}
        }
    }

    fn succeed(&mut self, now: Timestamp, seen: &Observation) {
        self.push('+');
        let at = seen.completed_at.unwrap_or(now).min(now);
        if self.success.as_ref().is_none_or(|last| last.at <= at) {
            self.success = Some(LastSuccess { at, version: seen.version.clone() });
        }
        if let Some((start, end)) = seen.started_at.zip(seen.completed_at)
            && let Ok(took) = u64::try_from(end.duration_since(start).as_millis())
        {
            if self.durations.len() == MOST_DURATIONS {
                self.durations.pop_front();
            }
            self.durations.push_back(took);
        }
    }

    /// A run of it failed.
    pub(super) fn fail(&mut self) {
        self.push('-');
    }

    fn push(&mut self, outcome: char) {
        if self.outcomes.len() >= usize::try_from(MOST_OUTCOMES).unwrap_or(usize::MAX) {
            self.outcomes.remove(0);
        }
        self.outcomes.push(outcome);
    }

    /// How many runs failed since the last success.
    pub(super) fn failed_in_a_row(&self) -> u32 {
        count(self.outcomes.bytes().rev().take_while(|outcome| *outcome == b'-'))
    }

    /// How many of the last `of_last` runs failed.
    pub(super) fn failed_of(&self, of_last: u32) -> u32 {
        let last = self.outcomes.bytes().rev().take(usize::try_from(of_last).unwrap_or(usize::MAX));
        count(last.filter(|outcome| *outcome == b'-'))
    }

    /// Whether other runs than one have ended.
    pub(super) fn has_history(&self) -> bool {
        self.outcomes.len() > 1
    }

    /// Until when a success must come, where one is expected this often. One that was missing already when the workflow was first seen
    /// is history: then it counts from there.
    pub(super) fn succeeds_by(&self, every: SignedDuration) -> Timestamp {
        let by = |from: Timestamp| from.saturating_add(every).unwrap_or(Timestamp::MAX);
        let last = self.success.as_ref().map(|success| by(success.at)).filter(|due| *due >= self.first_at);
        last.unwrap_or_else(|| by(self.first_at))
    }

    /// Whether there just came to be something usual.
    pub(super) fn is_usual_now(&self) -> bool {
        self.durations.len() == LEAST_DURATIONS
    }

    /// The 95th percentile of how long its runs take, where enough are known.
    #[must_use]
    pub fn usual(&self) -> Option<SignedDuration> {
        if self.durations.len() < LEAST_DURATIONS {
            return None;
        }
        let mut sorted: Vec<u64> = self.durations.iter().copied().collect();
        sorted.sort_unstable();
        let at = (sorted.len() * 95).div_ceil(100).saturating_sub(1);
        let took = sorted.get(at).copied()?;
        Some(SignedDuration::from_millis(i64::try_from(took).unwrap_or(i64::MAX)))
    }
}

fn count(outcomes: impl Iterator<Item = u8>) -> u32 {
    u32::try_from(outcomes.count()).unwrap_or(u32::MAX)
}

/// The memory of one error, by its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorMemory {
    /// When it was first seen.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// How often, ever.
    pub count: u64,
    /// Of the last hour: the first time within each minute, and how often within it.
    #[serde(default)]
    recent: VecDeque<(Timestamp, u32)>,
}

impl ErrorMemory {
    pub(super) fn first(now: Timestamp) -> Self {
        Self { first_at: now, last_at: now, count: 0, recent: VecDeque::new() }
    }

    /// It is met once more.
    pub(super) fn meet(&mut self, now: Timestamp) {
        self.last_at = now;
        self.count = self.count.saturating_add(1);
        self.recent.retain(|(at, _)| *at <= now && now.duration_since(*at) <= HOUR);
        match self.recent.back_mut() {
            Some((at, count)) if at.as_second() / 60 == now.as_second() / 60 => *count = count.saturating_add(1),
            _ => self.recent.push_back((now, 1)),
        }
    }

    /// How often within the last hour, and when first.
    fn in_last_hour(&self) -> Option<(u32, Timestamp)> {
        let (first, _) = self.recent.front()?;
        Some((self.recent.iter().map(|(_, count)| count).sum(), *first))
    }
}

/// What is new about a failure of `workflow` with this error, met for the last time just now.
pub(super) fn novelty(workflow: Option<&Workflow>, error: &ErrorMemory, version: Option<&String>) -> Novelty {
    let success = workflow.and_then(|workflow| workflow.success.clone());
    let other = success.as_ref().is_some_and(|success| success.version.as_ref() != version);
    let since = workflow.and_then(|workflow| workflow.version.clone()).filter(|(known, _)| Some(known) == version);
    Novelty {
        new_error: error.count <= 1 && workflow.is_some_and(Workflow::has_history),
        in_last_hour: error.in_last_hour().filter(|(count, _)| *count > 1),
        version_since: since.filter(|_| other),
        last_success: success,
    }
}
