//! Silences as programs read them: those of the configuration and those that were made by command.

use jiff::Timestamp;
use serde::Serialize;

use crate::engine::{Board, Matcher, Policy, Silence};

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SilenceView {
    /// What names it.
    pub id: String,
    /// What is not told.
    #[serde(rename = "match")]
    pub when: Matcher,
    /// Since when; absent: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
    /// It withholds now.
    pub on: bool,
    /// It ended before its time, by a new error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<Timestamp>,
    /// It stands in the configuration.
    pub configured: bool,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// It does not hold back an error that is new since it began.
    pub unless_new: bool,
    /// How many incidents wait for its end.
    pub withholds: u64,
}

impl SilenceView {
    /// A silence as it stands now.
    #[must_use]
    pub fn of(now: Timestamp, silence: &Silence, ended_early: Option<Timestamp>, configured: bool) -> Self {
        Self {
            id: silence.id.clone(),
            when: silence.when.clone(),
            from: silence.from,
            until: silence.until,
            on: ended_early.is_none() && silence.is_on(now),
            ended_early,
            configured,
            by: silence.by.clone(),
            comment: silence.comment.clone(),
            unless_new: silence.unless_new,
            withholds: 0,
        }
    }
}

/// The silences of the configuration, then those that were made by command.
#[must_use]
pub fn silences(now: Timestamp, board: &Board, policy: &Policy) -> Vec<SilenceView> {
    let configured =
        policy.silences.iter().map(|silence| SilenceView::of(now, silence, board.ended_early(&silence.key()), true));
    let made = board.silences().map(|silence| SilenceView::of(now, silence, None, false));
    let mut all: Vec<SilenceView> = configured.chain(made).collect();
    for pending in board.pending() {
        for silence in &mut all {
            let waits = |waiting: &crate::engine::Waiting| matches!(&waiting.why, crate::engine::Withheld::Silence { id, .. } if *id == silence.id);
            silence.withholds += u64::from(pending.waiting.iter().any(waits));
        }
    }
    all
}
