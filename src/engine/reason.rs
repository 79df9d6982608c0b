//! Why: every decision about a run as an enum with its data, stored in the ledger and shown by `firstred why`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::{IncidentId, Proof, Withheld};
use super::rule::Condition;
use super::{Kind, NotificationId};
use crate::run::RunStatus;

/// One line of the ledger about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// When it was decided.
    pub at: Timestamp,
    /// The source whose observation led to it; absent for what time led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What was decided, and why.
    pub reason: Reason,
}

/// What was decided about a run or an incident, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Told: a rule, or the defaults, want it.
    Told {
        /// What was said.
        kind: Kind,
        /// The failed attempt that it is about, counted by firstred from 1.
        failure: u32,
        /// The rules that matched, in order; empty for the defaults.
        rules: Vec<String>,
        /// Whom.
        receivers: Vec<String>,
        /// The incident that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
    },
    /// Not told now: it belongs to an incident of which these receivers hear at another time, or not at all.
    Withheld {
        /// The incident.
        incident: IncidentId,
        /// What would have been said.
        kind: Kind,
        /// The rule; absent for the defaults.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// Whom.
        receivers: Vec<String>,
        /// Why.
        why: Withheld,
    },
    /// The incident was told together with others, in a summary.
    SummedUp {
        /// Whom.
        receiver: String,
        /// The summary.
        notification: NotificationId,
        /// What it had waited for.
        why: Withheld,
    },
    /// The incident is over.
    Resolved {
        /// What proves it.
        proof: Proof,
    },
    /// The incident closed before its rule's condition was met: nobody was told.
    NotEnough {
        /// How much must have failed.
        condition: Condition,
        /// How much had.
        have: u32,
    },
    /// An expectation was missed, and a fresh look confirmed it.
    Missed {
        /// When it was due.
        due: Timestamp,
        /// The read, or the observation, that still did not show it; absent for a source that is pushed to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_at: Option<Timestamp>,
    },
    /// Another run repeated it, and completed.
    Repeated {
        /// Which.
        by: String,
    },
    /// It failed again soon after it was over.
    Reopened,
    /// Somebody acknowledged: no reminders, no escalation.
    Acknowledged {
        /// Who.
        by: String,
    },
    /// Nobody acknowledged for too long.
    Escalated {
        /// Whom.
        receivers: Vec<String>,
    },
    /// The receiver left the configuration before it was told.
    ReceiverGone {
        /// Which.
        receiver: String,
        /// Who is told instead.
        instead: Vec<String>,
    },
    /// Not told: no rule matches, and there is no `[defaults] notify`.
    NoRule,
    /// Not told: the rules that match notify nobody who may see this workspace.
    NobodyMaySee {
        /// The receivers that are bound to other workspaces.
        receivers: Vec<String>,
    },
    /// Not told: the rules that match name nobody.
    NobodyToTell {
        /// The rules.
        rules: Vec<String>,
    },
    /// Not told: the engine had already gone on to a newer attempt when this failed one was reported.
    Superseded {
        /// The engine's count of the failed attempt, where it counts.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
    },
    /// Not told: it had failed before firstred first looked at this source.
    History,
    /// Held: a retry may still repair it.
    Held {
        /// When the hold ends at the latest.
        until: Timestamp,
        /// The rule that bounds it; absent for the default.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
    },
    /// Never told: it recovered on a retry while it was held.
    Recovered,
    /// It failed, was told, and then the engine completed it.
    CompletedAfterFailure,
    /// The engine runs a failed run again under the same id.
    RunsAgain {
        /// The engine's count of attempts.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
    },
    /// Not told: the engine has started another run in its place, which has the word now.
    RetriedAs {
        /// Which.
        by: String,
    },
    /// Not told: cancelled is a decision, not a failure.
    Cancelled,
    /// Not told by itself yet: its parent run is still open and is expected to tell.
    ParentTells {
        /// The parent run.
        parent: String,
        /// Until then; if the parent is not done by then, this run is told by itself.
        until: Timestamp,
    },
    /// Never told by itself: its parent run ended and had its own word, or tolerated the failure.
    ParentDone {
        /// The parent run.
        parent: String,
    },
    /// The engine no longer knows a run that was open when last seen; how it ended cannot be known.
    Forgotten {
        /// Where it stood when last seen.
        last: RunStatus,
    },
}
