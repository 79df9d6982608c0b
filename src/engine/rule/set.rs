//! The rules in order, indexed so that ten thousand of them cost about what ten do.
//!
//! Most rules name a workflow, a code or a step. What such a pattern begins with is a key: a rule is looked at only when a
//! fact begins with one of its keys. Rules without such a pattern are looked at always.

use std::collections::{BTreeMap, BTreeSet};

use super::{Facts, Pattern, Rule};

/// The rules, in order.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// By fact, what it must begin with.
    keyed: BTreeMap<Fact, Keys>,
    /// Positions of the rules without a key, ascending.
    open: Vec<usize>,
    /// Positions by name.
    names: BTreeMap<String, usize>,
}

/// A fact that rules can be keyed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Workflow,
    Code,
    Step,
    Label(String),
    Kind,
    Workspace,
    Source,
    Trigger,
}

/// The keys of one fact, each with the positions of its rules, ascending.
#[derive(Debug, Clone, Default)]
struct Keys {
    exact: BTreeMap<String, Vec<usize>>,
    prefix: BTreeMap<String, Vec<usize>>,
    /// The lengths of the prefixes, in bytes: each is one look-up.
    lengths: BTreeSet<usize>,
}

impl RuleSet {
    /// Indexes the rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut keyed: BTreeMap<Fact, Keys> = BTreeMap::new();
        let mut open = Vec::new();
        for (position, rule) in rules.iter().enumerate() {
            match best_key(rule) {
                Some((fact, patterns)) => keyed.entry(fact).or_default().add(patterns, position),
                None => open.push(position),
            }
        }
        let names = rules.iter().enumerate().map(|(position, rule)| (rule.name.clone(), position)).collect();
        Self { rules, keyed, open, names }
    }

    /// All rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.names.get(name).and_then(|position| self.rules.get(*position))
    }

    /// The rules that match, in order: the first one, and the next ones while each says `continue`.
    #[must_use]
    pub fn matching(&self, facts: Facts<'_>) -> Vec<&Rule> {
        let mut matching = Vec::new();
        for position in self.candidates(facts) {
            let rule = &self.rules[position];
            if rule.when.matches(facts) && (rule.unless.is_empty() || !rule.unless.matches(facts)) {
                matching.push(rule);
                if !rule.keep_going {
                    break;
                }
            }
        }
        matching
    }

    /// The positions of the rules that could match, ascending.
    fn candidates(&self, facts: Facts<'_>) -> impl Iterator<Item = usize> {
        let mut keyed = BTreeSet::new();
        for (fact, keys) in &self.keyed {
            for text in texts(fact, facts).into_iter().flatten() {
                keys.find(text, &mut keyed);
            }
        }
        let mut keyed = keyed.into_iter().peekable();
        let mut open = self.open.iter().copied().peekable();
        std::iter::from_fn(move || match (keyed.peek(), open.peek()) {
            (Some(a), Some(b)) if a < b => keyed.next(),
            (_, Some(_)) => open.next(),
            (_, None) => keyed.next(),
        })
    }
}

impl Keys {
    fn add(&mut self, patterns: &[Pattern], position: usize) {
        for pattern in patterns {
            let (text, whole) = pattern.literal_prefix();
            let positions = if whole {
                self.exact.entry(text).or_default()
            } else {
                self.lengths.insert(text.len());
                self.prefix.entry(text).or_default()
            };
            if positions.last() != Some(&position) {
                positions.push(position);
            }
        }
    }

    fn find(&self, text: &str, positions: &mut BTreeSet<usize>) {
        positions.extend(self.exact.get(text).into_iter().flatten());
        for &length in &self.lengths {
            let Some(start) = text.get(..length) else {
                continue;
            };
            positions.extend(self.prefix.get(start).into_iter().flatten());
        }
    }
}

/// The fact that tells most about a rule, where all its patterns begin with something.
fn best_key(rule: &Rule) -> Option<(Fact, &[Pattern])> {
    let when = &rule.when;
    let labels = when.labels.iter().map(|(name, patterns)| (Fact::Label(name.clone()), patterns));
    [(Fact::Workflow, &when.workflow), (Fact::Code, &when.code), (Fact::Step, &when.step)]
        .into_iter()
        .chain(labels)
        .chain([
            (Fact::Kind, &when.kind),
            (Fact::Workspace, &when.workspace),
            (Fact::Source, &when.source),
            (Fact::Trigger, &when.trigger),
        ])
        .find(|(_, patterns)| {
            !patterns.is_empty() && patterns.iter().all(|pattern| !pattern.literal_prefix().0.is_empty())
        })
        .map(|(fact, patterns)| (fact, patterns.as_slice()))
}

/// The texts of a fact; a workflow has two.
fn texts<'a>(fact: &Fact, facts: Facts<'a>) -> [Option<&'a str>; 2] {
    let card = facts.card();
    let one = match fact {
        Fact::Workflow => return [card.run.workflow.name.as_deref(), card.run.workflow.id.as_deref()],
        Fact::Code => card.cause.error().map(|error| error.code.as_str()),
        Fact::Step => card.cause.step_title(),
        Fact::Label(name) => card.run.labels.get(name).map(String::as_str),
        Fact::Kind => card.cause.step_kind(),
        Fact::Workspace => Some(card.run.workspace.as_str()),
        Fact::Source => Some(card.source.as_str()),
        Fact::Trigger => card.run.trigger.as_deref(),
    };
    [one, None]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::rule::Matcher;
    use crate::engine::testing::{card, rule};

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect()
    }

    fn names(set: &RuleSet, workflow: &str) -> Vec<String> {
        let card = card(workflow, "charge", "TIMEOUT");
        set.matching(Facts::of(&card)).iter().map(|rule| rule.name.clone()).collect()
    }

    #[test]
    fn the_first_matching_rule_wins_and_continue_goes_on() {
        let mut audit = rule("audit", Matcher::default());
        audit.keep_going = true;
        let payments = rule("payments", Matcher { workflow: patterns(&["payments-*"]), ..Matcher::default() });
        let rest = rule("rest", Matcher::default());
        let set = RuleSet::new(vec![audit, payments, rest]);
        assert_eq!(names(&set, "payments-eu"), ["audit", "payments"]);
        assert_eq!(names(&set, "billing"), ["audit", "rest"]);
    }

    #[test]
    fn unless_takes_a_rule_away() {
        let mut all = rule("all", Matcher::default());
        all.unless = Matcher { workflow: patterns(&["*-test"]), ..Matcher::default() };
        let set = RuleSet::new(vec![all]);
        assert_eq!(names(&set, "billing"), ["all"]);
        assert!(names(&set, "billing-test").is_empty());
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_plain_scan_finds(
            globs in prop::collection::vec("[ab]{0,2}[*?]?[ab]{0,2}", 1..12),
            going_on in prop::collection::vec(any::<bool>(), 12),
            workflow in "[ab]{1,4}",
        ) {
            let rules: Vec<Rule> = globs.iter().zip(going_on).enumerate().map(|(index, (glob, keep_going))| {
                let workflow = if glob.is_empty() { Vec::new() } else { patterns(&[glob]) };
                Rule { keep_going, ..rule(&format!("r{index}"), Matcher { workflow, ..Matcher::default() }) }
            }).collect();
            let card = card(&workflow, "charge", "TIMEOUT");
            let mut plain = Vec::new();
            for rule in &rules {
                if rule.when.matches(Facts::of(&card)) {
                    plain.push(rule.name.clone());
                    if !rule.keep_going { break; }
                }
            }
            prop_assert_eq!(names(&RuleSet::new(rules), &workflow), plain);
        }
    }
}
