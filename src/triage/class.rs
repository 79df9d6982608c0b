//! The class of a failure, and what decided it. The order is DESIGN.md section 5's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It may pass by itself.
    Transient,
    /// Somebody must renew or grant access.
    Authorization,
    /// Somebody must change the workflow or its input.
    Configuration,
    /// The engine or its machine let the run down.
    Engine,
    /// Nothing says.
    Unknown,
}

/// What decided the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum ClassReason {
    /// The user's override for this code.
    Override {
        /// The pattern that matched, as the configuration has it.
        code: String,
    },
    /// The engine says `retryable: true`.
    EngineRetryable,
    /// The provider's HTTP status.
    ProviderStatus {
        /// The status.
        status: u16,
    },
    /// A well-known code.
    Code {
        /// The code.
        code: String,
    },
    /// The engine ended the run: crashed, lost, killed, timed out as a whole.
    EngineEnd {
        /// What says so.
        code: String,
    },
    /// Nothing did.
    Nothing,
}

/// The user's overrides of the class by code (`[classes]` in the configuration): exact codes and `*` globs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes {
    /// Pattern to class, the configuration's order does not matter: an exact code wins over a glob, a longer glob over a shorter.
    pub overrides: BTreeMap<String, Class>,
}
