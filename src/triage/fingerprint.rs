//! The identity of an error once ids, times, numbers and addresses are taken out of it.

use serde::{Deserialize, Serialize};

/// `v1:` and 32 hex digits: equal for the same error with other ids, times, numbers and addresses; different for
/// another provider status or exit code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);
