//! What came of an attempt to deliver, and what follows from it: pure, so that both are data in the ledger.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::failing::UNREACHABLE_AFTER;
use super::{Audience, next_attempt};

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
        /// Where the incident's message stands, in the receiver's own words: it gets them back with the next delivery about that
        /// incident. Only from one that edits what it posted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        post: Option<String>,
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

impl Outcome {
    /// It arrived, and nothing of it is edited later.
    #[must_use]
    pub fn delivered(receipt: impl Into<String>) -> Self {
        Self::Delivered { receipt: receipt.into(), plain: false, post: None }
    }
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

/// What follows from `attempt`. `failing_since` is the first failure at this address since the last success there, before this attempt:
/// how long this delivery waited says nothing about the receiver, for in a storm it waits for its turn. `seed` feeds the jitter.
#[must_use]
pub fn after_attempt(
    attempt: &Attempted,
    audience: &Audience,
    failing_since: Option<Timestamp>,
    now: Timestamp,
    seed: u64,
) -> Verdict {
    let retry_after = match &attempt.outcome {
        Outcome::Delivered { .. } => return Verdict { next: Next::Done, speak_up: false },
        Outcome::Refused { permanent: true, .. } => return Verdict { next: Next::GivenUp, speak_up: true },
        Outcome::Refused { retry_after, .. } => retry_after.map(SignedDuration::from_secs),
        Outcome::Unknown { .. } => None,
    };
    match next_attempt(audience.patience, attempt.created_at, attempt.attempts, retry_after, now, seed) {
        Some(at) => {
            let asked = retry_after.is_some_and(|asked| asked > UNREACHABLE_AFTER);
            let since = failing_since.is_some_and(|since| at.duration_since(since) > UNREACHABLE_AFTER);
            Verdict { next: Next::RetryAt(at), speak_up: asked || since }
        }
        None => Verdict { next: Next::GivenUp, speak_up: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::audience;

    fn refused(retry_after: Option<i64>) -> Attempted {
        let at = Timestamp::UNIX_EPOCH;
        let outcome = Outcome::Refused { permanent: false, reason: "429".to_owned(), retry_after };
        Attempted { delivery: 1, receiver: "oncall".to_owned(), at, attempts: 1, created_at: at, outcome }
    }

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn a_failure_after_a_long_wait_in_the_queue_is_not_a_broken_receiver() {
        let verdict = |since| after_attempt(&refused(Some(20)), &audience(), since, seconds(3_000), 0);
        assert!(!verdict(None).speak_up, "the first failure since the last success");
        assert!(!verdict(Some(seconds(2_970))).speak_up);
        assert!(verdict(Some(seconds(2_930))).speak_up);
    }

    #[test]
    fn a_receiver_that_asks_for_more_than_a_minute_is_reported_at_once() {
        assert!(after_attempt(&refused(Some(300)), &audience(), None, seconds(0), 0).speak_up);
    }
}
