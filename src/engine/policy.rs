//! Everything of the configuration that the engine decides by. Swapped whole on reload.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{RuleSet, Schedule};

/// What the engine decides by.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules, in order.
    pub rules: RuleSet,
    /// Whom to tell of a failure that no rule matches. May be empty.
    pub default_notify: Vec<String>,
    /// How long a retry may keep a failure quiet where the rule does not say.
    pub default_hold: SignedDuration,
    /// Every receiver by name, with what the engine needs to know of it.
    pub receivers: BTreeMap<String, Audience>,
    /// Every source by name, with the tenants that it may speak for.
    pub sources: BTreeMap<String, Tenancy>,
}

/// What the engine knows of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The workspaces whose failures it may be told; none means all.
    pub workspaces: Option<BTreeSet<String>>,
    /// Where a delivery goes that this receiver refused for good, or that was given up.
    pub fallback: Option<String>,
    /// How long its deliveries are tried.
    pub schedule: Schedule,
    /// Its addresses where it has several (the recipients of a mail): each is told in a delivery of its own, so that one that is
    /// refused or put off is retried, given up and proven for itself. Empty for a receiver that is one address.
    pub addresses: Vec<String>,
}

/// What the engine knows of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenancy {
    /// The workspace of a run that names none.
    pub workspace: Option<String>,
    /// The workspaces that its runs may name; none means all.
    pub workspaces: Option<BTreeSet<String>>,
}

impl Audience {
    /// Whether this receiver may be told of a failure in `workspace`.
    #[must_use]
    pub fn may_see(&self, workspace: &str) -> bool {
        self.workspaces.as_ref().is_none_or(|workspaces| workspaces.contains(workspace))
    }
}

impl Tenancy {
    /// Whether the source may speak for `workspace`.
    #[must_use]
    pub fn may_speak_for(&self, workspace: &str) -> bool {
        self.workspaces.as_ref().is_none_or(|workspaces| workspaces.contains(workspace))
    }
}
