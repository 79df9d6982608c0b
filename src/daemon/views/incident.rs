//! One problem as programs read it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::engine::{
    Acknowledged, Board, Coming, Condition, Incident, IncidentId, Line, Notification, Novelty, Number, OwnerNote,
    Policy, Resolution, RunRef, Severity, State, What, Withheld,
};
use crate::ledger::DeliveryStory;
use crate::run::RunKey;
use crate::triage::{Card, Class};

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentView {
    /// Its name.
    pub id: IncidentId,
    /// Where it stands.
    pub state: State,
    /// How much it matters.
    pub severity: Severity,
    /// The tenant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workspace: String,
    /// The rule that wants it told; absent for the defaults and for a service's trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What people call the workflow.
    pub workflow: String,
    /// The first failed step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The class.
    pub class: Class,
    /// The service that is in trouble, where the incident stands for several workflows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The `[[expect]]` that was not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectation: Option<String>,
    /// What its failures have in common.
    pub group: BTreeMap<String, String>,
    /// When its first failure was decided upon.
    pub since: Timestamp,
    /// When anything last failed.
    pub last_at: Timestamp,
    /// The run that failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunRef>,
    /// How many failed attempts.
    pub failures: u32,
    /// Of how many runs.
    pub runs: u32,
    /// How many of these were not run again.
    pub not_again: u32,
    /// Of how many workflows.
    pub workflows: u32,
    /// How often it was opened again.
    pub reopened: u32,
    /// Who was told, or is to be.
    pub receivers: Vec<Receiver>,
    /// Who acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// Nobody did for too long.
    pub escalated: bool,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// What comes next, if nothing changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerNote>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// How much must have failed before it speaks, while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

/// What one receiver has heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receiver {
    /// Which.
    pub name: String,
    /// It knows that the problem is there.
    pub knows: bool,
    /// How many failures it was told.
    pub failures: u32,
    /// When it was last told anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// Why it is not told what there is to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// What.
    pub what: Coming,
    /// When.
    pub at: Timestamp,
}

/// A problem with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentStory {
    /// How it stands.
    #[serde(flatten)]
    pub incident: IncidentView,
    /// What was new about it when it was opened.
    pub novelty: Novelty,
    /// The failure that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening: Option<Card>,
    /// The incidents that it stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<IncidentView>,
    /// The failed runs that were not run again, oldest first, the newest ones only.
    pub failed_runs: Vec<RunRef>,
    /// The runs that belong to it, the newest first, at most 200; absent in the story of a run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_keys: Vec<RunKey>,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_count: Option<u64>,
    /// What was decided and why, oldest first.
    pub lines: Vec<Line>,
    /// What was said about it, oldest first.
    pub notifications: Vec<Notification>,
    /// Whom that went to, and what came of it, oldest first.
    pub deliveries: Vec<DeliveryStory>,
}

impl IncidentView {
    /// The incident as it stands now under these rules.
    #[must_use]
    pub fn of(now: Timestamp, incident: &Incident, policy: &Policy) -> Self {
        let card = incident.opening.card();
        let error = card.as_ref().and_then(|card| card.cause.error());
        let workflow = card.as_ref().map(|card| card.run.workflow.title().to_owned());
        let (class, provider, expectation) = match &incident.what {
            What::Failure { class, .. } => (*class, None, None),
            What::Provider { provider, class, .. } => (*class, Some(provider.clone()), None),
            What::Missed { expectation, .. } => {
                (card.as_ref().map_or(Class::Unknown, |card| card.class), None, Some(expectation.clone()))
            }
        };
        let receivers = incident.ears.iter().map(|(name, ear)| Receiver {
            name: name.clone(),
            knows: ear.knows,
            failures: ear.failures,
            last_at: ear.last_at,
            withheld: ear.withheld.clone(),
        });
        Self {
            id: incident.id.clone(),
            state: incident.state,
            severity: incident.severity,
            workspace: incident.workspace.clone(),
            rule: incident.rule.clone(),
            workflow: workflow.unwrap_or_default(),
            step: card.as_ref().and_then(|card| card.cause.step_title()).map(str::to_owned),
            code: error.map(|error| error.code.clone()),
            class,
            provider,
            expectation,
            group: incident.group.iter().cloned().collect(),
            since: incident.opened_at,
            last_at: incident.last_at,
            last_run: incident.last_run.clone(),
            failures: incident.failures,
            runs: incident.runs,
            not_again: incident.runs.saturating_sub(incident.again),
            workflows: incident.workflows(),
            reopened: incident.reopened,
            receivers: receivers.collect(),
            acknowledged: incident.acknowledged.clone(),
            escalated: incident.escalated,
            resolution: incident.resolution.clone(),
            next: Board::default().coming(now, incident, policy).map(|(at, what)| Next { what, at }),
            owner: incident.owner.clone(),
            runbook: incident.runbook.clone(),
            condition: incident.condition.filter(|_| incident.state == State::Gathering),
        }
    }
}

impl IncidentStory {
    /// The incident with its lines; `members`: those that it stands for.
    #[must_use]
    pub fn of(now: Timestamp, incident: &Incident, members: &[&Incident], policy: &Policy) -> Self {
        Self {
            incident: IncidentView::of(now, incident, policy),
            novelty: incident.novelty.clone(),
            opening: incident.opening.card(),
            members: members.iter().map(|member| IncidentView::of(now, member, policy)).collect(),
            failed_runs: incident.refs.clone(),
            run_keys: Vec::new(),
            run_count: None,
            lines: incident.lines.clone(),
            notifications: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// With the runs that belong to it.
    #[must_use]
    pub fn with_members(self, run_keys: Vec<RunKey>, run_count: u64) -> Self {
        Self { run_keys, run_count: Some(run_count), ..self }
    }

    /// With what was said about it.
    #[must_use]
    pub fn with_said(self, notifications: Vec<Notification>, deliveries: Vec<DeliveryStory>) -> Self {
        Self { notifications, deliveries, ..self }
    }
}

/// The numbers of the incidents that this one stands for.
#[must_use]
pub fn member_numbers(incident: &Incident) -> &[Number] {
    match &incident.what {
        What::Provider { members, .. } => members,
        What::Failure { .. } | What::Missed { .. } => &[],
    }
}
