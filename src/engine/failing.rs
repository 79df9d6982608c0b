//! How an address of a receiver fails: since when it does not take anything, and what it refused for good. Pure.

use jiff::{SignedDuration, Timestamp};

use super::Outcome;

/// A receiver that took nothing for this long is unreachable.
pub(super) const UNREACHABLE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// One refusal for good may be the message's fault. So many, with nothing taken in between, are the receiver's.
const REFUSES_FROM: u32 = 2;

/// What an address of a receiver did since it last took something. The default is: nothing wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failing {
    /// The first failure after which it did not answer as it should.
    pub since: Option<Timestamp>,
    /// How many deliveries it refused for good.
    pub refused: u32,
}

impl Failing {
    /// How it stands after `outcome`.
    #[must_use]
    pub fn after(self, outcome: &Outcome, at: Timestamp) -> Self {
        match outcome {
            Outcome::Delivered { .. } => Self::default(),
            // A refusal for good is an answer: it can be reached, whatever it thinks of the message.
            Outcome::Refused { permanent: true, .. } => Self { since: None, refused: self.refused.saturating_add(1) },
            Outcome::Refused { .. } | Outcome::Unknown { .. } => Self { since: self.since.or(Some(at)), ..self },
        }
    }

    /// Whether it could not be reached for long enough to say so.
    #[must_use]
    pub fn is_unreachable(self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) >= UNREACHABLE_AFTER)
    }

    /// Whether it refuses whatever it is sent.
    #[must_use]
    pub fn is_refusing(self) -> bool {
        self.refused >= REFUSES_FROM
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn refused(permanent: bool) -> Outcome {
        Outcome::Refused { permanent, reason: "no".to_owned(), retry_after: None }
    }

    #[test]
    fn a_receiver_is_unreachable_a_minute_after_its_first_failure_and_not_before() {
        let failing = Failing::default().after(&refused(false), at(0)).after(&refused(false), at(30));
        assert_eq!(failing.since, Some(at(0)));
        assert!(!failing.is_unreachable(at(59)) && failing.is_unreachable(at(60)));
        let yes = Outcome::delivered("ok");
        assert_eq!(failing.after(&yes, at(70)), Failing::default());
    }

    #[test]
    fn one_refused_message_is_no_broken_receiver_and_two_in_a_row_are() {
        let once = Failing::default().after(&refused(false), at(0)).after(&refused(true), at(1));
        assert!(!once.is_unreachable(at(900)) && !once.is_refusing());
        assert!(once.after(&refused(true), at(2)).is_refusing());
    }
}
