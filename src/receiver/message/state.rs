//! The state of a message in a sign, a word and a tone. It knows no channel: what colour a tone has is the channel's.

use crate::engine::{Kind, Notification, Proof, Subject};

/// How a message sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something failed.
    Bad,
    /// Something may fail, or is missing.
    Warn,
    /// Somebody looks after it.
    Known,
    /// It is over.
    Good,
    /// Nothing is wrong.
    Note,
}

/// The sign, the word and the tone.
pub(super) fn of(notification: &Notification) -> (&'static str, &'static str, Tone) {
    let note = notification.incident.as_deref();
    let proof = note.and_then(|note| note.resolution.as_ref()).map(|resolution| &resolution.proof);
    // Nothing has failed for good: a run is still retrying, or something is missing.
    let mild = note.is_some_and(|note| note.failures == 0)
        || matches!(&notification.subject, Subject::Run(card) if card.missed.is_some());
    let (red, bad) = if mild { ("🟠", Tone::Warn) } else { ("🔴", Tone::Bad) };
    match notification.kind {
        Kind::Failed => ("🔴", "FAILED", Tone::Bad),
        Kind::StillRetrying => ("🟠", "STILL RETRYING", Tone::Warn),
        Kind::Vanished => ("🟠", "VANISHED", Tone::Warn),
        Kind::Trouble => ("⚠️", "TROUBLE", Tone::Warn),
        Kind::Test => ("🔔", "TEST", Tone::Note),
        Kind::Missed => ("🟠", "MISSED", Tone::Warn),
        Kind::ProviderTrouble => ("🔴", "SERVICE TROUBLE", Tone::Bad),
        Kind::Updated => (red, "UPDATE", bad),
        Kind::StillOpen => (red, "STILL OPEN", bad),
        Kind::Reopened => (red, "FAILED AGAIN", bad),
        Kind::Escalated => ("🚨", "ESCALATED", Tone::Bad),
        Kind::Acknowledged => ("🟡", "ACKNOWLEDGED", Tone::Known),
        Kind::Resolved => match proof {
            Some(Proof::Cancelled { .. } | Proof::Moot) => ("✅", "CLOSED", Tone::Good),
            Some(Proof::Quiet { .. }) => ("✅", "QUIET", Tone::Good),
            _ => ("✅", "RECOVERED", Tone::Good),
        },
        Kind::Summary => match &notification.subject {
            Subject::Summary(summary) if summary.resolved >= summary.incidents => ("✅", "SUMMARY", Tone::Good),
            _ => ("🔴", "SUMMARY", Tone::Bad),
        },
        Kind::Daily => match &notification.subject {
            Subject::Daily(note) if note.is_well() => ("🟢", "DAILY", Tone::Note),
            _ => ("⚪", "DAILY", Tone::Note),
        },
    }
}

pub(super) fn emoji(notification: &Notification) -> &'static str {
    of(notification).0
}

/// Whether it calls its owner: what is news of something bad does, what only goes on or is over does not.
pub(super) fn calls(kind: Kind) -> bool {
    match kind {
        Kind::Failed
        | Kind::StillRetrying
        | Kind::Vanished
        | Kind::Missed
        | Kind::ProviderTrouble
        | Kind::StillOpen
        | Kind::Reopened
        | Kind::Escalated => true,
        Kind::Updated
        | Kind::Acknowledged
        | Kind::Resolved
        | Kind::Summary
        | Kind::Trouble
        | Kind::Test
        | Kind::Daily => false,
    }
}
