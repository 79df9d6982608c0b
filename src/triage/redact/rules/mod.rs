//! The rules of redaction: what a secret looks like. A rule compiles when one of its keywords first occurs, so that an
//! idle daemon holds none of them and a start compiles none. This file must not know where texts come from.

mod key_value;
mod structural;
mod vendor;

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder};

/// What a value must hold to pass for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A digit.
    Digit,
    /// A digit or anything that is no letter: prose has neither.
    DigitOrSymbol,
}

/// One kind of secret. Groups whose name starts with `s` hold the secret, else it is the whole match; `k` holds its name.
#[derive(Debug)]
pub(super) struct Rule {
    /// Shown in the marker that replaces the secret.
    pub(super) id: &'static str,
    pattern: &'static str,
    /// Without one of these in the text, the rule can't match.
    pub(super) keywords: &'static [&'static str],
    /// Words such as `null` and `required` are no secrets.
    pub(super) stops: bool,
    pub(super) need: Option<Need>,
    /// A value of few different characters is no secret.
    pub(super) mixed: bool,
    /// The token has letters and digits only, so an escape before it (`%3D`, `\n`) may hide where it begins.
    pub(super) vendor: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Rule {
    const fn new(id: &'static str, pattern: &'static str, keywords: &'static [&'static str]) -> Self {
        let compiled = OnceLock::new();
        Self { id, pattern, keywords, stops: false, need: None, mixed: false, vendor: false, compiled }
    }

    const fn vendor(id: &'static str, pattern: &'static str, keywords: &'static [&'static str]) -> Self {
        let mut rule = Self::new(id, pattern, keywords);
        rule.vendor = true;
        rule
    }

    const fn stops(mut self) -> Self {
        self.stops = true;
        self
    }

    const fn needs(mut self, need: Need) -> Self {
        self.need = Some(need);
        self
    }

    const fn mixed(mut self) -> Self {
        self.mixed = true;
        self
    }

    /// The compiled pattern. A test compiles all of them, so there is always one.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let build = || RegexBuilder::new(self.pattern).dfa_size_limit(1 << 19).build().ok();
        self.compiled.get_or_init(build).as_ref()
    }
}

/// All rules, the more telling first: where two cover the same text, the first one names it.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    structural::RULES.iter().chain(&vendor::RULES).chain(&key_value::RULES)
}

/// Whether it is the id of a rule, or of what [`super::Secrets`] leaves.
pub(super) fn is_id(id: &str) -> bool {
    id == super::secrets::ID || all().any(|rule| rule.id == id)
}

/// A set of rules by their place in [`all`].
pub(super) type RuleSet = u128;

struct Keywords {
    automaton: AhoCorasick,
    rules: Vec<RuleSet>,
}

static KEYWORDS: LazyLock<Option<Keywords>> = LazyLock::new(|| {
    let mut words: Vec<(&str, RuleSet)> = Vec::new();
    for (place, rule) in all().enumerate() {
        for keyword in rule.keywords {
            match words.iter_mut().find(|(word, _)| word == keyword) {
                Some((_, rules)) => *rules |= 1 << place,
                None => words.push((keyword, 1 << place)),
            }
        }
    }
    let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(words.iter().map(|(word, _)| word));
    Some(Keywords { automaton: automaton.ok()?, rules: words.iter().map(|(_, rules)| *rules).collect() })
});

/// The rules that can match in `text`: those of which a keyword occurs.
pub(super) fn possible(text: &str) -> RuleSet {
    let Some(keywords) = KEYWORDS.as_ref() else {
        return RuleSet::MAX;
    };
    let mut rules = 0;
    for found in keywords.automaton.find_overlapping_iter(text) {
        rules |= keywords.rules.get(found.pattern().as_usize()).copied().unwrap_or_default();
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_has_an_id_of_its_own() {
        let mut ids: Vec<_> = all().map(|rule| rule.id).collect();
        assert!(all().all(|rule| rule.regex().is_some()), "{:?}", all().find(|rule| rule.regex().is_none()));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 84);
        assert!(ids.len() <= RuleSet::BITS as usize);
    }
}
