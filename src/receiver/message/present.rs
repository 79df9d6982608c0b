//! How a problem stands, for a channel that edits one message: the card in full, as when it opened, with the counts of now and who takes
//! care. What is new since the last time is not said here, but in the message of its own that each change has. It knows no channel.

use super::incident::nobody;
use super::line::Line;
use super::text::counted;
use super::{Budget, Message, state, when};
use crate::engine::{IncidentNote, Kind, Notification, Subject};

impl Message {
    /// The whole of what is known now. What is no incident, or is over, is said as ever.
    pub(crate) fn present(notification: &Notification, budget: Budget) -> Self {
        let (Some(note), Some(opening)) = (notification.incident.as_deref(), opening(notification)) else {
            return Self::new(notification, budget);
        };
        let mut as_opened = Notification { kind: opening, ..notification.clone() };
        if let Some(note) = as_opened.incident.as_mut().filter(|_| opening != notification.kind) {
            // It was counted when the problem opened.
            note.novelty.in_last_hour = None;
        }
        let mut message = Self::new(&as_opened, budget);
        if opening != notification.kind {
            message.headline = Self::new(notification, Budget::percent(0)).headline;
        }
        let acknowledged = note.acknowledged.is_some() && notification.kind != Kind::Escalated;
        let shown = if acknowledged { Kind::Acknowledged } else { notification.kind };
        (message.emoji, message.state, message.tone) = state::of(&Notification { kind: shown, ..notification.clone() });
        message.lead.extend(stands(notification, note));
        message
    }
}

/// What was said when a problem like this one opened. None: it is over, or no problem.
fn opening(notification: &Notification) -> Option<Kind> {
    let Subject::Run(card) = &notification.subject else {
        return None;
    };
    let note = notification.incident.as_deref()?;
    Some(match notification.kind {
        Kind::Resolved | Kind::Summary | Kind::Daily | Kind::Trouble | Kind::Test => return None,
        kind @ (Kind::Failed | Kind::StillRetrying | Kind::Vanished | Kind::Missed | Kind::ProviderTrouble) => kind,
        Kind::Updated | Kind::StillOpen | Kind::Reopened | Kind::Escalated | Kind::Acknowledged => {
            if note.provider.is_some() {
                Kind::ProviderTrouble
            } else if card.missed.is_some() {
                Kind::Missed
            } else if note.failures == 0 && card.retrying.is_some() {
                Kind::StillRetrying
            } else {
                Kind::Failed
            }
        }
    })
}

/// Where it stands besides its counts.
fn stands(notification: &Notification, note: &IncidentNote) -> Vec<Line> {
    let now = notification.decided_at;
    let age = || when::rough(now.duration_since(note.opened_at));
    let mut lines = Vec::new();
    if note.reopened > 0 {
        let again = Line::default().strong("opened again");
        lines.push(again.text(format!(" {} after it was over.", counted(note.reopened, "time", "times"))));
    }
    match notification.kind {
        Kind::Escalated => {
            let line = Line::default().strong("escalated");
            lines.push(line.text(format!(": nobody acknowledged for {}.", age())));
        }
        Kind::StillOpen => {
            let line = Line::default().strong("still open").text(format!(" after {}, ", age()));
            lines.push(line.then(nobody(note, now)).text("."));
        }
        _ if note.acknowledged.is_some() => lines.push(nobody(note, now).text(".")),
        _ => {}
    }
    lines
}
