//! Why something is not said yet: each with its data, and each with an end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::IncidentId;
use crate::engine::rule::Condition;

/// Why a receiver is not told now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Withheld {
    /// Not enough has failed yet for the rule to speak.
    Condition {
        /// How much must have.
        condition: Condition,
        /// How much has: failures, failures in a row, or failed ones of the last runs.
        have: u32,
    },
    /// A silence.
    Silence {
        /// Its id.
        id: String,
        /// Its end.
        until: Timestamp,
    },
    /// Something above it is open.
    Inhibited {
        /// The `[[inhibit]]`.
        inhibition: String,
        /// The incident that is open.
        by: IncidentId,
    },
    /// The receiver's quiet hours.
    Quiet {
        /// The schedule.
        schedule: String,
        /// Their end.
        until: Timestamp,
    },
    /// The receiver's budget is used up: a storm.
    Budget {
        /// How many messages.
        messages: u32,
        /// In which time.
        within: SignedDuration,
    },
    /// It is part of a service's trouble, which is told as one.
    Provider {
        /// The incident of the service.
        incident: IncidentId,
        /// The service.
        provider: String,
    },
    /// It was told; the next update is not due before.
    Rhythm {
        /// Then.
        until: Timestamp,
    },
}
