//! Which workflows are expected at all: named and never seen, forgotten, or nobody's.

use super::*;

#[test]
fn a_workflow_that_is_named_and_never_ran_counts_from_when_the_rule_was_first_in_force() {
    let mut story = story(Vec::new());
    story.until(10 * HOUR);
    story.policy.expectations = vec![daily("nightly")];
    story.adopt().until(20 * HOUR).restart().until(35 * HOUR - 1);
    assert!(story.said().is_empty());
    story.until(36 * HOUR).read(36 * HOUR);
    assert_eq!(story.missed(), [Missed::Start { since: at(10 * HOUR), every: minutes(25 * HOUR) }]);
    assert_eq!(story.cards()[0].run.workflow.title(), "nightly");
    story.told.clear();
    story.restart();
    let mut first = seen("r1", RunStatus::Running);
    first.key.workflow = "wf_1".to_owned();
    first.workflow_name = Some("nightly".to_owned());
    story.see(first);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
    story.until(36 * HOUR + 26 * HOUR);
    assert_eq!(story.missed().len(), 1, "from now on it has to succeed");
}

#[test]
fn a_workflow_that_is_only_matched_by_a_pattern_need_not_exist() {
    let mut story = story(vec![daily("night*")]);
    story.until(9 * DAY).read(9 * DAY);
    assert!(story.said().is_empty());
}

#[test]
fn a_workflow_that_runs_before_its_time_is_not_missed() {
    let mut story = story(vec![daily("billing")]);
    assert!(story.board.expected_since("daily\0\0billing").is_some());
    assert_eq!(story.board.take_changed().expected_since.len(), 1);
    story.until(HOUR).run("r1", RunStatus::Running);
    assert_eq!(story.board.expected_since("daily\0\0billing"), None);
    assert_eq!(story.board.take_changed().expected_since.len(), 1, "the ledger lets go of it");
    story.until(25 * HOUR + 30);
    assert!(story.said().is_empty(), "it counts from the first sight now");
}

#[test]
fn an_expectation_that_leaves_the_configuration_takes_what_it_missed_with_it() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(26 * HOUR);
    story.told.clear();
    story.policy.expectations.clear();
    story.adopt();
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Moot)));
}

#[test]
fn a_workflow_that_is_forgotten_is_expected_no_longer() {
    let mut story = story(vec![daily("bill*")]);
    story.run("r1", RunStatus::Completed).until(26 * HOUR);
    story.told.clear();
    story.board.forget(at(25 * HOUR));
    story.until(26 * HOUR + 1);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Moot)));
}

#[test]
fn a_workflow_whose_source_left_the_configuration_is_nobodys_business() {
    let mut story = story(vec![daily("bill*")]);
    story.run("r1", RunStatus::Completed);
    story.policy.sources.remove("events");
    story.adopt().until(3 * DAY);
    assert!(story.said().is_empty());
}
