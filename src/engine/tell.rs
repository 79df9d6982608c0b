//! Whom to tell of a failure, by the rules: one notification for each rule that has somebody to tell.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::rule::Facts;
use super::{Kind, Notification, NotificationId, Policy, Reason, Rule, Severity, Subject, Told};
use crate::run::RunKey;
use crate::triage::Card;

/// What the rules say about a card.
pub(super) struct Audit {
    /// What is to be said, and to whom. Empty where nobody is told.
    pub(super) told: Vec<Told>,
    /// Why, for the ledger.
    pub(super) reason: Reason,
}

/// Applies the rules to the `failure`-th failed attempt of a run.
pub(super) fn tell(now: Timestamp, key: &RunKey, card: &Card, kind: Kind, failure: u32, policy: &Policy) -> Audit {
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
            if audience.may_see(&card.run.workspace) {
                receivers.push(name.clone());
            } else {
                hidden.push(name.clone());
            }
        }
        if !receivers.is_empty() {
            told.push(Told { notification: notification(now, key, card, kind, failure, rule), receivers });
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

fn notification(
    now: Timestamp,
    key: &RunKey,
    card: &Card,
    kind: Kind,
    failure: u32,
    rule: Option<&Rule>,
) -> Notification {
    Notification {
        id: NotificationId::of_run(key, failure, kind, rule.map_or("", |rule| &rule.name)),
        kind,
        severity: rule.map_or(Severity::Error, |rule| rule.severity),
        rule: rule.map(|rule| rule.name.clone()),
        runbook: rule.and_then(|rule| rule.runbook.clone()),
        decided_at: now,
        subject: Subject::Run(Box::new(card.clone())),
    }
}
