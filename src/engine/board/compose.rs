//! Puts together what is said of an incident: data for a message, no words.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::release::line;
use super::shown;
use crate::engine::incident::{Incident, IncidentNote, Level, MOST_LINES, ProviderNote, SummaryLine, What, Withheld};
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

/// How an incident stands now, as a message of its own kind would say it, though nobody asked for one: for a page about it. `members`: the
/// incidents that it stands for. Nothing where its card can't be read.
#[must_use]
pub fn picture(now: Timestamp, incident: &Incident, members: &[&Incident]) -> Option<Notification> {
    let card = incident.opening.card()?;
    let kind = match (&incident.what, incident.level) {
        _ if incident.resolution.is_some() => Kind::Resolved,
        (What::Provider { .. }, _) => Kind::ProviderTrouble,
        (What::Missed { .. }, _) => Kind::Missed,
        (What::Failure { .. }, Level::Retrying) => Kind::StillRetrying,
        (What::Failure { .. }, Level::Vanished) => Kind::Vanished,
        (What::Failure { .. }, Level::Failed) => Kind::Failed,
    };
    let workflows: BTreeSet<&str> =
        members.iter().flat_map(|member| member.points.iter().map(|point| point.workflow.as_str())).collect();
    let workflows = u32::try_from(workflows.len()).unwrap_or(u32::MAX);
    let provider = provider_note(incident, members.iter().copied()).map(|note| (note, workflows));
    let saying = Saying { kind, more: incident.failures, withheld: None };
    Some(notification(now, incident, &card, saying, provider))
}

/// The service that fails several workflows, with those that it fails.
pub(super) fn provider_note<'a>(
    incident: &Incident,
    members: impl Iterator<Item = &'a Incident>,
) -> Option<ProviderNote> {
    let What::Provider { provider, class, status, .. } = &incident.what else {
        return None;
    };
    let mut lines: Vec<SummaryLine> = members.filter_map(|member| line(member, member.failures)).collect();
    lines.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.workflow.cmp(&b.workflow)));
    let more_members = u32::try_from(lines.len().saturating_sub(MOST_LINES)).unwrap_or(u32::MAX);
    lines.truncate(MOST_LINES);
    Some(ProviderNote { provider: provider.clone(), class: *class, status: *status, members: lines, more_members })
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
