//! Rules are changed, and the journal says what that changes.

use super::*;
use crate::engine::replay::Replay;
use crate::engine::replay::tests::{at, completed, failed, key, looks, simple};
use crate::engine::testing::rule;
use crate::engine::{After, Condition, Input, Matcher, Pattern, Policy, RuleSet};

fn replayed(policy: &Policy, journal: &[Input], since: i64, until: i64) -> (Replayed, BTreeSet<Number>) {
    let looks = looks(journal);
    let (mut replay, mut outcome) = (Replay::new(policy, &looks), Replayed::default());
    for input in journal {
        outcome.take(replay.put(input.clone()), at(since));
    }
    outcome.take(replay.end(at(until)), at(since));
    (outcome, replay.waiting())
}

fn compared(before: &Policy, after: &Policy, journal: &[Input], since: i64, until: i64) -> ComparedRules {
    let (before, _) = replayed(before, journal, since, until);
    let (after, waiting) = replayed(after, journal, since, until);
    compare(&before, &after, at(since), |_, incidents| incidents.iter().any(|number| waiting.contains(number)))
}

fn names(changed: &[ChangedFailure]) -> Vec<String> {
    changed.iter().map(|changed| format!("{} {}", changed.workflow, changed.run.run)).collect()
}

/// As the simple rules, for `billing` only.
fn billing_only() -> Policy {
    let workflow = vec![Pattern::Exact("billing".to_owned())];
    let rules = vec![rule("billing", Matcher { workflow, ..Matcher::default() })];
    Policy { rules: RuleSet::new(rules), ..simple() }
}

/// As the simple rules, from the third failure in an hour on.
fn from_the_third() -> Policy {
    let mut three = rule("all", Matcher::default());
    let condition = Condition::Failures { failures: 3, within: SignedDuration::from_hours(1) };
    three.after = Some(After { all: Some(condition), ..After::default() });
    Policy { rules: RuleSet::new(vec![three]), ..simple() }
}

fn week() -> Vec<Input> {
    vec![
        failed("billing", "b1", 0),
        failed("other", "o1", 10),
        failed("billing", "b2", 700),
        failed("billing", "b3", 1_500),
        completed("billing", "b4", 2_000),
    ]
}

#[test]
fn the_same_rules_change_nothing() {
    let comparison = compared(&simple(), &simple(), &week(), 0, 9_000);
    assert_eq!(comparison.failures, 4);
    let ComparedRules { lost, later, sooner, new, pending, messages, .. } = comparison;
    assert!([lost, later, sooner, new, pending].iter().all(Vec::is_empty));
    assert!(messages.iter().all(|messages| messages.before == messages.after && messages.before > 0));
}

#[test]
fn what_nobody_hears_of_any_more_is_named() {
    let comparison = compared(&simple(), &billing_only(), &week(), 0, 9_000);
    assert_eq!(names(&comparison.lost), ["other o1"]);
    let lost = &comparison.lost[0];
    assert_eq!((lost.failed_at, lost.before, lost.after), (at(10), Some(at(10)), None));
    assert_eq!((lost.step.as_deref(), lost.code.as_deref()), (Some("charge"), Some("TIMEOUT")));
    assert_eq!(lost.told.iter().map(String::as_str).collect::<Vec<_>>(), ["oncall"]);
    let counts: Vec<(MessageRule, u64, u64)> =
        comparison.messages.iter().map(|row| (row.rule.clone(), row.before, row.after)).collect();
    assert_eq!(
        counts,
        [(MessageRule::Named("all".to_owned()), 5, 0), (MessageRule::Named("billing".to_owned()), 0, 4)]
    );
    let back = compared(&billing_only(), &simple(), &week(), 0, 9_000);
    assert_eq!((names(&back.new), back.lost.len()), (vec!["other o1".to_owned()], 0));
}

#[test]
fn what_is_heard_of_later_is_named_with_both_times() {
    let comparison = compared(&simple(), &from_the_third(), &week(), 0, 9_000);
    let times: Vec<(String, Option<Timestamp>, Option<Timestamp>)> =
        comparison.later.iter().map(|changed| (changed.run.run.clone(), changed.before, changed.after)).collect();
    let expected = [("b1", 0, 1_500), ("b2", 900, 1_500)];
    let expected = expected.map(|(run, before, after)| (run.to_owned(), Some(at(before)), Some(at(after))));
    assert_eq!(times, expected);
    assert_eq!(names(&comparison.sooner), ["billing b3"], "it is told at once, and not with the next update");
    assert_eq!(names(&comparison.lost), ["other o1"]);
}

#[test]
fn what_still_waits_at_the_end_is_not_lost() {
    let comparison = compared(&simple(), &from_the_third(), &week()[..3], 0, 710);
    assert_eq!(names(&comparison.pending), ["billing b1", "other o1"]);
    assert!(comparison.lost.is_empty());
}

#[test]
fn what_was_before_the_time_that_counts_only_warms_up() {
    let comparison = compared(&simple(), &billing_only(), &week(), 100, 9_000);
    assert_eq!((comparison.failures, comparison.lost.len()), (2, 0));
    let counts: Vec<u64> = comparison.messages.iter().map(|row| row.before + row.after).collect();
    assert_eq!(counts, [3, 3]);
}

#[test]
fn a_failure_is_one_however_often_it_is_seen() {
    let journal = [failed("billing", "b1", 0), failed("billing", "b1", 0)];
    let (outcome, _) = replayed(&simple(), &journal, 0, 10);
    let keys: Vec<(RunKey, u32)> = outcome.alarms.keys().cloned().collect();
    assert_eq!(keys, [(key("billing", "b1"), 1)]);
    assert_eq!(outcome.notifications().count(), 1);
}
