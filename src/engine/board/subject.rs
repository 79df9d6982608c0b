//! What something is expected of, as keys; and what an expectation names so that it must exist.

use std::collections::BTreeSet;

use super::joined;
use crate::engine::incident::Concern;
use crate::engine::{Expectation, Expected, Policy};
use crate::run::RunKey;

/// One thing that something is expected of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) workspace: String,
    pub(super) concern: Concern,
}

/// A workflow that an expectation names without a pattern: it must exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// Empty where the expectation does not say.
    pub(super) workspace: String,
    pub(super) workflow: String,
}

impl Subject {
    pub(super) fn workflow(workspace: &str, workflow: &str) -> Self {
        Self { workspace: workspace.to_owned(), concern: Concern::Workflow { workflow: workflow.to_owned() } }
    }

    pub(super) fn unseen(named: &Named) -> Self {
        Self { workspace: named.workspace.clone(), concern: Concern::Unseen { workflow: named.workflow.clone() } }
    }

    pub(super) fn run(key: &RunKey) -> Self {
        let concern = Concern::Run { workflow: key.workflow.clone(), run: key.run.clone() };
        Self { workspace: key.workspace.clone(), concern }
    }

    /// The run that it is.
    pub(super) fn run_key(&self) -> Option<RunKey> {
        match &self.concern {
            Concern::Run { workflow, run } => {
                Some(RunKey { workspace: self.workspace.clone(), workflow: workflow.clone(), run: run.clone() })
            }
            _ => None,
        }
    }

    /// The key of its incident.
    pub(super) fn key(&self, expectation: &str) -> String {
        let [kind, first, second] = self.concern.parts();
        joined(&["expect", expectation, &self.workspace, kind, first, second])
    }
}

impl Named {
    /// The key of its time in [`Watch::since`].
    pub(super) fn key(&self, expectation: &str) -> String {
        joined(&[expectation, &self.workspace, &self.workflow])
    }
}

/// The workflows that an expectation of success names without a pattern, for each workspace that it names so.
pub(super) fn named(expectation: &Expectation, policy: &Policy) -> Vec<Named> {
    use crate::engine::Pattern;
    let exact = |pattern: &Pattern| match pattern {
        Pattern::Exact(text) => Some(text.clone()),
        Pattern::Glob(_) | Pattern::Regex(_) => None,
    };
    if !matches!(expectation.expected, Expected::Success { .. }) {
        return Vec::new();
    }
    let mut workspaces: Vec<String> = expectation.when.workspace.iter().filter_map(exact).collect();
    if expectation.when.workspace.is_empty() {
        // Where all its sources speak for one workspace, it is that one; else whoever may see everything is told.
        let mut own: BTreeSet<String> =
            sources(expectation, policy).map(|(_, source)| source.workspace.clone().unwrap_or_default()).collect();
        workspaces.extend(if own.len() == 1 { own.pop_first() } else { None });
        if workspaces.is_empty() {
            workspaces.push(String::new());
        }
    }
    let workflows = expectation.when.workflow.iter().filter_map(exact);
    workflows
        .flat_map(|workflow| {
            workspaces.iter().map(move |workspace| Named { workspace: workspace.clone(), workflow: workflow.clone() })
        })
        .collect()
}

/// The sources that an expectation is about.
pub(super) fn sources<'a>(
    expectation: &'a Expectation,
    policy: &'a Policy,
) -> impl Iterator<Item = (&'a String, &'a crate::engine::Tenancy)> {
    let patterns = &expectation.when.source;
    policy
        .sources
        .iter()
        .filter(|(name, _)| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name)))
}
