//! What goes into the engine, as the ledger's journal keeps it: with these in order, and the time in between, all that was decided can be
//! decided again, under the same rules or under others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Silence;
use super::incident::IncidentId;
use crate::run::RunKey;
use crate::triage::Observation;

/// One input that changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Input {
    /// A source saw a run.
    Observed {
        /// When, by our clock.
        at: Timestamp,
        /// It ended before firstred first looked at this source.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        history: bool,
        /// The run that started it was known and had not ended.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        parent_open: bool,
        /// The key of the workflow that the run was first known by, where its source calls it otherwise now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workflow: Option<String>,
        /// What it saw.
        observation: Box<Observation>,
    },
    /// The engine no longer knows a run that was open.
    Forgotten {
        /// When.
        at: Timestamp,
        /// Which run.
        key: RunKey,
    },
    /// Somebody acknowledged an incident.
    Acknowledged {
        /// When.
        at: Timestamp,
        /// Which.
        incident: IncidentId,
        /// Who.
        by: String,
    },
    /// Somebody made a silence.
    Silenced {
        /// When.
        at: Timestamp,
        /// Which.
        silence: Silence,
    },
    /// Somebody ended one.
    Unsilenced {
        /// When.
        at: Timestamp,
        /// Which.
        id: String,
    },
    /// A polled source was read completely, whether that brought anything or not.
    Read {
        /// When that was known.
        at: Timestamp,
        /// Which.
        source: String,
        /// When the read began.
        began: Timestamp,
    },
    /// Time brought something about: holds ended, or the board had something to do. Looks that found nothing are not written down.
    Looked {
        /// When.
        at: Timestamp,
    },
}

impl Input {
    /// When it was put in.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Observed { at, .. }
            | Self::Forgotten { at, .. }
            | Self::Acknowledged { at, .. }
            | Self::Silenced { at, .. }
            | Self::Unsilenced { at, .. }
            | Self::Read { at, .. }
            | Self::Looked { at } => *at,
        }
    }

    /// The observation as the engine was given it: under the key that its run was first known by.
    #[must_use]
    pub fn known_by_its_first_key(mut self) -> Self {
        if let Self::Observed { workflow, observation, .. } = &mut self
            && let Some(workflow) = workflow.take()
        {
            observation.key.workflow = workflow;
        }
        self
    }
}
