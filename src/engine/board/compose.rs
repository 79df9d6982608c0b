//! Puts together what is said of an incident: data for a message, no words.

use jiff::Timestamp;

use super::shown;
use crate::engine::incident::{Incident, IncidentNote, ProviderNote, Withheld};
use crate::engine::{Kind, Notification, NotificationId, Subject};
use crate::triage::Card;

/// What is said.
pub(super) struct Saying {
    pub(super) kind: Kind,
    /// How many failures are news.
    pub(super) more: u32,
    /// Why it is said only now.
    pub(super) withheld: Option<Withheld>,
}

/// The notification. Its id is derived from the incident and from how much was said of it.
pub(super) fn notification(
    now: Timestamp,
    incident: &Incident,
    card: &Card,
    saying: Saying,
    provider: Option<(ProviderNote, u32)>,
) -> Notification {
    let said = incident.said.to_string();
    let opened = incident.opened_at.as_microsecond().to_string();
    Notification {
        id: NotificationId::of_parts(&["incident", incident.id.as_str(), &opened, &said, saying.kind.as_str()]),
        kind: saying.kind,
        severity: incident.severity,
        rule: incident.rule.clone(),
        runbook: incident.runbook.clone(),
        decided_at: now,
        incident: Some(Box::new(note(incident, saying, provider))),
        owner: incident.owner.clone(),
        subject: Subject::Run(Box::new(card.clone())),
    }
}

fn note(incident: &Incident, saying: Saying, provider: Option<(ProviderNote, u32)>) -> IncidentNote {
    let (provider, workflows) = provider.unzip();
    // "Failed again, 12 min after it was over."
    let before = incident.before.clone().filter(|_| saying.kind == Kind::Reopened);
    IncidentNote {
        id: incident.id.clone(),
        group: incident.group.iter().map(|(name, value)| (name.clone(), shown::name(value))).collect(),
        opened_at: incident.opened_at,
        failures: incident.failures,
        runs: incident.runs,
        workflows: workflows.unwrap_or_else(|| incident.workflows()),
        more: saying.more,
        last_failed_at: (incident.failures > 0).then_some(incident.last_at),
        last_run: incident.last_run.as_ref().map(shown::run),
        reopened: incident.reopened,
        novelty: incident.novelty.clone(),
        acknowledged: incident.acknowledged.clone(),
        withheld: saying.withheld,
        resolution: incident.resolution.as_ref().or(before.as_ref()).map(shown::resolution),
        provider,
    }
}
