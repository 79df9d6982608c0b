//! The words for what did not happen though it was expected. It knows a card and no channel.

use jiff::Timestamp;

use super::line::Line;
use super::text;
use super::when::rough;
use crate::triage::{Missed, exact};

/// How a miss is spoken of.
pub(super) struct Words {
    /// Behind the workflow's name, and true at any time while it goes on: `has not succeeded`.
    pub(super) constant: &'static str,
    /// The same with what is known now: `has not succeeded for 26 h`.
    pub(super) now: String,
    /// What was expected.
    pub(super) expected: Line,
    /// When it has happened: `succeeded again`.
    pub(super) over: &'static str,
    /// Since when it was missing, where that is known.
    pub(super) since: Option<Timestamp>,
}

pub(super) fn words(missed: &Missed, now: Timestamp) -> Words {
    let ago = |since: Timestamp| rough(now.duration_since(since));
    let line = Line::default;
    match missed {
        Missed::Success { last, every } => Words {
            constant: "has not succeeded",
            now: match last {
                Some(last) => format!("has not succeeded for {}", ago(*last)),
                None => "has never succeeded since firstred watches it".to_owned(),
            },
            expected: match last {
                Some(last) => line()
                    .text("Last success ")
                    .time(*last, now)
                    .text(format!("; one is expected every {}.", exact(*every))),
                None => line().text(format!("A success is expected every {}.", exact(*every))),
            },
            over: if last.is_some() { "succeeded again" } else { "succeeded" },
            since: *last,
        },
        Missed::Start { since, every } => Words {
            constant: "has never run",
            now: format!("has never run in {}", ago(*since)),
            expected: line().text(format!("It is expected every {} since ", exact(*every))).time(*since, now).text("."),
            over: "ran",
            since: Some(*since),
        },
        Missed::End { started, at_most, usual } => Words {
            constant: "runs for too long",
            now: format!("has been running for {}", ago(*started)),
            expected: {
                let usual =
                    usual.map(|usual| format!("; it usually takes {} at most", exact(usual))).unwrap_or_default();
                line().text("Started ").time(*started, now).text(format!("; it may take {}{usual}.", exact(*at_most)))
            },
            over: "ended",
            since: Some(*started),
        },
        Missed::Progress { since, at_most, paused } => Words {
            constant: if *paused { "is paused for too long" } else { "waits for too long" },
            now: format!("has been {} for {}", if *paused { "paused" } else { "waiting" }, ago(*since)),
            expected: line()
                .text(if *paused { "Paused since " } else { "Waiting since " })
                .time(*since, now)
                .text(if *paused { "; it may be paused for " } else { "; it may wait for " })
                .text(format!("{}.", exact(*at_most))),
            over: "goes on",
            since: Some(*since),
        },
        Missed::Authorization { parked, since } => Words {
            constant: "waits for a connection to be authorized again",
            now: format!("waits for authorization: {} parked", text::counted(*parked, "run is", "runs are")),
            expected: line().text("The first of them waits since ").time(*since, now).text("."),
            over: "is authorized again",
            since: Some(*since),
        },
    }
}
