//! The facts of one problem, and what each receiver has heard of it. It decides nothing: `board` does.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Acknowledged, Concern, Ears, IncidentId, Novelty, Resolution, RunRef, Withheld};
use crate::engine::rule::Condition;
use crate::engine::{Line, OwnerNote, Reason, Severity};
use crate::triage::{Card, Class};

/// The ledger's number of an incident.
pub type Number = u64;

/// How many lines an incident keeps: its first and its newest ones.
const MAX_LINES: usize = 60;
/// How many places can be waited for; an incident with more ends by time alone.
const MAX_POINTS: usize = 200;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// What makes it this problem and no other.
    pub key: String,
    /// The tenant of all its failures.
    pub workspace: String,
    /// The rule, or the expectation, that wants it told; absent for the defaults and for a service's trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What kind of problem.
    pub what: What,
    /// What its failures have in common.
    pub group: Vec<(String, String)>,
    /// How much it matters.
    pub severity: Severity,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerNote>,
    /// Where it stands.
    pub state: State,
    /// The worst that happened.
    pub level: Level,
    /// When its first failure was decided upon.
    pub opened_at: Timestamp,
    /// When anything last failed, or was found to be missing.
    pub last_at: Timestamp,
    /// The run that failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunRef>,
    /// How many failed attempts.
    pub failures: u32,
    /// Of how many runs. Of a connection: how many are parked behind it now.
    pub runs: u32,
    /// How many of these completed after all, or were run again.
    #[serde(default)]
    pub again: u32,
    /// Runs that joined as a retry that takes too long, and have not ended since: `workflow`, NUL, `run`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub retrying: BTreeSet<String>,
    /// The failed runs that were not run again, oldest first, the newest ones only.
    #[serde(default)]
    pub refs: Vec<RunRef>,
    /// When it failed, oldest first, as far as its condition looks back. Empty once it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Timestamp>,
    /// How much must have failed before it speaks, while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// Where it failed, and whether that was passed since.
    #[serde(default)]
    pub points: Vec<Point>,
    /// There were more places than are remembered.
    #[serde(default)]
    pub overflow: bool,
    /// The card that opened it.
    pub opening: Packed,
    /// What was new about it when it was opened.
    #[serde(default)]
    pub novelty: Novelty,
    /// What each receiver has heard.
    pub ears: Ears,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// It was escalated.
    #[serde(default)]
    pub escalated: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// How it ended the last time, where it was opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Resolution>,
    /// How often it was opened again.
    #[serde(default)]
    pub reopened: u32,
    /// How many things were said about it.
    #[serde(default)]
    pub said: u32,
    /// What was decided and why, oldest first, bounded.
    #[serde(default)]
    pub lines: Vec<Line>,
}

/// What kind of problem it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// Runs fail.
    Failure {
        /// The service that the failed step called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
        /// The class.
        class: Class,
        /// The HTTP status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// A service fails several workflows, as one receiver may see it.
    Provider {
        /// Its host.
        provider: String,
        /// The class.
        class: Class,
        /// The HTTP status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The incidents that it stands for.
        members: Vec<Number>,
    },
    /// Something that is expected did not happen.
    Missed {
        /// The `[[expect]]`.
        expectation: String,
        /// What it is missed of.
        concern: Concern,
    },
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Not enough has failed yet for its rule to speak.
    Gathering,
    /// It goes on.
    Open,
    /// It is over.
    Resolved,
}

/// How bad it is: what is worse is told at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// A run was retrying when its hold ended.
    #[default]
    Retrying,
    /// A run that was retrying vanished.
    Vanished,
    /// A run failed.
    Failed,
}

/// A place where runs fail: a step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// The workflow's key.
    pub workflow: String,
    /// The step's title without an index; absent where no step failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The run that failed there last.
    pub run: String,
    /// When that attempt began, by the engine's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// A later run got past it.
    #[serde(default)]
    pub passed: bool,
}

/// What one receiver has heard of an incident.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none follows from the others")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ear {
    /// It knows that the problem is there.
    #[serde(default)]
    pub knows: bool,
    /// It was told that it is over, and is to be told that it is back.
    #[serde(default)]
    pub told_over: bool,
    /// The worst that it was told.
    #[serde(default)]
    pub level: Level,
    /// When it was last told anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// How many failures it was told.
    #[serde(default)]
    pub failures: u32,
    /// Of how many runs.
    #[serde(default)]
    pub runs: u32,
    /// How often it was reminded since anything changed.
    #[serde(default)]
    pub reminders: u32,
    /// It is to be told that nobody acknowledged.
    #[serde(default)]
    pub escalate: bool,
    /// What stands there says that somebody did.
    #[serde(default, skip_serializing_if = "is_false")]
    pub acknowledged: bool,
    /// An alert, or a message that is edited, stands there and shows this very problem as going on. A summary puts up none.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stands: bool,
    /// The incident of the service's trouble that speaks for this one here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Number>,
    /// Why it is not told what there is to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A card in its stored form: incidents are many, and their cards are rarely read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(Box<str>);

impl Packed {
    /// Packs a card.
    #[must_use]
    pub fn of(card: &Card) -> Self {
        Self(serde_json::to_string(card).unwrap_or_default().into())
    }

    /// The card; none where it can't be read, which only a change of this program could bring about.
    #[must_use]
    pub fn card(&self) -> Option<Card> {
        serde_json::from_str(&self.0).ok()
    }
}

impl Incident {
    /// Whether it goes on and may be spoken of.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Adds a line, unless the newest one already says so.
    pub(in crate::engine) fn note(&mut self, at: Timestamp, reason: Reason) {
        if self.lines.last().is_some_and(|line| line.reason == reason) {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.remove(MAX_LINES / 2);
        }
        // Most incidents have a line or two: no room for more until it is needed.
        let more = if self.lines.len() < 4 { 1 } else { self.lines.len() / 2 };
        if self.lines.len() == self.lines.capacity() {
            self.lines.reserve_exact(more);
        }
        self.lines.push(Line { at, source: None, reason });
    }

    /// It failed at this place, by this run: whoever passed it before proves nothing any more.
    pub(in crate::engine) fn fail_at(&mut self, point: Point) {
        let same = |old: &&mut Point| old.workflow == point.workflow && old.step == point.step;
        if let Some(old) = self.points.iter_mut().find(same) {
            let started_at = old.started_at.max(point.started_at);
            let ended_at = old.ended_at.max(point.ended_at);
            *old = Point { started_at, ended_at, ..point };
        } else if self.points.len() < MAX_POINTS {
            self.points.reserve_exact(1);
            self.points.push(point);
        } else {
            self.overflow = true;
        }
    }

    /// How many workflows fail.
    #[must_use]
    pub fn workflows(&self) -> u32 {
        let mut names: Vec<&str> = self.points.iter().map(|point| point.workflow.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        u32::try_from(names.len()).unwrap_or(u32::MAX)
    }
}
