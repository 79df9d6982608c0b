//! What the receivers that speak HTTP share: what it means for a delivery when no answer comes. It knows no receiver.

use super::message::text;
use crate::engine::Outcome;
use crate::net::NetError;
use crate::triage::redact::Secrets;

/// What came of an attempt that got no whole answer.
pub(crate) fn outcome_of(error: &NetError, own: &Secrets) -> Outcome {
    let reason = text::reason(&error.to_string(), own);
    match error {
        NetError::Lost(_) | NetError::Timeout { connected: true, .. } => Outcome::Unknown { reason },
        NetError::Setup(_) | NetError::NotSent(_) | NetError::Timeout { connected: false, .. } => {
            Outcome::Refused { permanent: false, reason, retry_after: None }
        }
    }
}
