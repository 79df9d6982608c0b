//! What makes failures one problem, and whose it is: read out of a card by the rules in force. It knows no incident.

use super::joined;
use crate::engine::rule::{Facts, Field};
use crate::engine::{Owner, OwnerNote, Policy};
use crate::run::RunKey;
use crate::triage::{Card, Cause, without_index};

/// The values that a problem's failures have in common.
pub(super) fn group(card: &Card, key: &RunKey, fields: &[Field]) -> Vec<(String, String)> {
    let facts = Facts::of(card);
    let value = |field: &Field| match field {
        // A run is known by the key that it was first seen by, whatever its source calls the workflow now.
        Field::Workflow => Some(key.workflow.clone()),
        Field::Run => Some(joined(&[&key.workflow, &key.run])),
        field => field.of(facts).map(std::borrow::Cow::into_owned),
    };
    fields.iter().map(|field| (field.name().into_owned(), value(field).unwrap_or_default())).collect()
}

/// What makes a problem this one and no other.
pub(super) fn key(workspace: &str, rule: Option<&str>, group: &[(String, String)]) -> String {
    let mut parts = vec![if rule.is_some() { "rule" } else { "defaults" }, workspace, rule.unwrap_or_default()];
    for (name, value) in group {
        parts.extend([name.as_str(), value.as_str()]);
    }
    joined(&parts)
}

/// Whose it is: the first owner that matches, else whoever the engine names.
pub(super) fn owner(card: &Card, policy: &Policy) -> Option<OwnerNote> {
    let says = card.run.labels.get("owner");
    match owned_by(card, policy) {
        Some(owner) => Some(OwnerNote { name: owner.name.clone(), mention: owner.mention.clone() }),
        None => says.map(|name| OwnerNote { name: name.clone(), mention: None }),
    }
}

/// The first `[[owners]]` that matches, else the one that the engine's own `owner` label names.
pub(in crate::engine) fn owned_by<'a>(card: &Card, policy: &'a Policy) -> Option<&'a Owner> {
    let matching = policy.owners.iter().find(|owner| owner.when.matches(Facts::of(card)));
    matching.or_else(|| {
        let says = card.run.labels.get("owner")?;
        policy.owners.iter().find(|owner| owner.name == *says)
    })
}

/// Where its owner says to read on.
pub(super) fn runbook(card: &Card, policy: &Policy) -> Option<String> {
    owned_by(card, policy)?.runbook.clone()
}

/// The step where it failed; none where no step did.
pub(super) fn place_of(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Step { title, .. } => Some(without_index(title)),
        Cause::Run { .. } | Cause::Nothing => None,
    }
}
