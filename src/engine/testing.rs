//! What the engine's unit tests are made of: small cards, rules and policies.

use std::collections::BTreeMap;

use super::rule::{Matcher, Rule};
use super::{Audience, Policy, ProviderGate, RuleSet};
use crate::run::{StepError, Workflow};
use crate::triage::{Card, Cause, Class, ClassReason, Consequences, Fingerprint, RunFacts};

pub(crate) fn card(workflow: &str, step: &str, code: &str) -> Card {
    Card {
        source: "events".to_owned(),
        run: RunFacts {
            id: "run-1".to_owned(),
            attempt: None,
            max_attempts: None,
            replay_of: None,
            workspace: "acme".to_owned(),
            workflow: Workflow { id: None, name: Some(workflow.to_owned()), version: None },
            trigger: None,
            url: None,
            started_at: None,
            completed_at: None,
            labels: BTreeMap::new(),
        },
        cause: Cause::Step {
            number: Some(1),
            title: step.to_owned(),
            kind: None,
            attempt: None,
            max_attempts: None,
            failed_at: None,
            url: None,
            error: Some(StepError { code: code.to_owned(), ..StepError::default() }),
            run_error: None,
        },
        class: Class::Unknown,
        decided_by: ClassReason::Nothing,
        advice: "Open the run.".to_owned(),
        fingerprint: Fingerprint("v1:0".to_owned()),
        progress: None,
        consequences: Consequences::default(),
        retrying: None,
        provider: None,
        missed: None,
        redacted: 0,
    }
}

pub(crate) fn rule(name: &str, when: Matcher) -> Rule {
    Rule { notify: vec!["oncall".to_owned()], ..Rule::new(name, when) }
}

pub(crate) fn audience() -> Audience {
    Audience::default()
}

pub(crate) fn policy(rules: Vec<Rule>) -> Policy {
    Policy {
        rules: RuleSet::new(rules),
        receivers: BTreeMap::from([("oncall".to_owned(), audience()), ("data".to_owned(), audience())]),
        providers: ProviderGate { workflows: None, ..ProviderGate::default() },
        ..Policy::default()
    }
}
