//! What a rule is to a workflow of which no failure is at hand: it catches all of them, none, or it depends.

use super::{Matcher, Pattern, Rule};

/// What is known of a workflow without a failure.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The source.
    pub source: &'a str,
    /// The tenant.
    pub workspace: &'a str,
    /// The workflow's key: its id, or its name where it has no id.
    pub workflow: &'a str,
    /// Its name, where that is not the key.
    pub name: Option<&'a str>,
}

/// Whether something catches the failures of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covers {
    /// None of them.
    No,
    /// That depends on the failure.
    Depends,
    /// All of them.
    Yes,
}

impl Rule {
    /// Whether the rule matches the failures of a workflow.
    #[must_use]
    pub fn covers(&self, seen: Seen<'_>) -> Covers {
        let when = self.when.covers(seen);
        let unless = if self.unless.is_empty() { Covers::No } else { self.unless.covers(seen) };
        match (when, unless) {
            (Covers::No, _) | (_, Covers::Yes) => Covers::No,
            (when, Covers::No) => when,
            (_, Covers::Depends) => Covers::Depends,
        }
    }
}

impl Matcher {
    /// Whether it matches the failures of a workflow.
    #[must_use]
    pub fn covers(&self, seen: Seen<'_>) -> Covers {
        let fits = |patterns: &[Pattern], texts: &[&str]| {
            patterns.is_empty() || texts.iter().any(|text| patterns.iter().any(|pattern| pattern.matches(text)))
        };
        let names = [seen.workflow, seen.name.unwrap_or(seen.workflow)];
        if !fits(&self.source, &[seen.source])
            || !fits(&self.workspace, &[seen.workspace])
            || !fits(&self.workflow, &names)
        {
            return Covers::No;
        }
        // Whatever else it names, only a failure has.
        let known = Self {
            source: self.source.clone(),
            workspace: self.workspace.clone(),
            workflow: self.workflow.clone(),
            ..Self::default()
        };
        if *self == known { Covers::Yes } else { Covers::Depends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::rule;

    const SEEN: Seen<'_> = Seen { source: "prod", workspace: "acme", workflow: "wf_42", name: Some("nightly-load") };

    fn covers(when: &[&str], unless: &[&str]) -> Covers {
        let parse = |pairs: &[&str]| Matcher::parse(pairs).unwrap_or_default();
        Rule { unless: parse(unless), ..rule("r", parse(when)) }.covers(SEEN)
    }

    #[test]
    fn a_rule_covers_by_what_a_workflow_alone_has() {
        assert_eq!(covers(&[], &[]), Covers::Yes);
        assert_eq!(covers(&["workflow=nightly-*"], &[]), Covers::Yes);
        assert_eq!(covers(&["workflow=wf_42", "source=prod", "workspace=acme"], &[]), Covers::Yes);
        assert_eq!(covers(&["workflow=hourly-*"], &[]), Covers::No);
        assert_eq!(covers(&["workspace=globex", "code=TIMEOUT"], &[]), Covers::No);
    }

    #[test]
    fn what_only_a_failure_has_makes_it_depend() {
        assert_eq!(covers(&["code=TIMEOUT"], &[]), Covers::Depends);
        assert_eq!(covers(&["workflow=nightly-*", "labels.env=prod"], &[]), Covers::Depends);
        assert_eq!(covers(&["workflow=nightly-*"], &["class=transient"]), Covers::Depends);
        assert_eq!(covers(&["workflow=nightly-*"], &["workflow=*-load"]), Covers::No);
        assert_eq!(covers(&["workflow=nightly-*"], &["workflow=hourly-*"]), Covers::Yes);
        assert_eq!(covers(&[], &["trigger=manual"]), Covers::Depends);
    }
}
