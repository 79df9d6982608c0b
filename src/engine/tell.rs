//! Whom to tell of a failure, by the rules: for each rule that has somebody to tell, a word to the board.

use std::collections::BTreeSet;

use super::board::owned_by;
use super::rule::Facts;
use super::{Kind, OWNER, Policy, Raised, Reason, Rule, Summary};
use crate::run::RunKey;
use crate::triage::Card;

/// Applies the rules to a failed attempt of a run: who is to hear of it, or why nobody is. `failure` is firstred's own count of it.
///
/// # Errors
/// With the reason, where nobody is.
pub fn raise(key: &RunKey, card: &Card, kind: Kind, failure: u32, policy: &Policy) -> Result<Vec<Raised>, Reason> {
    let rules = policy.rules.matching(Facts::of(card));
    let mut seen = BTreeSet::new();
    let mut hidden = Vec::new();
    let mut raised = Vec::new();
    let mut add = |rule: Option<&Rule>, notify: &[String]| {
        let mut receivers = Vec::new();
        for name in named(notify, card, policy) {
            let Some(audience) = policy.receivers.get(&name) else {
                continue;
            };
            if !seen.insert(name.clone()) {
                continue;
            }
            if audience.may_see(&key.workspace) {
                receivers.push(name);
            } else {
                hidden.push(name);
            }
        }
        if !receivers.is_empty() {
            raised.push(Raised { kind, failure, rule: rule.map(|rule| rule.name.clone()), receivers });
        }
    };
    for rule in &rules {
        add(Some(rule), &rule.notify);
    }
    if rules.is_empty() {
        add(None, &policy.default_notify);
    }
    if !raised.is_empty() {
        return Ok(raised);
    }
    let names: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    Err(if !hidden.is_empty() {
        Reason::NobodyMaySee { receivers: hidden }
    } else if names.is_empty() {
        Reason::NoRule
    } else {
        Reason::NobodyToTell { rules: names }
    })
}

/// The receivers that `notify` names. `@owner` stands for those of whoever owns it; nobody's goes to the defaults.
fn named(notify: &[String], card: &Card, policy: &Policy) -> Vec<String> {
    let mut names = Vec::with_capacity(notify.len());
    for name in notify {
        if name != OWNER {
            names.push(name.clone());
            continue;
        }
        let owner = owned_by(card, policy).filter(|owner| !owner.notify.is_empty());
        names.extend(owner.map_or(&policy.default_notify, |owner| &owner.notify).iter().cloned());
    }
    names
}

/// Of the receivers that `notify` names, those that may see the card's workspace; else those that may not.
pub(super) fn listeners(notify: &[String], card: &Card, policy: &Policy) -> Result<Vec<String>, Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut names = named(notify, card, policy);
    names.retain(|name| policy.receivers.contains_key(name) && seen.insert(name.clone()));
    let (may, may_not): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| {
        let audience = policy.receivers.get(name);
        audience.is_some_and(|audience| audience.may_see(&card.run.workspace))
    });
    if may.is_empty() { Err(may_not) } else { Ok(may) }
}

/// Whom the rules in force would tell of a card: for what was said already, and has lost its receiver.
#[must_use]
pub fn whom(card: &Card, policy: &Policy) -> Vec<String> {
    let may_be_told = |names: &[String]| -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut told = named(names, card, policy);
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
