//! Rules that can never match, because an earlier one takes everything that they would.

use crate::config::cx::Cx;
use crate::config::path::Path;
use crate::engine::{Matcher, Pattern, Rule, StatusPattern};

/// Warns of every rule that an earlier one covers.
pub(in crate::config) fn shadowed(cx: &Cx<'_>, rules: &[(Rule, Path)]) {
    let mut winners: Vec<&Rule> = Vec::new();
    for (rule, path) in rules {
        if let Some(earlier) = winners.iter().find(|earlier| takes_all(earlier, rule)) {
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
