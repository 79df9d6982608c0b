//! A storm: the budget's messages, then counts.

use super::*;
use crate::engine::{Budget, Withheld};
use jiff::SignedDuration;

fn limited(messages: u32, minutes: i64) -> Bed {
    let mut policy = policy(vec![rule("all", Matcher::default())]);
    if let Some(oncall) = policy.receivers.get_mut("oncall") {
        oncall.budget = Some(Budget { messages, within: SignedDuration::from_mins(minutes) });
    }
    Bed::under(policy)
}

#[test]
fn a_storm_is_the_budgets_messages_and_one_summary_with_exact_counts() {
    let mut bed = limited(5, 5);
    for run in 0..1_000 {
        bed.fail(&format!("wf{}", run % 20), &format!("r{run}"), "load", "OOM");
    }
    assert_eq!(bed.said.len(), 4, "the last place is kept for the summary");
    bed.said();
    bed.until(29);
    assert!(bed.said.is_empty());
    bed.until(30);
    let summary = bed.summary();
    assert!(matches!(summary.cause, Withheld::Budget { messages: 5, .. }));
    assert_eq!((summary.failures, summary.runs, summary.incidents), (16 * 50, 800, 16));
    assert_eq!(summary.workflows.top.iter().map(|(_, count)| count).sum::<u64>() + summary.workflows.more_count, 800);
    assert_eq!(summary.codes.top, [("OOM".to_owned(), 800)]);
    assert_eq!(bed.said(), ["30 summary oncall"]);
}

#[test]
fn the_budget_holds_in_every_stretch_of_its_length_whatever_goes_on() {
    let mut bed = limited(5, 5);
    for run in 0..2_000_i64 {
        bed.until(run * 3);
        if run % 7 == 0 {
            bed.complete(&format!("wf{}", run % 50), &format!("ok{run}"));
        } else {
            bed.fail(&format!("wf{}", run % 50), &format!("r{run}"), "load", "OOM");
        }
    }
    bed.until(3_600 * 60);
    let times: Vec<i64> = bed.said.iter().map(|said| said.at).collect();
    for start in &times {
        let within = times.iter().filter(|at| **at >= *start && **at < start + 300).count();
        assert!(within <= 5, "{within} messages within five minutes of {start}");
    }
    assert_eq!(bed.board.incidents().count(), 0, "everything ended");
}

#[test]
fn another_receiver_without_a_budget_is_told_everything() {
    let mut bed = limited(2, 5);
    bed.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::Rule {
        notify: vec!["oncall".to_owned(), "data".to_owned()],
        ..rule("all", Matcher::default())
    }]);
    for run in 0..10 {
        bed.fail(&format!("wf{run}"), "r", "load", "OOM");
    }
    let told = |bed: &Bed, who: &str| bed.said.iter().filter(|said| said.to == who).count();
    assert_eq!((told(&bed, "data"), told(&bed, "oncall")), (10, 1));
}

#[test]
fn what_a_summary_told_is_told_again_only_when_something_changes() {
    let mut bed = limited(2, 5);
    for run in 0..4 {
        bed.fail(&format!("wf{run}"), "r", "load", "OOM");
    }
    bed.until(30);
    assert_eq!(bed.said(), ["0 failed oncall", "30 summary oncall"]);
    bed.until(600).complete("wf3", "ok");
    assert_eq!(bed.said(), ["600 resolved oncall"]);
}

#[test]
fn a_restart_in_a_storm_loses_no_count() {
    let mut bed = limited(2, 5);
    for run in 0..10 {
        bed.fail(&format!("wf{run}"), "r", "load", "OOM").restart();
    }
    bed.until(30);
    assert_eq!(bed.summary().incidents, 9);
}
