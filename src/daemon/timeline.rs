//! What happened, in order: decisions, attempts to deliver, and what is still on its way.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::words::{Of, outcome, time, words};
use crate::engine::{Line, Notification, Reason};
use crate::ledger::{DeliveryState, DeliveryStory};
use crate::triage::redact::clean;

/// Lines, each with its time.
#[derive(Default)]
pub(crate) struct Timeline {
    entries: Vec<(Timestamp, String)>,
    ahead: Vec<String>,
}

impl Timeline {
    /// Decisions about a run.
    pub(crate) fn run(&mut self, lines: &[Line]) {
        for line in lines {
            let mut text = words(&line.reason, line.at, Of::Run);
            if let Some(source) = &line.source {
                let _ = write!(text, " (seen by {})", clean(source));
            }
            self.entries.push((line.at, text));
        }
    }

    /// Decisions about an incident; `known` are lines that say the same of one of its runs, and `name` stands before each.
    pub(crate) fn incident(&mut self, lines: &[Line], name: Option<&str>, known: &[Line]) {
        for line in lines.iter().filter(|line| !known.iter().any(|known| says_the_same(known, line))) {
            let text = words(&line.reason, line.at, Of::Incident);
            let text = name.map_or_else(|| text.clone(), |name| format!("incident {name}: {text}"));
            self.entries.push((line.at, text));
        }
    }

    /// What was sent, and what came of it.
    pub(crate) fn deliveries(&mut self, deliveries: &[DeliveryStory], said: &[Notification]) {
        for delivery in deliveries {
            let what = said.iter().find(|said| said.id == delivery.notification);
            let what = what.map_or("", |said| said.kind.as_str());
            let mut to = format!("\"{what}\" to {}", clean(&delivery.receiver));
            if !delivery.address.is_empty() {
                let _ = write!(to, " ({})", clean(&delivery.address));
            }
            for attempt in &delivery.attempts {
                self.entries.push((attempt.at, format!("{to}: {}", outcome(&attempt.outcome))));
            }
            match (delivery.state, delivery.next_at) {
                (DeliveryState::Waiting, Some(next)) => {
                    self.ahead.push(format!("{to} is on its way, next attempt {}", time(next)));
                }
                (DeliveryState::Waiting, None) => self.ahead.push(format!("{to} is on its way")),
                (DeliveryState::GivenUp, _) => self.ahead.push(format!("{to} was given up")),
                (DeliveryState::Done, _) => {}
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What happened with its time, the oldest first; and what is still on its way.
    pub(crate) fn entries(mut self) -> (Vec<(Timestamp, String)>, Vec<String>) {
        self.entries.sort_by_key(|(at, _)| *at);
        (self.entries, self.ahead)
    }

    /// One line for each, the oldest first.
    pub(crate) fn render(mut self) -> String {
        self.entries.sort_by_key(|(at, _)| *at);
        let mut text = String::new();
        for (at, entry) in &self.entries {
            let _ = write!(text, "\n  {}  {entry}", time(*at));
        }
        for entry in &self.ahead {
            let _ = write!(text, "\n  {entry}");
        }
        text
    }
}

/// A run's line and its incident's that were written by the same decision.
fn says_the_same(run: &Line, incident: &Line) -> bool {
    run.at == incident.at
        && match (&run.reason, &incident.reason) {
            (Reason::Told { kind, receivers, .. }, Reason::Told { kind: other, receivers: others, .. }) => {
                kind == other && receivers == others
            }
            (Reason::Withheld { receivers, why, .. }, Reason::Withheld { receivers: others, why: other, .. }) => {
                why == other && receivers == others
            }
            _ => false,
        }
}
