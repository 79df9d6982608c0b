//! Whether a receiver is to be told something of an incident now, and what; else when to ask again. A pure comparison of the facts with
//! what it has heard: nothing but this decides.

use jiff::{SignedDuration, Timestamp};

use super::incident::{Ear, Incident, Level, State, What};
use super::{Kind, Manner, Policy, Rhythm, Rule};

/// The longest time between two reminders.
const LONGEST_REMINDER: SignedDuration = SignedDuration::from_hours(24);
/// An edit calls nobody: this often is for the receiver's sake (Slack's `chat.update` takes about 50 a minute for a whole workspace).
const EDIT_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Opened again this often, it flaps: from then on it is spoken of at most once in `update_every`.
const FLAPS_FROM: u32 = 3;

/// The rhythm of an incident under these rules.
pub(super) fn rhythm_of(incident: &Incident, policy: &Policy) -> Rhythm {
    let rule = incident.rule.as_ref();
    let rule = rule.and_then(|name| policy.rules.get(name));
    rhythm(rule, policy)
}

/// The rhythm of a rule, or the defaults'.
pub(super) fn rhythm(rule: Option<&Rule>, policy: &Policy) -> Rhythm {
    rule.map_or(policy.rhythm, |rule| rule.rhythm.over(policy.rhythm))
}

/// How `receiver` keeps what it is told.
pub(super) fn manner(receiver: &str, policy: &Policy) -> Manner {
    policy.receivers.get(receiver).map(|audience| audience.manner).unwrap_or_default()
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Say this now.
    Say(Kind),
    /// Not before then; what would be said then, if nothing changes.
    At(Timestamp),
    /// Nothing, unless something changes.
    Nothing,
}

/// What is due at `now` for one receiver.
pub(super) fn due(now: Timestamp, incident: &Incident, ear: &Ear, rhythm: Rhythm, manner: Manner) -> Due {
    let update_every = update_every(ear, rhythm, manner);
    let spaced = |kind: Kind| {
        let at = ear.last_at.map_or(now, |last| after(last, update_every));
        if at <= now { Due::Say(kind) } else { Due::At(at) }
    };
    let flaps = incident.reopened >= FLAPS_FROM;
    if shows(ear, manner) {
        // What stands there is kept right, whoever else speaks for the problem and whatever was summed up.
        match incident.state {
            State::Resolved if flaps => return spaced(Kind::Resolved),
            State::Resolved => return Due::Say(Kind::Resolved),
            State::Open if incident.acknowledged.is_some() && !ear.acknowledged => return Due::Say(Kind::Acknowledged),
            State::Open | State::Gathering => {}
        }
    }
    if ear.under.is_some() {
        return Due::Nothing;
    }
    match incident.state {
        State::Gathering => Due::Nothing,
        // It came back and went again before its turn came: that, too, is told.
        State::Resolved if !ear.knows && ear.told_over && incident.failures > ear.failures => spaced(Kind::Resolved),
        State::Resolved if !ear.knows => Due::Nothing,
        State::Resolved if flaps => spaced(Kind::Resolved),
        State::Resolved => Due::Say(Kind::Resolved),
        State::Open if ear.escalate => Due::Say(Kind::Escalated),
        State::Open if !ear.knows && ear.told_over && flaps => spaced(Kind::Reopened),
        State::Open if !ear.knows && ear.told_over => Due::Say(Kind::Reopened),
        State::Open if !ear.knows || incident.level > ear.level => Due::Say(opening(incident)),
        State::Open if incident.failures > ear.failures => spaced(Kind::Updated),
        // More runs are parked behind a connection.
        State::Open if matches!(incident.what, What::Missed { .. }) && incident.runs > ear.runs => {
            spaced(Kind::Updated)
        }
        State::Open => remind(now, incident, ear, rhythm),
    }
}

/// Whether something stands there that shows the problem as going on.
pub(super) fn shows(ear: &Ear, manner: Manner) -> bool {
    ear.stands && manner != Manner::Posts
}

/// How much time lies between two updates of what the receiver knows.
pub(super) fn update_every(ear: &Ear, rhythm: Rhythm, manner: Manner) -> SignedDuration {
    match manner {
        Manner::Edits if ear.stands => rhythm.update_every.min(EDIT_EVERY),
        Manner::Edits | Manner::Posts | Manner::Alert => rhythm.update_every,
    }
}

fn remind(now: Timestamp, incident: &Incident, ear: &Ear, rhythm: Rhythm) -> Due {
    let (Some(first), Some(last)) = (rhythm.remind, ear.last_at) else {
        return Due::Nothing;
    };
    if incident.acknowledged.is_some() {
        return Due::Nothing;
    }
    let mut interval = first;
    for _ in 0..ear.reminders.min(16) {
        interval = interval.saturating_mul(2);
    }
    let at = after(last, interval.min(LONGEST_REMINDER.max(first)));
    if at <= now { Due::Say(Kind::StillOpen) } else { Due::At(at) }
}

/// What is said where a receiver hears of the problem, or hears that it became worse.
fn opening(incident: &Incident) -> Kind {
    match (&incident.what, incident.level) {
        (What::Provider { .. }, _) => Kind::ProviderTrouble,
        (What::Missed { .. }, _) => Kind::Missed,
        (What::Failure { .. }, Level::Retrying) => Kind::StillRetrying,
        (What::Failure { .. }, Level::Vanished) => Kind::Vanished,
        (What::Failure { .. }, Level::Failed) => Kind::Failed,
    }
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.saturating_add(time).unwrap_or(Timestamp::MAX)
}
