//! Runs that repeat others: what counts as run again.

use super::*;
use crate::engine::{Proof, Reason};

fn passed(steps: &[&str]) -> Passed {
    Passed(Some(steps.iter().map(|step| (*step).to_owned()).collect()))
}

fn repeats(run: &str, other: &str, status: RunStatus) -> Observation {
    Observation { replay_of: Some(other.to_owned()), ..observation("billing", run, status) }
}

fn failed(run: &str, other: &str) -> Observation {
    Observation { card: Some(Box::new(card("billing", "charge", "TIMEOUT"))), ..repeats(run, other, RunStatus::Failed) }
}

#[test]
fn a_run_that_was_repeated_well_is_not_among_those_to_be_run_again() {
    let mut bed = Bed::new();
    bed.bill("r1").until(10).bill("r2").until(60);
    bed.see(Observation { passed: passed(&["charge"]), ..repeats("r3", "r1", RunStatus::Completed) });
    let end = bed.note().resolution.expect("an end");
    assert!(matches!(&end.proof, Proof::LaterRun { run, step_seen: true } if run.id == "r3"));
    let names: Vec<&str> = end.not_again.iter().map(|run| run.id.as_str()).collect();
    assert_eq!((names, end.not_again_count), (vec!["r2"], 1));
    let lines = &bed.runs["billing r1"].lines;
    assert_eq!(lines.last().map(|line| line.reason.clone()), Some(Reason::Repeated { by: "r3".to_owned() }));
}

#[test]
fn a_repetition_that_went_around_the_step_is_counted_and_proves_nothing() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60);
    bed.see(Observation { passed: passed(&["load"]), ..repeats("r2", "r1", RunStatus::Completed) });
    assert_eq!(bed.said(), ["0 failed oncall"]);
    let incident = bed.board.incidents().next().expect("an incident").1;
    assert_eq!((incident.again, incident.refs.len()), (1, 0));
}

#[test]
fn a_repetition_that_fails_does_not_count_and_the_one_that_repeats_it_counts_for_both() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60).see(failed("r2", "r1"));
    assert_eq!(bed.board.incidents().next().expect("an incident").1.again, 0);
    bed.until(90).see(repeats("r3", "r2", RunStatus::Completed));
    let end = bed.note().resolution.expect("an end");
    assert_eq!((bed.note().runs, end.not_again_count), (2, 0));
}

#[test]
fn the_same_repetition_counts_once() {
    let mut bed = Bed::new();
    bed.bill("r1").bill("r2").until(60);
    let around = |run: &str| Observation { passed: passed(&[]), ..repeats(run, "r1", RunStatus::Completed) };
    bed.see(around("r3")).see(around("r3")).see(around("r4"));
    assert_eq!(bed.board.incidents().next().expect("an incident").1.again, 1);
}

#[test]
fn a_gathering_problem_whose_runs_were_all_repeated_well_is_given_up() {
    let mut three = rule("three", Matcher::default());
    let condition = crate::engine::Condition::Failures { failures: 3, within: jiff::SignedDuration::from_hours(1) };
    three.after = Some(crate::engine::After { all: Some(condition), ..crate::engine::After::default() });
    let mut bed = Bed::under(policy(vec![three]));
    bed.bill("r1").until(60).see(repeats("r2", "r1", RunStatus::Completed));
    assert_eq!(bed.board.incidents().count(), 0);
}
