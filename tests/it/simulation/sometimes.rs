//! How often each thing that a simulation should meet has happened. A batch in which one never did proves nothing about it.

use std::collections::BTreeMap;

/// What must happen.
const ALL: [&str; 51] = [
    "failed",
    "still-retrying",
    "vanished",
    "provider-trouble",
    "updated",
    "still-open",
    "reopened",
    "escalated",
    "resolved",
    "acknowledged",
    "resolved where it is silent",
    "an edit within a minute or two",
    "waited for its turn",
    "summary",
    "retry told overdue",
    "retry told at the end of its hold",
    "left to the run in its place",
    "withheld by a silence",
    "withheld by what is above",
    "withheld in quiet hours",
    "withheld by the budget",
    "told as a part of a service's trouble",
    "not enough failed yet",
    "not enough failed in the end",
    "told to nobody: not enough failed",
    "storm summed up",
    "quiet hours summed up",
    "silence summed up",
    "inhibited summed up",
    "silence ended by a new error",
    "ended by quiet",
    "ended by the same run",
    "ended by a later run",
    "ended by cancelling the retry",
    "a service's trouble opened",
    "a service's trouble ended",
    "crash between two things",
    "crash before a commit",
    "crash after a commit",
    "died on the wire",
    "reload",
    "clock set back",
    "clock set forward",
    "delivered",
    "refused for now",
    "asked to come later",
    "answer lost",
    "stalled",
    "given up",
    "fallback used",
    "handed on",
];

#[derive(Clone, Default)]
pub(super) struct Sometimes(BTreeMap<&'static str, u64>);

impl Sometimes {
    pub(super) fn hit(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// What never happened.
    pub(super) fn never(&self) -> Vec<&'static str> {
        ALL.into_iter().filter(|what| !self.0.contains_key(what)).collect()
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(what, count)| format!("{count:>9} {what}\n")).collect()
    }
}
