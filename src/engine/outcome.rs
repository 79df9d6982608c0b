//! What came of an attempt to deliver, and what follows from it: pure, so that both are data in the ledger.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Audience, next_attempt};

/// When a delivery that still fails would next be tried later than this after it was first due, the receiver is
/// reported as broken on another path.
const SPEAK_UP_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The receiver said yes.
    Delivered {
        /// What it gave as proof: a message id, `ok`, the SMTP reply.
        receipt: String,
        /// Sent as the plain message because the receiver did not take the rich one.
        #[serde(default)]
        plain: bool,
    },
    /// The receiver, or the way to it, said no.
    Refused {
        /// Trying again is pointless.
        permanent: bool,
        /// What was answered. Redacted; holds no URL of a receiver.
        reason: String,
        /// How many seconds the receiver asks to wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<i64>,
    },
    /// It may have arrived: the connection was lost after the request was sent. Tried again; the idempotency key lets
    /// the receiver drop the repeat.
    Unknown {
        /// What happened. Redacted.
        reason: String,
    },
}

/// One attempt as the ledger records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempted {
    /// The delivery's number.
    pub delivery: i64,
    /// The receiver's name.
    pub receiver: String,
    /// When the attempt ended.
    pub at: Timestamp,
    /// How many attempts there have been, this one included.
    pub attempts: u32,
    /// When the delivery was first due.
    pub created_at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The delivery's next state.
    pub next: Next,
    /// The receiver is to be reported as broken, unless it already is.
    pub speak_up: bool,
}

/// The next state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It arrived.
    Done,
    /// It is tried again then.
    RetryAt(Timestamp),
    /// It is given up here and goes to the receiver's fallback, if it has one.
    GivenUp,
}

/// What follows from `attempt`. `seed` feeds the jitter.
#[must_use]
pub fn after_attempt(attempt: &Attempted, audience: &Audience, now: Timestamp, seed: u64) -> Verdict {
    let retry_after = match &attempt.outcome {
        Outcome::Delivered { .. } => return Verdict { next: Next::Done, speak_up: false },
        Outcome::Refused { permanent: true, .. } => return Verdict { next: Next::GivenUp, speak_up: true },
        Outcome::Refused { retry_after, .. } => retry_after.map(SignedDuration::from_secs),
        Outcome::Unknown { .. } => None,
    };
    // Greylisting asks each new sender to come back after a minute: that it asks once is no sign of a broken receiver.
    let asked_once = attempt.attempts == 1 && retry_after.is_some();
    let patience = if asked_once { SPEAK_UP_AFTER * 2 } else { SPEAK_UP_AFTER };
    match next_attempt(audience.schedule, attempt.created_at, attempt.attempts, retry_after, now, seed) {
        Some(at) => Verdict { next: Next::RetryAt(at), speak_up: at.duration_since(attempt.created_at) > patience },
        None => Verdict { next: Next::GivenUp, speak_up: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Schedule;

    fn spoken(attempts: u32, at: i64, retry_after: Option<i64>) -> bool {
        let at = Timestamp::from_second(at).expect("a time");
        let outcome = Outcome::Refused { permanent: false, reason: "450".to_owned(), retry_after };
        let (delivery, receiver) = (1, "mail".to_owned());
        let attempt = Attempted { delivery, receiver, at, attempts, created_at: Timestamp::UNIX_EPOCH, outcome };
        let schedule = Schedule { give_up_after: SignedDuration::from_hours(24) };
        let audience = Audience { workspaces: None, fallback: None, schedule, addresses: Vec::new() };
        after_attempt(&attempt, &audience, at, 0).speak_up
    }

    #[test]
    fn a_receiver_is_reported_within_a_minute_and_not_for_asking_once_to_come_back() {
        assert!(!spoken(1, 1, Some(60)), "greylisting");
        assert!(spoken(2, 61, Some(60)), "and again");
        assert!(spoken(1, 1, Some(600)), "that is long");
        assert!(!spoken(1, 15, None));
        assert!(spoken(6, 40, None));
    }
}
