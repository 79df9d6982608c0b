//! Failures that belong together.

use super::*;
use crate::engine::rule::{After, Condition, Field, RhythmOverride};
use crate::engine::{Reason, Rule, Withheld};
use crate::triage::Class;
use jiff::SignedDuration;

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[test]
fn the_first_failure_is_told_at_once_and_the_next_ones_in_one_update_with_exact_counts() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60).bill("r2").until(120).bill("r3");
    assert_eq!(bed.said(), ["0 failed oncall"]);
    bed.until(899);
    assert!(bed.said().is_empty());
    bed.until(900);
    let note = bed.note();
    assert_eq!((note.failures, note.runs, note.more), (3, 3, 2));
    assert_eq!(bed.said(), ["900 updated oncall"]);
}

#[test]
fn another_step_code_or_workflow_is_another_problem() {
    let mut bed = Bed::new();
    bed.fail("a", "1", "s", "X").fail("a", "2", "t", "X").fail("a", "3", "s", "Y").fail("b", "4", "s", "X");
    assert_eq!(bed.said().len(), 4);
    bed.fail("a", "5", "s", "X").fail("b", "6", "s", "X");
    assert!(bed.said().is_empty());
}

#[test]
fn what_groups_is_the_rules_to_say() {
    let mut by_code = rule("all", Matcher::default());
    by_code.group_by = Some(vec![Field::Code]);
    let mut bed = Bed::under(policy(vec![by_code]));
    bed.fail("a", "1", "s", "X").fail("b", "2", "t", "X");
    assert_eq!(bed.said(), ["0 failed oncall"]);
    bed.until(900);
    assert_eq!(bed.note().workflows, 2);
}

#[test]
fn two_workspaces_never_share_a_problem() {
    let mut bed = Bed::new();
    let mut other = card("billing", "charge", "TIMEOUT");
    other.run.workspace = "globex".to_owned();
    bed.bill("r1").fail_with("r2", other);
    assert_eq!(bed.said().len(), 2);
}

#[test]
fn a_run_that_fails_again_under_its_id_is_one_run_and_two_failures() {
    let mut bed = Bed::new();
    bed.bill("r1").until(10).see(observation("billing", "r1", RunStatus::Running)).until(20).bill("r1").until(900);
    let note = bed.note();
    assert_eq!((note.failures, note.runs), (2, 1));
}

#[test]
fn what_was_told_while_it_was_retrying_is_told_at_once_when_it_fails_with_another_code() {
    let mut bed = Bed::new();
    let mut held = card("billing", "charge", "UNKNOWN_ERROR");
    held.retrying = Some(crate::triage::Retrying {
        level: crate::triage::RetryLevel::Step,
        step: Some("charge".to_owned()),
        attempt: Some(1),
        of: Some(10),
        next_at: None,
    });
    let mut retrying = observation("billing", "r1", RunStatus::Running);
    retrying.standing = Standing::Retrying;
    bed.see(Observation { card: Some(Box::new(held)), ..retrying });
    bed.until(3600);
    let key = RunKey { workspace: "acme".into(), workflow: "billing".into(), run: "r1".into() };
    let known = bed.runs.remove("billing r1").expect("a run");
    let changes = bed.board.hold_ended(at(3600), &key, known, None, &bed.policy);
    bed.runs.insert("billing r1".to_owned(), changes.known);
    bed.hear(changes.told);
    bed.until(3700).bill("r1");
    assert_eq!(bed.board.incidents().count(), 1);
    assert_eq!(bed.said(), ["3600 still-retrying oncall", "3700 failed oncall"]);
}

fn with_after(after: After) -> Bed {
    Bed::under(policy(vec![Rule { after: Some(after), ..rule("all", Matcher::default()) }]))
}

#[test]
fn three_failures_within_an_hour_speak_and_two_do_not() {
    let condition = Condition::Failures { failures: 3, within: minutes(60) };
    let mut bed = with_after(After { all: Some(condition), ..After::default() });
    bed.bill("r1").until(1_800).bill("r2").until(3_700).bill("r3");
    assert!(bed.said().is_empty(), "the first one was over an hour ago");
    let known = &bed.runs["billing r3"];
    assert!(matches!(
        known.lines.last().map(|line| &line.reason),
        Some(Reason::Withheld { why: Withheld::Condition { have: 2, .. }, .. })
    ));
    bed.until(4_000).bill("r4");
    assert_eq!(bed.note().failures, 4, "the counts are of all that joined");
    assert_eq!(bed.said(), ["4000 failed oncall"]);
}

#[test]
fn failures_that_stop_before_the_condition_is_met_are_told_to_nobody_and_are_forgotten_in_time() {
    let condition = Condition::Failures { failures: 3, within: minutes(60) };
    let mut bed = with_after(After { all: Some(condition), ..After::default() });
    bed.bill("r1").until(10).bill("r2").until(3_600 * 48);
    assert!(bed.said().is_empty());
    assert_eq!(bed.board.incidents().count(), 0);
}

#[test]
fn failures_in_a_row_are_broken_by_a_success() {
    let mut bed = with_after(After { all: Some(Condition::Consecutive { consecutive: 3 }), ..After::default() });
    bed.bill("r1").until(10).bill("r2").until(20).complete("billing", "r3").until(30).bill("r4").until(40).bill("r5");
    assert!(bed.said().is_empty());
    bed.until(50).bill("r6");
    assert_eq!(bed.said(), ["50 failed oncall"]);
}

#[test]
fn a_rate_counts_the_last_runs_of_the_workflow() {
    let mut bed = with_after(After { all: Some(Condition::Rate { rate: 0.2, of_last: 10 }), ..After::default() });
    for run in 0..20 {
        bed.until(run).complete("billing", &format!("ok{run}"));
    }
    bed.until(30).bill("r1");
    assert!(bed.said().is_empty());
    bed.until(31).bill("r2");
    assert_eq!(bed.said(), ["31 failed oncall"]);
}

#[test]
fn a_condition_may_be_for_one_class_only() {
    let by_class = BTreeMap::from([(Class::Transient, Condition::Consecutive { consecutive: 2 })]);
    let mut bed = with_after(After { all: None, by_class });
    let mut passing = card("billing", "charge", "TIMEOUT");
    passing.class = Class::Transient;
    bed.fail_with("r1", passing.clone());
    assert!(bed.said().is_empty());
    let mut access = card("billing", "login", "AUTH_MISSING");
    access.class = Class::Authorization;
    bed.until(5).fail_with("r2", access);
    assert_eq!(bed.said(), ["5 failed oncall"]);
}

#[test]
fn what_was_learned_of_the_error_is_told_with_it() {
    let mut bed = Bed::new();
    for run in 0..3 {
        bed.until(run * 10).complete("billing", &format!("ok{run}"));
    }
    bed.until(60).bill("r1");
    let note = bed.note();
    assert!(note.novelty.new_error);
    assert_eq!(note.novelty.last_success.as_ref().map(|success| success.at), Some(at(20)));
    // Over, forgotten, and there again: not new any more.
    bed.until(70).complete("billing", "ok9").until(60 + 3_700).bill("r2");
    assert!(!bed.note().novelty.new_error);
}

#[test]
fn reminders_come_at_growing_intervals_until_somebody_acknowledges() {
    let mut bed = Bed::under(policy(vec![Rule {
        rhythm: RhythmOverride { resolve_after: Some(SignedDuration::from_hours(1_000)), ..RhythmOverride::default() },
        ..rule("all", Matcher::default())
    }]));
    bed.bill("r1").until(3_600 * 60);
    let hours: Vec<i64> = bed.said.iter().skip(1).map(|said| said.at / 3_600).collect();
    assert_eq!(hours, [4, 12, 28, 52]);
    bed.said();
    let id = bed.board.incidents().next().expect("one").1.id.as_str().to_owned();
    bed.board.acknowledge(at(bed.second), &id, "ann").expect("acknowledged");
    bed.until(3_600 * 200);
    assert!(bed.said().is_empty());
}
