//! Rules that can never match, because an earlier one takes everything that they would.

use std::collections::BTreeMap;

use crate::config::cx::Cx;
use crate::config::path::Path;
use crate::engine::{Matcher, Pattern, Rule, StatusPattern};

/// How many rules that name no workflow are looked at. This is a warning, not worth a second of every start.
const MAX_OTHERS: usize = 500;

/// Warns of every rule that an earlier one covers.
pub(in crate::config) fn shadowed(cx: &Cx<'_>, rules: &[(Rule, Path)]) {
    let mut winners = Winners::default();
    for (rule, path) in rules {
        if let Some(earlier) = winners.above(rule).find(|earlier| takes_all(earlier, rule)) {
            let all = if earlier.when.is_empty() { "matches everything" } else { "matches all that this one does" };
            cx.warning(
                path,
                format!("the rule {:?} never matches: {:?}, above it, {all}", rule.name, earlier.name),
                Some(format!("move it up, or write `continue = true` in {:?}", earlier.name)),
            );
        } else if !rule.keep_going {
            winners.push(rule);
        }
    }
}

/// The rules so far that end the search when they match. Rules for workflows by name are found by the name, so that ten
/// thousand of them are not compared with each other.
#[derive(Default)]
struct Winners<'a> {
    by_workflow: BTreeMap<&'a str, Vec<&'a Rule>>,
    others: Vec<&'a Rule>,
}

impl<'a> Winners<'a> {
    fn push(&mut self, rule: &'a Rule) {
        let name = |pattern: &'a Pattern| match pattern {
            Pattern::Exact(name) => Some(name.as_str()),
            _ => None,
        };
        match rule.when.workflow.iter().map(name).collect::<Option<Vec<_>>>() {
            Some(names) if !names.is_empty() => {
                for name in names {
                    self.by_workflow.entry(name).or_default().push(rule);
                }
            }
            _ if self.others.len() < MAX_OTHERS => self.others.push(rule),
            _ => {}
        }
    }

    /// Those that can take all of `rule`.
    fn above(&self, rule: &Rule) -> impl Iterator<Item = &'a Rule> {
        // Who names workflows takes all of a rule only if it names the rule's first one.
        let named = match rule.when.workflow.first() {
            Some(Pattern::Exact(name)) => self.by_workflow.get(name.as_str()),
            _ => None,
        };
        self.others.iter().chain(named.into_iter().flatten()).copied()
    }
}

/// Whether whatever `rule` matches, `earlier` matches too. May miss a case, never invents one.
fn takes_all(earlier: &Rule, rule: &Rule) -> bool {
    let excepts_no_more =
        earlier.unless.is_empty() || (!rule.unless.is_empty() && covers(&rule.unless, &earlier.unless));
    excepts_no_more && covers(&earlier.when, &rule.when)
}

/// Whether everything that fits `narrow` fits `wide`.
fn covers(wide: &Matcher, narrow: &Matcher) -> bool {
    texts(&wide.workflow, &narrow.workflow)
        && texts(&wide.source, &narrow.source)
        && texts(&wide.workspace, &narrow.workspace)
        && texts(&wide.step, &narrow.step)
        && texts(&wide.kind, &narrow.kind)
        && texts(&wide.code, &narrow.code)
        && texts(&wide.trigger, &narrow.trigger)
        && field(&wide.class, &narrow.class, |wide, narrow| wide == narrow)
        && field(&wide.status, &narrow.status, |wide, narrow| match (wide, narrow) {
            (StatusPattern::Hundred(hundred), StatusPattern::Exact(status)) => status / 100 == *hundred,
            _ => wide == narrow,
        })
        && wide.retryable.is_none_or(|wanted| narrow.retryable == Some(wanted))
        && wide.labels.iter().all(|(name, patterns)| {
            // A label that must be there is a condition even when any value fits.
            narrow.labels.get(name).is_some_and(|narrow| texts(patterns, narrow))
        })
}

fn texts(wide: &[Pattern], narrow: &[Pattern]) -> bool {
    field(wide, narrow, |wide, narrow| match (wide, narrow) {
        (_, Pattern::Exact(text)) => wide.matches(text),
        (Pattern::Exact(_), _) => false,
        _ => wide.to_string() == narrow.to_string(),
    })
}

fn field<T>(wide: &[T], narrow: &[T], fits: impl Fn(&T, &T) -> bool) -> bool {
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|narrow| wide.iter().any(|wide| fits(wide, narrow))))
}
