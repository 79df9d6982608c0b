//! What a rule matches on: the fields of a failure, all of which must fit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Pattern, StatusPattern, wire};
use crate::triage::{Card, Class};

/// The `match` or `unless` of a rule. A field that is empty says nothing; a field with several patterns fits when one does.
///
/// Stored and sent as the configuration writes it: `{"workflow": "nightly-*", "class": ["transient", "engine"]}`. A key that is not
/// known is refused: what is left out widens a matcher.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// The source's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "wire::one_or_many")]
    pub source: Vec<Pattern>,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "wire::one_or_many")]
    pub workspace: Vec<Pattern>,
    /// The workflow's name or id.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "wire::one_or_many")]
    pub workflow: Vec<Pattern>,
    /// The title of the failed step.
    #[serde(
        default,
        alias = "step_title",
        alias = "stepTitle",
        skip_serializing_if = "Vec::is_empty",
        with = "wire::one_or_many"
    )]
    pub step: Vec<Pattern>,
    /// The kind of the failed step.
    #[serde(
        default,
        alias = "step_kind",
        alias = "stepKind",
        skip_serializing_if = "Vec::is_empty",
        with = "wire::one_or_many"
    )]
    pub kind: Vec<Pattern>,
    /// The error's code.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "wire::one_or_many")]
    pub code: Vec<Pattern>,
    /// The class.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "wire::one_or_many")]
    pub class: Vec<Class>,
    /// The provider's HTTP status.
    #[serde(
        default,
        alias = "provider_status",
        alias = "providerStatus",
        skip_serializing_if = "Vec::is_empty",
        with = "wire::one_or_many"
    )]
    pub status: Vec<StatusPattern>,
    /// What the engine says about a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// What started the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "wire::one_or_many")]
    pub trigger: Vec<Pattern>,
    /// Labels by name; each must be there and fit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "wire::labels")]
    pub labels: BTreeMap<String, Vec<Pattern>>,
}

/// The fields of a failure that rules match on, borrowed from its card.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    card: &'a Card,
}

impl<'a> Facts<'a> {
    /// The facts of a card.
    #[must_use]
    pub fn of(card: &'a Card) -> Self {
        Self { card }
    }

    pub(super) fn card(self) -> &'a Card {
        self.card
    }
}

impl Matcher {
    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
            && self.workspace.is_empty()
            && self.workflow.is_empty()
            && self.step.is_empty()
            && self.kind.is_empty()
            && self.code.is_empty()
            && self.class.is_empty()
            && self.status.is_empty()
            && self.retryable.is_none()
            && self.trigger.is_empty()
            && self.labels.is_empty()
    }

    /// Whether every field that says something fits.
    #[must_use]
    pub fn matches(&self, facts: Facts<'_>) -> bool {
        let card = facts.card;
        let error = card.cause.error();
        let workflow = &card.run.workflow;
        any(&self.source, Some(&card.source))
            && any(&self.workspace, Some(&card.run.workspace))
            && (self.workflow.is_empty()
                || (workflow.name.is_some() && any(&self.workflow, workflow.name.as_deref()))
                || (workflow.id.is_some() && any(&self.workflow, workflow.id.as_deref())))
            && any(&self.step, card.cause.step_title())
            && any(&self.kind, card.cause.step_kind())
            && any(&self.code, error.map(|error| error.code.as_str()))
            && (self.class.is_empty() || self.class.contains(&card.class))
            && (self.status.is_empty()
                || error
                    .and_then(|error| error.provider_status)
                    .is_some_and(|status| self.status.iter().any(|pattern| pattern.matches(status))))
            && self.retryable.is_none_or(|wanted| error.and_then(|error| error.retryable) == Some(wanted))
            && any(&self.trigger, card.run.trigger.as_deref())
            && self.labels.iter().all(|(name, patterns)| any(patterns, card.run.labels.get(name).map(String::as_str)))
    }
}

fn any(patterns: &[Pattern], text: Option<&str>) -> bool {
    patterns.is_empty() || text.is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(text)))
}
