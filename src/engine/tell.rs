//! Whom to tell of a failure, by the rules: one notification for each rule that has somebody to tell.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::rule::Facts;
use super::{Kind, Notification, NotificationId, Policy, Reason, Rule, Severity, Subject, Summary, Told};
use crate::run::RunKey;
use crate::triage::Card;

/// What the rules say about a card.
pub(super) struct Audit {
    /// What is to be said, and to whom. Empty where nobody is told.
    pub(super) told: Vec<Told>,
    /// Why, for the ledger.
    pub(super) reason: Reason,
}

/// What is to be told.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) key: &'a RunKey,
    pub(super) card: &'a Card,
    pub(super) kind: Kind,
    /// firstred's own count of the failed attempt that it is about.
    pub(super) failure: u32,
    /// When the hold began that has ended; absent for a failure.
    pub(super) hold: Option<Timestamp>,
}

/// Applies the rules to a failed attempt of a run.
pub(super) fn tell(now: Timestamp, said: Said<'_>, policy: &Policy) -> Audit {
    let Said { card, kind, failure, .. } = said;
    let rules = policy.rules.matching(Facts::of(card));
    let mut seen = BTreeSet::new();
    let mut hidden = Vec::new();
    let mut told = Vec::new();
    let mut add = |rule: Option<&Rule>, notify: &[String]| {
        let mut receivers = Vec::new();
        for name in notify {
            let Some(audience) = policy.receivers.get(name) else {
                continue;
            };
            if !seen.insert(name.clone()) {
                continue;
            }
            if audience.may_see(&said.key.workspace) {
                receivers.push(name.clone());
            } else {
                hidden.push(name.clone());
            }
        }
        if !receivers.is_empty() {
            told.push(Told { notification: notification(now, said, rule), receivers });
        }
    };
    for rule in &rules {
        add(Some(rule), &rule.notify);
    }
    if rules.is_empty() {
        add(None, &policy.default_notify);
    }
    let names: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    let reason = if !told.is_empty() {
        let receivers = told.iter().flat_map(|told| told.receivers.iter().cloned()).collect();
        Reason::Told { kind, failure, rules: names, receivers }
    } else if !hidden.is_empty() {
        Reason::NobodyMaySee { receivers: hidden }
    } else if names.is_empty() {
        Reason::NoRule
    } else {
        Reason::NobodyToTell { rules: names }
    };
    Audit { told, reason }
}

/// Whom the rules in force would tell of a card: for what was said already, and has lost its receiver.
#[must_use]
pub fn whom(card: &Card, policy: &Policy) -> Vec<String> {
    let may_be_told = |names: &[String]| -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut told = names.to_vec();
        told.retain(|name| {
            let audience = policy.receivers.get(name);
            audience.is_some_and(|audience| audience.may_see(&card.run.workspace)) && seen.insert(name.clone())
        });
        told
    };
    let rules = policy.rules.matching(Facts::of(card));
    let named: Vec<String> = rules.iter().flat_map(|rule| rule.notify.iter().cloned()).collect();
    let told = may_be_told(&named);
    if told.is_empty() { may_be_told(&policy.default_notify) } else { told }
}

/// Who takes over a summary that has lost its receiver: those whom failures without a rule go to, of these whoever may see all of it.
#[must_use]
pub fn whom_all(summary: &Summary, policy: &Policy) -> Vec<String> {
    let may_see = |name: &&String| {
        let audience = policy.receivers.get(*name);
        audience.is_some_and(|audience| summary.workspaces.iter().all(|workspace| audience.may_see(workspace)))
    };
    policy.default_notify.iter().filter(may_see).cloned().collect()
}

fn notification(now: Timestamp, said: Said<'_>, rule: Option<&Rule>) -> Notification {
    let hold = said.hold.map_or(String::new(), |since| since.as_microsecond().to_string());
    Notification {
        id: NotificationId::of_run(said.key, said.failure, said.kind, rule.map_or("", |rule| &rule.name), &hold),
        kind: said.kind,
        severity: rule.map_or(Severity::Error, |rule| rule.severity),
        rule: rule.map(|rule| rule.name.clone()),
        runbook: rule.and_then(|rule| rule.runbook.clone()),
        decided_at: now,
        incident: None,
        owner: None,
        subject: Subject::Run(Box::new(said.card.clone())),
    }
}
